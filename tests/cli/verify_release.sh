#!/bin/sh
# bulla verify --release: what anybody may have changed in a release is found and named, and whoever holds its key cannot
# make it say what does not follow from its files. Archives are GNU tar's and zstd's, changed ones jq's and openssl's.
# in memory, where nothing waits for a disk
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
. tests/tap.sh
recipes=$PWD/recipes
BULLA_KEYS=$WORK/keys
export BULLA_KEYS
cd "$WORK"
for tool in jq openssl zstd python3; do
	command -v "$tool" >/dev/null || { skip "a release verifies, a changed one does not" "$tool is missing"; exit 0; }
done

head -c 300000 /dev/urandom >kernel
kernel_header kernel
head -c 20000 /dev/urandom >initrd
head -c 409600 /dev/urandom >root
"$BULLA" verity --data root --tree tree >/dev/null
"$BULLA" verity --data root --tree tree | sed 's/^roothash=//' >roothash
"$BULLA" disk --arch x86_64 --root root --tree tree --roothash "$(cat roothash)" --out rootfs >/dev/null
mkdir guest
for p in init bulla-init bulla-agent; do
	echo "$p" >"guest/$p"
done
echo '{ "spdxVersion": "SPDX-2.3", "packages": [ { "SPDXID": "SPDXRef-Root" } ], "relationships": [] }' >root.json
"$BULLA" sign keygen -q
"$BULLA" sign public --role release --out release.pub
"$BULLA" sign keygen -q --out other && "$BULLA" sign public --keys other --role release --out other.pub

