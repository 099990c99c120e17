# no_secret.py KEYS PATH…: no file has a private key of the folder KEYS, be it in PEM, or its secret as bytes, hex or base64.
# Files that do are named, and the exit status is 3.
import base64, glob, os, re, subprocess, sys, tempfile


def secret(der):
    # the number d on P-384 and P-256 (RFC 5915); of RSA a part of its primes (RFC 8017, A.1.2)
    return {167: der[8:56], 121: der[7:39]}.get(len(der), der[-600:-400])


def patterns(key):
    der = subprocess.run(["openssl", "pkey", "-in", key, "-outform", "DER"], check=True, capture_output=True).stdout
    s = secret(der)
    # grep's patterns are lines
    raw = max(re.split(b"[\n\0]", s), key=len)
    assert len(s) >= 32 and len(raw) >= 8
    # wherever in the secret base64 begins a group of three bytes
    text = [base64.b64encode(s[i : len(s) - (len(s) - i) % 3])[:40] for i in range(3)]
    # of a PEM's lines, 48 bytes each, those of PKCS#8 that the secret is in
    pem = open(key, "rb").read().splitlines()[1:-1]
    pem = pem[8:-1] if len(pem) > 8 else pem[:2]
    return [raw, s.hex().encode()[:50], s.hex().upper().encode()[:50], *text, *pem]


def files(top):
    if not os.path.isdir(top):
        yield top
    for folder, _, names in os.walk(top):
        yield from (os.path.join(folder, n) for n in names)


keys = sorted(glob.glob(sys.argv[1] + "/*.key"))
assert keys
unique = {}
for path in (p for top in sys.argv[2:] for p in files(top)):
    if os.path.isfile(path) and not os.path.islink(path):
        st = os.stat(path)
        unique.setdefault((st.st_dev, st.st_ino), path)
with tempfile.NamedTemporaryFile() as f:
    f.write(b"\n".join(p for k in keys for p in patterns(k)) + b"\n")
    f.flush()
    found = subprocess.run(
        ["xargs", "-0", "grep", "-laF", "-f", f.name, "--"], env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
        input=b"\0".join(p.encode() for p in unique.values()), stdout=subprocess.PIPE).stdout.decode()
print(found or f"none of {len(keys)} keys in {len(unique)} files")
sys.exit(3 if found else 0)
