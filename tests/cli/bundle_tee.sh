#!/bin/sh
# Bundles of confidential platforms: what their manifests say of the hardware's registers is what other programs compute, and
# their ID blocks are signed as openssl checks. Witnesses: sev-snp-measure 0.0.13 on the same bytes. TDX and
# disks: tests/boot/bundles.sh.
. tests/tap.sh
vectors=$(realpath "${VECTORS:-../shared/vectors}" 2>/dev/null || :)
for tool in jq openssl; do
	command -v $tool >/dev/null || { skip "bundles of confidential platforms" "$tool is missing"; exit 0; }
done
if ! [ -d "$vectors/ovmf" ]; then
	skip "bundles of confidential platforms" "test data is missing"
	exit 0
fi
schema=$PWD/docs/schema/bundle.json
cp -r recipes "$WORK/recipes"
cd "$WORK"
echo 'panic=-1 quiet' >recipes/cmdline # what is measured must not follow the recipes
amd=$vectors/ovmf/debian-2026.08-OVMF.amdsev.fd
yes kernel | head -c 300000 >kernel
kernel_header kernel
yes initrd | head -c 20000 >initrd
yes root | head -c 30000 >root
printf root | sha256sum | cut -c 1-64 >roothash

# bundle PLATFORM OUT …
bundle() {
	platform=$1 out=$2
	shift 2
	"$BULLA" bundle "$platform" --recipes recipes --kernel kernel --initrd initrd --rootfs root --roothash roothash --out "$out" "$@"
}

get() {
	jq -r "$2" "$1/manifest.json"
}

same() {
	[ "$1" = "$2" ] || { echo "got '$1', expected '$2'"; return 1; }
}

"$BULLA" sign keygen --out keys >/dev/null 2>&1
bundle sev sev --firmware "$amd" >sev.said
bundle snp snp --firmware "$amd" --keys keys >snp.said
# variant CPU VCPUS
variant() {
	get snp '.variants[] | select(.cpu == "'"$1"'" and .vcpus == '"$2"').registers["snp.launch_digest"]'
}
check "SEV's launch digest is another program's" same "$(get sev '.registers["sev.launch_digest"]')" 8526cb2bb7d932c82f1e88b3c2b20d97eb133bc688bde1961c1eb473bac9882b
check "SNP's is, at the launch settings" same "$(get snp '.registers["snp.launch_digest"]')" bc3eb55971ec829fa0f4b81ab4402911fe739b78f2cb69e145462cf7361143a7f2513cd50b12254dcf8a574e42061f0b
check "and with other CPUs and numbers of them" same "$(variant EPYC-v4 1) $(variant EPYC-Milan 4) $(variant EPYC-Genoa 32)" \
	"3e051a843fa3a0da4eba5ab5e4e900224e6e0275a36d2b926dd9b2f5215d8b9085f27ee8dd4f557004cc8d66d26c0bbe 9c4aa268ea86aecf22171dd810a4e6efa3979cd6a02d5714ac8e461e618e23a8fe5b269e1f98e0fa07d56f432e580717 8b062c9abaca0b98a1c274b7e12667d36d722d628089f8b9f54f671c868879464dd3ecb639ff280394335f18ec102b38"
every_launch() {
	same "$(get snp '[.variants[] | [.cpu, .vcpus]] | unique | length')" 160 && same "$(get snp '.variants | length')" 160 &&
		same "$(get snp '[.variants[].registers["snp.launch_digest"]] | unique | length')" 160
}
check "each launch that the platform names has a value of its own" every_launch
ranges() {
	get snp .holds_for.qemu >ranges && grep -q 'QEMU 9.1 and 9.2' ranges && grep -q 'QEMU 10.0 and 10.1' ranges && grep -q 'QEMU 10.2' ranges
}
check "the versions of QEMU that it holds for are named" ranges

