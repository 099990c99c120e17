#!/bin/sh
# bulla manifest against find, sha256sum and dpkg-query, on files and packages of the machine that runs the test.
. tests/tap.sh
cd "$WORK"
export LC_ALL=C
if ! command -v jq >/dev/null || ! command -v dpkg-query >/dev/null; then
	skip "the manifest agrees with find and dpkg" "jq or dpkg-query is missing"
	exit 0
fi

mkdir -p tree/etc tree/usr/bin tree/usr/lib tree/usr/share tree/tmp db/info
for f in /bin/ls /bin/cat /usr/bin/env; do cp -L "$f" tree/usr/bin/; done
ln -s usr/bin tree/bin
ln -s ../usr/lib/os-release tree/etc/os-release
ln -s nowhere tree/etc/dangling
printf 'NAME=test\n' >tree/usr/lib/os-release
: >tree/etc/empty
printf 'x' >'tree/usr/share/a name with "quotes" and ünicode'
printf 'twice' >tree/usr/share/one && ln tree/usr/share/one tree/usr/share/two
printf 'a' >tree/usr.x
chmod 4755 tree/usr/bin/env
chmod 1777 tree/tmp
chmod 600 tree/etc/empty

# the machine's own packages, and a lock that has them with made-up digests
cp /var/lib/dpkg/status db/status
for p in coreutils base-files; do cp /var/lib/dpkg/info/$p.list db/info/; done
installed() {
	dpkg-query --admindir=db -W -f '${db:Status-Status} ${Package} ${Version} ${Architecture}\n' | sed -n 's/^installed //p'
}
{
	echo '# bulla lock 1'
	installed | while read -r p v a; do
		echo "$p $v $a 1 $(echo "$p $v $a" | sha256sum | cut -c 1-64) debian pool/x.deb"
	done | sort -k 1,1 -k 3,3
} >lock

manifest() {
	"$BULLA" manifest --tree tree --lock lock --status db/status --epoch 1795392000 --out "m.$1" --sbom "s.$1" \
		--largest "l.$1"
}

with_lists() {
	"$BULLA" manifest --tree tree --lock lock --status db/status --lists db/info --epoch 1795392000 --out m --sbom s \
		--largest l "$@"
}
with_lists >printed

same() {
	diff "$1" "$2"
}

jq -r '.entries[] | [.path, .type[:1], .mode, .uid, .gid, .size // "-", .target // "-"] | @tsv' m >ours
find tree -printf '/%P\t%y\t%m\t%U\t%G\t%s\t%l\n' | awk -F '\t' -v OFS='\t' '{
	while (length($3) < 4) $3 = "0" $3; if ($2 != "f") $6 = "-"; if ($2 != "l") $7 = "-"; print }' | sort >theirs
check "paths, types, modes, owners, sizes and targets are find's" sh -c 'sort ours | diff - theirs'
check "entries are sorted by path" sh -c 'cut -f 1 ours | sort -c'
jq -r '.entries[] | select(.type == "file") | .sha256 + "  tree" + .path' m >sums
check "digests are sha256sum's" sha256sum --quiet -c sums
check "every file has a digest" test "$(wc -l <sums)" = "$(find tree -type f | wc -l)"

owner_of() {
	jq -r --arg p "$1" '.entries[] | select(.path == $p) | .package // "none"' m
}

owned() {
	want=$(dpkg-query --admindir=/var/lib/dpkg -S "$1" | sed 's/:.*//')
	[ "$(owner_of "$2")" = "$want" ] || { echo "got $(owner_of "$2"), expected $want"; return 1; }
}
check "a file is of the package that dpkg says" owned /bin/ls /usr/bin/ls
check "another is, too" owned /usr/bin/env /usr/bin/env
check "a link is, too" owned /etc/os-release /etc/os-release
check "a file that no package brought is of none" test "$(owner_of /usr/share/one)" = none

jq -r '.packages[] | select(.SPDXID != "SPDXRef-Root") | .name + " " + .versionInfo + " " +
	(.externalRefs[0].referenceLocator | sub(".*arch="; ""))' s | sort >sbom.packages
installed | sort >dpkg.packages
check "the SBOM has the packages that dpkg-query lists" same sbom.packages dpkg.packages
jq -r '.packages[] | select(.checksums) | .name + " " + .versionInfo + " " + .checksums[0].checksumValue' s | sort >sbom.sums
sed 1d lock | awk '{ print $1, $2, $5 }' | sort >lock.sums
check "their digests are the lock's" same sbom.sums lock.sums

