"""A mirror on the loopback that can misbehave: httpd.py ROOT PORTFILE LOG. The first folder of the path says how:
ok, norange (ignores Range), cut (at most 100000 bytes an answer), slow (20 ms each 16 KiB), stall (half, then silence),
busy (503 for the first two GETs of each file), wrong (other bytes, same length). Ends after two minutes."""
import http.server
import os
import re
import sys
import threading
import time
import urllib.parse

root, portfile, log = sys.argv[1:]
busy = {}
lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.answer(False)

    def do_GET(self):
        self.answer(True)

    def fail(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def answer(self, body):
        with lock, open(log, "a") as f:
            f.write("%s %s %s\n" % (self.command, self.path, self.headers.get("Range", "-")))
        _, mode, rest = self.path.split("/", 2)
        try:
            with open(os.path.join(root, urllib.parse.unquote(rest)), "rb") as f:
                data = f.read()
        except OSError:
            return self.fail(404)
        if mode == "busy" and body:
            with lock:
                busy[rest] = busy.get(rest, 0) + 1
                if busy[rest] <= 2:
                    return self.fail(503)
        if mode == "wrong":
            data = bytes(b ^ 1 for b in data)
        start = 0
        m = re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))
        if m and mode != "norange":
            start = int(m.group(1))
            if start >= len(data):
                return self.fail(416)
            self.send_response(206)
            self.send_header("Content-Range", "bytes %d-%d/%d" % (start, len(data) - 1, len(data)))
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if body:
            self.send(mode, data[start:])

    def send(self, mode, data):
        if mode == "cut":
            self.wfile.write(data[:100000])
            self.close_connection = True
        elif mode == "stall":
            self.wfile.write(data[: len(data) // 2])
            time.sleep(8)
            self.close_connection = True
        elif mode == "slow":
            for i in range(0, len(data), 16384):
                self.wfile.write(data[i : i + 16384])
                time.sleep(0.02)
        else:
            self.wfile.write(data)

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
server.handle_error = lambda *args: None
threading.Timer(120, lambda: os._exit(0)).start()
with open(portfile + ".tmp", "w") as f:
    f.write(str(server.server_address[1]))
os.rename(portfile + ".tmp", portfile)
server.serve_forever()
