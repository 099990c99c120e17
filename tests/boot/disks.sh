#!/bin/sh
# The disk images that were built, against qemu-img, sgdisk, tar and mtools; and made once more, elsewhere.
. tests/tap.sh
OUT=${OUT:-$PWD/out}
PATH=$PATH:/usr/sbin:/sbin
[ -d "$OUT/disk" ] || { skip "disk images" "$OUT/disk is missing"; exit 0; }
for tool in qemu-img sgdisk sfdisk mdir; do
	command -v $tool >/dev/null || { skip "disk images" "$tool is missing"; exit 0; }
done
epoch=$(sed -n 's/^SourceDateEpoch=//p' recipes/versions.conf)

# formats CONF: the files that it asks for
formats() {
	for f in $(sed -n 's/^Formats=//p' "$1"); do
		[ "$f" = gcp ] && f=tar.gz
		echo "disk.$f"
		! grep -q '^Shim=yes' "$1" || echo "disk-shim.$f"
	done | sort
}

complete() {
	for conf in $(grep -l '^Boot=disk' recipes/platforms/*.conf); do
		platform=$(basename "$conf" .conf)
		formats "$conf" >"$WORK/want"
		find "$OUT/disk/$platform" -type f -printf '%f\n' | sort | diff "$WORK/want" - || return 1
	done
}

sound() {
	for f in "$OUT"/disk/*/*.raw; do
		sgdisk -v "$f" | grep -q 'No problems found' && sfdisk --verify "$f" 2>&1 | grep -q 'No errors detected' || return 1
	done
	for f in "$OUT"/disk/*/*.qcow2; do
		qemu-img check -f qcow2 "$f" || return 1
		qemu-img compare -f qcow2 -F raw "$f" "${f%.qcow2}.raw" || return 1
	done
}

# Azure: whole MiB before the footer
azure() {
	for f in "$OUT"/disk/*/*.vhd; do
		size=$(qemu-img info -f vpc --output json "$f" | jq '."virtual-size"')
		[ $((size % 1048576)) = 0 ] && [ "$(stat -c %s "$f")" = $((size + 512)) ] || { echo "$f: $size"; return 1; }
		qemu-img convert -f vpc -O raw "$f" "$WORK/back" && sgdisk -v "$WORK/back" | grep -q 'No problems found' || return 1
	done
}

# Google: one sparse file of an old GNU tar, whole GiB
cat >"$WORK/google.py" <<'EOT'
import sys, tarfile
for name in sys.argv[2:]:
    with tarfile.open(name) as t:
        (m,) = t.getmembers()
        assert (m.name, m.type, m.size % 2**30) == ("disk.raw", tarfile.GNUTYPE_SPARSE, 0), (m.name, m.type, m.size)
        assert (m.uid, m.gid, m.mode, m.mtime) == (0, 0, 0o644, int(sys.argv[1])), m.get_info()
        t.fileobj.seek(0)
        assert t.fileobj.read(512)[257:265] == b"ustar  \0", "not old GNU"
    with open(name, "rb") as f:
        assert f.read(10)[3:8] == bytes(5), "gzip keeps a name or a time"
EOT

# every file and folder of the boot partition has the one time stamp
stamped() {
	when=$(date -ud "@$epoch" '+%Y-%m-%d')
	for f in "$OUT"/disk/*/*.raw; do
		at=$(sfdisk --json "$f" | jq '.partitiontable.partitions[0].start * 512')
		TZ=UTC mdir -/ -a -i "$f@@$at" :: | grep -v '^ \|^Directory\|^$\|^Total' >"$WORK/listed"
		[ "$(wc -l <"$WORK/listed")" -ge 7 ] && ! grep -v " $when  *0:00" "$WORK/listed" || { cat "$WORK/listed"; return 1; }
	done
}

# again PLATFORM: made once more with another clock, umask, time zone and file system gives the same bytes
again() {
	tmp=$(mktemp -d -p "$2")
	(
		umask 077
		TZ=Asia/Kathmandu LC_ALL=C STEP_TMP=$tmp BULLA=$BULLA \
			rootfs/disk.sh "$OUT/builder" "$1" "$OUT/uki/$1/uki.efi" "$OUT/rootfs/x86_64/rootfs.img" "$OUT/firmware"
	) >"$WORK/again.log" 2>&1 || { cat "$WORK/again.log"; rm -rf "$tmp"; return 1; }
	diff -r "$tmp/$1" "$OUT/disk/$1"
	same=$?
	rm -rf "$tmp"
	return $same
}

check "each platform has the formats that its conf names, and no other file" complete
check "sgdisk, sfdisk and qemu-img find no fault; a qcow2 is its raw disk" sound
check "VHDs are whole MiB, and qemu-img makes sound disks of them" azure
check "Google's archives are what its documentation asks for" /usr/bin/python3 "$WORK/google.py" "$epoch" "$OUT"/disk/*/*.tar.gz
check "the boot partitions have the one time stamp" stamped
for platform in peerpod az-snp-vtpm gcp-snp; do
	# tmpfs gives back names in the reverse order
	check "$platform: made again elsewhere, its images are the same" again $platform /dev/shm
done
