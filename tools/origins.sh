#!/bin/sh
# Lines "SHA256 LOCK PACKAGE" of every file in the packages of locks: what an artefact is when it was taken as it is.
# Usage: STEP_TMP=DIR BULLA=… tools/origins.sh LOCK…
set -eu
work=$STEP_TMP/origins.d
for lock; do
	"$BULLA" fetch "$lock" -q --offline --into "$work/$lock.debs"
	for deb in "$work/$lock.debs"/*.deb; do
		rm -rf "$work/tree"
		dpkg-deb -x "$deb" "$work/tree"
		package=$(dpkg-deb -f "$deb" Package)
		find "$work/tree" -type f ! -size 0 -exec sha256sum {} + | awk -v p="$lock $package" '{ print $1, p }'
	done
done | sort -u
