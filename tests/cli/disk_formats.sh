#!/bin/sh
# bulla disk with a boot partition, and as VHD, against sfdisk, sgdisk and qemu-img.
. tests/tap.sh
PATH=$PATH:/usr/sbin:/sbin
cd "$WORK"

head -c $((300 * 4096)) /dev/urandom >root
hash=$("$BULLA" verity --data root --tree tree | sed 's/roothash=//')
"$BULLA" disk --root root --tree tree --roothash "$hash" --out sealed >/dev/null
# as file systems are: something, much nothing, something
{ head -c 5000 /dev/urandom; head -c $((3 * 1048576 - 5512)) /dev/zero; head -c 512 /dev/urandom; } >esp

disk() {
	"$BULLA" disk --image sealed --esp esp "$@"
}
disk --out img >said

# field NUMBER NAME FILE: of a partition, as sfdisk reads it
field() {
	sfdisk --json "${3:-img}" | jq -r ".partitiontable.partitions[$1].$2"
}

same() {
	[ "$1" = "$2" ] || { echo "got '$1', expected '$2'"; return 1; }
}

holds() {
	dd if="${3:-img}" bs=512 skip="$(field "$1" start)" count="$(field "$1" size)" status=none | cmp - "$2"
}

# v8 HEX: the version 8 UUID of a digest, as text in upper case
v8() {
	variant=$(printf '%x' $((0x$(echo "$1" | cut -c 17) & 3 | 8)))
	echo "$1" | cut -c 1-32 | tr a-f A-F |
		sed "s/^\(.\{8\}\)\(....\).\(...\).\(...\)/\1-\2-8\3-$(echo "$variant" | tr a-f A-F)\4-/"
}

bytes() {
	printf '%s' "$1" | sed 's/../\\x&/g' | xargs -0 printf '%b'
}

uuid_of_esp() {
	same "$(field 0 uuid)" "$(v8 "$(sha256sum esp | cut -c 1-64)")"
}

uuid_of_disk() {
	want=$({ printf 'bulla disk'; bytes "$hash"; bytes "$(sha256sum esp | cut -c 1-64)"; } | sha256sum | cut -c 1-64)
	same "$(sfdisk --json img | jq -r .partitiontable.id)" "$(v8 "$want")"
}

as_sealed() {
	for key in type uuid name attrs size; do
		same "$(field "$1" $key)" "$(field "$2" $key sealed)" || return 1
	done
}

sgdisk_accepts() {
	sgdisk -v "$1" >sg
	grep -q 'No problems found' sg && ! grep -qi -e warning -e error sg
}

printed() {
	sed -n "s/^$1=//p" said | tr a-f A-F
}

if command -v sfdisk >/dev/null && command -v jq >/dev/null && command -v sgdisk >/dev/null; then
	check "sfdisk finds no fault" sh -c 'sfdisk --verify img 2>&1 | grep -q "No errors detected"'
	check "nor does sgdisk" sgdisk_accepts img
	check "there are three partitions" same "$(sfdisk --json img | jq '.partitiontable.partitions | length')" 3
	check "the first has the type of an EFI system partition" \
		same "$(sfdisk --list-types --label gpt | grep -i "^$(field 0 type)" | sed 's/^[^ ]* *//')" "EFI System"
	check "its GUID is the version 8 UUID of its SHA-256" uuid_of_esp
	check "the disk's GUID is the version 8 UUID that is documented" uuid_of_disk
	check "the root's partition is as on the sealed disk" as_sealed 1 0
	check "so is the tree's" as_sealed 2 1
	check "the ESP's partition is the ESP" holds 0 esp
	check "the root's partition is the root" holds 1 root
	check "the tree's partition is the tree" holds 2 tree
	check "what is printed is what sfdisk reads" same "$(printed esp) $(printed root) $(printed root-verity)" \
		"$(field 0 uuid) $(field 1 uuid) $(field 2 uuid)"
	check "--json says the same" same "$(disk --json --out img.json | jq -r '.partitions[].uuid' | tr a-f A-F | xargs)" \
		"$(field 0 uuid) $(field 1 uuid) $(field 2 uuid)"

	disk --multiple 64 --out big >said
	check "--multiple 64: whole 64 MiB" same "$(stat -c %s big)" $((64 * 1048576))
	check "sfdisk accepts that too" sh -c 'sfdisk --verify big 2>&1 | grep -q "No errors detected"'
	check "and sgdisk" sgdisk_accepts big
	check "the same partitions are in it" same "$(sfdisk --json big | jq -c .partitiontable.partitions | sed 's/big//g')" \
		"$(sfdisk --json img | jq -c .partitiontable.partitions | sed 's/img//g')"
