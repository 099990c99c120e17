#!/bin/sh
# A release of what was built verifies; where the holder of its key changed one register of one launch, it does not. That the
# registers are right is for other tests to show, by foreign witnesses: here they are measured anew from an archive.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
. tests/tap.sh
OUT=${OUT:-$PWD/out}
BULLA_KEYS=$WORK/keys
export BULLA_KEYS
recipes=$PWD/recipes
for tool in jq zstd; do
	command -v "$tool" >/dev/null || { skip "a release of what was built verifies" "$tool is missing"; exit 0; }
done
[ -e "$OUT/bundles/snp/manifest.json" ] || { skip "a release of what was built verifies" "$OUT is not built: make image"; exit 0; }
cd "$WORK" || exit
db=
mkdir bundles
"$BULLA" sign keygen -q
"$BULLA" sign public --role release --out release.pub

# verify_with PLATFORM FILTER [FILE FILTER]: of a release of that bundle, its manifest and perhaps another file changed
verify_with() {
	rm -rf "bundles/$1" tree packed r && cp -r "$OUT/bundles/$1" bundles/ && jq "$2" "$OUT/bundles/$1/manifest.json" >"bundles/$1/manifest.json" &&
		{ [ $# = 2 ] || change_file "bundles/$1" "$3" "$4"; } &&
		"$BULLA" release --bundles bundles --stage tree "$1" && mkdir -p "packed/$1" && pack "$1" &&
		"$BULLA" release --bundles bundles --packed packed --name r --epoch 1795392000 --recipes "$recipes" --lock kernel \
			--sbom "$OUT/rootfs/x86_64/sbom.spdx.json" --guest "$OUT/guest/x86_64" --out r "$1" &&
		"$BULLA" verify --release r --key release.pub $db
}
change_file() { # BUNDLE FILE FILTER
	jq "$3" "$1/$2" >changed && mv changed "$1/$2" &&
		jq --arg f "$2" --arg h "$(sha256sum <"$1/$2" | cut -c 1-64)" --argjson n "$(stat -c %s "$1/$2")" \
			'.files[$f] = {sha256: $h, size: $n}' "$1/manifest.json" >changed && mv changed "$1/manifest.json"
}
pack() { # as tools/archive.sh, but for the level
	tar --format=ustar -cf - -C tree opt | zstd -q -1 >"packed/$1/bundle.tar.zst" || return 1
	for disk in "bundles/$1"/*.raw "bundles/$1"/*.vhd; do
		[ ! -e "$disk" ] || zstd -q -1 "$disk" -o "packed/$1/${disk##*/}.zst" || return 1
	done
}

changed() { # PLATFORM FILTER PATTERN
	got=0
	verify_with "$1" "$2" >out 2>&1 || got=$?
	cat out
	[ "$got" = 3 ] && grep -q "^  failed *registers.$1 .*$3" out
}
sealed() { # CHECK PATTERN PLATFORM FILTER [FILE FILTER]
	check=$1 pattern=$2
	shift 2
	got=0
	verify_with "$@" >out 2>&1 || got=$?
	cat out
	[ "$got" = 3 ] && grep -q "^  failed *$check.$1 .*$pattern" out
}

all() { # as make release puts it together, with a key of ours
	"$BULLA" release --bundles "$OUT/bundles" --packed "$OUT/packed" --name r --epoch 1795392000 --recipes "$recipes" --lock kernel \
		--sbom "$OUT/rootfs/x86_64/sbom.spdx.json" --guest "$OUT/guest/x86_64" --out all &&
		"$BULLA" verify --release all --key release.pub --db "$OUT/secureboot/db.cer" >out && cat out &&
		[ "$(grep -c '^  ok *registers[.]' out)" = "$(jq -r 'select(.tee != null) | .platform' "$OUT"/bundles/*/manifest.json | wc -l)" ] &&
		[ "$(grep -c '^  ok *uki[.]' out)" = "$(find "$OUT"/bundles/*/uki.efi | wc -l)" ]
}
if [ -d "$OUT/packed" ]; then
	check "a release of all platforms verifies, each measured anew, each UKI signed" all
	rm -rf all
else
	skip "a release of all platforms verifies" "$OUT/packed is missing: make release"
fi
swap='explode | .[0] = (if .[0] == 48 then 49 else 48 end) | implode'
check "snp: another launch digest is found" changed snp ".registers[\"snp.launch_digest\"] |= ($swap)" snp.launch_digest
check "snp: another digest of one launch among many is found" changed snp \
	".variants[37].registers[\"snp.launch_digest\"] |= ($swap)" 'variants.37.'
check "snp: a launch that is not listed is found" changed snp 'del(.variants[3])' variants
check "tdx: another MRTD is found" changed tdx ".registers[\"tdx.mrtd\"] |= ($swap)" tdx.mrtd
check "tdx: a register that is unknown may not be claimed" changed tdx \
	'(.unknown | keys[0]) as $k | .registers[$k] = .registers["tdx.mrtd"] | del(.unknown[$k])' tdx
id='.blocks[7].snp_id_block' auth='.blocks[7].snp_id_auth'
family='(.[0:64] + "B" + .[65:])'
check "snp: an ID block that the key beside it has not signed is found" sealed id-blocks 'not signed by the key beside it' snp . \
	id-blocks.json "$id |= $family"
check "snp: an ID block of another launch is found" sealed id-blocks 'of another launch' snp . id-blocks.json "$id = .blocks[8].snp_id_block"
check "snp: ID authentication of another block is found" sealed id-blocks 'not signed by' snp . id-blocks.json "$auth = .blocks[8].snp_id_auth"
check "snp: a launch without an ID block is found" sealed id-blocks 'lacks launches' snp . id-blocks.json 'del(.blocks[7])'
check "snp: another key than the manifest names is found" sealed id-blocks 'not those of manifest.json' snp ".id_block.author_key_digest |= ($swap)"
if [ -e "$OUT/bundles/libvirt/uki.efi" ]; then
	db="--db keys/db.crt"
	check "libvirt: a UKI that another key signed is found" sealed uki 'not signed by the certificate' libvirt .
else
	skip "libvirt: a UKI that another key signed is found" "$OUT/bundles/libvirt is not built: make image"
fi
