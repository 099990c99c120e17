#!/bin/sh
# bulla uki of a small image in the place of systemd-stub, against objcopy, objdump, openssl and sbsigntools;
# tests/boot/uki.sh takes the real stub and kernel.
. tests/tap.sh
schema=$PWD/docs/schema/uki.json
for tool in as ld objcopy objdump sbsign sbverify sbattach openssl; do
	command -v "$tool" >/dev/null || { skip "bulla uki" "$tool is missing"; exit 0; }
done
cd "$WORK"

cat >stub.s <<'EOT'
.text
.globl start
start: ret
.section .sbat,"a"
.ascii "sbat,1,SBAT Version,sbat,1,https://sbat.invalid\nbase,1,Base,base,1,https://base.invalid\n"
.section .sdmagic,"a"
.ascii "#### LoaderInfo: systemd-stub 257.1 ####"
EOT
pe() { # IMAGE-VERSION OUT
	as -o stub.o stub.s && objcopy -O pe-x86-64 stub.o stub.pe.o &&
		ld -m i386pep --subsystem 10 -e start --image-base 0x10000 --major-image-version "$1" --no-insert-timestamp -s \
			-o "$2" stub.pe.o
}
pe 1 stub
head -c 5000 /dev/urandom >noise
cat stub noise >kernel
head -c 10001 /dev/urandom >initrd
printf 'quiet roothash=00' >cmdline
printf 'ID=test\n' >osrel
printf 'sbat,1,SBAT Version,sbat,1,https://sbat.invalid\nown,7,Own,own,1,https://own.invalid\n' >sbat
"$BULLA" sign keygen -q --out keys >/dev/null 2>&1

uki() {
	"$BULLA" uki --stub stub --kernel kernel --initrd initrd --cmdline-file cmdline --osrel osrel --uname 6.12-test \
		--sbat sbat --keys keys --out "$@"
}

section() { # NAME: as objcopy reads it
	objcopy -O binary --only-section=".$1" uki.efi "section.$1"
}

holds() { # SECTION FILE: so say objcopy and bulla
	section "$1" && cmp "section.$1" "$2" && "$BULLA" uki --extract ".$1" --in uki.efi --out got && cmp got "$2"
}

same_sections() {
	objdump -h uki.efi | awk '$1 ~ /^[0-9]+$/ { print $2 }' | tr '\n' ' ' >names
	grep -qx '.text .sbat .sdmagic .idata .osrel .cmdline .uname .pcrpkey .pcrsig .initrd .linux ' names
}

merged() {
	section sbat && printf '%s\n' 'sbat,1,SBAT Version,sbat,1,https://sbat.invalid' 'base,1,Base,base,1,https://base.invalid' \
		'own,7,Own,own,1,https://own.invalid' | cmp - section.sbat
}

whole_file() { # sections from the headers' end to the file's, without gaps
	objdump -h uki.efi | awk '$1 ~ /^[0-9]+$/ { print "0x" $3, "0x" $6 }' | {
		end=$((0x400))
		while read -r size at; do
			[ $((at)) = $end ] || { echo "a gap before $at"; return 1; }
			end=$((end + (size + 511) / 512 * 512))
		done
		[ "$(stat -c %s uki.efi)" = $end ]
	}
}

# verified BANK N: the N-th entry's signature is the key's over its policy
verified() {
	python3 - "$1" "$2" <<-'EOP'
	import base64, json, sys
	e = json.load(open("section.pcrsig"))[sys.argv[1]][int(sys.argv[2])]
	assert e["pcrs"] == [11]
	open("pol", "wb").write(bytes.fromhex(e["pol"]))
	open("sig", "wb").write(base64.b64decode(e["sig"]))
	EOP
	openssl dgst "-$1" -verify section.pcrpkey -signature sig pol
}

policies() { # N: entries of each bank
	section pcrsig && section pcrpkey && cmp section.pcrpkey keys/pcr.pub &&
		python3 -c 'import json, sys; j = json.load(open("section.pcrsig")); assert {k: len(v) for k, v in j.items()} == \
			dict.fromkeys(["sha256", "sha384", "sha512"], int(sys.argv[1])), j' "$1" || return 1
	for bank in sha256 sha384 sha512; do
		for n in $(seq 0 $(($1 - 1))); do
			verified $bank "$n" || return 1
		done
	done
}

# what is signed is what `bulla measure`, which has witnesses of its own, says of the finished image
policy_is_measured() { # N PHASES
	"$BULLA" measure vtpm -q --uki uki.efi --pcr 11 --pcr-policy ${2:+--phases "$2"} | sed -n 's/.*sha\(256\|384\|512\)\.policy11=//p' >want
	python3 -c 'import json, sys; print("\n".join(v[int(sys.argv[1])]["pol"] for k, v in sorted(json.load(open("section.pcrsig")).items())))' "$1" |
		diff want -
}

