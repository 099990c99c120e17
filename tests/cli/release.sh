#!/bin/sh
# bulla release: every digest, signature and reference in a release is what other tools find.
. tests/tap.sh
recipes=$PWD/recipes
BULLA_KEYS=$WORK/keys
export BULLA_KEYS
cd "$WORK"
for tool in jq openssl zstd python3; do
	command -v "$tool" >/dev/null || { skip "a release is what other tools find" "$tool is missing"; exit 0; }
done

# Two platforms that share all but a command line; content does not matter here but for what looks like a kernel.
head -c 300000 /dev/urandom >kernel
kernel_header kernel
head -c 20000 /dev/urandom >initrd
head -c 500000 /dev/urandom >rootfs
printf 'root' | sha256sum | cut -c 1-64 >roothash
mkdir guest other
for p in init bulla-init bulla-agent; do
	echo "$p" >"guest/$p"
done
echo '{}' >other/index.json
"$BULLA" sign keygen -q
"$BULLA" sign public --role release --out release.pub
cat >root.json <<'EOT'
{ "spdxVersion": "SPDX-2.3", "packages": [ { "SPDXID": "SPDXRef-Root", "name": "root" }, { "SPDXID": "SPDXRef-Package-crun-amd64", "name": "crun" } ],
  "relationships": [ { "spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-Root" },
    { "spdxElementId": "SPDXRef-Root", "relationshipType": "CONTAINS", "relatedSpdxElement": "SPDXRef-Package-crun-amd64" } ] }
EOT
echo "$(sha256sum <initrd | cut -c 1-64) firmware ovmf-amdsev" >origins

for p in sample sample-debug; do
	"$BULLA" bundle "$p" --recipes "$recipes" --kernel kernel --initrd initrd --rootfs rootfs --roothash roothash \
		--out "bundles/$p" >/dev/null
	"$BULLA" release --bundles bundles --stage "tree-$p" "$p"
	mkdir -p "packed/$p"
	tar -cf - -C "tree-$p" opt | zstd -q >"packed/$p/bundle.tar.zst"
done

release() { # OUT OPTION…
	"$BULLA" release --bundles bundles --packed packed --name r1 --epoch 1795392000 --recipes "$recipes" --lock kernel \
		--lock firmware --sbom root.json --guest guest --origins origins --with other --out "$@"
}

kata_drop_in() {
	f=tree-sample/opt/kata/share/defaults/kata-containers/custom-runtimes/bulla-sample/config.d/50-bulla.toml
	/usr/bin/python3 - "$f" tree-sample <<'EOT'
import json, os, sys, tomllib
q = tomllib.load(open(sys.argv[1], "rb"))["hypervisor"]["qemu"]
m = json.load(open(sys.argv[2] + "/opt/kata/share/kata-containers/bulla/sample/manifest.json"))
for path in q["kernel"], q["initrd"], q["guest_extension_images"][0]["path"]:
    assert os.path.isfile(sys.argv[2] + path), path
assert q["kernel_params"] == m["cmdline"] and q["image"] == ""
assert q["default_vcpus"] == m["launch"]["vcpus"] and f'{q["default_memory"]}M' == m["launch"]["memory"]
EOT
}

sums_hold() {
	(cd r && sha256sum --quiet --strict -c SHA256SUMS && find . -type f ! -name 'SHA256SUMS*' ! -name provenance.intoto.json |
		sed 's,^\./,,' | LC_ALL=C sort | diff - ../listed)
}

signed() {
	openssl dgst -sha256 -verify release.pub -signature r/SHA256SUMS.sig r/SHA256SUMS
}

# the signature of an envelope is over its type and payload with their lengths (DSSE, protocol.md)
attested() {
	jq -r .payload r/provenance.intoto.json | base64 -d >statement &&
		{ printf 'DSSEv1 28 application/vnd.in-toto+json %s ' "$(wc -c <statement)" && cat statement; } >pae &&
		jq -r '.signatures[0].sig' r/provenance.intoto.json | base64 -d >sig &&
		openssl dgst -sha256 -verify release.pub -signature sig pae
}

subjects() {
	{ grep -v ' oci/' r/SHA256SUMS && (cd r && sha256sum SHA256SUMS) &&
		jq -r '.manifests[] | (.digest | ltrimstr("sha256:")) + "  oci:" + .annotations["org.opencontainers.image.ref.name"]' r/oci/index.json; } |
		sort >want && jq -r '.subject[] | .digest.sha256 + "  " + .name' statement | sort | diff want -
}

