#!/bin/sh
# The agent pulls from a real registry, by TLS and with a password, what skopeo pushed and cosign, skopeo and gnupg signed.
. tests/tap.sh
OUT=${OUT:-$PWD/out}
PULL=${FUZZ:-out/test}/image_pull
LAYOUT=${VECTORS:-../shared/vectors}/agent/ocicrypt/plain-oci
export BULLA
registry_pid=
trap 'kill $registry_pid 2>/dev/null || :; rm -rf "$WORK"' EXIT
PATH=$PATH:/usr/sbin:/sbin
for tool in bwrap jq perl curl openssl mmdebstrap apt-ftparchive; do
	command -v "$tool" >/dev/null || { skip "the agent pulls from a registry" "$tool is missing: ci/install-deps check"; exit 0; }
done
[ -e "$LAYOUT" ] || { skip "the agent pulls from a registry" "$LAYOUT is missing"; exit 0; }
# out of its package: installed, it would start a registry for all the network
"$BULLA" fetch tests -q --into "$WORK/debs" && dpkg-deb -x "$WORK"/debs/docker-registry_*.deb "$WORK/registry" ||
	{ skip "the agent pulls from a registry" "docker-registry of recipes/tests.lock cannot be fetched"; exit 0; }
"$BULLA" fetch publish -q ||
	{ skip "the agent pulls from a registry" "cosign, oras, skopeo of recipes/publish.lock cannot be fetched"; exit 0; }
"$BULLA" step --dir "$OUT" publisher --in recipes/publish.lock --in tools/publisher.sh --in tools/localrepo.sh \
	--out "$OUT/publisher" -- tools/publisher.sh >&2

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
at=127.0.0.1:$port
perl -e 'print "me:", crypt("secret", q($2y$05$abcdefghijklmnopqrstuu)), "\n"' >"$WORK/htpasswd"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=registry -addext 'subjectAltName=IP:127.0.0.1' \
	-keyout "$WORK/tls.key" -out "$WORK/tls.crt" 2>/dev/null
cat >"$WORK/registry.yml" <<EOT
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: $WORK/store}}
http: {addr: "$at", tls: {certificate: $WORK/tls.crt, key: $WORK/tls.key}}
auth: {htpasswd: {realm: test, path: $WORK/htpasswd}}
EOT
"$WORK/registry/usr/bin/docker-registry" serve "$WORK/registry.yml" >"$WORK/registry.log" 2>&1 &
registry_pid=$!
i=0
while [ $i -lt 100 ] && ! curl -s --cacert "$WORK/tls.crt" "https://$at/v2/" >/dev/null; do
	sleep 0.1
	i=$((i + 1))
done
mkdir -p "$WORK/home/.docker" "$WORK/certs" "$WORK/registries.d" "$WORK/gnupg" "$WORK/sigs"
chmod 700 "$WORK/gnupg"
cp "$WORK/tls.crt" "$WORK/certs/ca.crt"
cp -r "$LAYOUT" "$WORK/plain"
printf '{"auths": {"%s": {"auth": "%s"}}}\n' "$at" "$(printf me:secret | base64)" >"$WORK/home/.docker/config.json"
echo '{"auths": {}}' >"$WORK/no-auths"
printf 'default-docker:\n  use-sigstore-attachments: true\n  lookaside: file:///build/sigs\n' >"$WORK/registries.d/all.yaml"

