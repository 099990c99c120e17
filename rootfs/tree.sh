#!/bin/sh
# Inside the sandbox: installs the packages with mkosi and takes from them what rootfs/keep names.
# Makes /out/tree.tar (the kept files) and /out/dpkg (the package database, for the SBOM).
set -eu
mkdir -p /build/work /build/cache /build/packages /build/root
mkosi -C /src/rootfs --force build
tree=/build/tree root=/build/root

add() {
	[ ! -e "$root/$1" ] && [ ! -L "$root/$1" ] || return 0
	mkdir -p "$root/$(dirname "$1")"
	cp -a "$tree/$1" "$root/$1"
	# a link brings its target along
	if [ -L "$tree/$1" ]; then
		target=$(chroot "$tree" realpath "/$1")
		add "${target#/}"
	fi
}

grep -v '^#' /src/rootfs/keep | while read -r pattern; do
	cd "$tree"
	# shellcheck disable=SC2086  # the pattern is a glob
	set -- $pattern
	[ -e "$1" ] || { echo "rootfs/keep: $pattern: no such file in the packages" >&2; exit 1; }
	for path; do add "$path"; done
done

# the loader's own list of what each program and library needs
find "$root/usr" -type f | while read -r file; do
	[ "$(head -c 4 "$file" | od -An -c | tr -d ' \n')" = '177ELF' ] || continue
	chroot "$tree" ldd "/${file#"$root"/}"
done | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }' | sort -u >/build/libraries
while read -r lib; do
	# the loader is asked for as /lib64/…, which merged /usr has elsewhere
	path=$(chroot "$tree" realpath -s "$(chroot "$tree" realpath "$(dirname "$lib")")/$(basename "$lib")")
	add "${path#/}"
done </build/libraries

for link in bin lib lib64 sbin; do
	[ ! -e "$root/usr/$link" ] || ln -s "usr/$link" "$root/$link"
done
tar -C "$root" --sort=name --numeric-owner --owner=0 --group=0 --mtime="@$SOURCE_DATE_EPOCH" --format=gnu -cf /out/tree.tar .
mkdir -p /out/dpkg
cp "$tree/var/lib/dpkg/status" /out/dpkg/status
cp -r "$tree/var/lib/dpkg/info" /out/dpkg/info
find /out/dpkg/info -type f ! -name '*.list' -delete
