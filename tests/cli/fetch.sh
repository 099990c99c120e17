#!/bin/sh
# bulla fetch against mirrors in a folder and on the loopback, one of them misbehaving.
# shellcheck disable=SC2317 # functions are called by name
. tests/tap.sh
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
# the host's own mirrors must not come to the rescue
mkdir "$WORK/none"
printf 'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "%s";\n' "$WORK/none" >"$WORK/apt.conf"
export APT_CONFIG="$WORK/apt.conf" BULLA_CACHE="$WORK/cache"

archive=$WORK/www/debian
recipes=$WORK/recipes
mkdir -p "$archive/pool" "$recipes"
head -c 1000000 /dev/urandom >"$archive/pool/big_1_all.deb"
head -c 70000 /dev/urandom >"$archive/pool/libx++_1+b2_all.deb"
head -c 5000 /dev/urandom >"$archive/pool/epoch_2%3a1_all.deb"

# line NAME VERSION FILE: the lock line of a file, its size and digest from coreutils
line() {
	echo "$1 $2 all $(stat -c %s "$archive/pool/$3") $(sum "$archive/pool/$3") debian pool/$3"
}
sum() {
	sha256sum "$1" | cut -d' ' -f1
}
{
	echo '# bulla lock 1'
	line big 1 big_1_all.deb
	line epoch 2:1 epoch_2%3a1_all.deb
	line libx++ 1+b2 libx++_1+b2_all.deb
} >"$recipes/all.lock"
grep -e '^#' -e '^big' "$recipes/all.lock" >"$recipes/big.lock"
grep -e '^#' -e '^libx' "$recipes/all.lock" >"$recipes/small.lock"
big=$(sum "$archive/pool/big_1_all.deb")
big_store=$BULLA_CACHE/sha256/$(echo "$big" | cut -c1-2)/$big
partial=$BULLA_CACHE/partial/$big

fetch() {
	"$BULLA" fetch --recipes="$recipes" "$@"
}
# from BASE ARG…: fetch with no other mirror than those
from() {
	MIRROR=$1
	export MIRROR
	shift
	fetch "$@"
}
forget() {
	rm -rf "$BULLA_CACHE"
	: >"$WORK/log"
}
stored() {
	[ "$(sum "$big_store")" = "$big" ] && [ "$(stat -c %a "$big_store")" = 644 ] && [ ! -e "$partial" ]
}
quiet() {
	[ -z "$("$@" 2>&1)" ]
}

from_a_folder() {
	from "file://$archive" all && stored &&
		(cd "$BULLA_CACHE/sha256" && find . -type f -printf '%f  %p\n' | sha256sum -c --quiet) &&
		[ "$(find "$BULLA_CACHE/sha256" -type f | wc -l)" = 3 ]
}
check "a mirror in a folder fills the store with files that sha256sum agrees with" from_a_folder
check "a full store is silent with -q" quiet fetch -q all
if unshare -rn true 2>/dev/null; then
	check "a full store needs no network" unshare -rn "$BULLA" fetch --recipes="$recipes" all
else
	skip "a full store needs no network" "unshare -rn is not permitted"
fi
check "a full store is enough for --offline" fetch --offline all

into() {
	mkdir -p "$WORK/into" && touch "$WORK/into/stale_1_all.deb" && fetch --offline --into="$WORK/into" all &&
		[ "$(cd "$WORK/into" && echo *)" = 'big_1_all.deb epoch_2:1_all.deb libx++_1+b2_all.deb' ] &&
		[ "$(stat -c %i "$WORK/into/big_1_all.deb")" = "$(stat -c %i "$big_store")" ] && fetch --offline --into="$WORK/into" big &&
		[ "$(ls "$WORK/into")" = big_1_all.deb ]
}
check "--into makes a folder of links and of nothing else" into
mkdir -p "$WORK/home/sub"
touch "$WORK/home/letter"
refuses "--into leaves a folder that holds other folders alone" 2 "sub: a folder" fetch --into="$WORK/home" all
check "and removes nothing there" test -e "$WORK/home/letter"

damage() {
	printf x | dd of="$big_store" conv=notrunc status=none
	from "file://$archive" --verify all && stored
}
check "--verify fetches again what was damaged in the store" damage

forget
refuses "--offline names the file that is not there" 4 "big_1_all.deb: not in the store" fetch --offline all
refuses "no mirror at all is told with the way out" 4 "hint: MIRROR=" from "" big

sed 's/ all 1000000 / all 1e6 /' "$recipes/big.lock" >"$recipes/bad.lock"
refuses "a malformed lock line is refused with its place" 2 "recipes/bad.lock:2: the size" fetch bad
refuses "a lock that is not there says how to make it" 4 "bulla lock nosuch" fetch nosuch

# a store of somebody else
as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups env BULLA_CACHE="$1" MIRROR="file://$archive" \
		"$WORK/public/bulla" fetch --recipes="$WORK/public" big
}
if [ "$(id -u)" = 0 ] && setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null; then
	mkdir "$WORK/public"
	install -m 755 "$BULLA" "$WORK/public/bulla"
	install -m 644 "$recipes/big.lock" "$WORK/public/"
	chmod 755 "$WORK" "$WORK/public"
	mkdir -m 700 "$WORK/closed"
	mkdir -m 755 "$WORK/readonly"
	refuses "a store that cannot be read is told" 4 "closed/.*Permission denied" as_nobody "$WORK/closed"
	refuses "a store that cannot be written is told" 4 "readonly/.*Permission denied" as_nobody "$WORK/readonly"
