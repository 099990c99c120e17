#!/bin/sh
# A platform's archive, $STEP_TMP/PLATFORM/bundle.tar.zst, and its disks compressed alone. The locked toolchain's tar and
# zstd, the latter without threads: then neither the host's versions nor its processors show in the bytes.
# Usage: STEP_TMP=DIR BULLA=… tools/archive.sh BUILDER BUNDLES PLATFORM
set -eu
builder=$1 bundles=$2 platform=$3
mkdir -p "$STEP_TMP/.build" "$STEP_TMP/$platform"
"$BULLA" release --bundles "$bundles" --stage "$STEP_TMP/.build/tree" "$platform"
for disk in "$bundles/$platform"/*.raw "$bundles/$platform"/*.vhd; do
	[ ! -e "$disk" ] || ln "$disk" "$STEP_TMP/.build/" 2>/dev/null || cp "$disk" "$STEP_TMP/.build/"
done
# shellcheck disable=SC2016  # expanded inside
tools/sandbox.sh "$builder" sh -euc '
	pack="zstd -q -10 --long=27 --single-thread"
	tar --create --directory=tree --sort=name --format=ustar --mtime="@$SOURCE_DATE_EPOCH" \
		--owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --hard-dereference opt >/out/tar
	$pack /out/tar -o "/out/$0/bundle.tar.zst"
	for disk in *.raw *.vhd; do
		[ ! -e "$disk" ] || $pack "$disk" -o "/out/$0/$disk.zst"
	done' "$platform"
