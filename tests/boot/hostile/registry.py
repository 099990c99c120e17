#!/usr/bin/python3
"""A registry whose images each do something else to who pulls them; prints its port. Names tell what: /v2/NAME/…"""
import gzip
import hashlib
import http.server
import io
import json
import tarfile
import time
import zlib

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def entry(name, kind=tarfile.REGTYPE, data=b"", link="", **more):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, len(data)
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def tar(*entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as t:
        for info, data in entries:
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def bomb(mib):
    """A gzip of so many MiB of one file of zeros, and the diff_id that it has not."""
    head = tarfile.TarInfo("zeros")
    head.size = mib << 20
    z = zlib.compressobj(9, wbits=31)
    out = z.compress(head.tobuf())
    for _ in range(mib):
        out += z.compress(bytes(1 << 20))
    return out + z.flush()


HELLO = tar(entry("hello", data=b"hello\n"))
LAYERS = {
    "good": HELLO,
    "parent": tar(entry("../../../../../run/bulla/evil", data=b"x")),
    "through-link": tar(entry("d", tarfile.SYMTYPE, link="/run/bulla"), entry("d/evil", data=b"x")),
    "hard-link": tar(entry("h", tarfile.LNKTYPE, link="../../../../../proc/1/environ")),
    "whiteout-parent": tar(entry(".wh...", data=b"")),
    "whiteout-opaque": tar(entry("a/.wh..wh..opq", tarfile.DIRTYPE)),
    "whiteout-device": tar(entry("gone", tarfile.CHRTYPE, devmajor=0, devminor=0)),
    "overlay-xattr": tar(entry("a", tarfile.DIRTYPE, pax_headers={"SCHILY.xattr.trusted.overlay.redirect": "/x"})),
}
blobs, manifests = {}, {}


def add(name, layer, diff_id):
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/hello"]},
                         "rootfs": {"type": "layers", "diff_ids": [diff_id]}}).encode()
    blobs[sha256(config)], blobs[sha256(layer)] = config, layer
    manifests[name] = json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": sha256(config), "size": len(config)},
        "layers": [{"mediaType": LAYER, "digest": sha256(layer), "size": len(layer)}]}).encode()


for n, content in LAYERS.items():
    add(n, gzip.compress(content, mtime=0), sha256(content))
add("bomb", bomb(1024), sha256(b""))
add("other-diff-id", gzip.compress(HELLO, mtime=1), sha256(b"other"))
for n in ["slow", "stall", "changed", "redirect-file", "endless"]:
    own = tar(entry("hello", data=n.encode()))
    add(n, gzip.compress(own, mtime=0), sha256(own))
LAST = {n: json.loads(m)["layers"][0]["digest"] for n, m in manifests.items()}


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def give(self, data, kind="application/octet-stream", status=200, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(data)

    def drip(self, data, pause):
        """All of the header, then a byte at a time."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        for i in range(len(data)):
            time.sleep(pause)
            self.wfile.write(data[i:i + 1])
            self.wfile.flush()

    def endless(self, head):
        self.send_response(200)
        self.send_header("Content-Type", MANIFEST)
        self.end_headers()
        self.close_connection = True
        self.wfile.write(head)
        while True:
            self.wfile.write(b" " * 65536)

    def do_GET(self):
        parts = self.path.split("?")[0].strip("/").split("/")
        if len(parts) < 4:
            return self.give(b"{}", "application/json")
        name, kind, what = parts[-3:]
        if name not in manifests:
            return self.give(b"{}", "application/json", 404)
        if kind == "manifests":
            if name == "endless":
                return self.endless(manifests[name][:-1])
            return self.give(manifests[name], MANIFEST)
        data = blobs.get(what)
        if data is None:
            return self.give(b"{}", "application/json", 404)
        if what == LAST[name]:
            if name == "slow":
                return self.drip(data, 2)
            if name == "stall":
                return self.drip(data, 3600)
            if name == "changed":
                return self.give(data[:-1] + bytes([data[-1] ^ 1]))
            if name == "redirect-file":
                return self.give(b"", status=302, Location="file:///proc/self/environ")
        return self.give(data)

    do_HEAD = do_GET


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # whoever pulls has hung up, as it should


server = Server(("127.0.0.1", 0), Registry)
print(server.server_address[1], flush=True)
server.serve_forever()
