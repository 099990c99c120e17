#!/bin/sh
# The toolchain's root: exactly what the lock names, and cut off from the machine it runs on.
. tests/tap.sh
OUT=${OUT:-$PWD/out}

inside() {
	mkdir -p "$WORK/step"
	STEP_TMP=$WORK/step tools/sandbox.sh "$OUT/builder" "$@"
}

only_locked() {
	awk '!/^#/ { print $1, $2 }' recipes/builder.lock | sort >"$WORK/want"
	# shellcheck disable=SC2016  # dpkg's own format
	inside dpkg-query -W -f '${Package} ${Version}\n' | sort >"$WORK/have"
	diff "$WORK/want" "$WORK/have"
}

no_network() {
	[ "$(inside cat /proc/net/dev | grep -c ':')" = 1 ] && inside grep -q '^ *lo:' /proc/net/dev
}

no_environment() {
	LEAK=yes LC_ALL=tr_TR.UTF-8 TZ=Asia/Tokyo inside env >"$WORK/env"
	! grep -E 'LEAK|tr_TR|Tokyo' "$WORK/env"
}

read_only() {
	! inside touch /usr/new && ! inside touch /src/new && inside touch /out/new
}

one_umask() {
	(umask 077 && inside sh -c umask) | grep -qx 0022
}


check "the toolchain holds exactly the locked packages" only_locked
check "the toolchain has no network" no_network
check "the caller's environment does not reach a build" no_environment
check "a build can write nowhere but to what it makes" read_only
check "the caller's umask does not reach a build" one_umask
