#!/bin/sh
# `bulla run` against tests/cli/fake_qemu.py in place of QEMU.
. tests/tap.sh
command -v python3 >/dev/null || {
	skip "bulla run takes what a guest does" "python3 is missing"
	exit 0
}

mkdir -p "$WORK/bin" "$WORK/run"
cp tests/cli/fake_qemu.py "$WORK/bin/qemu-system-x86_64"
chmod +x "$WORK/bin/qemu-system-x86_64"
export PATH="$WORK/bin:$PATH" FAKE_OUT="$WORK" XDG_RUNTIME_DIR="$WORK/run"

# bundles of files of a few bytes
for f in vmlinuz initrd rootfs; do
	echo "$f" >"$WORK/$f"
done
printf '%064d\n' 7 >"$WORK/roothash"
for p in sample sample-debug; do
	"$BULLA" bundle "$p" --kernel "$WORK/vmlinuz" --initrd "$WORK/initrd" --rootfs "$WORK/rootfs" \
		--roothash "$WORK/roothash" --out "$WORK/$p" >/dev/null
done

# run MODE OPTION…: at the release bundle
run() {
	mode=$1
	shift
	FAKE=$mode "$BULLA" run --bundle "$WORK/sample" --accel tcg "$@"
}

ready_prints_a_chart() {
	run plain --until ready >"$WORK/out" &&
		grep -q '^agent ready: sample, bulla-agent 0.0.7, tcg' "$WORK/out" &&
		[ "$(awk 'NR > 1 { print $1 }' "$WORK/out" | xargs)" = "initrd disk verity root init agent ready" ] &&
		grep -qE '^verity +0\.750 s +\+0\.250 s +#+$' "$WORK/out"
}

sealed_waits_for_the_seal() {
	run plain --until sealed --json >"$WORK/out" && python3 - "$WORK/out" <<-'EOF'
	import json, sys
	d = json.load(open(sys.argv[1]))
	assert d["schema"] == "bulla.run/1" and d["sealed"] is True and d["agent"] == "0.0.7"
	assert [s["name"] for s in d["stages"]][-2:] == ["ready", "sealed"]
	assert d["stages"][0]["boottime_ns"] == 250000000
	EOF
}

qemu_gets_the_manifest() {
	run plain --until ready --vcpus 5 --memory 1G >/dev/null &&
		[ "$(cat "$WORK/cwd")" = "$WORK/sample" ] &&
		xargs <"$WORK/argv" | grep -q -- "-machine q35 -cpu max -m 1G -smp 5 .*-append .*roothash=0.*7 .*-accel tcg" &&
		! grep -qx -- '-serial' "$WORK/argv"
}

nothing_is_left() {
	[ -z "$(ls "$WORK/run")" ] && ! kill -0 "$(cat "$WORK/pid")" 2>/dev/null
}

# interrupted SIGNAL: to the whole process group, as a terminal does
interrupted() {
	rm -f "$WORK/out"
	# what a shell starts with & ignores SIGINT
	FAKE=plain setsid env --default-signal=INT "$BULLA" run --bundle "$WORK/sample" --accel tcg >"$WORK/out" &
	pid=$!
	for _ in $(seq 100); do
		grep -qs '^ready' "$WORK/out" && break
		sleep 0.1
	done
	kill -s "$1" -- "-$pid" && wait "$pid" && nothing_is_left
}

