# shellcheck shell=sh
# TAP for shell tests: `check NAME CMD…` passes when CMD succeeds, `refuses NAME STATUS PATTERN CMD…` when it exits
# with STATUS and says PATTERN on one line of stderr, `skip NAME WHY` names what is missing.
set -eu
# dpkg-deb and other users in tests want the usual modes, whatever the caller has
umask 022
BULLA=${BULLA:-$PWD/out/bin/bulla}
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

check() {
	name=$1
	shift
	if "$@" >"$WORK/.log" 2>&1; then
		echo "ok - $name"
	else
		echo "not ok - $name"
		sed 's/^/# /' "$WORK/.log" | tail -20
	fi
}

refuses() {
	name=$1 want=$2 pattern=$3
	shift 3
	got=0
	"$@" >"$WORK/.log" 2>&1 || got=$?
	if [ "$got" = "$want" ] && grep -q -- "$pattern" "$WORK/.log"; then
		echo "ok - $name"
	else
		echo "not ok - $name (exit $got, expected $want; message should match '$pattern')"
		sed 's/^/# /' "$WORK/.log" | tail -20
	fi
}

skip() {
	echo "ok - $1 # SKIP $2"
}

# Makes of FILE what QEMU and the boot protocol take for a kernel (Documentation/arch/x86/boot.rst); its content stays else.
kernel_header() {
	for field in 0x1f1:'\001' 0x1fe:'\125\252' 0x202:'HdrS\017\002' 0x211:'\001' 0x22c:'\377\377\377\177'; do
		# shellcheck disable=SC2059  # octal escapes
		printf "${field#*:}" | dd of="$1" bs=1 seek="$((${field%%:*}))" conv=notrunc status=none
	done
}
