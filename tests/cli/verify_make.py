#!/usr/bin/python3
"""A report of SEV-SNP that a chain of our own has signed: verify_make.py DIR MEASUREMENT [FIELD=VALUE…]

Makes DIR/{ark,ask,vcek}.pem once, with openssl, and DIR/report.bin anew. Fields: policy, vmpl, key_info, tcb
(bootloader,tee,snp,microcode), report_data, host_data, author_key (hex).
"""
import os
import struct
import subprocess
import sys

TCB = (3, 0, 8, 115)
CHIP = bytes(range(64))
EXTENSIONS = f"""[ca]
basicConstraints=critical,CA:true
[vcek]
1.3.6.1.4.1.3704.1.2=ASN1:IA5STRING:Milan-B0
1.3.6.1.4.1.3704.1.3.1=ASN1:INTEGER:{TCB[0]}
1.3.6.1.4.1.3704.1.3.2=ASN1:INTEGER:{TCB[1]}
1.3.6.1.4.1.3704.1.3.3=ASN1:INTEGER:{TCB[2]}
1.3.6.1.4.1.3704.1.3.8=ASN1:INTEGER:{TCB[3]}
1.3.6.1.4.1.3704.1.4=DER:{":".join(f"{b:02x}" for b in CHIP)}
"""


def openssl(*words, data=None):
    return subprocess.run(("openssl", *words), input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


def chain(d):
    with open(f"{d}/ext.cnf", "w") as f:
        f.write(EXTENSIONS)
    for name, cn, issuer, ext in (("ark", "ARK-Milan", None, "ca"), ("ask", "SEV-Milan", "ark", "ca"), ("vcek", "SEV-VCEK", "ask", "vcek")):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", f"{d}/{name}.key")
        openssl("req", "-new", "-key", f"{d}/{name}.key", "-subj", f"/CN={cn}", "-out", f"{d}/{name}.csr")
        by = ("-key", f"{d}/{name}.key") if issuer is None else ("-CA", f"{d}/{issuer}.pem", "-CAkey", f"{d}/{issuer}.key", "-CAcreateserial")
        sign = ("-signkey", f"{d}/{name}.key") if issuer is None else by
        openssl("x509", "-req", "-in", f"{d}/{name}.csr", *sign, "-days", "3000", "-sha384", "-extfile", f"{d}/ext.cnf", "-extensions", ext, "-out", f"{d}/{name}.pem")


def integer(der):
    n = der[1]
    return der[2:2 + n], der[2 + n:]


def main():
    d, measurement, fields = sys.argv[1], bytes.fromhex(sys.argv[2]), dict(a.split("=") for a in sys.argv[3:])
    os.makedirs(d, exist_ok=True)
    if not os.path.exists(f"{d}/vcek.pem"):
        chain(d)
    tcb = tuple(int(n) for n in fields["tcb"].split(",")) if "tcb" in fields else TCB
    tcb_bytes = bytes((tcb[0], tcb[1], 0, 0, 0, 0, tcb[2], tcb[3]))
    r = bytearray(0x4a0)
    struct.pack_into("<IIQ", r, 0, 2, 0, int(fields.get("policy", "0x30000"), 0))
    struct.pack_into("<II", r, 0x30, int(fields.get("vmpl", "0")), 1)
    struct.pack_into("<I", r, 0x48, int(fields.get("key_info", "0"), 0))
    data = bytes.fromhex(fields.get("report_data", ""))
    r[0x50:0x50 + len(data)] = data
    r[0x90:0xc0] = measurement
    host = bytes.fromhex(fields.get("host_data", ""))
    r[0xc0:0xc0 + len(host)] = host
    author = bytes.fromhex(fields.get("author_key", ""))
    r[0x110:0x110 + len(author)] = author
    for at in (0x38, 0x180, 0x1e0, 0x1f0):
        r[at:at + 8] = tcb_bytes
    r[0x1a0:0x1e0] = CHIP
    der = openssl("dgst", "-sha384", "-sign", f"{d}/vcek.key", data=bytes(r[:0x2a0]))
    first, rest = integer(der[2:])
    second, _ = integer(rest)
    for at, n in ((0x2a0, first), (0x2e8, second)):
        n = n.lstrip(b"\0")[::-1]
        r[at:at + len(n)] = n
    with open(f"{d}/report.bin", "wb") as f:
        f.write(r)


main()
