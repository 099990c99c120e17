#!/bin/sh
# A root whose hash is not the one on the command line is never mounted.
. tests/boot/common
name="a wrong root hash stops the guest"
needs "$name" sfdisk python3

right=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["roothash"])' "$DEBUG/manifest.json")
# one bit away
wrong=$(python3 -c 'import sys; print("%064x" % (int(sys.argv[1], 16) ^ 1))' "$right")

# the GUID that half $1 of the wrong hash gives, as rootfs.img's partitions are named after theirs
guid() {
	python3 -c 'import sys, uuid; h = bytes.fromhex(sys.argv[1]); print(uuid.UUID(bytes=h[:16] if sys.argv[2] == "1" else h[16:]))' "$wrong" "$1"
}

for d in unfound refused; do
	copy_bundle "$DEBUG" "$WORK/$d"
	python3 - "$WORK/$d/manifest.json" "$right" "$wrong" <<-'EOF'
	import hashlib, json, sys
	path, right, wrong = sys.argv[1:]
	d = json.loads(open(path).read().replace(right, wrong))
	d["files"]["cmdline"]["sha256"] = hashlib.sha256(d["cmdline"].encode()).hexdigest()
	json.dump(d, open(path, "w"))
	EOF
done
for part in 1 2; do
	check "the partition table can be made to claim the wrong hash ($part)" \
		sfdisk --quiet --part-uuid "$WORK/refused/rootfs.img" "$part" "$(guid "$part")"
done
boot "$WORK/unfound" &
boot "$WORK/refused" &
wait

stopped_early() {
	stopped "$@" && ! grep -q 'bulla: agent' "$1/console"
}

check "a wrong root hash finds no disk, and the guest powers off" \
	stopped_early "$WORK/unfound" "no disk has the partitions of roothash="
check "a disk that claims the wrong root hash is refused by verity" \
	stopped_early "$WORK/refused" "verity: .*: metadata block [0-9]* is corrupted"
