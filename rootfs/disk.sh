#!/bin/sh
# The disk images of a platform, in $STEP_TMP/PLATFORM: disk.FORMAT for each of its formats and, where it wants the variant
# with the UEFI shim in front, disk-shim.FORMAT. No root, no loop devices.
# Usage: STEP_TMP=DIR BULLA=… rootfs/disk.sh BUILDER PLATFORM UKI ROOTFS.IMG FIRMWARE
set -eu
umask 022
builder=$1 platform=$2 uki=$3 rootfs=$4 firmware=$5
setting() {
	sed -n "s/^$1=//p" "recipes/platforms/$platform.conf"
}
formats=$(setting Formats)
[ "$(setting Shim)" = yes ] && variants='disk disk-shim' || variants=disk
# Google Cloud takes whole GiB alone
case " $formats " in
*' gcp '*) multiple=1024 ;;
*) multiple=1 ;;
esac
out=$STEP_TMP/$platform
mkdir "$out"

for name in $variants; do
	boot=$STEP_TMP/$name/esp/EFI/BOOT
	mkdir -p "$boot"
	if [ "$name" = disk ]; then
		install -m 644 "$uki" "$boot/BOOTX64.EFI"
	else
		install -m 644 "$firmware/shimx64.efi.signed" "$boot/BOOTX64.EFI"
		install -m 644 "$firmware/mmx64.efi.signed" "$boot/mmx64.efi"
		install -m 644 "$uki" "$boot/grubx64.efi"
	fi
	tools/sandbox.sh "$builder" sh /src/rootfs/esp.sh "/out/$name/esp" "/out/$name/esp.img"
	set -- --image "$rootfs" --esp "$STEP_TMP/$name/esp.img" --multiple "$multiple"
	"$BULLA" disk "$@" --out "$STEP_TMP/$name/disk.raw"
	for format in $formats; do
		case $format in
		raw) ln "$STEP_TMP/$name/disk.raw" "$out/$name.raw" ;;
		vhd) "$BULLA" disk "$@" --vhd --epoch "$(sed -n 's/^SourceDateEpoch=//p' recipes/versions.conf)" --out "$out/$name.vhd" ;;
		qcow2)
			# -m 1: clusters in the order of the disk
			tools/sandbox.sh "$builder" qemu-img convert -m 1 -f raw -O qcow2 "/out/$name/disk.raw" "/out/$platform/$name.qcow2"
			;;
		gcp)
			# as Google documents it (oldgnu, sparse); what is a hole is decided by content, not by this file system
			# shellcheck disable=SC2016
			tools/sandbox.sh "$builder" sh -c 'tar -C "/out/$1" --format=oldgnu -S --hole-detection=raw --mode=644 --owner=0 --group=0 \
				--numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -cf - disk.raw | gzip -n >"/out/$2/$1.tar.gz"' - "$name" "$platform"
			;;
		*)
			echo "$platform: Formats: '$format', expected raw, qcow2, vhd or gcp" >&2
			exit 2
			;;
		esac
	done
done
