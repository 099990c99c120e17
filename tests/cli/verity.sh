#!/bin/sh
# bulla verity against veritysetup: the same bytes, and the same answer to a flipped bit.
. tests/tap.sh
PATH=$PATH:/usr/sbin:/sbin
cd "$WORK"

# salt_of BLOCKS: "bulla-v1" and the number of blocks as 8 bytes, little endian, in hex
salt_of() {
	printf 'bulla-v1' | od -An -tx1 | tr -d ' \n'
	printf '%016x' "$1" | sed 's/\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)/\8\7\6\5\4\3\2\1/'
}

uuid_of() {
	salt_of "$1" | sed 's/^\(.\{8\}\)\(....\)\(....\)\(....\)/\1-\2-\3-\4-/'
}

make_data() {
	[ -e "data.$1" ] || head -c "$(($1 * 4096))" /dev/urandom >"data.$1"
	"$BULLA" verity --data "data.$1" --tree "tree.$1" >"root.$1"
}

same_as_veritysetup() {
	make_data "$1"
	want=$(veritysetup format --salt "$(salt_of "$1")" --uuid "$(uuid_of "$1")" --hash sha256 --data-block-size 4096 \
		--hash-block-size 4096 "data.$1" theirs | sed -n 's/^Root hash:[[:space:]]*/roothash=/p')
	[ "$(cat "root.$1")" = "$want" ] || { cat "root.$1"; echo "veritysetup: $want"; return 1; }
	cmp "tree.$1" theirs
}

accepted() {
	make_data "$1"
	veritysetup verify "data.$1" "tree.$1" "$(sed 's/roothash=//' "root.$1")" &&
		"$BULLA" verity --check --data "data.$1" --tree "tree.$1" --roothash "$(sed 's/roothash=//' "root.$1")"
}

# flip FILE OFFSET: one bit
flip() {
	byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
	# shellcheck disable=SC2059  # the format is the octal escape
	printf "\\$(printf '%03o' $((byte ^ 16)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

check_300() {
	"$BULLA" verity --check --data data.300 --tree "$1" --roothash "$(sed 's/roothash=//' root.300)"
}

both_refuse() {
	! check_300 tree.300 2>/dev/null && ! veritysetup verify data.300 tree.300 "$(sed 's/roothash=//' root.300)" 2>/dev/null
}

if command -v veritysetup >/dev/null; then
	# one block has no tree; 128 fill one block of hashes; 16384 fill two levels
	for n in 1 2 127 128 129 300 1000 16383 16384 16385; do
		check "tree and root hash of $n blocks are veritysetup's, byte for byte" same_as_veritysetup $n
		check "veritysetup verifies the tree of $n blocks, and so do we" accepted $n
	done
else
	skip "tree and root hash are veritysetup's" "veritysetup is missing"
	for n in 1 129 300 16385; do make_data $n; done
fi

json_says_the_same() {
	[ "roothash=$("$BULLA" verity --json --data data.300 --tree t | sed -n 's/.*"roothash": "\(.*\)".*/\1/p')" = "$(cat root.300)" ]
}
check "--json has the same root hash" json_says_the_same

for at in 0 4095 700000 1228799; do
	flip data.300 $at
	refuses "a bit flipped in the data at $at is found in block $((at / 4096)), exit 3" 3 ": block $((at / 4096)) " check_300 tree.300
	if command -v veritysetup >/dev/null; then
		check "veritysetup refuses it too" both_refuse
	fi
	flip data.300 $at
done
flip data.300 700000
flip data.300 1000000
refuses "of two bad blocks the first is named" 3 ': block 170 ' check_300 tree.300
flip data.300 700000
flip data.300 1000000
flip tree.300 4200
refuses "a bit flipped in the top of the tree changes the root hash" 3 'tree+0x1000: block 1 gives root hash' check_300 tree.300
flip tree.300 4200
flip tree.300 8300
refuses "a bit flipped in a lower level is found there" 3 'tree+0x2000: block 2 ' check_300 tree.300
flip tree.300 8300
for at in 8 16 64 72 90 600 4095; do
	flip tree.300 $at
	refuses "a bit flipped in the superblock's block at $at is found" 3 "tree+0x[0-9a-f]*: superblock has" check_300 tree.300
	flip tree.300 $at
done
cp tree.300 long && printf x >>long
refuses "a byte after the tree is found" 3 'tree: size ' check_300 long
head -c 4096 tree.300 >short
refuses "a cut tree is found" 3 'tree: size 4096' check_300 short
check "what was flipped back is accepted again" check_300 tree.300

head -c 4097 /dev/zero >odd
: >empty
refuses "data that is no whole number of blocks is refused" 1 'odd: data: size 4097, expected a multiple of 4096' \
	"$BULLA" verity --data odd --tree t.odd
refuses "empty data is refused" 1 'size 0' "$BULLA" verity --data empty --tree t.odd
check "and nothing is written for it" test ! -e t.odd
refuses "missing data is named, exit 4" 4 'nowhere: No such file' "$BULLA" verity --data nowhere --tree t.odd
refuses "a root hash of a wrong length is a usage error" 2 'expected 64 hex digits' \
	"$BULLA" verity --check --data data.300 --tree tree.300 --roothash abcd
refuses "--check without a root hash is a usage error" 2 '--roothash is needed' \
	"$BULLA" verity --check --data data.300 --tree tree.300
if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=64k none small 2>/dev/null; then
	refuses "a full disk is said" 1 'No space left' "$BULLA" verity --data data.16385 --tree small/tree
	check "a full disk leaves nothing half-written" test -z "$(ls small)"
	umount small
else
	skip "a full disk is said" "mounting a small tmpfs needs root"
fi
