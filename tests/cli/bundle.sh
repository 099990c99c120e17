#!/bin/sh
# bulla bundle: whole or not at all, and everything that its manifest says is what other tools find.
. tests/tap.sh
recipes=$PWD/recipes
cd "$WORK"
if ! command -v jq >/dev/null; then
	skip "a bundle is what its manifest says" "jq is missing"
	exit 0
fi
head -c 300000 /dev/urandom >vmlinuz.in
kernel_header vmlinuz.in
head -c 20000 /dev/urandom >initrd.in
head -c 500000 /dev/urandom >rootfs.in
printf 'old' | sha256sum | cut -c 1-64 >hash.old
printf 'new' | sha256sum | cut -c 1-64 >hash.new

# bundle HASH OUT …
bundle() {
	hash=$1 out=$2
	shift 2
	"$BULLA" bundle sample --recipes "$recipes" --kernel vmlinuz.in --initrd initrd.in --rootfs rootfs.in \
		--roothash "hash.$hash" --out "$out" "$@"
}

# is_whole DIR: its files, and no others, with the digests of its manifest
is_whole() {
	jq -r '.files | to_entries[] | .value.sha256 + "  '"$1"'/" + .key' "$1/manifest.json" | sha256sum --quiet -c - &&
		jq -r '.files | to_entries[] | "\(.value.size) \(.key)"' "$1/manifest.json" | sort >sizes &&
		find "$1" -type f ! -name manifest.json -printf '%s %f\n' | sort | diff sizes -
}

get() {
	jq -r "$1" b/manifest.json
}

same() {
	[ "$1" = "$2" ] || { echo "got '$1', expected '$2'"; return 1; }
}

bundle old b >said
check "the files are those that the manifest names" is_whole b
for f in vmlinuz initrd rootfs.img; do
	check "$f is the file that was given, not a copy" \
		same "$(stat -c %i "b/$f")" "$(stat -c %i "$(echo $f | sed 's/\..*//').in")"
done
words() { sed 's/#.*//' "$recipes/cmdline" | xargs; }
check "the command line is recipes/cmdline, the platform's words and the root hash" \
	same "$(cat b/cmdline)" "$(words) $(sed -n 's/^Cmdline=//p' "$recipes/platforms/sample.conf") roothash=$(cat hash.old)"
check "the file cmdline has no newline" same "$(wc -l <b/cmdline)" 0
check "the manifest has the command line" same "$(get .cmdline)" "$(cat b/cmdline)"
check "-append is the command line" same "$(get '.qemu[(.qemu | index("-append")) + 1]')" "$(cat b/cmdline)"
check "the kernel's digest for the hashes table is the file's" \
	same "$(get '.registers["kernel_hashes.kernel"]')" "$(sha256sum <vmlinuz.in | cut -c 1-64)"
check "the initrd's is the file's" same "$(get '.registers["kernel_hashes.initrd"]')" "$(sha256sum <initrd.in | cut -c 1-64)"
check "the command line's is with its NUL" \
	same "$(get '.registers["kernel_hashes.cmdline"]')" "$({ cat b/cmdline; printf '\0'; } | sha256sum | cut -c 1-64)"
inputs() {
	jq -r '.inputs | to_entries[] | .value.sha256 + "  '"${recipes%/recipes}"'/" + .key' b/manifest.json >sums
	[ "$(wc -l <sums)" = 5 ] && sha256sum --quiet -c sums
}
check "the recipes that it was made from are named with their digests" inputs
check "keys are sorted" sh -c 'jq -S --indent 2 . b/manifest.json | cmp - b/manifest.json'
check "what is printed are the registers" \
	same "$(sort said)" "$(get '.registers | to_entries[] | "sample." + .key + "=" + .value' | sort)"
check "--json prints the manifest" sh -c "'$BULLA' bundle sample --recipes '$recipes' --kernel vmlinuz.in --initrd initrd.in \
	--rootfs rootfs.in --roothash hash.old --out c --json | cmp - b/manifest.json"
