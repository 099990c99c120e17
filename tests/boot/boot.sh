# shellcheck shell=sh
# For the tests that boot: OUT is the build (default out); each of them needs QEMU and the two sample bundles.
# shellcheck disable=SC2034  # used by those who source this
. tests/tap.sh
OUT=${OUT:-$PWD/out}
RELEASE=$OUT/bundles/sample
DEBUG=$OUT/bundles/sample-debug

# needs NAME TOOL…: ends the test as skipped where a bundle or a tool is missing
needs() {
	name=$1
	shift
	PATH=$PATH:/usr/sbin:/sbin
	for tool in qemu-system-x86_64 "$@"; do
		command -v "$tool" >/dev/null || { skip "$name" "$tool is missing"; exit 0; }
	done
	for b in "$RELEASE" "$DEBUG"; do
		[ -e "$b/manifest.json" ] || { skip "$name" "$b is missing"; exit 0; }
	done
}

# copy_bundle FROM TO: all but rootfs.img and the manifest is shared with the original
copy_bundle() {
	mkdir -p "$2" && cp -s "$(realpath "$1")"/* "$2/" && rm "$2/rootfs.img" "$2/manifest.json" &&
		cp --reflink=auto "$1/rootfs.img" "$1/manifest.json" "$2/"
}

# boot DIR: a changed copy of the debug bundle, until sealed; the status goes to DIR/status, the console to DIR/console
boot() {
	got=0
	"$BULLA" run --bundle "$1" --unchecked --until sealed --timeout 90 --console "$1/console" \
		>"$1/result" 2>"$1/err" || got=$?
	echo "$got" >"$1/status"
}

# stopped DIR PATTERN: the guest, not QEMU, ended by itself before the root was found whole, and said why
stopped() {
	tail -n 3 "$1/err" "$1/console"
	[ "$(cat "$1/status")" = 1 ] && [ ! -s "$1/result" ] && grep -q 'the guest stopped by itself after' "$1/err" &&
		grep -q -- "$2" "$1/console"
}
