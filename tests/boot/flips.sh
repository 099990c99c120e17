#!/bin/sh
# One bit flipped at random in the sealed root or its hash tree stops the guest. SEED=N replays; FLIPS=N places in each.
. tests/boot/common
name="a flipped bit stops the guest"
needs "$name" sfdisk python3
SEED=${SEED:-$(($(od -An -N4 -tu4 /dev/urandom) % 2147483646 + 1))}
FLIPS=${FLIPS:-10}
echo "# SEED=$SEED"

# START SIZE in bytes of the partition whose name ends in $1
partition() {
	sfdisk --json "$DEBUG/rootfs.img" | python3 -c '
import json, sys
t = json.load(sys.stdin)["partitiontable"]
for p in t["partitions"]:
    if p["name"].endswith("-verity") == (sys.argv[1] == "tree"):
        print(p["start"] * t["sectorsize"], p["size"] * t["sectorsize"])' "$1"
}

# FLIPS lines of `BYTE BIT` inside START SIZE; the generator is Park and Miller's, the same in every awk
places() {
	awk -v x="$SEED" -v n="$FLIPS" -v start="$1" -v size="$2" 'function r() { return x = x * 16807 % 2147483647 }
		BEGIN { r(); r(); r(); while (n--) { at = int(r() / 2147483647 * size); print start + at, r() % 8 } }'
}

# flip FILE BYTE BIT
flip() {
	python3 - "$@" <<-'EOF'
	import sys
	with open(sys.argv[1], "r+b") as f:
	    f.seek(int(sys.argv[2]))
	    b = f.read(1)[0]
	    f.seek(-1, 1)
	    f.write(bytes([b ^ 1 << int(sys.argv[3])]))
	EOF
}

whole_copy_boots() {
	copy_bundle "$DEBUG" "$WORK/whole" && boot "$WORK/whole" && [ "$(cat "$WORK/whole/status")" = 0 ]
}

# what the kernel or the init must say of a flip in $1, $2 bytes into the partition
reason() {
	block=$(($2 / 4096))
	case $1 in
	data) echo "verity: .*: data block $block is corrupted" ;;
	tree)
		if [ "$block" = 0 ]; then
			echo "verity superblock is not the one"
		else
			echo "verity: .*: metadata block $block is corrupted"
		fi
		;;
	esac
}

# flips data|tree: two guests at a time
flips() {
	partition "$1" >"$WORK/part"
	read -r start size <"$WORK/part"
	places "$start" "$size" >"$WORK/places"
	while read -r byte bit; do
		d=$WORK/$1-$byte-$bit
		copy_bundle "$DEBUG" "$d"
		flip "$d/rootfs.img" "$byte" "$bit"
		boot "$d" &
		case ${other:-} in
		'') other=$! ;;
		*) wait; other= ;;
		esac
	done <"$WORK/places"
	wait
	while read -r byte bit; do
		d=$WORK/$1-$byte-$bit
		check "a flipped bit $bit of byte $((byte - start)) of the $1 stops the guest" \
			stopped "$d" "$(reason "$1" $((byte - start)))"
		rm -r "$d"
	done <"$WORK/places"
}

check "both bundles seal the same root" cmp "$RELEASE/rootfs.img" "$DEBUG/rootfs.img"
check "a copy without a flip boots" whole_copy_boots
flips data
flips tree
