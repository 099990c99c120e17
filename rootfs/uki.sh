#!/bin/sh
# Makes and signs a platform's UKI into $STEP_TMP/PLATFORM: uki.sh BUILDER PLATFORM STUB KERNEL INITRD ROOTFS KEYS.
set -eu
builder=$1 platform=$2 stub=$3 kernel=$4 initrd=$5 rootfs=$6 keys=$7
out=$STEP_TMP/$platform parts=$STEP_TMP/parts
mkdir -p "$out" "$parts"
tar -xOf "$rootfs/tree.tar" ./usr/lib/os-release >"$parts/osrel"
"$BULLA" platforms --cmdline "$platform" --roothash "$rootfs/roothash" >"$parts/cmdline"
"$BULLA" uki --stub "$stub" --kernel "$kernel" --initrd "$initrd" --cmdline-file "$parts/cmdline" --osrel "$parts/osrel" \
	--sbat recipes/sbat --keys "$keys" --out "$out/unsigned.efi"
"$BULLA" sign efi --keys "$keys" --builder "$builder" --in "$out/unsigned.efi" --out "$out/uki.efi"