# them COMMAND…: one of the locked programs, in $WORK
them() {
	timeout 120 tools/userns.sh bwrap --ro-bind "$OUT/publisher" / --dev /dev --proc /proc --tmpfs /tmp --tmpfs /run --bind "$WORK" /build \
		--chdir /build --clearenv --setenv PATH /usr/bin --setenv HOME /build/home --setenv REGISTRY_AUTH_FILE /build/home/.docker/config.json \
		--setenv COSIGN_PASSWORD "" --setenv SSL_CERT_FILE /build/tls.crt --setenv GNUPGHOME /build/gnupg "$@"
}
copy() { # [OPTION…] FROM TO: by skopeo
	them skopeo --registries.d registries.d --insecure-policy copy -q --src-cert-dir certs --dest-cert-dir certs "$@"
}
sign() { # KEY REFERENCE
	them cosign sign -y --tlog-upload=false --key "$1" "$2"
}
n=0
pull() { # [OPTION…] REFERENCE
	n=$((n + 1))
	timeout 60 "$PULL" roots="$WORK/tls.crt" auths="$WORK/home/.docker/config.json" "$@" "$WORK/layers$n"
}
policy() { # FILE REQUIREMENT
	printf '{"default":[{"type":"reject"}],"transports":{"docker":{"%s":[%s]}}}' "$at" "$2" >"$WORK/$1"
}
digest() { # REFERENCE
	them skopeo inspect --cert-dir certs --format '{{.Digest}}' "docker://$at/$1"
}
fails() { # PATTERN COMMAND…
	pattern=$1
	shift
	if "$@" >/dev/null 2>"$WORK/why"; then
		return 1
	fi
	cat "$WORK/why"
	grep -q -- "$pattern" "$WORK/why"
}
# the folders of a pull hold what tar takes out of the layers
unpacked() {
	jq -r '.layers[].digest' "$LAYOUT/blobs/sha256/$(jq -r '.manifests[0].digest' "$LAYOUT/index.json" | cut -c 8-)" >"$WORK/digests" &&
		jq -r '.layers[]' "$WORK/got" >"$WORK/folders" && rm -rf "$WORK/tar" && paste "$WORK/digests" "$WORK/folders" >"$WORK/both" &&
		while read -r d f; do
			rm -rf "$WORK/tar" && mkdir "$WORK/tar" && tar -xzf "$LAYOUT/blobs/sha256/${d#sha256:}" -C "$WORK/tar" && diff -r "$WORK/tar" "$f" &&
				[ -n "$(ls "$f")" ] || return 1
		done <"$WORK/both" && [ "$(wc -l <"$WORK/both")" = 2 ]
}
comes() { # [OPTION…] REFERENCE
	pull "$@" >"$WORK/got" && unpacked
}
met() { # REQUIREMENT [OPTION…] REFERENCE: accepted by it
	met=$1
	shift
	comes tee=1 "$@" && jq -e --arg m "$met" '.signed_by | endswith($m)' "$WORK/got"
}
zstd_comes() {
	copy --dest-compress-format zstd "oci:plain" "docker://$at/zstd:v1" && comes "$at/zstd:v1" &&
		them skopeo inspect --raw --cert-dir certs "docker://$at/zstd:v1" | jq -e '.layers[0].mediaType | endswith("tar+zstd")'
}
docker_comes() {
	copy --format v2s2 "oci:plain" "docker://$at/docker:v1" && comes "$at/docker:v1" &&
		them skopeo inspect --raw --cert-dir certs "docker://$at/docker:v1" | jq -e '.mediaType | endswith("distribution.manifest.v2+json")'
}
# an index of the image and of one for another machine; signed as a whole, its manifests are not
index_signed() {
	copy "oci:plain" "docker://$at/index:one" && one=$(digest index:one) && size=$(them skopeo inspect --raw --cert-dir certs "docker://$at/index:one" | wc -c) &&
		jq -n --arg d "$one" --argjson s "$size" '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests:
			[("other", "amd64") | {mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d, size: $s, platform: {os: "linux", architecture: .}}]}' >"$WORK/index" &&
		curl -sf --cacert "$WORK/tls.crt" -u me:secret -X PUT -H 'Content-Type: application/vnd.oci.image.index.v1+json' --data-binary "@$WORK/index" \
			"https://$at/v2/index/manifests/v1" && sign cosign.key "$at/index@sha256:$(sha256sum <"$WORK/index" | cut -c -64)" &&
		met sigstoreSigned policy="$WORK/by-cosign" "$at/index:v1" && jq -e --arg d "$one" '.manifest_digest == $d and (.index_digest | startswith("sha256:"))' "$WORK/got" &&
		fails 'is not signed' pull tee=1 policy="$WORK/by-cosign" "$at/index:one"
}
attached() { # NAME OPENSSL-COMMAND…: a key of openssl's, whose signature cosign attaches and verifies
	name=$1
	shift
	openssl "$@" -out "$WORK/$name.pem" 2>/dev/null && openssl pkey -in "$WORK/$name.pem" -pubout -out "$WORK/$name.pub" &&
		copy "oci:plain" "docker://$at/$name:v1" && them cosign generate "$at/$name:v1" >"$WORK/payload" &&
		openssl dgst -sha256 -sign "$WORK/$name.pem" -out "$WORK/sig" "$WORK/payload" && base64 -w 0 "$WORK/sig" >"$WORK/sig64" &&
		them cosign attach signature --payload payload --signature sig64 "$at/$name:v1" &&
		them cosign verify --insecure-ignore-tlog=true --key "$name.pub" "$at/$name:v1" && accepted_alone "$name"
}
imported() { # NAME OPENSSL-COMMAND…: a key of openssl's that cosign signs with
	name=$1
	shift
	openssl "$@" -out "$WORK/$name.pem" 2>/dev/null && them cosign import-key-pair --key "$name.pem" -o "$name" &&
		copy "oci:plain" "docker://$at/$name:v1" && sign "$name.key" "$at/$name:v1" && accepted_alone "$name"
}
accepted_alone() { # NAME: that key's signature, and no other key
	policy "by-$1" "{\"type\":\"sigstoreSigned\",\"keyPath\":\"$WORK/$1.pub\"}" &&
		met sigstoreSigned policy="$WORK/by-$1" "$at/$1:v1" && fails 'signature is not of that key' pull policy="$WORK/by-cosign" "$at/$1:v1"
}
by_skopeo() { # its signature names the tag
	printf '\n' >"$WORK/empty" && copy --sign-by-sigstore-private-key cosign.key --sign-passphrase-file empty "oci:plain" "docker://$at/skopeo:v1" &&
		met sigstoreSigned policy="$WORK/by-cosign" "$at/skopeo:v1"
}
other_tag() {
	curl -sf --cacert "$WORK/tls.crt" -u me:secret -H 'Accept: application/vnd.oci.image.manifest.v1+json' "https://$at/v2/skopeo/manifests/v1" >"$WORK/m" &&
		curl -sf --cacert "$WORK/tls.crt" -u me:secret -X PUT -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' --data-binary "@$WORK/m" \
			"https://$at/v2/skopeo/manifests/v2" && fails "valid, but for the name '$at/skopeo:v1'" pull policy="$WORK/by-cosign" "$at/skopeo:v2" &&
		comes policy="$WORK/by-cosign" "$at/skopeo@$(digest skopeo:v1)"
}
second_signature() { # of another key first, and of the right one then
	copy "oci:plain" "docker://$at/two:v1" && sign other.key "$at/two:v1" && fails 'no valid signature among 1' pull policy="$WORK/by-cosign" "$at/two:v1" &&
		sign cosign.key "$at/two:v1" && met sigstoreSigned policy="$WORK/by-cosign" "$at/two:v1"
}
simple() {
	them gpg --batch --quiet --passphrase '' --quick-generate-key test@test ed25519 sign never && them gpg --export test@test >"$WORK/ring.gpg" &&
		copy --sign-by test@test "oci:plain" "docker://$at/simple:v1" && policy by-gpg "{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"$WORK/ring.gpg\"}" &&
		printf 'docker:\n  %s:\n    lookaside: file://%s\n' "$at" "$WORK/sigs" >"$WORK/lookaside" &&
		met signedBy policy="$WORK/by-gpg" sigstore="$WORK/lookaside" "$at/simple:v1"
}
unsigned() {
	fails 'has no simple signature' pull policy="$WORK/by-gpg" sigstore="$WORK/lookaside" "$at/plain:v1"
}
changed_blob() { # in the registry's store
	h=$(sed -n '1s/sha256://p' "$WORK/digests") && f=$(find "$WORK/store" -path "*/$h/data") && printf X | dd of="$f" bs=1 seek=20 conv=notrunc status=none &&
		fails "layer 0 (sha256:$h): its digest is" pull "$at/plain:v1"
}

