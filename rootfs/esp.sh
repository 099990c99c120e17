#!/bin/sh
# Inside the sandbox: a folder as an EFI system partition: esp.sh FOLDER IMAGE. FAT32 as UEFI 2.10, 13.3 asks. Each time
# stamp is SOURCE_DATE_EPOCH, which mtools takes by itself; the serial number is of the content.
set -eu
image=$2
cd "$1"
files=$(find . -type f | LC_ALL=C sort)
# shellcheck disable=SC2086  # no blanks in these paths
serial=$(sha256sum $files | sha256sum | cut -c 1-8)
# One sector a cluster, of which FAT32 has at least 65525; what it takes to list them is 8 bytes each.
# shellcheck disable=SC2086
clusters=$(stat -c %s $files | awk '{ n += int(($1 + 511) / 512) } END { n += 64; print n < 66000 ? 66000 : n }')
mib=$(((clusters * 520 + 65535) / 1048576 + 1))
mkfs.fat --invariant -F 32 -S 512 -s 1 -f 2 -h 2048 -i "$serial" -C "$image" $((mib * 1024))
find . -mindepth 1 -type d | LC_ALL=C sort | while read -r d; do
	mmd -i "$image" "::${d#.}"
done
for f in $files; do
	mcopy -i "$image" "$f" "::${f#.}"
done
fsck.fat -n "$image"
