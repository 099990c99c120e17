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
cd "$WORK"
mkdir bundles
"$BULLA" sign keygen -q
"$BULLA" sign public --role release --out release.pub

verify_with() { # PLATFORM FILTER: of a release of that bundle, its manifest changed
	rm -rf "bundles/$1" tree packed r && cp -r "$OUT/bundles/$1" bundles/ && jq "$2" "$OUT/bundles/$1/manifest.json" >"bundles/$1/manifest.json" &&
		"$BULLA" release --bundles bundles --stage tree "$1" && mkdir -p "packed/$1" &&
		tar --format=ustar -cf - -C tree opt | zstd -q -1 >"packed/$1/bundle.tar.zst" &&
		"$BULLA" release --bundles bundles --packed packed --name r --epoch 1795392000 --recipes "$recipes" --lock kernel \
			--sbom "$OUT/rootfs/x86_64/sbom.spdx.json" --guest "$OUT/guest/x86_64" --out r "$1" &&
		"$BULLA" verify --release r --key release.pub
}

changed() { # PLATFORM FILTER PATTERN
	got=0
	verify_with "$1" "$2" >out 2>&1 || got=$?
	cat out
	[ "$got" = 3 ] && grep -q "^  failed *registers.$1 .*$3" out
}

for manifest in "$OUT"/bundles/*/manifest.json; do
	p=$(jq -r 'select(.tee != null) | .platform' "$manifest")
	[ -z "$p" ] || check "$p: measured anew it is what its manifest says" verify_with "$p" .
done
swap='explode | .[0] = (if .[0] == 48 then 49 else 48 end) | implode'
check "snp: another launch digest is found" changed snp ".registers[\"snp.launch_digest\"] |= ($swap)" snp.launch_digest
check "snp: another digest of one launch among many is found" changed snp \
	".variants[37].registers[\"snp.launch_digest\"] |= ($swap)" 'variants.37.'
check "snp: a launch that is not listed is found" changed snp 'del(.variants[3])' variants
check "tdx: another MRTD is found" changed tdx ".registers[\"tdx.mrtd\"] |= ($swap)" tdx.mrtd
check "tdx: a register that is unknown may not be claimed" changed tdx \
	'(.unknown | keys[0]) as $k | .registers[$k] = .registers["tdx.mrtd"] | del(.unknown[$k])' tdx