else
	skip "sfdisk and sgdisk agree" "sfdisk, sgdisk or jq is missing"
	disk --multiple 64 --out big >said
fi
check "what is empty takes no room" test $(($(stat -c %b big) * 512)) -lt $((3 * 1048576))
check "root, tree and root hash given one by one make the same disk" sh -c \
	"'$BULLA' disk --root root --tree tree --roothash $hash --esp esp --out again && cmp img again"
check "a second run gives the same bytes" sh -c "'$BULLA' disk --image sealed --esp esp --out again && cmp img again"

disk --vhd --epoch 1700000000 --out vhd >/dev/null
size=$(stat -c %s img)
check "the VHD is the disk and 512 bytes" sh -c "cmp -n $size img vhd && [ \$(stat -c %s vhd) = $((size + 512)) ]"

# footer FILE OFFSET LENGTH: hex of a field of the footer
footer() {
	tail -c 512 "$1" | od -An -v -tx1 -j "$2" -N "$3" | tr -d ' \n'
}

# all but time (24), creator (28 to 35), checksum (64) and UUID (68)
footer_as_qemu() {
	for field in '0 24' '36 28' '84 428'; do
		# shellcheck disable=SC2086  # two words
		same "$(footer vhd $field)" "$(footer theirs $field)" || return 1
	done
}

footer_sum() {
	sum=$(tail -c 512 vhd | od -An -v -tu1 -w1 | awk 'NR <= 64 || NR > 68 { n += $1 } END { print n }')
	same "$(footer vhd 64 4)" "$(printf '%08x' $((~sum & 0xffffffff)))"
}

if command -v qemu-img >/dev/null; then
	# QEMU's way to a size that is taken as it is
	qemu-img convert -f raw -O vpc -o subformat=fixed,force_size=on img theirs
	check "qemu-img writes the same footer but for time, creator and UUID" footer_as_qemu
	check "qemu-img sees its size" same "$(qemu-img info -f vpc --output json vhd | jq '."virtual-size"')" "$size"
	check "and the same disk" qemu-img compare -f vpc -F raw vhd img
	check "inspect reads the VHD's table" sh -c "'$BULLA' inspect vhd | grep -q root-x86-64-verity"
	qemu-img convert -f raw -O qcow2 img qcow2
	refuses "inspect says how a qcow2 becomes a disk" 1 'qemu-img convert -O raw' "$BULLA" inspect qcow2
	check "qemu-img makes the disk of it again" sh -c 'qemu-img convert -f vpc -O raw vhd back && cmp back img'
else
	skip "qemu-img reads the VHD" "qemu-img is missing"
fi
check "the checksum is the complement of the sum of the others" footer_sum
check "the time stamp counts from 2000" same "$(footer vhd 24 4)" "$(printf '%08x' $((1700000000 - $(date -ud 2000-01-01 +%s))))"
check "the UUID is the disk's" same "$(footer vhd 68 16)" "$(sed -n 's/^disk=//p' said | tr -d -)"

head -c 1000 esp >odd
refuses "an ESP of no whole sectors is refused" 1 'odd: 1000 bytes' "$BULLA" disk --image sealed --esp odd --out no
refuses "a disk that is none is refused" 1 'esp+0x200: no GPT header' "$BULLA" disk --image esp --out no
refuses "a disk with an ESP already is refused" 1 'img: 3 partitions, expected root and root-verity' "$BULLA" disk --image img --esp esp --out no
cp sealed flipped
printf 12345678 | dd of=flipped bs=1 seek=$((1048576 + 70000)) conv=notrunc status=none
refuses "a sealed disk with a flipped byte is refused" 1 'flipped: .*block 17 ' "$BULLA" disk --image flipped --out no
head -c 1500000 sealed >short
refuses "a cut one is refused" 1 'short: partitions reach past' "$BULLA" disk --image short --out no
refuses "--image and --root are one too many" 2 'image has root' disk --root root --out no
refuses "a size of nothing is a usage error" 2 'multiple=0: expected 1 to' disk --multiple 0 --out no
refuses "a time before the format's is a usage error" 2 'epoch=946684799: expected 946684800 to' disk --vhd --epoch 946684799 --out no
check "and nothing is written for any of them" test -z "$(find . -name 'no*')"
