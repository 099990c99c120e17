"""A server on the loopback whose path says how it behaves: agent_http.py [CERT KEY]. Prints its port; ends with its
standard input."""
import os
import socket
import ssl
import sys
import threading
import time

BODY = b"0123456789" * 10000


def head(status, length, more=""):
    return ("HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n" % (status, length, more)).encode()


def answer(c, text, request):
    how = request.split()[1]
    if how == "/ok":
        c.sendall(head("200 OK", len(BODY), "X-Thing:  some value \r\n") + BODY)
    elif how == "/echo":
        c.sendall(head("200 OK", len(text)) + text)
    elif how == "/continue":
        c.sendall(b"HTTP/1.1 103 Early Hints\r\nX-Thing: early\r\n\r\n" + head("200 OK", 2, "X-Thing: late\r\n") + b"ok")
    elif how == "/redirect":
        c.sendall(head("307 Temporary Redirect", 0, "Location: /ok\r\n"))
    elif how == "/range":
        c.sendall(head("206 Partial Content", 10, "Content-Range: bytes 99990-99999/100000\r\n") + BODY[-10:])
    elif how == "/silent":
        time.sleep(5)
    elif how == "/drip-header":
        for b in head("200 OK", 0, "X: " + 1000 * "y"):
            c.sendall(bytes([b]))
            time.sleep(0.02)
    elif how == "/drip":
        c.sendall(head("200 OK", len(BODY)))
        for b in BODY:
            c.sendall(bytes([b]))
            time.sleep(0.02)
    elif how == "/half":
        c.sendall(head("200 OK", len(BODY)) + BODY[:50000])
        time.sleep(5)
    elif how == "/cut":
        c.sendall(head("200 OK", len(BODY)) + BODY[:50000])
    elif how == "/headers":
        c.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            c.sendall(b"X: " + 1000 * b"y" + b"\r\n")
    elif how == "/endless-error":
        c.sendall(b"HTTP/1.1 500 No\r\n\r\n")
        while True:
            c.sendall(BODY)
    elif how == "/steady":
        c.sendall(head("200 OK", len(BODY)))
        for i in range(0, len(BODY), 2000):
            c.sendall(BODY[i : i + 2000])
            time.sleep(0.02)


def serve(c):
    try:
        text = b""
        while True:
            while b"\r\n\r\n" not in text:
                more = c.recv(65536)
                if not more:
                    return
                text += more
            top, rest = text.split(b"\r\n\r\n", 1)
            length = 0
            for line in top.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            while len(rest) < length:
                rest += c.recv(65536)
            answer(c, text, top.decode().split("\r\n")[0])
            if b"/ok" not in top.split(b"\r\n")[0]:
                return
            text = rest[length:]
    except OSError:
        pass
    finally:
        c.close()


def accept(c, context):
    try:
        serve(context.wrap_socket(c, server_side=True) if context else c)
    except OSError:
        pass


context = None
if len(sys.argv) > 1:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[1:])
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(50)
print(s.getsockname()[1], flush=True)


def main():
    while True:
        c, _ = s.accept()
        threading.Thread(target=accept, args=(c, context), daemon=True).start()


threading.Thread(target=main, daemon=True).start()
sys.stdin.read()
os._exit(0)