dependencies() {
	jq -r '.predicate.buildDefinition.resolvedDependencies[] | .digest.sha256 + " " + .name' statement | sort >got &&
		{ awk '!/^#/ { print $5, $7 }' "$recipes/kernel.lock" "$recipes/firmware.lock" &&
			(cd "$recipes/.." && find recipes -type f -exec sha256sum {} +) | sed 's/  / /'; } | sort | diff - got
}

# every descriptor, from index.json down, names a blob of that size and digest; nothing else is there
layout_is_whole() {
	/usr/bin/python3 - r/oci <<'EOT'
import hashlib, json, os, sys
seen = set()
def blob(d):
    data = open(f"{sys.argv[1]}/blobs/sha256/{d['digest'][7:]}", "rb").read()
    assert len(data) == d["size"] and hashlib.sha256(data).hexdigest() == d["digest"][7:], d
    seen.add(d["digest"][7:])
    if d["mediaType"].endswith("json"):
        j = json.loads(data)
        for c in j.get("manifests", []) + j.get("layers", []) + [j[k] for k in ("config",) if k in j and "rootfs" not in j]:
            blob(c)
for d in json.load(open(sys.argv[1] + "/index.json"))["manifests"]:
    blob(d)
assert seen == set(os.listdir(sys.argv[1] + "/blobs/sha256")), "other blobs"
EOT
}

shared_once() {
	[ "$(find r/oci -type f -size "$(stat -c %s rootfs)c" | wc -l)" = 1 ] &&
		[ "$(grep -l vmlinuz r/oci/blobs/sha256/* | xargs jq -r '.layers[]? | select(.annotations["org.opencontainers.image.title"] == "vmlinuz") | .digest' |
			sort | uniq -c | awk '{ print $1 }')" = 2 ]
}

sbom_refers_to_what_it_has() {
	jq -e '([.packages[].SPDXID] + ["SPDXRef-DOCUMENT"]) as $ids | ($ids | unique | length) == ($ids | length) and
		([.relationships[] | .spdxElementId, .relatedSpdxElement] | unique - $ids == [])' r/sbom.spdx.json &&
		has() { jq -e --arg a "$1" --arg t "$2" --arg b "$3" '[.relationships[] | select((.spdxElementId | startswith($a)) and .relationshipType == $t and
			(.relatedSpdxElement | startswith($b)))] | length > 0' r/sbom.spdx.json; } &&
		has SPDXRef-DOCUMENT DESCRIBES SPDXRef-Release && has SPDXRef-Release CONTAINS SPDXRef-Platform-sample-debug &&
		has SPDXRef-Platform-sample CONTAINS SPDXRef-Artefact-rootfs.img- && has SPDXRef-Artefact-rootfs.img- CONTAINS SPDXRef-Root &&
		has SPDXRef-Root CONTAINS SPDXRef-Package-crun && has SPDXRef-Root CONTAINS SPDXRef-Artefact-bulla-agent &&
		has SPDXRef-Artefact-vmlinuz GENERATED_FROM SPDXRef-Locked-kernel-linux-source &&
		has SPDXRef-Locked-firmware-ovmf-amdsev CONTAINS SPDXRef-Artefact-initrd
}

same_elsewhere() {
	(umask 077 && TZ=Asia/Kathmandu LC_ALL=C release again) && (cd again && find . -type f | sort) >a && (cd r && find . -type f | sort) | diff - a &&
		cmp r/SHA256SUMS again/SHA256SUMS && jq -r .payload again/provenance.intoto.json | base64 -d | cmp - statement
}

check "a release is made" release r
(cd r && cut -c 67- SHA256SUMS) >listed
check "SHA256SUMS has every file but the signed ones, sorted, and sha256sum agrees" sums_hold
check "openssl verifies its signature" signed
check "openssl verifies the envelope of the provenance" attested
check "the provenance is about the files and the OCI manifests" subjects
check "and names every locked file and recipe with its digest" dependencies
check "an OCI layout of whole blobs, and no others" layout_is_whole
check "what platforms share is one blob" shared_once
check "the SBOM relates only what it has, from the release down to packages" sbom_refers_to_what_it_has
check "a drop-in for Kata that names files which are there" kata_drop_in
check "under another umask and time zone it is the same but for signatures" same_elsewhere
named() {
	"$BULLA" release --bundles bundles --packed packed --name "$1" --recipes "$recipes" --sbom root.json --guest guest --out named
}
refuses "a name that is no tag is refused" 2 'name=a/b: expected' named a/b
refuses "a folder that is there is left alone" 1 'r: is there' release r
echo x >>bundles/sample/rootfs.img
refuses "a changed bundle is not released" 3 'rootfs.img: size' release other