fingerprint() { # of the key as PKCS#1 has it
	want=$(openssl rsa -pubin -in section.pcrpkey -RSAPublicKey_out -outform DER 2>/dev/null | sha256sum | cut -c 1-64)
	grep -q "\"pkfp\":\"$want\"" section.pcrsig
}

signed_digest() { # FILE: what sbsign has put into the signature
	sbattach --detach p7 "$1" >/dev/null 2>&1 && openssl asn1parse -inform DER -in p7 | sed -n 's/.*OCTET STRING *\[HEX DUMP\]://p' |
		head -n 1 | tr A-F a-f
}

inspected() {
	"$BULLA" inspect "$1" | sed -n 's/^authenticode.sha256: *//p'
}

# sbsigns BYTES: what sbsign signs of an image with so many bytes behind it is what bulla says, and it verifies. It
# fills up to 8 bytes, so that only then the unsigned image has the same digest.
sbsigns() {
	{ cat uki.efi && head -c "$1" noise; } >long.efi
	sbsign --key keys/db.key --cert keys/db.crt --output signed.efi long.efi && sbverify --cert keys/db.crt signed.efi &&
		[ "$(signed_digest signed.efi)" = "$(inspected signed.efi)" ] || return 1
	[ $(($1 % 8)) != 0 ] || [ "$(inspected signed.efi)" = "$(inspected long.efi)" ]
}

uki uki.efi --json >said
check "a UKI is made" test -s uki.efi
check "objdump finds the stub's sections and ours" same_sections
check "the kernel's section is the kernel, as objcopy takes it out" holds linux kernel
check "and the initrd's the initrd" holds initrd initrd
check "and so is the command line" holds cmdline cmdline
check "and the os-release" holds osrel osrel
printf 6.12-test >release
check "the kernel's release is as given" holds uname release
check "SBAT has the stub's lines, then ours, each once" merged
check "sections fill the file without gaps or a tail" whole_file
check "sbverify reads it and finds no signature" sh -c "sbverify --list uki.efi 2>&1 | grep -q 'No signature table present'"
check "three banks' policies are signed by the key that is in .pcrpkey, so says openssl" policies 1
check "they are the policies of PCR 11 as the stub leaves it" policy_is_measured 0 ''
check "the key's fingerprint is openssl's" fingerprint
for n in 0 1 7 8 1000; do
	check "bulla's Authenticode digest is what sbsign signs, with $n bytes behind the image" sbsigns $n
done
if python3 -c 'import jsonschema' 2>/dev/null; then
	check "what is printed is as the schema says" python3 -c 'import json, jsonschema, sys
jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).validate(json.load(open("said")))' "$schema"
else
	skip "what is printed is as the schema says" "python3-jsonschema is missing"
fi
cp uki.efi first.efi
uki uki.efi >/dev/null
check "a second run gives the same bytes" cmp uki.efi first.efi
again_without_keys() {
	section pcrsig && section pcrpkey && uki again.efi --keys none --pcrsig section.pcrsig --pcrpkey section.pcrpkey && cmp again.efi first.efi
}
check "whoever has no key makes the same again from its public half and the signatures" again_without_keys
uki uki.efi --systemd-phases >/dev/null
check "with systemd's phases, five policies a bank" policies 5
check "the last one is that of a system that is up" policy_is_measured 4 enter-initrd:leave-initrd:sysinit:ready
uki bare.efi --no-policy >/dev/null
check "without policies there is neither key nor signature" sh -c "objdump -h bare.efi >names && grep -q linux names && ! grep -q pcr names"

sbsign --key keys/db.key --cert keys/db.crt --output signed.stub stub 2>/dev/null
ld -m i386pep --subsystem 10 -e start --image-base 0x10000 --major-image-version 1 -o symbols stub.pe.o
pe 0 old
printf 'quiet\n' >newline
printf 'own,7,Own,own\n' >short
rm -f no
refuses "a signed stub is refused" 1 'a signature, expected an image that is not signed yet' uki no --stub signed.stub
refuses "a stub with symbols is refused" 1 'a symbol table, expected a stripped image' uki no --stub symbols
refuses "a kernel without EFI stub is refused" 1 'noise+0x0: .*expected the signature "PE"' uki no --kernel noise
refuses "a kernel that takes no initrd from the stub is refused" 1 'takes no initrd' uki no --kernel old
refuses "a command line that the stub would change is refused" 1 'newline+0x5: byte 0x0a' uki no --cmdline-file newline
refuses "SBAT that the shim would not read is refused" 1 'short: line 1' uki no --sbat short
refuses "a missing section is named" 1 "has no section '.dtb'" "$BULLA" uki --extract .dtb --in uki.efi --out no
refuses "a missing stub is exit 4" 4 'nowhere: No such file' uki no --stub nowhere
check "and nothing is written for any of them" test ! -e no
