#!/bin/sh
# bulla measure and bulla idblock for SEV, SEV-ES and SEV-SNP. Values: sev-snp-measure 0.0.13 (the vectors' peer-matrix.tsv),
# HMACs: openssl.
. tests/tap.sh
vectors=${VECTORS:-../shared/vectors}
firmware=$vectors/ovmf/debian-2026.08-OVMF.amdsev.fd
plain=$vectors/ovmf/debian-2025.02-8-OVMF.fd
keys=$vectors/sev/sev-snp-measure
[ -e "$firmware" ] || {
	skip "bulla measure for SEV" "$firmware: test data is missing"
	exit 0
}
one=d74bd3ea40b240c3228edc5177ce6193561ebff633dbd0be76d6c143b876d65102425c0e2e8a930857c48daa5eacda58
id_key=870b7e35c53f8a72d0d322f75ab2af8262792aaf6579622ce4131c3f21f289e77cb0560a5e3b90b3932e674ec709cb14
many=c8988bfa29626e72129dd39d65a2deb380513881d5cb98f3b2dc1a6d02c8ebd6017056ff0943743a66a1221bea8f229e

snp() {
	"$BULLA" measure snp --firmware "$firmware" "$@"
}

launch_digest() {
	[ "$(snp --vcpus 1 --vcpu-type EPYC-v4)" = "snp.launch_digest=$one" ] &&
		[ "$(snp --vcpus 64 --vcpu-sig 0x800f12)" = "snp.launch_digest=$many" ] &&
		[ "$(snp --vcpus 64 --vcpu-family 23 --vcpu-model 1 --vcpu-stepping 2)" = "snp.launch_digest=$many" ]
}

matrix() {
	snp --vcpus 64,1-3 --vcpu-type EPYC-Milan,EPYC-v4 --csv >"$WORK/m.csv" &&
		[ "$(wc -l <"$WORK/m.csv")" = 9 ] &&
		grep -qx "EPYC-v4,0x800f12,1,$one" "$WORK/m.csv" &&
		grep -qx "EPYC-v4,0x800f12,64,$many" "$WORK/m.csv" &&
		[ "$(snp --vcpus 1-256 --vcpu-type all | wc -l)" = $((22 * 256)) ] &&
		[ "$(snp --vcpus 1-2 --vcpu-type EPYC-v4 | head -1)" = "snp.launch_digest.EPYC-v4.1=$one" ] &&
		snp --vcpus 1-2 --vcpu-type all --json |
		jq -e --arg d "$one" '.schema == "bulla.matrix/1" and (.matrix | length) == 44 and
			(.matrix[] | select(.vcpu_type == "EPYC-v4" and .vcpus == 1).launch_digest) == $d'
}

sev_with_key() {
	"$BULLA" measure sev --firmware "$firmware" --tik "$WORK/tik" --nonce 000102030405060708090a0b0c0d0e0f \
		--api 1.55.22 --policy 0x3 "$@"
}

launch_measure() {
	digest=$(sha256sum <"$firmware" | cut -d' ' -f1)
	mac=$(printf '0401371603000000%s000102030405060708090a0b0c0d0e0f' "$digest" | tr a-f A-F | basenc --base16 -d |
		openssl dgst -sha256 -mac HMAC -macopt hexkey:30313233343536373839616263646566 | sed 's/.*= //')
	[ "$(sev_with_key)" = "sev.launch_digest=$digest
sev.launch_measure=$mac" ]
}

key_stays_secret() {
	sev_with_key --json >"$WORK/json" &&
		jq -e '.inputs | has("nonce") and (has("tik") | not)' "$WORK/json" &&
		! grep -q "$(sha256sum <"$WORK/tik" | cut -d' ' -f1)" "$WORK/json"
}

idblock() {
	"$BULLA" idblock --firmware "$firmware" --vcpus 1 --vcpu-type EPYC-v4 --id-key "$keys/id_key_test.pem" \
		--author-key "$keys/author_key_test.pem" --guest-svn 7 --policy 0xb0000 \
		--family-id 000102030405060708090a0b0c0d0e0f --out "$WORK/$1" >"$WORK/$1.digests"
}

id_block() {
	idblock a && idblock b && diff -r "$WORK/a" "$WORK/b" &&
		base64 -d "$WORK/a/id-block.b64" | cmp - "$WORK/a/id-block.bin" &&
		base64 -d "$WORK/a/id-auth.b64" | cmp - "$WORK/a/id-auth.bin" &&
		[ "$(od -An -v -tx1 "$WORK/a/id-block.bin" | tr -d ' \n')" = \
			"${one}000102030405060708090a0b0c0d0e0f00000000000000000000000000000000010000000700000000000b0000000000" ] &&
		grep -qx "snp.id_key_digest=$id_key" "$WORK/a.digests"
}

printf '0123456789abcdef' >"$WORK/tik"
check "the launch digest is that of another program, by model, signature or family" launch_digest
check "a matrix has the same values, as text, CSV and JSON" matrix
check "LAUNCH_MEASURE is what openssl says" launch_measure
check "the transport integrity key is not in what is printed" key_stays_secret
check "an ID block is the same each time, raw and in base64" id_block
refuses "a kernel needs firmware with a kernel-hashes section" 4 "no kernel-hashes section in the SEV metadata" \
	"$BULLA" measure snp --firmware "$plain" --kernel "$plain" --vcpus 1 --vcpu-type EPYC
refuses "and says which has one" 4 "hint: use the AmdSev build of OVMF (OVMF.amdsev.fd" \
	"$BULLA" measure snp --firmware "$plain" --kernel "$plain" --vcpus 1 --vcpu-type EPYC
refuses "-cpu host is no model" 2 "'host' is another CPU on each machine" \
	"$BULLA" measure snp --firmware "$firmware" --vcpus 1 --vcpu-type host
refuses "a cloud whose launch is not public is refused" 5 "Microsoft's paravisor" \
	"$BULLA" measure snp --stack azure --firmware "$firmware" --vcpus 1 --vcpu-type EPYC
refuses "a QEMU without SNP is refused" 5 "QEMU starts SNP guests from 9.1 on" \
	"$BULLA" measure snp --stack qemu-7.2 --firmware "$firmware" --vcpus 1 --vcpu-type EPYC
refuses "a matrix of a platform without one" 2 "sev-es has one value a launch" \
	"$BULLA" measure sev-es --firmware "$firmware" --vcpus 1-2 --vcpu-type EPYC
refuses "a digest stands for the whole launch" 2 "means nothing beside --launch-digest" \
	"$BULLA" idblock --id-key "$keys/id_key_test.pem" --out "$WORK/c" --launch-digest "$one" --vcpus 2
refuses "a command line that no result could name" 2 "cmdline: has bytes that are not UTF-8" \
	"$BULLA" measure snp --firmware "$firmware" --kernel "$firmware" --cmdline "$(printf 'a\377')" --vcpus 1 --vcpu-type EPYC