bundle() { # PLATFORM
	"$BULLA" bundle "$1" --recipes "$recipes" --kernel kernel --initrd initrd --rootfs rootfs --roothash roothash --out "bundles/$1" >/dev/null
}
pack() { # PLATFORM [COMMAND…]: its archive, after a command in its tree
	p=$1
	shift
	rm -rf tree.d && "$BULLA" release --bundles bundles --stage tree.d "$p" && mkdir -p "packed/$p" &&
		{ [ $# = 0 ] || (cd tree.d && "$@"); } &&
		tar --format=ustar --sort=name -cf - -C tree.d opt | zstd -q >"packed/$p/bundle.tar.zst"
}
release() {
	rm -rf r && "$BULLA" release --bundles bundles --packed packed --name r1 --epoch 1795392000 --recipes "$recipes" --lock kernel \
		--sbom root.json --guest guest --out r
}
fresh() {
	rm -rf bundles packed && bundle sample && bundle sample-debug && pack sample && pack sample-debug && release
}
resign() { # as the holder of the key does it; the provenance is not made anew
	(cd r && find . -type f ! -name 'SHA256SUMS*' ! -name provenance.intoto.json -printf '%P\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS) &&
		openssl dgst -sha256 -sign keys/release.key -out r/SHA256SUMS.sig r/SHA256SUMS
}
verify() {
	"$BULLA" verify --release r --key release.pub
}
# fails CHECK PATTERN: the answer is no, and that check says why
fails() {
	got=0
	verify >out 2>&1 || got=$?
	cat out
	[ "$got" = 3 ] && grep -q "^  failed *$1 .*$2" out
}

all_files() {
	find r -type f >names && [ "$(wc -l <names)" -gt 15 ] || return 1
	while read -r f; do
		cp --remove-destination "$f" saved && cp saved "$f.new" && mv "$f.new" "$f"
		python3 - "$f" <<'EOT'
import sys
d = bytearray(open(sys.argv[1], "rb").read())
d[len(d) // 2] ^= 1
open(sys.argv[1], "wb").write(d)
EOT
		got=0
		verify >/dev/null 2>&1 || got=$?
		cp saved "$f"
		[ "$got" = 3 ] || { echo "$f: exit $got"; return 1; }
	done <names
	verify
}

register() { # FILTER on the manifest of sample
	fresh && jq "$1" bundles/sample/manifest.json >m && mv m bundles/sample/manifest.json && pack sample && release
}
other_kernel() {
	fresh && mv kernel kept && cat kept initrd >kernel && bundle sample && mv kept kernel && pack sample && release
}
flipped_root() {
	fresh && mv rootfs kept && cp kept rootfs && printf X | dd of=rootfs bs=1 seek=1100000 conv=notrunc status=none &&
		bundle sample && bundle sample-debug && mv kept rootfs && pack sample && pack sample-debug && release
}
archive_with() { # COMMAND…: in the tree of sample
	fresh && pack sample "$@" && release
}
outside() {
	tar --format=ustar -cPf - --transform 's,.*,../escaped,' kernel | zstd -q >packed/sample/bundle.tar.zst && release
}
cut_short() {
	fresh && head -c 150000 packed/sample/bundle.tar.zst >short && mv short packed/sample/bundle.tar.zst && release
}
trailing() {
	fresh && echo x | zstd -q >>packed/sample/bundle.tar.zst && release
}
edit_json() { # FILE FILTER
	jq "$2" "$1" >edited && cp --remove-destination edited "$1"
}
# replace_layer TITLE FILE: FILE as that layer of sample, with everything above it made to fit
replace_layer() {
	/usr/bin/python3 - "$@" <<'EOT'
import hashlib, json, os, sys
title, path = sys.argv[1:]
blobs = "r/oci/blobs/sha256/"
def put(data):
    h = hashlib.sha256(data).hexdigest()
    open(blobs + h, "wb").write(data)
    return h
top = json.load(open("r/oci/index.json"))
def change(d, f):
    j = json.load(open(blobs + d["digest"][7:]))
    os.unlink(blobs + d["digest"][7:])
    f(j)
    data = json.dumps(j).encode()
    d["digest"], d["size"] = "sha256:" + put(data), len(data)
def layer(j):
    for l in j["layers"]:
        if l["annotations"]["org.opencontainers.image.title"] == title:
            data = open(path, "rb").read()
            l["digest"], l["size"] = "sha256:" + put(data), len(data)
sample = [d for d in top["manifests"] if d["annotations"]["org.opencontainers.image.ref.name"] == "r1-sample"][0]
change(sample, layer)
def child(j):
    for d in j["manifests"]:
        if d["annotations"]["org.bulla.platform"] == "sample":
            d["digest"], d["size"] = sample["digest"], sample["size"]
change([d for d in top["manifests"] if d["annotations"]["org.opencontainers.image.ref.name"] == "r1"][0], child)
json.dump(top, open("r/oci/index.json", "w"))
EOT
}

fresh
check "a release verifies" verify
json() {
	"$BULLA" verify --print-schema >schema && "$BULLA" verify --release r --key release.pub --json >yes.json &&
		{ "$BULLA" verify --release r --key other.pub --json >no.json || [ $? = 3 ]; } && /usr/bin/python3 - <<'EOT'
import json, jsonschema
v = jsonschema.Draft202012Validator(json.load(open("schema")))
for name, verified in ("yes.json", True), ("no.json", False):
    j = json.load(open(name))
    v.validate(j)
    assert j["verified"] == verified and not v.is_valid(dict(j, x=1))
EOT
}
if /usr/bin/python3 -c 'import jsonschema' 2>/dev/null; then
	check "as JSON, too, which is as its schema says" json
else
	skip "as JSON, too, which is as its schema says" "python3-jsonschema is missing"
fi
check "without its signatures, too" "$BULLA" verify --release r --unsigned
refuses "neither a key nor leave to do without: exit 2" 2 'hint: .bulla sign public' "$BULLA" verify --release r
other_key() {
	"$BULLA" verify --release r --key other.pub >out 2>&1
	[ $? = 3 ] && grep -q '^  failed *signature .*is not the key' out && grep -q '^  failed *provenance .*none of its 1 signatures' out
}
check "another key has signed neither the sums nor the provenance" other_key
refuses "a folder that is not there: exit 4" 4 'SHA256SUMS' "$BULLA" verify --release nowhere --unsigned
check "a bit changed in any file is found" all_files
touch r/more
check "a file that is not in SHA256SUMS is named" fails files 'more: is not in SHA256SUMS'
rm r/more
mv r/sbom.spdx.json kept
check "a file that is missing is named" fails files 'sbom.spdx.json: is missing'
mv kept r/sbom.spdx.json

# from here on with the key of the release
register '.registers["kernel_hashes.initrd"] = .registers["kernel_hashes.kernel"]'
check "a register that is another file's is found" fails root.sample 'kernel_hashes.initrd: does not follow'
register '.registers["snp.launch_digest"] = .registers["kernel_hashes.kernel"]'
check "a register of another platform is found" fails root.sample 'snp.launch_digest: is a register of nothing'
flipped_root
check "a root that its root hash does not seal is found" fails root.sample 'rootfs.img'
other_kernel
check "a kernel that the other platforms do not have is found" fails shared 'another kernel'
archive_with touch opt/more
check "a file beside the bundle is found" fails archive.sample 'files that manifest.json does not name'
archive_with ln -s /etc/passwd opt/more
check "a link in an archive is refused" fails archive.sample 'type 0x32'
archive_with sh -c 'echo x >>opt/kata/share/defaults/kata-containers/custom-runtimes/bulla-sample/config.d/50-bulla.toml'
other_drop_in() {
	verify >out && grep '^  unchecked *drop-in.sample ' out
}
check "a drop-in of Kata that another version may have written is told" other_drop_in
archive_with sh -c 'cd opt/kata/share/kata-containers/bulla/sample && cp initrd i && echo >>i && mv i initrd'
check "a file that is not the manifest's is found" fails archive.sample 'initrd: size'
fresh && outside
check "a path that leads out of an archive is refused" fails archive.sample 'not plain and relative'
[ ! -e escaped ] || echo "not ok - and nothing was written there"
cut_short
check "an archive cut short is found" fails archive.sample 'ends within its zstd frame'
trailing
check "more after an archive's end is found" fails archive.sample 'goes on after its zstd frame'
fresh && replace_layer initrd kernel && resign
check "a layer that is not the bundle's file is found" fails oci 'initrd: is not that of the archive'
fresh && printf x >"r/oci/blobs/sha256/$(printf x | sha256sum | cut -c 1-64)" && resign
check "a blob that nothing refers to is found" fails oci 'nothing refers to'
fresh && edit_json r/oci/index.json 'del(.manifests[0])' && resign
check "a platform without a manifest is found" fails oci 'sample: has no manifest'
fresh && cp r/sample.tar.zst r/more.tar.zst && resign
check "an archive under another platform's name is found" fails archive.more 'cannot\|No such\|more'
fresh && edit_json r/sbom.spdx.json 'del(.packages[] | select(.name == "initrd"))' && resign
check "a file that the SBOM lacks is named" fails sbom 'lacks initrd of sample'
fresh && echo '{}' >r/oci/oci-layout && resign
check "what was signed anew but is not in the provenance is found" fails provenance 'SHA256SUMS: the release has another'
