# no_secret.py DER PATH…: no file has the secret of a private key (DER, as `openssl pkey` writes it), as bytes,
# hex or base64; the first that does is named, and the exit status 3.
import base64, os, sys

der = open(sys.argv[1], "rb").read()
# the number d on P-384 and P-256 (RFC 5915); of RSA a part of its primes (RFC 8017, A.1.2)
secret = {167: der[8:56], 121: der[7:39]}.get(len(der), der[-600:-400])
assert len(secret) >= 32
hexes = [secret.hex().encode(), secret.hex().upper().encode()]
# wherever in the secret base64 begins a group of three bytes
text = [base64.b64encode(secret[i : len(secret) - (len(secret) - i) % 3]) for i in range(3)]
for top in sys.argv[2:]:
    for folder, _, names in os.walk(top) if os.path.isdir(top) else [("", [], [top])]:
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path) or not os.path.isfile(path):
                continue
            data = open(path, "rb").read()
            if secret in data or any(f in data.replace(b"\n", b"") for f in hexes + text):
                print(path)
                sys.exit(3)
