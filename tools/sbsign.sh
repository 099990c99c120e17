#!/bin/sh
# Signs an EFI program with sbsign of the locked toolchain, at a fixed time, and checks it with
# sbverify; or only checks, where KEY is "-". The key is seen by this one command alone, read-only, under no name in the
# repository or in out/.
# Usage: tools/sbsign.sh BUILDER SECONDS KEY CERTIFICATE IN OUT
set -eu
builder=$1 time=$(date -u -d "@$2" '+%Y-%m-%d %H:%M:%S') key=$3 cert=$4 in=$5 out=$6
run() {
	tools/userns.sh bwrap \
		--ro-bind "$builder" / --dev /dev --proc /proc --tmpfs /tmp --unshare-ipc --unshare-pid --unshare-net --unshare-uts \
		--die-with-parent --new-session --clearenv --setenv PATH /usr/bin --setenv LC_ALL C --setenv TZ UTC \
		--ro-bind "$cert" /tmp/cert "$@"
}
if [ "$key" != - ]; then
	: >"$out"
	run --ro-bind "$key" /tmp/key --ro-bind "$in" /tmp/in --bind "$out" /tmp/out \
		faketime -f "$time" sbsign --key /tmp/key --cert /tmp/cert --output /tmp/out /tmp/in >&2
fi
run --ro-bind "$out" /tmp/out faketime -f "$time" sbverify --cert /tmp/cert /tmp/out >&2
