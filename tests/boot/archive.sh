#!/bin/sh
# Archives of what was built: the same bytes wherever they are made, and tar sees in them what the manifest names.
. tests/tap.sh
OUT=${OUT:-$PWD/out}
export BULLA
[ -d "$OUT/builder/usr" ] && [ -e "$OUT/bundles/sample/manifest.json" ] ||
	{ skip "archives are the same wherever they are made" "$OUT is not built: make image"; exit 0; }

archive() { # FOLDER JOBS PLATFORM
	mkdir -p "$1/step" && (cd "$1" && STEP_TMP=$1/step JOBS=$2 tools/archive.sh "$OUT/builder" "$OUT/bundles" "$3")
}

same() { # PLATFORM
	(umask 022 && TZ=UTC archive "$WORK/one" 1 "$1") && (umask 077 && TZ=Asia/Kathmandu archive "$WORK/other/folder" 7 "$1") &&
		cmp "$WORK/one/step/$1/bundle.tar.zst" "$WORK/other/folder/step/$1/bundle.tar.zst" && rm -rf "$WORK/other/folder/step" "$WORK/one/step/.build"
}

# sorted, of nobody, at one time, readable by all, and nothing but files and folders
tidy() {
	tar -tvf "$WORK/one/step/$1/bundle.tar.zst" --numeric-owner --utc --full-time >"$WORK/list" &&
		awk '{ print $6 }' "$WORK/list" | LC_ALL=C sort -c && [ "$(awk '{ print $2, $4, $5 }' "$WORK/list" | sort -u)" = \
		"0/0 $(date -u -d "@$(sed -n 's/^SourceDateEpoch=//p' recipes/versions.conf)" '+%Y-%m-%d %H:%M:%S')" ] &&
		[ "$(cut -c 1-10 "$WORK/list" | sort -u | xargs)" = "-rw-r--r-- drwxr-xr-x" ]
}

holds_the_bundle() {
	rm -rf "$WORK/tree" && mkdir "$WORK/tree" && tar -xf "$WORK/one/step/$1/bundle.tar.zst" -C "$WORK/tree" &&
		diff -r "$OUT/bundles/$1" "$WORK/tree/opt/kata/share/kata-containers/bulla/$1"
}

for f in one other/folder; do
	mkdir -p "$WORK/$f" && cp -r tools recipes "$WORK/$f/"
done
for p in sample snp; do
	[ -e "$OUT/bundles/$p/manifest.json" ] || continue
	check "$p: the same bytes under another umask, time zone, job count, in another folder" same "$p"
	check "$p: sorted, without owners and times of this machine" tidy "$p"
	check "$p: under the prefix of Kata is the bundle" holds_the_bundle "$p"
done
