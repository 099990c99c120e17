#!/bin/sh
# libguestfs opens every disk image that was built, read-only and all in one appliance. The appliance's kernel is locked: the
# host's may be too old for what is in the root.
. tests/tap.sh
OUT=${OUT:-$PWD/out}
PATH=$PATH:/usr/sbin:/sbin
what="libguestfs reads the disk images"
export LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=force_tcg

/usr/bin/python3 -c 'import guestfs' 2>/dev/null || { skip "$what" "python3-guestfs is missing"; exit 0; }
for tool in depmod sfdisk objcopy; do
	command -v $tool >/dev/null || { skip "$what" "$tool is missing"; exit 0; }
done
images=$(find "$OUT"/disk/*/ -type f \( -name '*.raw' -o -name '*.qcow2' -o -name '*.vhd' -o -name '*.tar.gz' \) 2>/dev/null | sort)
[ -n "$images" ] || { skip "$what" "$OUT/disk is missing"; exit 0; }
"$BULLA" fetch tests-kernel -q --into "$WORK/debs" || { skip "$what" "recipes/tests-kernel.lock cannot be fetched"; exit 0; }

# supermin copies the folder itself, though not the modules in it; a container has none
if ! [ -d /lib/modules ]; then
	mkdir /lib/modules 2>/dev/null || { skip "$what" "/lib/modules is missing, and only root can make it"; exit 0; }
	trap 'rmdir /lib/modules; rm -rf "$WORK"' EXIT
fi
for deb in "$WORK"/debs/linux-image-*.deb; do
	dpkg-deb -x "$deb" "$WORK/kernel"
done
modules=$(echo "$WORK"/kernel/usr/lib/modules/*)
version=${modules##*/}
# supermin reads no compressed modules
find "$modules" -name '*.ko.xz' -exec unxz {} +
ln -s usr/lib "$WORK/kernel/lib"
depmod -b "$WORK/kernel" "$version"
mkdir "$WORK/cache"
export SUPERMIN_KERNEL="$WORK/kernel/boot/vmlinuz-$version" SUPERMIN_KERNEL_VERSION="$version" SUPERMIN_MODULES="$modules" \
	LIBGUESTFS_CACHEDIR="$WORK/cache" LIBGUESTFS_TMPDIR="$WORK"

# shellcheck disable=SC2086  # no blanks in these paths
timeout 900 /usr/bin/python3 tests/boot/guestfs_read.py "$OUT" "$WORK" $images
