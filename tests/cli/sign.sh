#!/bin/sh
# bulla sign: key sets and what they sign. Witnesses: openssl, sbsign, sbverify; SoftHSM holds keys as a token.
. tests/tap.sh
repo=$PWD
secrets="/usr/bin/python3 $PWD/tests/no_secret.py"
cd "$WORK"
export BULLA_KEYS="$WORK/keys"
echo "what is signed" >data

made_whole() {
	"$BULLA" sign keygen -q && [ "$(stat -c %a keys)" = 700 ] && [ -z "$(find keys -name '*.key' ! -perm 600)" ] &&
		[ "$(find keys -name '*.key' | wc -l)" = 7 ] && [ "$(echo keys*)" = keys ] && grep -qx Kind=development keys/keyset.conf
}
says_development() {
	for r in PK KEK db; do
		openssl x509 -in keys/$r.crt -noout -subject | grep -q DEVELOPMENT &&
			openssl verify -CAfile keys/$r.crt keys/$r.crt >verify.log 2>&1 || return 1
	done
}
unchanged() {
	sha256sum keys/* >before
	refuses "keygen never overwrites keys" 1 'is there already' "$BULLA" sign keygen
	check "and leaves them as they were" sha256sum --quiet -c before
}
none_missing() {
	"$BULLA" sign keygen --missing && sha256sum --quiet -c before && "$BULLA" sign keygen --missing -q --out new && [ -e new/keyset.conf ]
}
# killed after any of its files
killed() {
	for at in 1 4 9 14; do
		rm -rf half
		"$BULLA" sign keygen -q --out half/keys &
		pid=$!
		n=0
		while [ "$(ls half/keys.new.* 2>/dev/null | wc -l)" -lt $at ] && [ $n -lt 2000 ]; do n=$((n + 1)); done
		kill -9 $pid 2>/dev/null
		wait $pid 2>/dev/null
		[ ! -e half/keys ] || "$BULLA" sign blob --keys half/keys --role release --in data --out half/sig || return 1
	done
}
verified() { # KEYS ROLE DIGEST: signed with the keys of $1, verified with the public halves of keys
	"$BULLA" sign blob --keys "$1" --role "$2" --digest "$3" --in data --out "$2.sig" &&
		"$BULLA" sign public --role "$2" --out "$2.pem" && openssl dgst "-$3" -verify "$2.pem" -signature "$2.sig" data >dgst.log
}
check "keygen makes a key set that nobody else can read" made_whole
check "its certificates say DEVELOPMENT and verify" says_development
unchanged
check "keygen --missing makes keys only where there are none" none_missing
check "keygen killed at any moment leaves nothing that looks whole" killed
for r in PK KEK db pcr id author release; do
	check "openssl verifies what $r signs" verified keys $r SHA256
done
check "and over SHA-384" verified keys id SHA384
again_same() {
	cp id.sig first && "$BULLA" sign blob --role id --digest SHA384 --in data --out id.sig && cmp id.sig first
}
check "the same key and file give the same signature" again_same

edit() { # ROLE LINE: a copy of the set in which the role is held so
	rm -rf other && cp -a keys other && sed -i "s|^$1=.*|$1=$2|; s|^Kind=.*|&\nCommandSeconds=2|" other/keyset.conf
}
edit pcr "command:openssl dgst -\$BULLA_DIGEST -sign $WORK/keys/\$BULLA_ROLE.key"
check "a command signs" verified other pcr SHA256
edit pcr "command:sleep 60"
refuses "a command that takes too long is stopped" 1 'status 124' "$BULLA" sign blob --keys other --role pcr --in data --out x
edit pcr "command:exit 7"
refuses "a command that fails is an error" 1 'status 7' "$BULLA" sign blob --keys other --role pcr --in data --out x
edit pcr "command:echo no signature"
refuses "what is no signature of the key is refused" 1 'does not verify' "$BULLA" sign blob --keys other --role pcr --in data --out x
edit pcr "file:db.key"
refuses "and that of another key" 1 'does not verify' "$BULLA" sign blob --keys other --role pcr --in data --out x
chmod 640 other/id.key
refuses "a key that others may read is refused" 1 'mode 0640' "$BULLA" sign blob --keys other --role id --in data --out x
refuses "a key set that is not there is an error, exit 4" 4 'keygen' "$BULLA" sign blob --keys none --role id --in data --out x
refuses "a role that does not exist is named" 2 'did you mean release' "$BULLA" sign blob --role relaese --in data --out x

# EFI programs: their sizes leave nothing to pad, and something
stub=/usr/lib/systemd/boot/efi/linuxx64.efi.stub
when=1795392000
export SOURCE_DATE_EPOCH=$when
as_sbsign() { # of the same time, by the same key
	"$BULLA" sign efi --in "$1" --out ours && sbsign --version && faketime -f "$(date -u -d @$when '+%F %T')" \
		env TZ=UTC sbsign --key keys/db.key --cert keys/db.crt --output theirs "$1" && cmp ours theirs && sbverify --cert keys/db.crt ours
}
again() { # one more signer
	"$BULLA" sign efi --in ours --role KEK --out twice && sbverify --list twice && sbverify --cert keys/db.crt twice &&
		sbverify --cert keys/KEK.crt twice && ! sbverify --cert keys/PK.crt twice
}
flipped() {
	cp ours bad && printf 'X' | dd of=bad bs=1 seek=5000 conv=notrunc && ! sbverify --cert keys/db.crt bad
}
held() { # the same program by a key that is not a file
	"$BULLA" sign efi --keys other --in even --out held && cmp held ours && sbverify --cert keys/db.crt held
}
if [ -e $stub ]; then
	head -c $(($(stat -c %s $stub) / 8 * 8)) $stub >even
	check "a signed EFI program is byte for byte that of sbsign" as_sbsign even
	check "also where the program must be padded" as_sbsign $stub
	check "a second signature stands beside the first" again
	check "one byte more or less, and sbverify refuses it" flipped
	"$BULLA" sign efi --in even --out ours
	edit db "command:openssl dgst -sha256 -sign $WORK/keys/db.key"
	check "a command signs EFI programs" held
	cp keys/KEK.crt other/db.crt
	refuses "but not for the certificate of another" 1 'does not verify' "$BULLA" sign efi --keys other --in even --out x
	refuses "what is no EFI program is not signed" 1 'data' "$BULLA" sign efi --in data --out x
	builder=${OUT:-}/builder
	in_builder() {
		(cd "$repo" && "$BULLA" sign efi --builder "$builder" --in "$WORK/even" --out "$WORK/locked") && cmp locked ours && [ "$(stat -c %a locked)" = 644 ]
	}
	if [ -e "$builder/usr/bin/sbsign" ]; then
		check "the toolchain's sbsign gives the same" in_builder
	else
		skip "the toolchain's sbsign gives the same" "the toolchain's root is not made"
	fi
else
	skip "EFI programs" "systemd-boot-efi is missing"
fi

# Secure Boot's variables: efitools makes the same bytes, and takes them apart
owner=$(sed -n 's/^Owner=//p' keys/keyset.conf)
vars=/usr/share/OVMF/OVMF_VARS_4M.fd
as_efitools() { # VARIABLE SIGNER SUFFIX
	cert-to-efi-sig-list -g "$owner" "keys/$1.crt" esl && sign-efi-sig-list -t "$(date -u -d @$when '+%F %T')" -g "$3" \
		-k "keys/$2.key" -c "keys/$2.crt" "$1" esl auth && cmp esl "enrol/$1.esl" && cmp auth "enrol/$1.auth" &&
		openssl x509 -in "keys/$1.crt" -outform DER | cmp - "enrol/$1.cer"
}
clouds() { # the certificates, as Google's and Azure's APIs name them
	for r in PK:pk KEK:keks[0] db:dbs[0]; do
		jq -re ".shieldedInstanceInitialState.${r#*:}|select(.fileType == \"X509\").content" enrol/gcp.json | base64 -d | cmp - "enrol/${r%:*}.cer" || return 1
	done
	for r in PK:pk KEK:kek[0] db:db[0]; do
		jq -re ".securityProfile.uefiSettings.additionalSignatures.${r#*:}|select(.type == \"x509\").value[0]" enrol/azure.json |
			base64 -d | cmp - "enrol/${r%:*}.cer" || return 1
	done
	jq -e '.securityProfile.uefiSettings.signatureTemplateNames == ["NoSignatureTemplate"]' enrol/azure.json
}
# EC2's blob, read with Python's zlib: magic, checksum, version, then what asks for the dictionary that AWS publishes
aws() {
	/usr/bin/python3 - enrol <<-'EOT'
		import base64, struct, sys, zlib
		blob = base64.b64decode(open(sys.argv[1] + "/aws.uefi-data").read(), validate=True)
		assert blob[:8] == b"AMZNUEFI" and blob[12:16] == bytes(4)
		assert struct.unpack(">H", blob[16:18])[0] % 31 == 0 and blob[17] & 0x20 and blob[18:22] == bytes.fromhex("6bb7d9f7")
		raw = zlib.decompressobj(-15).decompress(blob[22:])
		assert struct.pack(">I", zlib.adler32(raw)) == blob[-4:]
		(n,), at = struct.unpack("<Q", raw[:8]), 8
		def sized():
		    global at
		    (size,) = struct.unpack("<Q", raw[at:at + 8])
		    at += 8 + size
		    return raw[at - size:at]
		for name in (b"PK", b"KEK", b"db"):
		    assert sized() == name and sized() == open(sys.argv[1] + "/" + name.decode() + ".esl", "rb").read()
		    guid, attributes, year, month, day = struct.unpack("<16sIHBB", raw[at:at + 24])
		    at += 36
		    assert (attributes, year, month, day) == (0x27, 2026, 11, 23) and sized() == bytes(32)
		    assert guid.hex() == ("cbb219d73a3d9645a3bcdad00e67656f" if name == b"db" else "61dfe48bca93d211aa0d00e098032b8c")
		assert n == 3 and at == len(raw)
	EOT
}
replaced() { # PK by another, which the old one signs
	"$BULLA" sign enroll --keys their --by keys --out next && sign-efi-sig-list -t "$(date -u -d @$when '+%F %T')" \
		-g 8be4df61-93ca-11d2-aa0d-00e098032b8c -k keys/PK.key -c keys/PK.crt PK others/PK.esl auth && cmp auth next/PK.auth
}
inspected() { # by their subjects as openssl prints them
	"$BULLA" inspect --json enrol/vars.fd >vars.json && jq -e '.type == "vars" and (.content.variables | length == 4)' vars.json || return 1
	for r in PK KEK db; do
		[ "subject=$(jq -r ".content.variables[] | select(.name == \"$r\" and .attributes == \"0x27\").content" vars.json)" = \
			"$(openssl x509 -in keys/$r.crt -noout -subject -nameopt RFC2253)" ] || return 1
	done
}
public_only() {
	$secrets keys enrol log
}
finds_secrets() { # in each form, lest public_only prove nothing
	for k in keys/*.key; do
		openssl pkey -in "$k" -outform DER -out der && od -An -v -tx1 der | tr -d ' \n' >hex && base64 -w 0 der >b64 && { echo x; cat der; } | base64 -w 0 >b64.1 || return 1
		for f in der hex b64 b64.1 "$k"; do
			! $secrets keys "$f" || { echo "$f of $k"; return 1; }
		done
	done
}
# another's shim, and the store that has another's certificate
shim() {
	"$BULLA" sign keygen -q --out their && "$BULLA" sign enroll --keys their --out others --vars $vars &&
		"$BULLA" sign efi --keys their --in even --out shim.efi &&
		"$BULLA" sign enroll --out enrol-shim --vars $vars --shim shim.efi --ms others/vars.fd &&
		cat enrol/db.esl others/db.esl | cmp - enrol-shim/db-shim.esl && cmp enrol/vars.fd enrol-shim/vars.fd &&
		jq -e '.shieldedInstanceInitialState.dbs | length == 2' enrol-shim/gcp-shim.json &&
		sig-list-to-certs enrol-shim/db-shim.esl cert && cmp cert-1.der others/db.cer
}
if command -v sign-efi-sig-list >/dev/null && [ -e $vars ] && [ -e even ]; then
	"$BULLA" sign enroll --out enrol --vars $vars >log 2>&1
	check "efitools makes the same PK.esl and PK.auth" as_efitools PK PK 8be4df61-93ca-11d2-aa0d-00e098032b8c
	check "and KEK's, which PK signs" as_efitools KEK PK 8be4df61-93ca-11d2-aa0d-00e098032b8c
	check "and db's, which KEK signs" as_efitools db KEK d719b2cb-3d3a-4596-a3bc-dad00e67656f
	check "Google's and Azure's forms hold the certificates" clouds
	check "Python's zlib reads the variables in EC2's form" aws
	check "inspect shows what a store enrols" inspected
	check "no private key is in what is enrolled" public_only
	check "and would be found" finds_secrets
	check "the same keys give the same files" sh -c "'$BULLA' sign enroll --out enrol2 --vars $vars && diff -r enrol enrol2"
	check "a shim is let start by the one certificate that it needs" shim
	check "the keys that are enrolled sign those that replace them" replaced
	refuses "a store that allows no such shim is refused" 1 'no certificate in db' \
		"$BULLA" sign enroll --out x --vars $vars --shim shim.efi --ms /usr/share/OVMF/OVMF_VARS_4M.ms.fd
	refuses "what is no store is refused" 1 'no variable store' "$BULLA" sign enroll --out x --vars data
else
	skip "what is enrolled" "efitools, ovmf or systemd-boot-efi is missing"
fi

module=/usr/lib/softhsm/libsofthsm2.so
if ! command -v softhsm2-util >/dev/null; then
	skip "keys in a token sign" "softhsm2 is missing"
	exit 0
fi
token() {
	mkdir tokens && echo "directories.tokendir = $WORK/tokens" >softhsm.conf &&
		softhsm2-util --init-token --free --label bulla --pin 1234 --so-pin 1234 &&
		softhsm2-util --import keys/db.key --token bulla --label db --id 01 --pin 1234 &&
		softhsm2-util --import keys/release.key --token bulla --label release --id 02 --pin 1234
}
export SOFTHSM2_CONF="$WORK/softhsm.conf" PKCS11_MODULE_PATH=$module PKCS11_PROVIDER_MODULE=$module
check "SoftHSM takes the keys" token
for r in db release; do
	edit $r "pkcs11:token=bulla;object=$r?pin-value=1234"
	rm other/$r.key
	check "the token's $r signs" verified other $r SHA256
done
if [ -e even ]; then
	edit db "pkcs11:token=bulla;object=db?pin-value=1234"
	check "and signs EFI programs" held
fi
edit db "pkcs11:token=bulla;object=other?pin-value=1234"
refuses "a key that the token does not have is an error that shows no PIN" 1 'object=other: no such' \
	"$BULLA" sign blob --keys other --role db --in data --out x
