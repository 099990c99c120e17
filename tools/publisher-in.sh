#!/bin/sh
# Inside the publisher's root, for publish.sh. /mnt is the release, /build is shared.
#   push REPOSITORY  copies every tag, and leaves what cosign wants signed for TAG in payload.TAG
#   sign REPOSITORY  takes signature.TAG, attaches provenance, SBOM and checksums, and verifies all of it
set -eu
step=$1 repository=$2 plain='' to='' cosign=''
if [ "$PLAIN_HTTP" = yes ]; then
	plain=--plain-http to=--to-plain-http cosign=--allow-http-registry
fi
layout=/mnt/oci
created=$(sed -n 's/.*"created": "\(.*\)".*/\1/p' /mnt/sbom.spdx.json)

digest() {
	oras resolve --oci-layout "$layout:$1"
}

push() { # TAG
	# shellcheck disable=SC2086  # options or nothing
	oras cp --no-tty $to --from-oci-layout "$layout:$1" "$repository:$1" >/build/log 2>&1 || { cat /build/log >&2; exit 1; }
	# shellcheck disable=SC2086
	cosign generate $cosign "$repository@$(digest "$1")" >"/build/payload.$1"
	echo "pushed $repository:$1@$(digest "$1")"
}

quietly() {
	"$@" >/build/log 2>&1 || { cat /build/log >&2; exit 1; }
}

verified() { # REFERENCE
	# shellcheck disable=SC2086
	cosign verify $cosign --key /build/release.pub --insecure-ignore-tlog=true "$1" &&
		cosign verify-attestation $cosign --key /build/release.pub --insecure-ignore-tlog=true --type slsaprovenance1 "$1"
}

# Once: cosign would add the same signature again.
sign() { # TAG
	at=$repository@$(digest "$1")
	if ! verified "$at" >/dev/null 2>&1; then
		# shellcheck disable=SC2086
		quietly cosign attach signature $cosign --payload "/build/payload.$1" --signature "/build/signature.$1" "$at"
		# shellcheck disable=SC2086
		quietly cosign attach attestation $cosign --attestation /mnt/provenance.intoto.json "$at"
		quietly verified "$at"
	fi
	echo "signed $at"
}

# To the index of all: what is about the whole release. The time keeps the same release the same in a registry.
attach() { # TAG TYPE FILE
	cd /mnt
	# shellcheck disable=SC2086
	quietly oras attach --no-tty $plain --artifact-type "$2" --annotation "org.opencontainers.image.created=$created" "$repository:$1" "$3:$2"
	cd /build
}

# a tag that is the beginning of all the others is the index's: last, so that it never names what is not there
tags=$(oras repo tags --oci-layout "$layout" | sort -r)
for tag in $tags; do
	"$step" "$tag"
done
if [ "$step" = sign ]; then
	attach "$tag" application/spdx+json sbom.spdx.json
	attach "$tag" application/vnd.bulla.sums.v1 SHA256SUMS
	attach "$tag" application/vnd.bulla.sums.signature.v1 SHA256SUMS.sig
fi
