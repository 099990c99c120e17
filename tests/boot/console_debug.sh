#!/bin/sh
# The debug bundle shows what the guest does; the release bundle gives nothing away.
. tests/boot/common
needs "the debug bundle shows its console" python3

shows() {
	"$BULLA" run --bundle "$DEBUG" --until ready >"$WORK/out" 2>"$WORK/err" && grep -q '^Linux version' "$WORK/err" &&
		grep -q '^agent ready: sample-debug' "$WORK/out"
}

measured_command_line() {
	want=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["cmdline"])' "$DEBUG/manifest.json") &&
		grep -qxF "Kernel command line: $want" "$WORK/err"
}

hides() {
	"$BULLA" run --bundle "$RELEASE" --until ready -v >"$WORK/out" 2>"$WORK/err" && grep -q '^qemu-system' "$WORK/err" &&
		! grep -qE -- ' -serial |^Linux version' "$WORK/err"
}

check "the debug bundle shows its console" shows
check "the guest got the manifest's command line, no word more" measured_command_line
check "the release bundle has no console" hides
