#!/bin/sh
# Inside the sandbox: the kept files, the agent and the overlay become one erofs. /out/in holds what earlier steps made.
# Makes /out/rootfs.erofs, and leaves the tree in /build/root for the manifest.
set -eu
root=/build/root
mkdir -p "$root"
tar -C "$root" -xf /out/in/tree.tar
# git keeps no modes but the executable bit, and a umask must not reach the image
(cd /src/rootfs/overlay && find . -type f) | while read -r f; do
	install -D -m 644 "/src/rootfs/overlay/$f" "$root/$f"
done
install -D -m 755 /out/in/bulla-init "$root/usr/lib/bulla/bulla-init"
install -D -m 755 /out/in/bulla-agent "$root/usr/lib/bulla/bulla-agent"
mkdir -p "$root/dev" "$root/proc" "$root/sys" "$root/run" "$root/tmp" "$root/root" "$root/var" "$root/mnt"
ln -sf ../usr/lib/os-release "$root/etc/os-release"
ln -sf /run/bulla/resolv.conf "$root/etc/resolv.conf"
ln -sf /proc/self/mounts "$root/etc/mtab"
find "$root" -type d -exec chmod 755 {} +
chmod 1777 "$root/tmp"
chmod 700 "$root/root"
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
# through a sorted tar: the order of a directory must not decide where a file lies
tar -C "$root" --sort=name --numeric-owner --owner=0 --group=0 --mtime="@$SOURCE_DATE_EPOCH" --format=gnu -cf /build/root.tar .
# level 3 without fragments: 7 % larger than level 12 with them and, on a busy machine, made in 3 s instead of 57;
# an edit in agent/ waits for it
mkfs.erofs --quiet -T "$SOURCE_DATE_EPOCH" -U clear -x-1 -zzstd,level=3 -C65536 -Eztailpacking --workers=1 \
	--tar=f /out/rootfs.erofs /build/root.tar