if command -v qemu-system-x86_64 >/dev/null; then
	qemu_takes_it() {
		get '.qemu[]' >args
		set --
		while IFS= read -r arg; do set -- "$@" "$arg"; done <args
		(cd b && echo quit | timeout 60 qemu-system-x86_64 -accel tcg "$@" -chardev null,id=agent -S -monitor stdio)
	}
	check "QEMU accepts the arguments" qemu_takes_it
else
	skip "QEMU accepts the arguments" "qemu-system-x86_64 is missing"
fi

debug() {
	"$BULLA" bundle sample-debug --recipes "$recipes" --kernel vmlinuz.in --initrd initrd.in --rootfs rootfs.in \
		--roothash hash.old --out d && same "$(jq -r .profile d/manifest.json)" debug &&
		same "$(jq -r .profile b/manifest.json)" release &&
		[ "$(jq -r '.registers["kernel_hashes.cmdline"]' d/manifest.json)" != "$(get '.registers["kernel_hashes.cmdline"]')" ]
}
check "a debug bundle says so and measures differently" debug
with_input() {
	bundle old i --input "kernel/config=initrd.in" &&
		same "$(jq -r '.inputs["kernel/config"].sha256' i/manifest.json)" "$(sha256sum <initrd.in | cut -c 1-64)"
}
check "--input adds an input" with_input

replaced() {
	touch b/left-over && bundle new b/ && is_whole b && same "$(get .roothash)" "$(cat hash.new)" && [ -z "$(ls -d .b.* 2>/dev/null)" ]
}
check "an older bundle is replaced as a whole" replaced

# killed at random moments: there is always one whole bundle under the name
killed() {
	hits=0
	for i in $(seq 1 40); do
		# exec: the signal has to meet bulla itself, not a shell that waits for it
		(exec "$BULLA" bundle sample --recipes "$recipes" --kernel vmlinuz.in --initrd initrd.in --rootfs rootfs.in \
			--roothash "hash.$([ $((i % 2)) = 0 ] && echo old || echo new)" --out b >/dev/null) &
		sleep "0.0$(printf '%02d' $((i * 7 % 22)))"
		kill -9 "$!" 2>/dev/null || :
		got=0
		wait "$!" 2>/dev/null || got=$?
		[ "$got" != 137 ] || hits=$((hits + 1))
		is_whole b || return 1
	done
	[ "$hits" -gt 0 ] && bundle new b && is_whole b && [ -z "$(ls -d .b.* 2>/dev/null)" ]
}
check "a kill at any moment leaves the old bundle or the new one, and the next run cleans up" killed

mkdir precious && echo data >precious/file
refuses "a folder that is no bundle is not replaced" 1 'precious: is there and is no bundle' bundle old precious
check "and keeps what is in it" test -s precious/file
refuses "an unknown platform names the nearest, exit 5" 5 'did you mean sample' \
	"$BULLA" bundle smaple --recipes "$recipes" --kernel vmlinuz.in --initrd initrd.in --rootfs rootfs.in --roothash hash.old --out n
refuses "a missing kernel is named, exit 4" 4 'nowhere: No such file' bundle old n --kernel nowhere
refuses "a missing root is named, exit 4" 4 'nowhere: No such file' bundle old n --rootfs nowhere
echo abcd >hash.short
refuses "a root hash of a wrong length is refused" 1 "hash.short: 'abcd', expected 64 hex digits" bundle short n
{ cat hash.old; echo more; } >hash.long
refuses "a root hash with something after it is refused" 1 'and nothing else' bundle long n
refuses "an input without a path is a usage error" 2 'expected NAME=PATH' bundle old n --input config
refuses "no platform is a usage error" 2 'one platform is needed' "$BULLA" bundle
check "and nothing is left of any of them" test -z "$(find . -name n -o -name '.n.*')"
if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=256k none small 2>/dev/null; then
	refuses "a full disk is said" 1 'No space left' bundle old small/b
	check "a full disk leaves nothing half-written" test -z "$(ls -A small)"
	umount small
else
	skip "a full disk is said" "mounting a small tmpfs needs root"
fi