dies_with_us() {
	rm -f "$WORK/out"
	FAKE=plain "$BULLA" run --bundle "$WORK/sample" --accel tcg >"$WORK/out" &
	pid=$!
	for _ in $(seq 100); do
		grep -qs '^ready' "$WORK/out" && break
		sleep 0.1
	done
	grep -qs '^ready' "$WORK/out" && kill -KILL "$pid" || return 1
	sleep 0.5
	rm -rf "$WORK"/run/*
	# a zombie is dead, whoever reaps it
	! grep -qs '^State:.*[SRD] ' "/proc/$(cat "$WORK/pid")/status"
}

console_is_shown_and_harmless() {
	FAKE=plain "$BULLA" run --bundle "$WORK/sample-debug" --accel tcg --until ready >"$WORK/out" 2>"$WORK/err" &&
		grep -qxF 'kernel: ?[31mhello?[0m' "$WORK/err" && grep -qx -- '-serial' "$WORK/argv"
}

console_is_recorded() {
	FAKE=plain "$BULLA" run --bundle "$WORK/sample-debug" --accel tcg --until ready --console "$WORK/con" \
		>"$WORK/out" 2>"$WORK/err" && ! grep -q hello "$WORK/err" && grep -qF 'last words' "$WORK/con"
}

changed_file() {
	cp -r "$WORK/sample" "$WORK/changed"
	printf X | dd of="$WORK/changed/$1" conv=notrunc status=none
	FAKE=plain "$BULLA" run --bundle "$WORK/changed" --accel tcg --until ready "$2"
	got=$?
	rm -rf "$WORK/changed"
	return "$got"
}

# a bundle whose manifest has a TPM, which is ours to give
mkdir "$WORK/tpm"
cp "$WORK"/sample/* "$WORK/tpm/"
python3 - "$WORK/tpm/manifest.json" <<-'EOF'
	import json, sys
	m = json.load(open(sys.argv[1]))
	m["qemu"] += ["-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-crb,tpmdev=tpm0"]
	json.dump(m, open(sys.argv[1], "w"))
EOF

# a script stands for swtpm: it says who it is and stays
tpm_is_given_and_ends() {
	cat >"$WORK/bin/swtpm" <<-EOF
		#!/bin/sh
		echo "\$\$ \$*" >"$WORK/tpm.started"
		exec sleep 60
	EOF
	chmod +x "$WORK/bin/swtpm"
	got=0
	FAKE=plain "$BULLA" run --bundle "$WORK/tpm" --accel tcg --until ready --tpm-log "$WORK/tpm.log" >/dev/null || got=$?
	rm "$WORK/bin/swtpm"
	read -r pid words <"$WORK/tpm.started"
	[ "$got" = 0 ] && xargs <"$WORK/argv" | grep -q -- '-chardev socket,id=tpm,fd=[0-9]' && ! kill -0 "$pid" 2>/dev/null &&
		echo "$words" | grep -q -- "^socket --tpm2 .*--ctrl type=unixio,clientfd=[0-9]* --log file=$WORK/tpm.log,level=20"
}

check "until ready prints the stages and stops the guest" ready_prints_a_chart
check "nothing is left of a guest that was stopped" nothing_is_left
check "until sealed waits until the whole root was read" sealed_waits_for_the_seal
check "QEMU gets the manifest's arguments in the bundle's folder, with overrides replaced" qemu_gets_the_manifest
check "ctrl-C in a terminal powers the guest off and is no failure" interrupted INT
check "SIGTERM powers the guest off and is no failure" interrupted TERM
check "the guest dies with a bulla that is killed" dies_with_us
check "a debug bundle's console goes to stderr without control characters" console_is_shown_and_harmless
check "a debug bundle's console is recorded where asked" console_is_recorded
check "until stopped, a guest that powers off is no failure" run crash --until stopped
refuses "a release bundle has no console to record" 2 "a release bundle has no console" \
	run plain --until ready --console "$WORK/con"
refuses "an agent that never answers is given up after the timeout" 1 \
	"the agent did not get ready: grpc.Health/Check: no answer within 1 s" run hang --until ready --timeout 1
check "nothing is left of a guest that was given up" nothing_is_left
refuses "an answer that is not ttrpc is refused" 1 "not ttrpc" run garbage --until ready
refuses "a stage named with control characters is refused" 1 "not a list of stages" run unclean-stages --until ready
refuses "an error of the agent is told" 1 "GetGuestDetails: the agent refused with code 12: not ?implemented" \
	run refuses --until ready
refuses "a guest that stops before it is ready is an error" 1 \
	"the agent did not get ready: the guest stopped by itself after" run corrupt --until ready
refuses "a guest that stops before the root was read is an error" 1 \
	"the root was not found whole: the guest stopped by itself after" run crash-seal --until sealed
refuses "a root that is never found whole is given up after the timeout" 1 \
	"the root was not found whole: not within 2 s" run unsealed --until sealed --timeout 2
refuses "a guest that stops unasked is an error" 1 "the guest stopped by itself after" run crash
refuses "QEMU's own failure is told from a guest that stops" 1 \
	"qemu-system-x86_64: exited with status 1: qemu-system-x86_64: no such machine" run fails --until ready
refuses "a guest that does not power off is ended, and that is an error" 1 \
	"did not power off within 10 s and was ended" run stubborn --until ready
check "nothing is left of a guest that was ended" nothing_is_left
refuses "a file that is not the manifest's is not booted" 3 "vmlinuz: sha256 .* expected" \
	changed_file vmlinuz --json
check "--unchecked boots it all the same" changed_file vmlinuz --unchecked
refuses "a missing QEMU names its package" 4 "qemu-system-x86$" env PATH="$WORK/none" FAKE=plain "$BULLA" run \
	--bundle "$WORK/sample" --accel tcg
check "a bundle's TPM is started, told of its log, and ends with the guest" tpm_is_given_and_ends
check "nothing is left of its state" nothing_is_left
refuses "a missing swtpm names its package" 4 "Debian package swtpm$" env PATH="$WORK/bin" FAKE=plain "$BULLA" run \
	--bundle "$WORK/tpm" --accel tcg
refuses "a bundle without a TPM has no log of one" 2 "sample has no TPM" run plain --tpm-log "$WORK/no"
refuses "an unknown --until is a usage error" 2 "expected ready, sealed or stopped" run plain --until never
refuses "a timeout that is no number is a usage error" 2 "seconds" run plain --timeout 1h
