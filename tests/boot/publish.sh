#!/bin/sh
# What is published, in a real registry on loopback: cosign, oras and skopeo accept it, and nothing that was changed there.
. tests/tap.sh
OUT=${OUT:-$PWD/out}
export BULLA
registry_pid=
trap 'kill $registry_pid 2>/dev/null || :; rm -rf "$WORK"' EXIT
PATH=$PATH:/usr/sbin:/sbin
for tool in bwrap jq zstd perl mmdebstrap apt-ftparchive; do
	command -v "$tool" >/dev/null || { skip "others accept what is published" "$tool is missing: ci/install-deps check"; exit 0; }
done
[ -e "$OUT/bundles/sample-debug/manifest.json" ] || { skip "others accept what is published" "$OUT is not built: make image"; exit 0; }
# out of its package: installed, it would start a registry for all the network
"$BULLA" fetch tests -q --into "$WORK/debs" && dpkg-deb -x "$WORK"/debs/docker-registry_*.deb "$WORK/registry" ||
	{ skip "others accept what is published" "docker-registry of recipes/tests.lock cannot be fetched"; exit 0; }
registry=$WORK/registry/usr/bin/docker-registry
"$BULLA" fetch publish -q ||
	{ skip "others accept what is published" "cosign, oras, skopeo of recipes/publish.lock cannot be fetched"; exit 0; }
"$BULLA" step --dir "$OUT" publisher --in recipes/publish.lock --in tools/publisher.sh --in tools/localrepo.sh \
	--out "$OUT/publisher" -- tools/publisher.sh >&2

# a release of two platforms
keys=$WORK/keys
"$BULLA" sign keygen -q --out "$keys"
"$BULLA" sign public --keys "$keys" --role release --out "$WORK/release.pub"
"$BULLA" sign keygen -q --out "$WORK/others" && "$BULLA" sign public --keys "$WORK/others" --role release --out "$WORK/other.pub"
for p in sample sample-debug; do
	"$BULLA" release --bundles "$OUT/bundles" --stage "$WORK/tree.$p" "$p" && mkdir -p "$WORK/packed/$p"
	tar --format=ustar -cf - -C "$WORK/tree.$p" opt | zstd -q -1 >"$WORK/packed/$p/bundle.tar.zst"
done
"$BULLA" release --bundles "$OUT/bundles" --packed "$WORK/packed" --name r1 --epoch 1795392000 --recipes recipes --lock kernel \
	--sbom "$OUT/rootfs/x86_64/sbom.spdx.json" --guest "$OUT/guest/x86_64" --keys "$keys" --out "$WORK/r" sample sample-debug

# a registry that asks for a password
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
repository=127.0.0.1:$port/test/bulla
perl -e 'print "me:", crypt("secret", q($2y$05$abcdefghijklmnopqrstuu)), "\n"' >"$WORK/htpasswd"
cat >"$WORK/registry.yml" <<EOT
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: $WORK/store}}
http: {addr: "127.0.0.1:$port"}
auth: {htpasswd: {realm: test, path: $WORK/htpasswd}}
EOT
"$registry" serve "$WORK/registry.yml" >"$WORK/registry.log" 2>&1 &
registry_pid=$!
i=0
while [ $i -lt 100 ] && ! python3 -c "import socket; socket.create_connection(('127.0.0.1', $port))" 2>/dev/null; do
	sleep 0.1
	i=$((i + 1))
done
mkdir -p "$WORK/home/.docker"
printf '{"auths": {"127.0.0.1:%s": {"auth": "%s"}}}\n' "$port" "$(printf me:secret | base64)" >"$WORK/home/.docker/config.json"

publish() { # RELEASE
	REGISTRY_AUTH_FILE=$WORK/home/.docker/config.json timeout 300 tools/publish.sh "$OUT/publisher" "$1" "127.0.0.1:$port/test" "$keys"
}
# them COMMAND…: one of the locked programs, in $WORK
them() {
	timeout 120 tools/userns.sh bwrap --ro-bind "$OUT/publisher" / --dev /dev --proc /proc --tmpfs /tmp --tmpfs /run --bind "$WORK" /build \
		--chdir /build --clearenv --setenv PATH /usr/bin --setenv HOME /build/home --setenv REGISTRY_AUTH_FILE /build/home/.docker/config.json "$@"
}
cosign_verify() { # KEY REFERENCE
	them cosign verify --allow-http-registry --insecure-ignore-tlog=true --key "$1" "$2"
}
fails_with() { # PATTERN COMMAND…
	pattern=$1
	shift
	if "$@" >"$WORK/out" 2>&1; then
		return 1
	fi
	cat "$WORK/out"
	grep -qi -- "$pattern" "$WORK/out"
}
layout() { # TAG: its digest in the release
	jq -r --arg t "$1" '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == $t) | .digest' "$WORK/r/oci/index.json"
}

