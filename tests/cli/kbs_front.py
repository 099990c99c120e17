"""In front of a key broker, and in its way: kbs_front.py UPSTREAM-PORT MODE. Prints its port; ends with its standard input.
MODE: busy (503 for the first two requests of each path), cut (the first connection of each path ends without an answer),
hang (no answer at all), forget (401 for the second GET of a resource), cookies (a second cookie, given once, that it wants back), bearer
(takes cookies away), plain (answers resources in the clear), huge (an endless resource), drip (a byte each 20 ms)."""
import http.client
import http.server
import os
import sys
import threading
import time

upstream, mode = int(sys.argv[1]), sys.argv[2]
seen = {}
lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.forward(None)

    def do_POST(self):
        self.forward(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def forward(self, body):
        with lock:
            n = seen[self.path] = seen.get(self.path, 0) + 1
        print(self.command, self.path, n, file=sys.stderr, flush=True)
        if mode == "busy" and n <= 2:
            return self.answer(503, b"{}")
        if mode == "cut" and n == 1:
            self.close_connection = True
            return
        if mode == "hang":
            return time.sleep(10)
        if body is None and mode == "forget" and n == 2:
            return self.answer(401, b'{"type":"x/TokenNotFound","detail":"Attestation Token not found"}')
        if body is None and mode == "plain":
            return self.answer(200, b'{"key":"value"}')
        if body is None and mode == "huge":
            self.send_response(200)
            self.end_headers()
            while True:
                self.wfile.write(65536 * b" ")
        if body is None and mode == "drip":
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            while True:
                self.wfile.write(b" ")
                time.sleep(0.02)
        cookie = self.headers.get("Cookie", "")
        if mode == "cookies" and not self.path.endswith("/auth") and not ("lb=one" in cookie and "kbs-session-id=" in cookie):
            return self.answer(400, b'{"detail":"no cookie of the balancer"}')
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
        if mode == "bearer" and body is None:
            headers.pop("Cookie", None)
        c = http.client.HTTPConnection("127.0.0.1", upstream, timeout=10)
        c.request(self.command, self.path, body, headers)
        r = c.getresponse()
        out = [(k, v) for k, v in r.getheaders() if k.lower() in ("set-cookie", "content-type")]
        if mode == "cookies" and self.path.endswith("/auth"):
            out.append(("Set-Cookie", "lb=one; Path=/; HttpOnly"))
        self.answer(r.status, r.read(), out)

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
server.handle_error = lambda *args: None
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
os._exit(0)
