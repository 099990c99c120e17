#!/bin/sh
# Whose signature lets an image start, as PCR 7 records it. The witnesses are sbsign, which signs, and sbverify, which says
# whose signature it is; a boot with keys is in tests/boot/measured.sh.
. tests/tap.sh
firmware=${VECTORS:-../shared/vectors}/ovmf/debian-2026.08-OVMF.inteltdx.ms.fd
image=/usr/lib/systemd/boot/efi/systemd-bootx64.efi
for tool in sbsign sbverify openssl python3 jq; do
	command -v "$tool" >/dev/null || { skip "who lets an image start" "$tool is missing"; exit 0; }
done
for file in "$firmware" "$image"; do
	[ -e "$file" ] || { skip "who lets an image start" "$file is missing"; exit 0; }
done
firmware=$(realpath "$firmware")
cd "$WORK"
for who in root leaf other; do
	openssl req -x509 -newkey rsa:2048 -nodes -subj "/CN=$who" -days 1 -keyout $who.key -out $who.pem 2>/dev/null
done
# leaf is root's: what it signs, root lets start as well
openssl req -new -key leaf.key -subj /CN=leaf 2>/dev/null |
	openssl x509 -req -CA root.pem -CAkey root.key -CAcreateserial -days 1 -out leaf.pem 2>/dev/null
for who in root leaf other; do
	openssl x509 -in $who.pem -outform DER -out $who.der
	sbsign --key $who.key --cert $who.pem --output $who.efi "$image" >/dev/null 2>&1
done
cp "$image" unsigned.efi

# store OUT NAME=CERT[,CERT…]…: a variable store with these lists; sha256:FILE is the digest that sbsign's format gives
cat >store.py <<'EOT'
import struct, sys, uuid
glob, sec = "8be4df61-93ca-11d2-aa0d-00e098032b8c", "d719b2cb-3d3a-4596-a3bc-dad00e67656f"
x509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072").bytes_le
body = b""
for arg in sys.argv[2:]:
    name, certs = arg.split("=")
    data = b""
    for c in certs.split(","):
        der = open(c, "rb").read()
        data += x509 + struct.pack("<III", 28 + 16 + len(der), 0, 16 + len(der)) + b"o" * 16 + der
    n = name.encode("utf-16le") + b"\0\0"
    guid = uuid.UUID(sec if name.startswith("db") else glob).bytes_le
    v = struct.pack("<HBBIQ16sIII", 0x55AA, 0x3F, 0, 7, 0, b"", 0, len(n), len(data)) + guid + n + data
    body += v + b"\xff" * (-len(v) % 4)
body += b"\xff" * 64
head = bytearray(72)
head[16:32] = uuid.UUID("fff12b8d-7696-4c8b-a985-2747075b4f50").bytes_le
struct.pack_into("<Q", head, 32, 100 + len(body))
head[40:44] = b"_FVH"
struct.pack_into("<H", head, 48, 72)
store = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792").bytes_le + struct.pack("<IBBHI", 28 + len(body), 0x5A, 0xFE, 0, 0)
open(sys.argv[1], "wb").write(bytes(head) + store + body)
EOT

measure() { # STORE-ARGUMENTS… -- IMAGE
	args=
	while [ "$1" != -- ]; do
		args="$args $1"
		shift
	done
	# shellcheck disable=SC2086
	python3 store.py vars $args
	"$BULLA" measure vtpm --stack qemu-10.2,ovmf-2026.08 --firmware "$firmware" --vars vars --kernel "$2" --bank sha256 --pcr 7 \
		--json --steps >measured.json
}

# allows CERT: the last step is the digest of db's entry with that certificate (UEFI_VARIABLE_DATA)
allows() {
	cat >event.py <<-'EOT'
	import hashlib, struct, sys, uuid
	der = open(sys.argv[1], "rb").read()
	guid = uuid.UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f").bytes_le
	print(hashlib.sha256(guid + struct.pack("<QQ", 2, 16 + len(der)) + "db".encode("utf-16le") + b"o" * 16 + der).hexdigest())
	EOT
	[ "$(jq -r '.steps[-1].digest' measured.json)" = "$(python3 event.py "$1")" ]
}

allowed() { # DB IMAGE CERT
	measure PK=root.der "db=$1" -- "$2" && allows "$3" && sbverify --cert "${3%.der}.pem" "$2"
}

refused() { # WHY STORE-ARGUMENTS… -- IMAGE
	why=$1
	shift
	measure "$@" && jq -e --arg why "$why" '.unknown["sha256.pcr7"] | contains($why)' measured.json
}

check "an image is let start by the entry of db that signed it" allowed other.der,leaf.der leaf.efi leaf.der
check "and by that of whoever vouches for its signer" measure PK=root.der db=other.der,root.der -- leaf.efi
check "the entry measured is then that one" allows root.der
check "the first entry that does counts" allowed leaf.der,root.der leaf.efi leaf.der
check "an image that nothing in db signed is named as one that will not start" refused 'nothing in db does' \
	PK=root.der db=other.der -- leaf.efi
check "so is an unsigned one" refused 'nothing in db does' PK=root.der db=other.der,root.der -- unsigned.efi
check "so is one whose signer dbx names" refused 'dbx forbids it' PK=root.der db=leaf.der dbx=leaf.der -- leaf.efi
cp leaf.efi changed.efi
printf '\377' | dd of=changed.efi bs=1 seek=70000 conv=notrunc 2>/dev/null
check "so is one that was changed after it was signed" refused 'its signature is not over its SHA-256 digest' \
	PK=root.der db=leaf.der -- changed.efi
without_keys() {
	measure db=leaf.der -- leaf.efi && jq -e '(.unknown | length == 0) and ([.steps[].what] | index("db entry") == null)' measured.json
}
check "without a platform key nobody is asked" without_keys
