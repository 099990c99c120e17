#!/bin/sh
# Runs a command inside the locked toolchain: its root read-only, no network, a clean environment, fixed paths.
#   /src    this repository, read-only      /out    $STEP_TMP, what the step makes
#   /build  room to work                    /cache  the compiler cache
# Usage: STEP_TMP=DIR tools/sandbox.sh BUILDER COMMAND…
set -eu
builder=$1
shift
cache=${BULLA_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/bulla}
epoch=$(sed -n 's/^SourceDateEpoch=//p' recipes/versions.conf)
mkdir -p "$STEP_TMP/.build" "$cache/ccache"
umask 022
# A leftover of ours in the environment must not reach the build; TZ, locale and job count may differ, the result not.
exec tools/userns.sh bwrap \
	--ro-bind "$builder" / --dev /dev --proc /proc --bind /sys /sys --tmpfs /tmp --tmpfs /run --tmpfs /var/tmp \
	--ro-bind "$PWD" /src --bind "$STEP_TMP" /out --bind "$STEP_TMP/.build" /build --bind "$cache/ccache" /cache \
	--unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup-try --hostname bulla \
	--die-with-parent --new-session --chdir /build --clearenv \
	--setenv PATH /usr/sbin:/usr/bin --setenv HOME /tmp --setenv LC_ALL C.UTF-8 --setenv TZ UTC \
	--setenv SOURCE_DATE_EPOCH "$epoch" --setenv CCACHE_DIR /cache ${CCACHE_DISABLE:+--setenv CCACHE_DISABLE 1} --setenv JOBS "${JOBS:-$(nproc)}" \
	"$@"