from_bundle() {
	for p in sev snp; do
		get $p '.registers | to_entries[] | select(.key | startswith("'$p'.")) | .key + "=" + .value' | sort >want
		"$BULLA" measure $p --bundle $p -q | grep -v =unknown | sort | diff want - || return 1
	done
}
check "bulla measure --bundle gives what the manifest says" from_bundle
from_files() {
	same "$("$BULLA" measure snp --firmware "$amd" --kernel kernel --initrd initrd --cmdline-file snp/cmdline --vcpus 4 \
		--vcpu-type EPYC-Milan -q)" "snp.launch_digest=$(variant EPYC-Milan 4)"
}
check "and so do the files themselves" from_files
override() {
	same "$("$BULLA" measure snp --bundle snp --vcpus 4 --vcpu-type EPYC-Milan -q)" "snp.launch_digest=$(variant EPYC-Milan 4)" &&
		same "$("$BULLA" measure snp --bundle snp --vcpu-sig 0x800f12 --vcpus 1 -q)" "snp.launch_digest=$(variant EPYC-v4 1)"
}
check "an option goes before what the bundle says" override
all() {
	mkdir all && cp -r snp sev all/ && { "$BULLA" measure sev --bundle sev -q; "$BULLA" measure snp --bundle snp -q; } >want &&
		"$BULLA" measure all --bundle all -q | diff want - &&
		same "$("$BULLA" measure all --bundle all --json | jq -r '.bundles[].measurement.registers.launch_digest')" "$(cut -d= -f2 want)"
}
check "measure all gives every bundle's" all
as_schema() {
	/usr/bin/python3 -c 'import json, jsonschema, sys
jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).validate(json.load(open("snp/manifest.json")))' "$schema" &&
		"$BULLA" bundle --print-schema | cmp - "$schema"
}
if /usr/bin/python3 -c 'import jsonschema' 2>/dev/null; then
	check "the manifest is as its schema says" as_schema
else
	skip "the manifest is as its schema says" "python3-jsonschema is missing"
fi
cp -r snp changed && printf X | dd of=changed/firmware.fd conv=notrunc status=none
refuses "a bundle whose firmware was changed is not measured, exit 3" 3 'firmware.fd: sha256' "$BULLA" measure snp --bundle changed
refuses "a folder without bundles is named, exit 4" 4 'no bundle is there' "$BULLA" measure all --bundle recipes
moved() {
	echo more >>kernel && bundle snp new --firmware "$amd" >/dev/null && got=0 && { "$BULLA" diff snp new >moved || got=$?; } &&
		same $got 3 && grep -q '^  snp.launch_digest cpu=EPYC-v4 vcpus=4 *changed' moved && grep -q '^  vmlinuz *changed' moved
}

