#!/usr/bin/env python3
"""azure_vm.py FOLDER SWTPM...: what an Azure confidential VM has around its vTPM.

Runs the software TPM whose command line SWTPM... is, and stands between it and the terminal that it is given as --fd: NV
index 0x01400001 is FOLDER/hcl, larger than that TPM's may be, and shows old user data for a while after new ones were
written to 0x01400002. At 169.254.169.254 it serves FOLDER/vcek.pem and, for FOLDER/tdreport alone, FOLDER/quote.
"""
import base64
import http.server
import json
import os
import re
import socket
import subprocess
import sys
import threading

FOLDER, SWTPM = sys.argv[1], sys.argv[2:]
REPORT, USER_DATA = 0x01400001, 0x01400002
NV_WRITE, NV_READ, NV_READ_PUBLIC = 0x137, 0x14E, 0x169
STALE_READS = 2


def content(name):
    with open(os.path.join(FOLDER, name), "rb") as f:
        return f.read()


class Metadata(http.server.BaseHTTPRequestHandler):
    def answer(self, ok, j):
        body = json.dumps(j).encode()
        self.send_response(200 if ok else 400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        ok = self.path == "/metadata/THIM/amd/certification" and self.headers["Metadata"] == "true"
        self.answer(ok, {"vcekCert": content("vcek.pem").decode(), "certificateChain": ""} if ok else {})

    def do_POST(self):
        report = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["report"]
        ok = self.path == "/acc/tdquote" and self.headers["Metadata"] == "true" and "=" not in report
        ok = ok and base64.urlsafe_b64decode(report + "==") == content("tdreport")
        self.answer(ok, {"quote": content("quote").decode()} if ok else {})

    def log_message(self, *args):
        pass


def be(n, size):
    return n.to_bytes(size, "big")


def success(tag, body):
    return be(tag, 2) + be(10 + len(body), 4) + be(0, 4) + body


def packet(read):
    head = b""
    while len(head) < 10 or len(head) < int.from_bytes(head[2:6], "big"):
        more = read(4096)
        if not more:
            sys.exit(0)
        head += more
    return head


class Report:
    def __init__(self):
        self.stale = 0

    def bytes(self):
        hcl = content("hcl")
        if self.stale:
            hcl = re.sub(rb'"user-data":"[0-9A-F]{128}"', b'"user-data":"' + b"EF" * 64 + b'"', hcl)
        return hcl

    def answer(self, command):
        """The answer to COMMAND, or None where it is the TPM's to answer."""
        code, handles = int.from_bytes(command[6:10], "big"), command[10:]
        first, second = (int.from_bytes(handles[i : i + 4], "big") for i in (0, 4))
        if code == NV_WRITE and second == USER_DATA:
            self.stale = STALE_READS
        if code == NV_READ_PUBLIC and first == REPORT:
            self.stale = max(0, self.stale - 1)
            public = be(REPORT, 4) + be(0xB, 2) + be(0x20020002, 4) + be(0, 2) + be(len(self.bytes()), 2)
            return success(0x8001, be(len(public), 2) + public + be(34, 2) + be(0xB, 2) + bytes(32))
        if code == NV_READ and second == REPORT:
            size, offset = (int.from_bytes(command[i : i + 2], "big") for i in (len(command) - 4, len(command) - 2))
            data = self.bytes()[offset : offset + size]
            parameters = be(len(data), 2) + data
            return success(0x8002, be(len(parameters), 4) + parameters + be(0, 2) + b"\1" + be(0, 2))
        return None


def main():
    at = SWTPM.index("--fd") + 1
    terminal = int(SWTPM[at])
    ours, theirs = socket.socketpair()
    SWTPM[at] = str(theirs.fileno())
    server = http.server.HTTPServer(("169.254.169.254", 80), Metadata)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tpm = subprocess.Popen(SWTPM, pass_fds=[theirs.fileno()])
    theirs.close()
    report = Report()
    try:
        while True:
            command = packet(lambda n: os.read(terminal, n))
            answer = report.answer(command)
            if answer is None:
                ours.sendall(command)
                answer = packet(ours.recv)
            os.write(terminal, answer)
    finally:
        tpm.kill()


main()
