#!/bin/sh
# Inside the sandbox: makes /out/initrd.cpio.zst around /out/init with dracut.
set -eu
# with its times kept: dracut dates what is newer than its own files after them
cp -a /usr/lib/dracut /build/dracut
mkdir -p /build/dracut/modules.d/90bulla /build/conf /build/tree
install -m 755 /src/rootfs/dracut/90bulla/module-setup.sh /build/dracut/modules.d/90bulla/
dracutbasedir=/build/dracut dracut --modules bulla --no-kernel --no-hostonly --no-early-microcode --reproducible \
	--nostrip --no-compress --force --conf /dev/null --confdir /build/conf --tmpdir /build /build/initrd.cpio
cd /build/tree
cpio -idm --quiet </build/initrd.cpio
[ -x init ]
# a static init needs no loader configuration, no libraries and no hooks
rm -rf etc var usr/lib/dracut usr/lib/*-linux-gnu
find . -depth -type d -empty ! -path ./dev ! -path ./proc ! -path ./sys ! -path ./root ! -path . -delete
find . -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
find . -printf '%P\n' | grep . | LC_ALL=C sort | cpio -o -H newc --reproducible --owner=0:0 --quiet >/build/small.cpio
# one thread and a fixed level: the bytes follow from the locked zstd alone
zstd -19 --single-thread --no-progress -q -o /out/initrd.cpio.zst /build/small.cpio
