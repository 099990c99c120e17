#!/bin/sh
# The agent in a guest, with what it talks to: a broker that knows nothing of it (Node, jose), images that skopeo encrypted and
# cosign signed in a registry of Docker's, containerd's ttrpc in Go. On the sample platform, and on the peer-pod disk with
# swtpm, whose quote the broker compares with the bundle's predicted PCRs.
. tests/boot/common
. tests/boot/e2e/common
name="a guest attests, pulls, decrypts and runs"
OUT=$(cd "$OUT" && pwd)
export BULLA OUT
needs "$name" node npm jq jose openssl perl python3 musl-gcc ip swtpm mmdebstrap apt-ftparchive
needs_kbs "$name"
needs_client "$name"
"$BULLA" fetch tests -q --into "$WORK/debs" && dpkg-deb -x "$WORK"/debs/docker-registry_*.deb "$WORK/registry" ||
	{ skip "$name" "docker-registry of recipes/tests.lock cannot be fetched"; exit 0; }
"$BULLA" fetch publish -q ||
	{ skip "$name" "cosign, oras, skopeo of recipes/publish.lock cannot be fetched"; exit 0; }
"$BULLA" step --dir "$OUT" publisher --in recipes/publish.lock --in tools/publisher.sh --in tools/localrepo.sh \
	--out "$OUT/publisher" -- tools/publisher.sh >&2
tools/userns.sh unshare --net true || { skip "$name" "no network namespace can be made"; exit 0; }
PREPARED=$WORK PUBLISHER=$OUT/publisher tools/userns.sh unshare --net tests/boot/e2e/inside
