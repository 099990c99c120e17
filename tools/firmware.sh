#!/bin/sh
# Inside tools/sandbox.sh: the firmware images and the shim of the packages in /out/debs, without what else these hold (one is
# the key that anybody can sign with).
set -eu
mkdir tree /out/firmware
for deb in /out/debs/*.deb; do
	dpkg-deb -x "$deb" tree
done
find tree/usr/share/OVMF tree/usr/share/ovmf tree/usr/lib/shim -type f \( -name '*.fd' -o -name '*.efi.signed' \) \
	-exec install -m 644 -t /out/firmware {} +
