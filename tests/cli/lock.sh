#!/bin/sh
# bulla lock against a small archive that this test makes and signs; dpkg and coreutils are the witnesses.
# shellcheck disable=SC2317 # functions are called by name
. tests/tap.sh
for tool in apt-get apt-ftparchive dpkg-deb gpg; do
	if ! command -v "$tool" >/dev/null; then
		skip "bulla lock" "$tool is missing"
		exit 0
	fi
done
chmod 755 "$WORK"
export GNUPGHOME="$WORK/gnupg"
mkdir -m 700 "$GNUPGHOME"
trap 'gpgconf --kill gpg-agent; rm -rf "$WORK"' EXIT
# key NAME: a signing key, and NAME.gpg with its public half
key() {
	gpg --batch --quiet --passphrase '' --quick-gen-key "$1@test" ed25519 sign 2>/dev/null
	gpg --batch --export "$1@test" >"$WORK/$1.gpg"
}
key ours
key other

# deb ARCHIVE NAME VERSION [FIELD…]: puts a package into the archive's pool
deb() {
	dir=$WORK/build pool=$WORK/www/$1/pool
	rm -rf "$dir"
	mkdir -p "$dir/DEBIAN" "$pool"
	printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: T <t@test>\nDescription: t\n' "$2" "$3" \
		>"$dir/DEBIAN/control"
	shift 3
	[ $# = 0 ] || printf '%s\n' "$@" >>"$dir/DEBIAN/control"
	dpkg-deb --root-owner-group -b "$dir" "$pool" >/dev/null
}
# publish ARCHIVE SUITE: signs what the pool has
publish() {
	(
		cd "$WORK/www/$1" || exit
		dist=dists/$2
		mkdir -p "$dist/main/binary-amd64"
		apt-ftparchive packages pool >"$dist/main/binary-amd64/Packages"
		apt-ftparchive -o "APT::FTPArchive::Release::Codename=$2" -o "APT::FTPArchive::Release::Suite=$2" \
			-o APT::FTPArchive::Release::Architectures=amd64 -o APT::FTPArchive::Release::Components=main \
			release "$dist" >"$WORK/Release"
		gpg --batch --quiet --yes -u ours@test --clear-sign -o "$dist/InRelease" "$WORK/Release"
	)
}
deb debian base 1 'Essential: yes'
deb debian must 1:2+b1 'Priority: required'
deb debian app 1 'Depends: lib (>= 1), ghost | alt' 'Recommends: extra'
deb debian lib 1
deb debian alt 1
deb debian extra 1
deb debian unrelated 1
deb debian-security lib 1.1
publish debian fake
publish debian-security fake-security

mkdir "$WORK/recipes" "$WORK/none"
printf 'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "%s";\n' "$WORK/none" >"$WORK/apt.conf"
export APT_CONFIG="$WORK/apt.conf" MIRROR="file://$WORK/www/debian" BULLA_CACHE="$WORK/cache"
# conf NAME LINE…: a package set
conf() {
	to=$WORK/recipes/$1.conf
	shift
	printf '%s\n' '[Packages]' Architecture=amd64 'Suites=fake fake-security' "$@" >"$to"
}
conf rootfs Essential=yes Packages=app
conf kernel Only=yes Packages=app
lock() {
	"$BULLA" lock --recipes="$WORK/recipes" --keyring="$WORK/ours.gpg" "$@"
}
names() {
	grep -v '^#' "$WORK/recipes/$1.lock" | cut -d' ' -f1-3 | tr '\n' ,
}

whole() {
	lock rootfs kernel && [ "$(names rootfs)" = 'alt 1 all,app 1 all,base 1 all,lib 1.1 all,must 1:2+b1 all,' ]
}
check "a set has its dependencies, the essential and the required packages, nothing recommended" whole
check "with Only=yes it has the named package alone" test "$(names kernel)" = 'app 1 all,'
witness() {
	grep -v '^#' "$WORK/recipes/rootfs.lock" | while read -r name version _ size sum archive path; do
		f=$WORK/www/$archive/$path
		[ "$(stat -c %s "$f") $(sha256sum <"$f")" = "$size $sum  -" ] &&
			[ "$(dpkg-deb -f "$f" Package)" = "$name" ] && [ "$(dpkg-deb -f "$f" Version)" = "$version" ] || exit 1
	done && [ "$(grep -vc '^#' "$WORK/recipes/rootfs.lock")" = 5 ]
}
check "every line is what dpkg-deb and sha256sum say of the file" witness
check "the newer version of the security archive is taken from there" \
	grep -q '^lib 1.1 .* debian-security pool/' "$WORK/recipes/rootfs.lock"
check "the locked files can be fetched" "$BULLA" fetch --recipes="$WORK/recipes" rootfs kernel
check "--check agrees with a fresh lock" lock --check rootfs kernel
leaves_nothing() {
	mkdir -p "$WORK/tmp" && TMPDIR=$WORK/tmp "$BULLA" lock --recipes="$WORK/recipes" --keyring="$WORK/ours.gpg" \
		--check rootfs && [ -z "$(ls -A "$WORK/tmp")" ]
}
check "and leaves nothing in the temporary folder" leaves_nothing
cp "$WORK/recipes/rootfs.lock" "$WORK/before"
deb debian app 2 'Depends: lib (>= 1), fresh'
deb debian fresh 1
publish debian fake
refuses "--check tells that the archive moved on" 3 '~ app  *1 -> 2' lock --check rootfs
check "and changes nothing" cmp "$WORK/before" "$WORK/recipes/rootfs.lock"
changes() {
	lock rootfs >"$WORK/out"
	grep -Eq '^  \~ app +1 -> 2$' "$WORK/out" && grep -Eq '^  \+ fresh +- -> 1$' "$WORK/out" &&
		grep -Eq '^  - alt +1 -> -$' "$WORK/out" && grep -q '^  moves: rootfs, roothash' "$WORK/out" &&
		[ "$(grep -c ' -> ' "$WORK/out")" = 3 ]
}
check "what was added, removed and changed is listed with what it moves" changes
json() {
	cp "$WORK/before" "$WORK/recipes/rootfs.lock"
	lock --json rootfs | python3 -c 'import json, sys
d = json.load(sys.stdin)
assert d["schema"] == "bulla.lock/1"
c = {x["name"]: (x["change"], x["old"], x["new"]) for x in d["locks"][0]["changes"]}
assert c == {"app": ("changed", "1", "2"), "alt": ("removed", "1", None), "fresh": ("added", None, "1")}, c'
}
if command -v python3 >/dev/null; then
	check "--json says the same" json
else
	skip "--json says the same" "python3 is missing"
fi

cp "$WORK/recipes/rootfs.lock" "$WORK/before"
refuses "an archive signed by another key is refused" 4 "apt-get update: " \
	"$BULLA" lock --recipes="$WORK/recipes" --keyring="$WORK/other.gpg" rootfs
refuses "a mirror that is not there is told" 4 "apt-get update: " \
	env MIRROR="file://$WORK/nowhere/debian" "$BULLA" lock --recipes="$WORK/recipes" --keyring="$WORK/ours.gpg" rootfs
check "the next mirror is taken where one is not there" env MIRROR="file://$WORK/nowhere/debian $MIRROR" \
	"$BULLA" lock --recipes="$WORK/recipes" --keyring="$WORK/ours.gpg" --check rootfs
refuses "a package set that is none is told with the nearest" 2 "did you mean rootfs" lock rootfz
conf kernel Only=yes Packages=nosuch
refuses "a package that is not there is named" 1 "kernel: apt-get download: .*nosuch" lock rootfs kernel
conf kernel Only=maybe Packages=app
refuses "a setting that is neither yes nor no is refused" 2 "kernel.conf: Packages.Only is 'maybe'" lock kernel
check "no lock changed by all that" cmp "$WORK/before" "$WORK/recipes/rootfs.lock"

if [ "$(id -u)" = 0 ] && setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null; then
	mkdir "$WORK/user"
	install -m 755 "$BULLA" "$WORK/user/bulla"
	cp "$WORK/recipes/rootfs.conf" "$WORK/user/"
	chown 65534 "$WORK/user"
	ordinary() {
		setpriv --reuid=65534 --regid=65534 --clear-groups "$WORK/user/bulla" lock --recipes="$WORK/user" \
			--keyring="$WORK/ours.gpg" rootfs && cmp "$WORK/before" "$WORK/user/rootfs.lock"
	}
	check "an ordinary user gets the same lock" ordinary
else
	skip "an ordinary user gets the same lock" "needs root and setpriv"
fi