no_credentials() {
	REGISTRY_AUTH_FILE=/nonexistent fails_with 'unauthorized\|authentication' tools/publish.sh "$OUT/publisher" "$WORK/r" "127.0.0.1:$port/test" "$keys"
}
not_verified() {
	cp -r "$WORK/r" "$WORK/bad" && echo >>"$WORK/bad/sbom.spdx.json" && fails_with 'nothing was pushed' publish "$WORK/bad" && [ ! -e "$WORK/store" ]
}
attested() {
	them cosign verify-attestation --allow-http-registry --insecure-ignore-tlog=true --key release.pub --type slsaprovenance1 "$repository:r1-sample" >"$WORK/att" 2>"$WORK/err" &&
		jq -r .payload "$WORK/att" | base64 -d | jq -e --arg d "$(layout r1-sample)" '[.subject[] | "sha256:" + .digest.sha256] | index($d)'
}
pulled() { # PLATFORM
	rm -rf "$WORK/pull" && them oras pull --no-tty --plain-http -o pull "$repository:r1-$1" && diff -r "$WORK/pull" "$OUT/bundles/$1"
}
inspected() { # COMMAND…: skopeo
	"$@" inspect --tls-verify=false "docker://$repository:r1-sample" >"$WORK/inspect" &&
		jq -e --arg d "$(layout r1-sample)" --arg h "$(jq -r .roothash "$OUT/bundles/sample/manifest.json")" \
			'.Digest == $d and .Labels["org.bulla.register.roothash"] == $h and .Architecture == "amd64"' "$WORK/inspect"
}
host_skopeo() {
	timeout 60 env HOME="$WORK/home" REGISTRY_AUTH_FILE="$WORK/home/.docker/config.json" skopeo "$@"
}
index_of_all() {
	them skopeo inspect --raw --tls-verify=false "docker://$repository:r1" | jq -r '.manifests[].digest' | sort >"$WORK/got" &&
		{ layout r1-sample && layout r1-sample-debug; } | sort | diff - "$WORK/got"
}
copied() { # the whole into a layout elsewhere, by digests
	them skopeo copy -q --all --src-tls-verify=false "docker://$repository:r1" oci:copy:r1 &&
		[ "$(jq -r '.manifests[0].digest' "$WORK/copy/index.json")" = "$(layout r1)" ]
}
bill_attached() {
	them oras discover --plain-http --artifact-type application/spdx+json -o json "$repository:r1" >"$WORK/found" &&
		d=$(jq -r '.manifests[0].digest // .referrers[0].digest' "$WORK/found") && rm -rf "$WORK/sbom" &&
		them oras pull --no-tty --plain-http -o sbom "$repository@$d" && cmp "$WORK/sbom/sbom.spdx.json" "$WORK/r/sbom.spdx.json"
}
moved_tag() {
	jq '.annotations["org.bulla.platform"] = "sample-debug"' "$WORK/r/oci/blobs/sha256/$(layout r1-sample | cut -c 8-)" >"$WORK/moved.json" &&
		them oras manifest push --plain-http "$repository:r1-sample" moved.json && fails_with 'no signatures found\|no matching signatures' \
		cosign_verify release.pub "$repository:r1-sample" && cosign_verify release.pub "$repository@$(layout r1-sample)"
}
forged() { # a signature of another key, on the moved tag
	them cosign generate --allow-http-registry "$repository:r1-sample" >"$WORK/payload" && "$BULLA" sign blob --keys "$WORK/others" --role release \
		--in "$WORK/payload" --out "$WORK/sig" && base64 -w 0 "$WORK/sig" >"$WORK/sig64" &&
		them cosign attach signature --allow-http-registry --payload payload --signature sig64 "$repository:r1-sample" &&
		cosign_verify other.pub "$repository:r1-sample" && fails_with 'no matching signatures\|invalid signature' cosign_verify release.pub "$repository:r1-sample"
}
changed_blob() {
	h=$(jq -r '.files.initrd.sha256' "$OUT/bundles/sample/manifest.json")
	f=$(find "$WORK/store" -path "*/$h/data") && printf X | dd of="$f" bs=1 seek=100 conv=notrunc status=none &&
		fails_with 'mismatch\|digest' them oras pull --no-tty --plain-http -o changed "$repository:r1-sample-debug"
}

refuses "a registry that is none is refused, exit 2" 2 'expected HOST' tools/publish.sh "$OUT/publisher" "$WORK/r" https://x "$keys"
check "a release that does not verify is not pushed" not_verified
check "without credentials nothing can be" no_credentials
check "a release is published, with the credentials of the user's file" publish "$WORK/r"
check "and again" publish "$WORK/r"
for p in sample sample-debug; do
	check "cosign verifies $p by its tag" cosign_verify release.pub "$repository:r1-$p"
	check "oras pulls the files of $p, and no others" pulled "$p"
done
check "cosign verifies the index of all" cosign_verify release.pub "$repository:r1"
check "cosign verifies the provenance, which is about that manifest" attested
check "another key does not verify" fails_with 'no matching signatures\|invalid signature' cosign_verify other.pub "$repository:r1-sample"
check "skopeo shows the registers" inspected them skopeo
if command -v skopeo >/dev/null; then
	check "an older skopeo does, too" inspected host_skopeo
else
	skip "an older skopeo does, too" "skopeo is missing"
fi
check "the index holds both platforms" index_of_all
check "skopeo copies all of it without a change" copied
check "oras finds the SBOM at the index" bill_attached
check "a tag that was moved has no signature; the manifest that was signed still does" moved_tag
check "a signature of another key does not help" forged
check "a file changed in the registry's store is not taken" changed_blob
