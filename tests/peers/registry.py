#!/usr/bin/env python3
"""A registry that misbehaves, for tests/cli/agent_pull.sh: registry.py FOLDER

Serves one image of two layers, linux/ARCH, under many names; the first part of a repository's name says how it is
served. Prints the port that it listens on (loopback), writes what it was asked into FOLDER/requests, and the image's
digests into FOLDER/image.json.
"""
import base64, gzip, hashlib, io, json, os, platform, sys, tarfile, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

folder = sys.argv[1]
ARCH = {"x86_64": "amd64", "aarch64": "arm64", "s390x": "s390x", "i686": "386"}[platform.machine()]
OCI = "application/vnd.oci.image."
blobs = {}
seen = {}
lock = threading.Lock()


def put(data):
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    blobs[digest] = data
    return {"digest": digest, "size": len(data)}


def layer(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as t:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


noise = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(40000))  # 1.28 MB that do not shrink
tars = [layer([("a.txt", b"lower\n"), ("noise", noise)]), layer([("b.txt", b"upper\n")])]
packed = [gzip.compress(t, mtime=0) for t in tars]
config = {"os": "linux", "architecture": ARCH, "config": {"Entrypoint": ["/a"], "Env": ["A=b"]},
          "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(t).hexdigest() for t in tars]}}


def manifest(**changes):
    m = {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
         "config": {"mediaType": OCI + "config.v1+json", **put(json.dumps(config).encode())},
         "layers": [{"mediaType": OCI + "layer.v1.tar+gzip", **put(p)} for p in packed]}
    m.update(changes)
    return json.dumps(m).encode()


plain = manifest()
config_digest = json.loads(plain)["config"]["digest"]
entry = {"mediaType": OCI + "manifest.v1+json", **put(plain)}
index = json.dumps({"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": [
    {**entry, "digest": "sha256:" + "0" * 64, "platform": {"os": "linux", "architecture": "other"}},
    {**entry, "platform": {"os": "linux", "architecture": ARCH}}]}).encode()
short = json.loads(plain)
short["layers"][0]["size"] += 10
long = json.loads(plain)
long["layers"][0]["size"] -= 10
foreign = json.loads(plain)
foreign["config"].update(put(json.dumps({**config, "architecture": "other"}).encode()))
fewer = json.loads(plain)
fewer["layers"].pop()
squashed = json.loads(plain)
squashed["layers"][0]["mediaType"] = "application/vnd.in-toto+json"
bomb = json.loads(plain)
bomb["layers"][0]["size"] = 1 << 50
docker = json.loads(plain)
docker["mediaType"] = "application/vnd.docker.distribution.manifest.v2+json"
docker["config"]["mediaType"] = "application/vnd.docker.container.image.v1+json"
for l in docker["layers"]:
    l["mediaType"] = "application/vnd.docker.image.rootfs.diff.tar.gzip"
special = {"index": index, "short": short, "long": long, "foreign": foreign, "fewer": fewer, "squashed": squashed,
           "bomb": bomb, "docker": docker, "old": {"schemaVersion": 1, "fsLayers": []},
           "nested": {"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": [
               {**entry, **put(index), "platform": {"os": "linux", "architecture": ARCH}}]}}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def error(self, status, code, **headers):
        self.answer(status, json.dumps({"errors": [{"code": code, "message": "\x1b[31mhostile"}]}).encode(), **headers)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.note(" " + body)
        good = self.path == "/token" and "refresh_token=refresh.me" in body
        self.answer(200 if good else 401, b'{"access_token": "token-1"}' if good else b"")

    def note(self, more=""):
        with lock, open(folder + "/requests", "a") as f:
            f.write("%s %s %s range=%s auth=%s%s\n" % (self.headers.get("Host"), self.command, self.path,
                    self.headers.get("Range"), self.headers.get("Authorization"), more))

    def do_GET(self):
        self.note()
        if self.path.startswith("http://"):  # a proxy is asked so
            self.path = "/" + self.path.split("/", 3)[3]
        path, _, query = self.path.partition("?")
        parts = path.split("/")
        auth = self.headers.get("Authorization", "")
        if path == "/expiring":
            return self.answer(200, b'{"token": "token-%d"}' % self.count("expiring"))
        if path == "/token":
            if "scope=repository:bearer/app:pull" not in query or auth != "Basic " + base64.b64encode(b"me:secret").decode():
                return self.error(401, "DENIED")
            return self.answer(200, b'{"token": "token-1", "expires_in": 60}')
        if parts[1] == "cdn":
            return self.blob("cdn", "sha256:" + parts[2])
        how, kind, name = parts[2], parts[4], parts[5]
        here = "http://" + self.headers["Host"]
        if how in ("bearer", "refresh") and auth != "Bearer token-1":
            return self.error(401, "UNAUTHORIZED", WWW_Authenticate='Bearer realm="%s/token",service="test"%s' % (
                here, ',scope="repository:bearer/app:pull"' if how == "bearer" else ""))
        if how in ("basic", "redirect") and auth != "Basic " + base64.b64encode(b"me:secret").decode():
            return self.error(401, "UNAUTHORIZED", WWW_Authenticate='Basic realm="test"')
        if how == "expire":  # the manifest takes the first token, the config the second, layers the third
            need = 1 if kind == "manifests" else 2 if name == config_digest else 3
            if auth != "Bearer token-%d" % max(need, seen.get("expiring", 0)) or seen.get("expiring", 0) < need:
                return self.error(401, "UNAUTHORIZED", WWW_Authenticate='Bearer realm="%s/expiring"' % here)
        if how == "thief":
            return self.error(401, "UNAUTHORIZED", WWW_Authenticate='Bearer realm="ftp://127.0.0.1/token"')
        if how == "none":
            return self.error(404, "NAME_UNKNOWN")
        if how == "loop":
            return self.answer(307, Location=path)
        if how == "mute":
            return time.sleep(60)
        if kind == "manifests":
            return self.manifest(how, name)
        if how in ("redirect", "relative"):
            host = here.replace("127.0.0.1", "localhost") if how == "redirect" else ""
            return self.answer(307, Location=host + "/cdn/" + name[7:])
        if how == "insecure":
            return self.answer(307, Location="file:///etc/passwd")
        if how == "busy" and self.count(path) == 1:
            return self.error(503, "UNAVAILABLE", Retry_After="0")
        return self.blob(how, name)

    def count(self, what):
        with lock:
            seen[what] = seen.get(what, 0) + 1
            return seen[what]

    def manifest(self, how, name):
        body = blobs.get(name)
        if body is None:
            if name.endswith(".sig"):
                return self.error(404, "MANIFEST_UNKNOWN")
            body = special.get(how, plain)
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        if how == "other":
            body += b"\n"
        if how == "huge":
            self.send_response(200)
            self.send_header("Content-Type", OCI + "manifest.v1+json")
            self.send_header("Connection", "close")
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b" " * 65536)
            except OSError:
                return
        self.answer(200, body, Content_Type=OCI + "manifest.v1+json" if how not in special else "text/html")

    def blob(self, how, digest):
        data = blobs.get(digest)
        if data is None:
            return self.error(404, "BLOB_UNKNOWN")
        n = self.count(self.path)
        big = len(data) > 100000
        if how == "flip" and big:
            data = data[:5000] + bytes([data[5000] ^ 1]) + data[5001:]
        start = 0
        if self.headers.get("Range") and how != "norange":
            start = int(self.headers["Range"][6:-1])
            self.send_response(206)
            if how == "lies":  # the part that it says it is not
                self.send_header("Content-Range", "bytes 0-%d/%d" % (len(data) - 1, len(data)))
                start = 0
            else:
                self.send_header("Content-Range", "bytes %d-%d/%d" % (start, len(data) - 1, len(data)))
        else:
            self.send_response(200)
        data = data[start:]
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            if big and (how == "cut" or (how in ("norange", "lies") and n == 1)):
                self.wfile.write(data[:400000])
                self.wfile.flush()
                self.close_connection = len(data) > 400000
            elif big and (how == "stall" or (how == "pause" and n == 1)):
                self.wfile.write(data[:300000 if n == 1 else 0])
                self.wfile.flush()
                time.sleep(20)
                self.close_connection = True
            elif big and how == "drip":
                for i in range(0, len(data), 2000):
                    self.wfile.write(data[i:i + 2000])
                    self.wfile.flush()
                    time.sleep(0.2)
            else:
                self.wfile.write(data)
        except OSError:
            self.close_connection = True


json.dump({"manifest": entry["digest"], "index": put(index)["digest"], "layers": [put(p)["digest"] for p in packed],
           "lower": config["rootfs"]["diff_ids"][0][7:], "big": hashlib.sha256(packed[0]).hexdigest()}, open(folder + "/image.json", "w"))
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_port, flush=True)
server.serve_forever()