else
	skip "a store of somebody else is told" "needs root and setpriv"
fi
full_disk() {
	mkdir -p "$WORK/tiny"
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare -rm sh -c 'mount -t tmpfs -o size=300k none "$1" && shift && exec "$@"' - "$WORK/tiny" \
		env BULLA_CACHE="$WORK/tiny" MIRROR="file://$archive" "$BULLA" fetch --recipes="$recipes" big
}
if unshare -rm mount -t tmpfs none /mnt 2>/dev/null; then
	refuses "a full disk is told" 1 "tiny/partial/.*No space left" full_disk
else
	skip "a full disk is told" "unshare -rm cannot mount"
fi

if ! command -v python3 >/dev/null; then
	skip "mirrors over HTTP" "python3 is missing"
	exit 0
fi
: >"$WORK/log"
python3 tests/cli/httpd.py "$WORK/www" "$WORK/port" "$WORK/log" &
server=$!
trap 'kill "$server"; rm -rf "$WORK"' EXIT
i=0
while [ ! -e "$WORK/port" ] && [ $((i += 1)) -lt 100 ]; do sleep 0.1; done
http=http://127.0.0.1:$(cat "$WORK/port")

from_http() {
	from "$http/ok/debian" all && stored && grep -q 'GET .*/libx%2b%2b_1%2bb2_all.deb -' "$WORK/log"
}
check "a mirror over HTTP fills the store, with + escaped in what it is asked for" from_http

forget
refuses "a transfer that keeps breaking off is given up" 1 "big_1_all.deb: " from "$http/cut/debian" big
check "what did arrive is kept" test "$(stat -c %s "$partial")" = 300000
resumes() {
	: >"$WORK/log"
	from "$http/ok/debian" big && stored && grep -q 'GET .*big_1_all.deb bytes=300000-' "$WORK/log"
}
check "the next run continues where it stopped" resumes

killed() {
	forget
	MIRROR=$http/slow/debian "$BULLA" fetch --recipes="$recipes" big &
	pid=$!
	i=0
	while [ "$(stat -c %s "$partial" 2>/dev/null || echo 0)" -lt 200000 ] && [ $((i += 1)) -lt 100 ]; do sleep 0.02; done
	kill -9 "$pid"
	wait "$pid" || :
	[ ! -e "$big_store" ] && resumes_somewhere
}
resumes_somewhere() {
	: >"$WORK/log"
	from "$http/ok/debian" big && stored && grep -q 'GET .*big_1_all.deb bytes=[1-9]' "$WORK/log"
}
check "after kill -9 the next run continues" killed

# old_part: a part from an earlier run whose bytes are not those of the file
old_part() {
	forget
	mkdir -p "$BULLA_CACHE/partial"
	head -c "$1" /dev/zero >"$partial"
	from "$2" big && stored
}
check "a wrong part of an earlier run is fetched again" old_part 5000 "$http/ok/debian"
check "a part as long as the file is fetched again" old_part 1000000 "$http/ok/debian"
check "a part longer than the file is fetched again" old_part 1000001 "$http/ok/debian"
check "a server that cannot continue sends it all" old_part 5000 "$http/norange/debian"

forget
wrong=$(python3 -c 'import sys; sys.stdout.buffer.write(bytes(b ^ 1 for b in open(sys.argv[1], "rb").read()))' \
	"$archive/pool/big_1_all.deb" | sha256sum | cut -d' ' -f1)
refuses "a wrong file is refused with what was found and expected" 1 \
	"big_1_all.deb: sha256 $wrong, expected $big" \
	from "$http/wrong/debian" big
check "and nothing of it stays" quiet find "$BULLA_CACHE" -type f -name "$big"

second() {
	forget
	from "$1 $http/ok/debian" big && stored
}
check "the next mirror is taken after a wrong file" second "$http/wrong/debian"
check "the next mirror is taken after a 404" second "$http/ok/nosuch/debian"
check "the next mirror is taken when one cannot be connected to" second "http://127.0.0.1:1/debian"
check "a busy mirror is asked again" second "$http/busy/debian"
check "until it answers" test "$(grep -c 'GET /busy/debian/pool/big_1_all.deb' "$WORK/log")" = 3

forget
cp "$recipes/all.lock" "$recipes/gone.lock"
echo "zgone 1 all 5 $(echo gone | sha256sum | cut -d' ' -f1) debian pool/zgone_1_all.deb" >>"$recipes/gone.lock"
refuses "a file that no mirror has is named before anything is fetched" 4 "pool/zgone_1_all.deb: on no mirror" \
	from "$http/ok/debian" gone
asked_only() {
	grep -q HEAD "$WORK/log" && ! grep -q GET "$WORK/log"
}
check "and nothing was fetched" asked_only
refuses "the way out is the lock of its package set" 4 "hint: .bulla lock gone" from "$http/ok/debian" gone

loads_no_libcurl() {
	! ldd "$BULLA" | grep libcurl
}
check "what fetches nothing loads no libcurl" loads_no_libcurl

forget
refuses "a transfer that stands still is given up" 1 "big_1_all.deb: .*slow" \
	from "$http/stall/debian" --stall=1 big

two() {
	forget
	MIRROR=$http/slow/debian
	export MIRROR
	fetch big &
	one=$!
	fetch big && wait "$one" && stored && [ "$(grep -c GET "$WORK/log")" = 1 ]
}
check "two at once fetch a file once and both succeed" two
