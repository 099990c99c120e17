#!/bin/sh
# All bundles that were built: one kernel, initrd and root in each, also inside the UKIs; what their manifests say of the hardware's
# registers, against other programs. Witnesses: sha256sum, objcopy, openssl; Fraunhofer calculate-tdx-mrs (tests/golden/mrtd.tsv).
. tests/tap.sh
out=${OUT:-$PWD/out}
arch=x86_64 repo=$PWD
bundles=$out/bundles
for tool in jq openssl objcopy iconv; do
	command -v $tool >/dev/null || { skip "bundles" "$tool is missing"; exit 0; }
done
cd "$WORK"
platforms=$("$BULLA" platforms --recipes "$repo/recipes" --json | jq -r '.platforms[].name')

get() {
	jq -r "$2" "$bundles/$1/manifest.json"
}

same() {
	[ "$1" = "$2" ] || { echo "got '$1', expected '$2'"; return 1; }
}

every_platform() {
	for p in $platforms; do
		same "$(get "$p" .platform)" "$p" || return 1
	done
	same "$(find "$bundles" -mindepth 1 -maxdepth 1 ! -name '.*' | wc -l)" "$(echo "$platforms" | wc -l)"
}
check "every platform has a bundle, and no other is there" every_platform
whole() {
	for p in $platforms; do
		get "$p" '.files | to_entries[] | .value.sha256 + "  '"$bundles/$p"'/" + .key' >sums && sha256sum --quiet -c sums || return 1
		find "$bundles/$p" -type f ! -name manifest.json -printf '%f\n' | sort >have
		get "$p" '.files | keys[]' | sort | diff - have || return 1
	done
}
check "the files are those of the manifests, by sha256sum" whole
one_build() {
	for f in kernel/$arch/vmlinuz=vmlinuz initrd/$arch/initrd.cpio.zst=initrd rootfs/$arch/rootfs.img=rootfs.img; do
		for p in $platforms; do
			same "$(stat -c %i "$bundles/$p/${f#*=}")" "$(stat -c %i "$out/${f%=*}")" || return 1
		done
	done
	for f in vmlinuz initrd rootfs.img; do
		same "$(for p in $platforms; do get "$p" ".files[\"$f\"].sha256"; done | sort -u | wc -l)" 1 || return 1
	done
}
check "kernel, initrd and root are the same files in all of them" one_build
in_ukis() {
	n=0
	for uki in "$bundles"/*/uki.efi; do
		dir=${uki%/*}
		for f in linux=vmlinuz initrd=initrd cmdline=cmdline; do
			objcopy -O binary --only-section=".${f%=*}" "$uki" section &&
				cmp -n "$(stat -c %s "$dir/${f#*=}")" section "$dir/${f#*=}" || return 1
		done
		n=$((n + 1))
	done
	same $n "$(get_all '.boot == "disk"' | grep -c true)"
}
# get_all JQ: of every manifest, a line each
get_all() {
	for p in $platforms; do get "$p" "$1"; done
}
check "so are those in the UKIs, by objcopy, and the command line" in_ukis
one_cmdline() {
	for p in $platforms; do
		case $p in
		sample*) grep -q 'bulla.tee=sample' "$bundles/$p/cmdline" ;;
		*) ! grep -q 'bulla.tee=' "$bundles/$p/cmdline" && cat "$bundles/$p/cmdline" && echo ;;
		esac || return 1
	done | sort -u | wc -l | grep -qx 1
}
check "one command line in all but the samples, and none of these says that it is one" one_cmdline
as_schema() {
	for p in $platforms; do echo "$bundles/$p/manifest.json"; done | xargs /usr/bin/python3 -c 'import json, jsonschema, sys
for name in sys.argv[2:]:
    jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).validate(json.load(open(name)))' "$repo/docs/schema/bundle.json"
}
if /usr/bin/python3 -c 'import jsonschema' 2>/dev/null; then
	check "the manifests are as their schema says" as_schema
else
	skip "the manifests are as their schema says" "python3-jsonschema is missing"
fi

measured() {
	"$BULLA" measure all --bundle "$bundles" --json >all.json &&
		same "$(jq -r '.bundles[].platform' all.json | sort)" "$(get_all 'select(.tee).platform' | sort)" &&
		for p in $(jq -r '.bundles[].platform' all.json); do
			get "$p" '.tee as $t | .registers | to_entries[] | select(.key | startswith($t + ".")) | "\(.key)=\(.value)"' | sort >want
			jq -r '.bundles[] | select(.platform == "'"$p"'").measurement | .tee as $t | .registers | to_entries[] | "\($t).\(.key)=\(.value)"' all.json |
				sort | { [ "$(get "$p" .tee)" = vtpm ] && grep 'vtpm.sha256' || cat; } | diff want - || return 1
			[ -s want ] || return 1
		done
}
check "bulla measure all gives what the manifests say" measured
mrtd() {
	# shellcheck disable=SC2016  # awk's
	same "$(get tdx '.registers["tdx.mrtd"]')" "$(awk -F'\t' '$1 ~ /2026.08-OVMF.inteltdx.ms.fd$/ && $2 == "-" { print $3 }' "$repo/tests/golden/mrtd.tsv")"
}
check "MRTD of the locked firmware is another program's" mrtd
# extend FILE…: SHA-384 of each file into a register that starts with zeros
extend() {
	head -c 48 /dev/zero >reg
	for f; do
		openssl dgst -sha384 -binary <"$f" >>reg
		openssl dgst -sha384 -binary <reg >reg.new
		mv reg.new reg
	done
	od -An -v -tx1 reg | tr -d ' \n'
}
rtmr2() {
	# OVMF 2026.08 puts this before the command line (docs/measure.md)
	{ printf 'initrd=initrd '; cat "$bundles/tdx/cmdline"; printf '\0'; } | iconv -f ascii -t utf-16le >options
	same "$(get tdx '.registers["tdx.rtmr2"]')" "$(extend options "$bundles/tdx/initrd")"
}
check "RTMR2 holds load options and initrd" rtmr2
unknown() {
	get tdx '.unknown["tdx.rtmr0"]' | grep -q 'bulla acpi' && get peerpod '.unknown["vtpm.sha256.pcr1"]' | grep -q 'bulla acpi' &&
		for p in $(get_all 'select(.upload and (.qemu | not)).platform'); do
			same "$(get "$p" '[.unknown | keys[] | select(startswith("vtpm")) | sub(".*pcr"; "") | tonumber] | sort | join(" ")')" \
				"0 1 2 3 5 6 7" && same "$(get "$p" '.unknown | keys | map(select(test("^(snp.launch_digest|tdx.mrtd)$"))) | length')" 1 ||
				return 1
		done
}
check "what firmware and ACPI tables decide is unknown where these are, and says why" unknown
of_image() {
	for pcr in 4 9 11 12; do
		same "$(get_all 'select(.boot == "disk") | .registers["vtpm.sha256.pcr'$pcr'"] // "none"' | sort -u | wc -l)" 1 || return 1
	done
	get peerpod '.registers["vtpm.sha256.pcr11"]' | grep -q '[1-9a-f]'
}
check "the PCRs that the image decides are the same in every cloud" of_image
uploads() {
	for p in $(get_all 'select(.upload).platform'); do
		for f in $(get "$p" '.upload | .file, .keys[]'); do
			[ -f "$bundles/$p/$f" ] || return 1
		done
		get "$p" '.upload.commands[]' | grep -qF "$(get "$p" .upload.file)" || return 1
		get "$p" '.upload.commands[]' >commands && sh -n commands || return 1
	done
	same "$(get_all 'select(.boot == "disk" and ((.qemu or .upload) | not)).platform')" ""
}
check "each image says how it is registered: files that are there, commands that a shell can read" uploads
inspected() {
	for p in $platforms; do
		"$BULLA" inspect "$bundles/$p" --json >i.json && same "$(jq -r '.type, .content.platform, (.content.files | length)' i.json | xargs)" \
			"bundle $p $(get "$p" '.files | length')" || return 1
	done
	"$BULLA" inspect "$bundles/snp" | grep -q "^registers.snp.launch_digest: *$(get snp '.registers["snp.launch_digest"]')$"
}
check "bulla inspect shows a bundle" inspected
id_blocks() {
	get snp '.registers["snp.launch_digest"], .variants[].registers["snp.launch_digest"]' | sort -u >want &&
		jq -r '.blocks[].launch_digest' "$bundles/snp/id-blocks.json" | sort | diff want - && same "$(wc -l <want)" 160
}
check "SNP has an ID block for every launch" id_blocks