# number FILE OFFSET: 48 bytes in hex of a number that has its least significant byte first
number() {
	od -An -v -tx1 -w1 -j"$2" -N48 "$1" | tac | tr -d ' \n'
}
# verifies SIGNATURE-AT KEY-AT MESSAGE, of the file auth: does openssl accept the signature?
verifies() {
	printf 'asn1=SEQUENCE:s\n[s]\nr=INTEGER:0x%s\ns=INTEGER:0x%s\n' "$(number auth $(($1)))" "$(number auth $(($1 + 72)))" >sig.conf
	openssl asn1parse -genconf sig.conf -noout -out sig.der &&
		printf 'asn1=SEQUENCE:k\n[k]\na=SEQUENCE:alg\nb=FORMAT:HEX,BITSTRING:04%s%s\n[alg]\nt=OID:id-ecPublicKey\nc=OID:secp384r1\n' \
			"$(number auth $(($2 + 4)))" "$(number auth $(($2 + 4 + 72)))" >key.conf &&
		openssl asn1parse -genconf key.conf -noout -out key.der && openssl pkey -pubin -inform DER -in key.der -out key.pem &&
		openssl dgst -sha384 -verify key.pem -signature sig.der "$3"
}
# block JQ: unpacks the ID block that the filter chooses
block() {
	jq -r "first(.blocks[] | select($1)).snp_id_block" snp/id-blocks.json | base64 -d >id &&
		jq -r "first(.blocks[] | select($1)).snp_id_auth" snp/id-blocks.json | base64 -d >auth &&
		[ "$(wc -c <id) $(wc -c <auth)" = "96 4096" ]
}
id_block() {
	block '.launches[] == {cpu: "EPYC-Milan", vcpus: 4}' &&
		same "$(head -c 48 id | od -An -v -tx1 | tr -d ' \n')" "$(variant EPYC-Milan 4)" &&
		same "$(tail -c 8 id | od -An -tx8 | tr -d ' ')" 0000000000030000 &&
		verifies 0x40 0x240 id && cmp key.pem keys/id.pub &&
		tail -c +$((0x240 + 1)) auth | head -c 1028 >idkey && verifies 0x680 0x880 idkey && cmp key.pem keys/author.pub &&
		same "$(openssl dgst -sha384 -r idkey | cut -c 1-96)" "$(get snp .id_block.id_key_digest)" &&
		same "$(tail -c +$((0x880 + 1)) auth | head -c 1028 | openssl dgst -sha384 -r | cut -c 1-96)" "$(get snp .id_block.author_key_digest)"
}
check "an ID block has launch digest and policy; openssl verifies it by the set's keys id and author" id_block
forged() {
	block '.launches[] == {cpu: "EPYC-v4", vcpus: 1}' && verifies 0x40 0x240 id && printf X | dd of=id bs=1 seek=3 conv=notrunc status=none &&
		! verifies 0x40 0x240 id
}
check "and refuses it for another launch digest" forged
every_digest() {
	jq -r '.registers["snp.launch_digest"], .variants[].registers["snp.launch_digest"]' snp/manifest.json | sort -u >want &&
		jq -r '.blocks[].launch_digest' snp/id-blocks.json | sort | diff want -
}
check "there is one for each launch digest, and no other" every_digest
again() {
	bundle snp again --firmware "$amd" --keys keys >/dev/null && cmp snp/id-blocks.json again/id-blocks.json && cmp snp/manifest.json again/manifest.json
}
check "bundles made again are the same, signatures too" again
through_command() {
	mkdir other && cp keys/* other/ && sed -i "s|^id=.*|id=command:openssl dgst -sha384 -sign $WORK/keys/id.key|" other/keyset.conf &&
		rm other/id.key && bundle snp snp --firmware "$amd" --keys other >/dev/null && id_block
}
check "a key behind a command signs blocks that verify, too" through_command
policy() {
	sed -i 's/policy=0x30000/policy=0xb0000/' recipes/platforms/snp.conf && bundle snp snp --firmware "$amd" --keys keys >/dev/null &&
		block true && same "$(tail -c 8 id | od -An -tx8 | tr -d ' ')" 00000000000b0000 && same "$(get snp .id_block.policy)" 0xb0000
}
check "the block's policy is that of the launch" policy
sed -i 's/policy=0xb0000/policy=0x10000/' recipes/platforms/snp.conf
refuses "a policy without its fixed bit is refused" 1 'expected a number with bit 17 set' bundle snp n --firmware "$amd" --keys keys
check "diff names the variants that a changed kernel moves" moved

refuses "a platform with firmware needs it" 2 'firmware' bundle sev n
refuses "one without takes none" 2 'platform sample has none' bundle sample n --firmware "$amd"
refuses "one without a disk takes none" 2 'has no use for a --disk' bundle sev n --firmware "$amd" --disk disk.raw=root
refuses "a platform that boots from a disk needs a UKI" 2 'uki' bundle gcp-snp n --disk disk.tar.gz=root
echo no >uki
refuses "and a disk" 2 'needs a --disk' bundle gcp-snp n --uki uki
refuses "whose name says what it is" 2 'expected disk' bundle gcp-snp n --uki uki --disk root=root
refuses "the keys to enrol are asked for" 2 'enroll' bundle gcp-snp n --uki uki --disk disk.tar.gz=root
mkdir enroll && touch enroll/PK.cer enroll/KEK.cer enroll/db.cer enroll/gcp.json enroll/gcp-shim.json
refuses "a UKI that is none is refused" 1 'uki' bundle gcp-snp n --uki uki --disk disk.tar.gz=root --enroll enroll
sed -i 's/^Stack=.*/Stack=qemu-10.0 qemu-99/' recipes/platforms/sev.conf
refuses "a stack that there is none of is refused" 5 'qemu-99' bundle sev n --firmware "$amd"
check "and nothing is left of any of them" test -z "$(find . -name n -o -name '.n.*')"
