#!/bin/sh
# The sealed root: erofs, its hash tree, the disk image, and the lists of what is in it.
# Usage: STEP_TMP=DIR BULLA=… rootfs/seal.sh BUILDER ROOTFS AGENT ARCH
set -eu
builder=$1 rootfs=$2 agent=$3 arch=$4
mkdir "$STEP_TMP/in"
cp "$rootfs/tree.tar" "$agent/bulla-init" "$agent/bulla-agent" "$STEP_TMP/in/"
tools/sandbox.sh "$builder" sh /src/rootfs/image.sh
"$BULLA" verity --data "$STEP_TMP/rootfs.erofs" --tree "$STEP_TMP/verity" | sed 's/^roothash=//' >"$STEP_TMP/roothash"
"$BULLA" disk --arch "$arch" --root "$STEP_TMP/rootfs.erofs" --tree "$STEP_TMP/verity" \
	--roothash "$(cat "$STEP_TMP/roothash")" --out "$STEP_TMP/rootfs.img"
"$BULLA" manifest --tree "$STEP_TMP/.build/root" --lock recipes/rootfs.lock --status "$rootfs/dpkg/status" \
	--lists "$rootfs/dpkg/info" --all-root --epoch "$(sed -n 's/^SourceDateEpoch=//p' recipes/versions.conf)" \
	--out "$STEP_TMP/manifest.json" --sbom "$STEP_TMP/sbom.spdx.json" --largest "$STEP_TMP/largest.txt"