for k in cosign other; do
	them cosign generate-key-pair --output-key-prefix "$k" >"$WORK/log" 2>&1
done
policy by-cosign "{\"type\":\"sigstoreSigned\",\"keyPath\":\"$WORK/cosign.pub\"}"
policy by-other "{\"type\":\"sigstoreSigned\",\"keyPath\":\"$WORK/other.pub\"}"
copy "oci:plain" "docker://$at/plain:v1"
copy "oci:plain" "docker://$at/signed:v1"
sign cosign.key "$at/signed:v1" >"$WORK/log" 2>&1

check "what skopeo pushed comes, and is what tar unpacks" comes "$at/plain:v1"
check "without the password it does not" fails 'there are none for it' pull auths="$WORK/no-auths" "$at/plain:v1"
check "nor by a certificate of nobody" fails 'certificate' pull roots=/dev/null "$at/plain:v1"
check "layers packed by zstd come" zstd_comes
check "an image in Docker's format comes" docker_comes
check "cosign's signature is accepted" met sigstoreSigned policy="$WORK/by-cosign" "$at/signed:v1"
check "with another key it is not" fails 'no valid signature among 1: the signature is not of that key' pull policy="$WORK/by-other" "$at/signed:v1"
check "an image without a signature is not accepted" fails 'is not signed: sha256:.* has no cosign signature' pull policy="$WORK/by-cosign" "$at/plain:v1"
check "one that the policy does not name is rejected" fails 'is rejected by policy.json, default' pull policy="$WORK/by-cosign" elsewhere.example/signed:v1
check "a signature of the index counts for its image" index_signed
check "a signature by an RSA key that cosign verifies is accepted" attached rsa genrsa
check "and by a P-384 one" attached ec384 ecparam -name secp384r1 -genkey -noout
check "and cosign's own by Ed25519" imported ed25519 genpkey -algorithm ed25519
check "skopeo's sigstore signature is accepted" by_skopeo
check "but not under another tag; by its digest it is" other_tag
check "one valid signature among others suffices" second_signature
check "a simple signature of skopeo and gnupg is accepted" simple
check "an image without one is not" unsigned
check "a layer changed in the registry's store is named" changed_blob
