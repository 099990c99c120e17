#!/usr/bin/python3
"""Stands in for QEMU with an agent inside, to test how `bulla run` takes what a guest does. FAKE says what that is;
what it was started with goes to $FAKE_OUT/{argv,cwd,pid}."""
import os
import socket
import struct
import sys
import time

MODE = os.environ["FAKE"]
OUT = os.environ["FAKE_OUT"]
STAGES = ["initrd", "disk", "verity", "root", "init", "agent", "ready"]


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def read_exactly(c, n):
    data = b""
    while len(data) < n:
        more = c.recv(n - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def answer(c, stream, body):
    frame = struct.pack(">IIBB", len(body), stream, 2, 0) + body
    for i in range(len(frame)):  # byte by byte: a stream has no frames of its own
        c.send(frame[i:i + 1])


def stages(sealed):
    names = STAGES + (["sealed"] if sealed else [])
    if MODE == "unclean-stages":
        names[2] = "\x1b[31m"
    body = b"".join(field(1, field(1, n) + field(2, (i + 1) * 250_000_000)) for i, n in enumerate(names))
    return body + (field(2, 1) if sealed else b"")


def serve(c):
    asked = 0
    while True:
        length, stream, kind, _ = struct.unpack(">IIBB", read_exactly(c, 10))
        request = read_exactly(c, length)
        assert kind == 1 and stream % 2 == 1
        if b"Check" in request:
            if MODE == "garbage":
                c.send(b"\xff" * 64)
                time.sleep(60)
            if MODE == "hang":
                time.sleep(60)
            if MODE == "corrupt":
                sys.exit(0)
            answer(c, stream, field(2, field(1, 1)))
        elif b"GetGuestDetails" in request:
            if MODE == "refuses":
                answer(c, stream, field(1, field(1, 12) + field(2, "not \x1bimplemented")))
            else:
                answer(c, stream, field(2, field(2, field(1, "0.0.7"))))
        elif b"Stages" in request:
            asked += 1
            answer(c, stream, field(2, stages(asked > 2 and MODE != "unsealed")))
            if MODE == "crash" and asked == 1:
                sys.exit(0)
            if MODE == "crash-seal" and asked == 2:
                sys.exit(0)
        elif b"DestroySandbox" in request:
            if MODE == "stubborn":
                continue
            answer(c, stream, b"")
            time.sleep(0.1)
            sys.exit(0)


def main():
    with open(OUT + "/argv", "w") as f:
        f.write("\n".join(sys.argv[1:]) + "\n")
    with open(OUT + "/cwd", "w") as f:
        f.write(os.getcwd() + "\n")
    with open(OUT + "/pid", "w") as f:
        f.write("%d\n" % os.getpid())
    for a in sys.argv:
        if a.startswith("file=/proc/self/fd/"):
            drive = dict(kv.split("=", 1) for kv in a.split(","))
            with open(drive["file"], "rb") as f, open(OUT + "/" + drive["id"], "wb") as copy:
                copy.write(f.read(1 << 20))
                copy.truncate(os.fstat(f.fileno()).st_size)
    if MODE == "fails":
        print("qemu-system-x86_64: no such machine", file=sys.stderr)
        sys.exit(1)
    print("kernel: \x1b[31mhello\x1b[0m\r\nkernel: last words", flush=True)
    path = next(a for a in sys.argv if a.startswith("socket,id=agent,"))
    path = dict(kv.split("=") for kv in path.split(",")[1:])["path"]
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    time.sleep(0.05)
    s.listen(1)
    while True:
        try:
            serve(s.accept()[0])
        except (EOFError, ConnectionError):
            if MODE != "shared":
                sys.exit(0)


main()
