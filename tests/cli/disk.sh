#!/bin/sh
# bulla disk against sfdisk and sgdisk: a table that both accept, and in it the bytes that were put in.
. tests/tap.sh
PATH=$PATH:/usr/sbin:/sbin
cd "$WORK"

head -c $((700 * 4096)) /dev/urandom >root
hash=$("$BULLA" verity --data root --tree tree | sed 's/roothash=//')

disk() {
	"$BULLA" disk --root root --tree tree --roothash "$hash" --out "$@"
}
disk img >said

# field NUMBER NAME: of a partition, as sfdisk reads it
field() {
	sfdisk --json "${3:-img}" | jq -r ".partitiontable.partitions[$1].$2"
}

# uuid HEX32: as text in upper case
uuid() {
	echo "$1" | tr a-f A-F | sed 's/^\(.\{8\}\)\(....\)\(....\)\(....\)/\1-\2-\3-\4-/'
}

same() {
	[ "$1" = "$2" ] || { echo "got '$1', expected '$2'"; return 1; }
}

holds() {
	dd if=img bs=512 skip="$(field "$1" start)" count="$(field "$1" size)" status=none | cmp - "$2"
}

disk_guid() {
	want=$({ printf 'bulla disk'; printf '%s' "$hash" | sed 's/../\\x&/g' | xargs -0 printf '%b'; } | sha256sum | cut -c 1-32)
	# version 8, variant 10
	want=$(echo "$want" | sed 's/^\(.\{12\}\)./\18/')
	variant=$(printf '%x' $((0x$(echo "$want" | cut -c 17) & 3 | 8)))
	want=$(echo "$want" | sed "s/^\(.\{16\}\)./\1$variant/")
	same "$(sfdisk --json img | jq -r .partitiontable.id)" "$(uuid "$want")"
}

arch_types() {
	disk "img.$1" --arch "$1" >/dev/null
	list=$(sfdisk --list-types --label gpt)
	for i in 0 1; do
		[ $i = 0 ] && kind='Linux root' label=root-$3 || kind='Linux root verity' label=root-$3-verity
		same "$(echo "$list" | grep -i "^$(field $i type "img.$1")" | sed 's/^[^ ]* *//')" "$kind ($2)"
		same "$(field $i name "img.$1")" "$label"
	done
}

sgdisk_accepts() {
	sgdisk -v img >sg
	grep -q 'No problems found' sg && ! grep -qi -e warning -e error sg
}

backup_is_whole() {
	cp img wiped
	dd if=/dev/zero of=wiped bs=512 count=34 conv=notrunc status=none
	sgdisk -v wiped >sg 2>&1 || :
	grep -q '^Backup header: OK' sg && grep -q '^Backup partition table: OK' sg
}

if command -v sfdisk >/dev/null && command -v jq >/dev/null; then
	check "sfdisk finds no fault" sh -c 'sfdisk --verify img 2>&1 | grep -q "No errors detected"'
	check "the root's GUID is the first half of the root hash" \
		same "$(field 0 uuid)" "$(uuid "$(echo "$hash" | cut -c 1-32)")"
	check "the tree's GUID is the second half" same "$(field 1 uuid)" "$(uuid "$(echo "$hash" | cut -c 33-)")"
	check "the disk's GUID is the version 8 UUID that is documented" disk_guid
	check "x86_64: types and names are those of the DPS" arch_types x86_64 x86-64 x86-64
	check "arm64: types and names are those of the DPS" arch_types arm64 ARM-64 arm64
	check "s390x: types and names are those of the DPS" arch_types s390x S390X s390x
	check "the root is marked read-only" same "$(field 0 attrs)" GUID:60
	check "the tree is marked read-only" same "$(field 1 attrs)" GUID:60
	check "the root's partition is the root" holds 0 root
	check "the tree's partition is the tree" holds 1 tree
	check "partitions start at whole MiB" same "$(($(field 0 start) % 2048 + $(field 1 start) % 2048))" 0
	check "the disk is whole MiB" same "$(($(stat -c %s img) % 1048576))" 0
	check "what is printed is what sfdisk reads" sh -c "sed -n 's/^root=//p' said | tr a-f A-F | grep -qx '$(field 0 uuid)'"
else
	skip "sfdisk agrees" "sfdisk or jq is missing"
fi
if command -v sgdisk >/dev/null; then
	check "sgdisk finds no problem" sgdisk_accepts
	check "with the primary table wiped, sgdisk still has the backup" backup_is_whole
else
	skip "sgdisk finds no problem" "sgdisk is missing"
fi
check "a second run gives the same bytes" sh -c "'$BULLA' disk --root root --tree tree --roothash $hash --out again && cmp img again"
check "the image has no holes" test $(($(stat -c %b img) * 512)) -ge "$(stat -c %s img)"

rm -f no
refuses "a root hash of another root is refused" 1 'gives root hash' \
	"$BULLA" disk --root root --tree tree --roothash "$(echo "$hash" | tr 0-9 1-90)" --out no
refuses "a root hash of a wrong length is a usage error" 2 'expected 64 hex digits' \
	"$BULLA" disk --root root --tree tree --roothash 00 --out no
refuses "an unknown architecture names the nearest, exit 5" 5 'did you mean arm64' disk no --arch arm46
refuses "a missing tree is named, exit 4" 4 'nowhere: No such file' \
	"$BULLA" disk --root root --tree nowhere --roothash "$hash" --out no
check "and nothing is written for any of them" test -z "$(find . -name 'no*')"
if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=2m none small 2>/dev/null; then
	refuses "a full disk is said" 1 'No space left' disk small/img
	check "a full disk leaves nothing half-written" test -z "$(ls -A small)"
	umount small
else
	skip "a full disk is said" "mounting a small tmpfs needs root"
fi
