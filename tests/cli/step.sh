#!/bin/sh
# bulla step: runs when what it reads changed, publishes whole or not at all.
. tests/tap.sh
cd "$WORK"
echo one >in

step() {
	"$BULLA" step --progress plain --in in --out out/made copy -- sh -c 'echo ran >>ran; cp in "$STEP_TMP/made"'
}

runs() {
	[ "$(wc -l <ran)" = "$1" ] || { echo "ran $(wc -l <ran) times"; return 1; }
}

twice() {
	step && step && runs 1
}

after_edit() {
	echo two >in && step && runs 2 && [ "$(cat out/made)" = two ]
}

after_tampering() {
	echo evil >out/made && step && runs 3 && [ "$(cat out/made)" = two ]
}

after_removal() {
	rm out/made && step && runs 4
}

mode_and_time_are_no_input() {
	touch -d '2001-01-01' in && chmod 600 in && step && runs 4
}

failure_keeps_tail() {
	! "$BULLA" step --out out/x bad -- sh -c 'seq 1 60; touch "$STEP_TMP/x"; exit 7' 2>err &&
		[ "$(grep -c '^[0-9]*$' err)" = 40 ] && grep -qx 60 err && ! grep -qx 20 err &&
		grep -q 'bad: sh: exited with status 7' err && [ ! -e out/x ] && [ -z "$(ls out/tmp)" ]
}

folder_is_replaced() {
	for v in 1 2; do
		"$BULLA" step --key $v --out out/dir dir -- sh -c "mkdir \$STEP_TMP/dir && echo $v >\$STEP_TMP/dir/f$v"
	done
	[ "$(ls out/dir)" = f2 ] && [ -z "$(ls out/tmp)" ]
}

# killed with its whole process group at random moments: what is published is whole, and the next run mends the rest
killed() {
	hits=0
	for i in 1 2 3 4 5 6 7 8; do
		setsid "$BULLA" step --progress none --key "$i" --out out/big big -- \
			sh -c 'for i in 1 2 3 4 5 6 7 8; do seq 1 200000 >>"$STEP_TMP/big"; done' &
		sleep "0.0$i"
		kill -9 "-$!" 2>/dev/null && hits=$((hits + 1))
		wait "$!" 2>/dev/null || :
		[ ! -e out/big ] || [ "$(wc -l <out/big)" = 1600000 ] || return 1
	done
	[ "$hits" -ge 4 ] || { echo "only $hits kills hit"; return 1; }
	"$BULLA" step --key last --out out/big big -- sh -c 'seq 1 9 >"$STEP_TMP/big"' &&
		[ "$(wc -l <out/big)" = 9 ] && [ -z "$(ls out/tmp)" ]
}

check "a step whose inputs are the same runs once" twice
check "a changed input runs it again" after_edit
check "an output that somebody changed is made again" after_tampering
check "an output that is gone is made again" after_removal
check "times and modes of inputs do not run it again" mode_and_time_are_no_input
check "a failure shows the last 40 lines and leaves nothing" failure_keeps_tail
check "a folder is replaced as a whole" folder_is_replaced
check "a kill at any moment leaves no half output" killed
refuses "a missing command is named, exit 4" 4 'no-such-tool: cannot be run: No such file' \
	"$BULLA" step --out out/y gone -- no-such-tool
refuses "a missing tool inside a script is named, exit 4" 4 'step: gone: sh: .*no-such-tool: not found' \
	"$BULLA" step --out out/y gone -- sh -c 'echo noise; no-such-tool'
refuses "a missing input is named, exit 4" 4 'input nowhere: No such file' "$BULLA" step --in nowhere --out out/y gone -- true
refuses "an output that was not made is an error" 4 'did not make out/y' "$BULLA" step --out out/y lazy -- true
refuses "a step without a command is a usage error" 2 'a name and a command' "$BULLA" step lonely
if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=256k none small 2>/dev/null; then
	refuses "a full disk is said" 1 'the disk that holds small is full' \
		"$BULLA" step --dir small --out small/big full -- sh -c 'head -c 1000000 /dev/zero >"$STEP_TMP/big"'
	check "a full disk leaves nothing half-written" sh -c '[ ! -e small/big ] && [ -z "$(ls small/tmp)" ]'
	umount small
else
	skip "a full disk is said" "mounting a small tmpfs needs root"
fi