# SPDX 2.3, sections 6 to 8, 11: what must be there, and how ids look
spdx_valid() {
	jq -e '
		.spdxVersion == "SPDX-2.3" and .dataLicense == "CC0-1.0" and .SPDXID == "SPDXRef-DOCUMENT" and
		(.name | length > 0) and (.documentNamespace | test("^https://[^#]+$")) and
		(.creationInfo.created == "2026-11-23T00:00:00Z") and
		(.creationInfo.creators | length > 0 and all(test("^(Tool|Organization|Person): ."))) and
		(.packages | all((.SPDXID | test("^SPDXRef-[A-Za-z0-9.-]+$")) and (.name | length > 0) and
			.downloadLocation == "NOASSERTION" and .filesAnalyzed == false)) and
		([.packages[].SPDXID] | length == (unique | length)) and
		([.packages[].externalRefs // [] | .[]] | all(.referenceCategory == "PACKAGE-MANAGER" and .referenceType == "purl" and
			(.referenceLocator | test("^pkg:deb/debian/[a-z0-9.%B-]+@[A-Za-z0-9.%:~-]+\\?arch=[a-z0-9-]+$")))) and
		([.packages[].SPDXID] as $ids | .relationships | all(.relatedSpdxElement as $r | $ids | index($r))) and
		([.relationships[] | select(.relationshipType == "DESCRIBES")] |
			length == 1 and .[0].spdxElementId == "SPDXRef-DOCUMENT") and
		(([.relationships[] | select(.relationshipType != "DESCRIBES")] | length) == (.packages | length) - 1)' s
}
check "the SBOM has what SPDX 2.3 requires" spdx_valid
jq -r '.relationships[] | select(.relationshipType == "CONTAINS") | .relatedSpdxElement' s | sed 's/-[a-z0-9]*$//' >contained
check "only packages with files in the root are contained in it" \
	test "$(paste -s -d ' ' contained)" = "SPDXRef-Package-base-files SPDXRef-Package-coreutils"

manifest 1 >/dev/null
touch -d 2001-01-01 tree/etc/empty
(umask 077 && TZ=Asia/Tokyo manifest 2 >/dev/null)
check "time, zone and umask of the run change nothing" sh -c 'cmp m.1 m.2 && cmp s.1 s.2 && cmp l.1 l.2'
ns() { jq -r .documentNamespace "$1"; }
check "another content has another namespace" test "$(ns s)" != "$(ns s.1)"
check "what is printed is what --largest has" cmp printed l
largest_file() {
	want=$(find tree -type f -printf '%s /%P\n' | sort -n | tail -1 | cut -d ' ' -f 2)
	sed -n 2p l | grep -q " $want\$"
}
check "the largest file comes first" largest_file
check "a file with two names counts once" grep -q '^ *0 B  /usr/share/two$' l
check "a package's bytes are those of its files" \
	grep -q "^ *$(cat tree/usr/bin/ls tree/usr/bin/cat tree/usr/bin/env | wc -c | awk '{ printf "%.1f KiB", $1 / 1024 }')  coreutils  *3\$" l

chown_root() {
	with_lists --all-root --out m3 >/dev/null
	jq -e '.entries | all(.uid == 0 and .gid == 0)' m3
}
if [ "$(id -u)" = 0 ]; then chown 1000:1000 tree/etc/empty; fi
check "--all-root gives everything to 0:0, as the image does" chown_root

sed 's/^coreutils [^ ]*/coreutils 0.1/' lock >lock.old
refuses "a package in another version than the lock's is refused" 1 'lock.old: package coreutils:.* is 0.1, expected' \
	with_lists --lock lock.old
grep -v '^coreutils ' lock >lock.less
refuses "a package that the lock lacks is refused" 1 'package coreutils:.* is not there' with_lists --lock lock.less
mkfifo tree/etc/pipe
refuses "a pipe is refused" 1 'tree/etc/pipe: neither file, link nor folder' with_lists
rm tree/etc/pipe
if [ "$(id -u)" = 0 ] && mknod tree/etc/null c 1 3 2>/dev/null; then
	refuses "a device is refused" 1 'tree/etc/null: neither file' with_lists
	rm tree/etc/null
else
	skip "a device is refused" "making one needs root"
fi
if [ "$(id -u)" = 0 ] && mount -t tmpfs none tree/tmp 2>/dev/null; then
	refuses "a file system mounted in the tree is refused" 1 'tree/tmp: another file system' with_lists
	umount tree/tmp
else
	skip "a file system mounted in the tree is refused" "mounting needs root"
fi
touch "$(printf 'tree/\377')"
refuses "a name that is not UTF-8 is refused" 1 'not UTF-8' with_lists
rm "$(printf 'tree/\377')"
refuses "a missing tree is named, exit 4" 4 'nowhere: No such file' with_lists --tree nowhere
refuses "a tree without dpkg's status needs --status" 4 'hint: --status' \
	"$BULLA" manifest --tree tree --lock lock --epoch 0 --out m --sbom s
refuses "a broken status is refused with its line" 1 'bad:2: ' \
	sh -c "printf 'Package: a\nnonsense\n' >bad; '$BULLA' manifest --tree tree --lock lock --status bad --epoch 0 --out m --sbom s"
refuses "an epoch that is no number is a usage error" 2 'expected seconds' with_lists --epoch 12x
if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=8k none small 2>/dev/null; then
	refuses "a full disk is said" 1 'No space left' with_lists --sbom small/s
	check "a full disk leaves nothing half-written" test -z "$(ls -A small)"
	umount small
else
	skip "a full disk is said" "mounting a small tmpfs needs root"
fi
