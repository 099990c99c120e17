#!/bin/sh
# The agent pulls an image from a registry on loopback that behaves badly in one way after another: it comes whole, or the
# error says what is wrong. The registry is tests/peers/registry.py; what came is compared with what that packed.
. tests/tap.sh
PULL=${FUZZ:-out/test}/image_pull
server=
trap 'kill $server 2>/dev/null || :; rm -rf "$WORK"' EXIT
for tool in python3 jq; do
	command -v "$tool" >/dev/null || { skip "the agent pulls" "$tool is missing: ci/install-deps check"; exit 0; }
done
mkdir "$WORK/server"
python3 tests/peers/registry.py "$WORK/server" >"$WORK/port" 2>"$WORK/server.log" &
server=$!
i=0
while [ $i -lt 100 ] && ! [ -s "$WORK/port" ]; do
	sleep 0.1
	i=$((i + 1))
done
at=127.0.0.1:$(cat "$WORK/port")
cat >"$WORK/registries" <<EOT
[[registry]]
location = "$at"
insecure = true
[[registry]]
prefix = "mirrored.example"
location = "$at/none"
insecure = true
[[registry.mirror]]
location = "$at/busy"
insecure = true
[[registry]]
prefix = "proxied.example"
location = "behind.example/plain"
insecure = true
[[registry]]
prefix = "second.example"
location = "$at/plain"
insecure = true
[[registry.mirror]]
location = "$at/none"
insecure = true
[[registry]]
prefix = "$at/blocked"
blocked = true
EOT
printf '{"auths": {"%s": {"auth": "bWU6c2VjcmV0"}, "%s/refresh": {"auth": "MDAwOg==", "identitytoken": "refresh.me"}}}' "$at" "$at" >"$WORK/auths"
image=$WORK/server/image.json
n=0

pull() { # [OPTION…] REFERENCE, into a store of its own
	n=$((n + 1))
	timeout 60 "$PULL" registries="$WORK/registries" "$@" "$WORK/store$n"
}
whole() { # [OPTION…] REFERENCE: it comes, and is what was packed
	pull "$@" >"$WORK/got" && jq -e --slurpfile i "$image" '.manifest_digest == $i[0].manifest and .config.config.Entrypoint == ["/a"]' "$WORK/got" &&
		same_files
}
same_files() {
	lower=$(jq -r '.layers[0]' "$WORK/got") upper=$(jq -r '.layers[1]' "$WORK/got")
	[ "$(cat "$lower/a.txt")" = lower ] && [ "$(cat "$upper/b.txt")" = upper ] && [ "$(stat -c %s "$lower/noise")" = 1280000 ] &&
		[ -z "$(ls "$(jq -r '.layers[0] | split("/layers/")[0]' "$WORK/got")/tmp")" ]
}
fails() { # PATTERN [OPTION…] REFERENCE; and nothing is left of the layer that is wrong
	pattern=$1
	shift
	if pull "$@" >"$WORK/got" 2>"$WORK/why"; then
		return 1
	fi
	cat "$WORK/why"
	grep -q -- "$pattern" "$WORK/why" && [ -z "$(ls -A "$WORK/store$n/tmp" 2>/dev/null)" ] && [ ! -e "$WORK/store$n/layers/$(jq -r .lower "$image")" ] &&
		! LC_ALL=C grep -q '[[:cntrl:]]' "$WORK/why"
}
asked() { # PATTERN: how often the registry was asked so
	grep -c -- "$1" "$WORK/server/requests" || :
}
resumed() {
	whole "$at/cut/app:v1" && [ "$(asked '/v2/cut/.*range=bytes=400000-')" = 1 ] && [ "$(asked '/v2/cut/.*range=bytes=800000-')" = 1 ]
}
paused() {
	whole stall=700 "$at/pause/app:v1" && [ "$(asked '/v2/pause/.*range=bytes=300000-')" = 1 ]
}
not_shown() { # where it was redirected to, the credentials were not sent
	whole auths="$WORK/auths" "$at/redirect/app:v1" && [ "$(asked '^localhost.*/cdn/.*auth=None')" = 3 ] && [ "$(asked '/cdn/.*auth=B')" = 0 ]
}
twice() { # the second pull asks for no blob of a layer
	whole "$at/plain/app:v1" && before=$(asked '/v2/plain/app/blobs/') && n=$((n - 1)) && whole "$at/plain/app:v1" &&
		[ "$(asked '/v2/plain/app/blobs/')" = $((before + 1)) ]
}
together() { # pulls of the same image at once
	for k in 1 2 3 4; do
		"$PULL" registries="$WORK/registries" "$at/together/app:v1" "$WORK/shared" >"$WORK/got.$k" &
		eval "p$k=$!"
	done
	# shellcheck disable=SC2154
	wait "$p1" && wait "$p2" && wait "$p3" && wait "$p4" && cmp "$WORK/got.1" "$WORK/got.4" && cp "$WORK/got.1" "$WORK/got" && same_files &&
		[ "$(asked "/v2/together/app/blobs/sha256:$(jq -r .big "$image")")" = 1 ]
}
killed() { # what a pull that was killed leaves is made anew
	"$PULL" registries="$WORK/registries" "$at/drip/app:v1" "$WORK/killed" >/dev/null 2>&1 &
	p=$!
	sleep 0.5
	mkdir -p "$(echo "$WORK"/killed/lock/* | sed "s,/lock/\([0-9a-f]*\).*,/tmp/\1,")/half"
	kill -9 $p
	wait $p 2>/dev/null || :
	timeout 20 "$PULL" registries="$WORK/registries" "$at/plain/app:v1" "$WORK/killed" >"$WORK/got" && same_files
}
expired() {
	whole "$at/expire/app:v1" && [ "$(asked '/expiring')" = 3 ]
}
proxied() {
	whole proxy="http://$at" proxied.example/app:v1 && [ "$(asked '^behind.example GET http://behind.example/v2/plain/app/manifests/v1')" = 1 ]
}
faster_than() { # SECONDS COMMAND…
	limit=$1 from=$(date +%s)
	shift
	"$@" && [ $(($(date +%s) - from)) -le "$limit" ]
}

check "an image comes, and is what was packed" whole "$at/plain/app:v1"
check "by its digest, too" whole "$at/plain/app@$(jq -r .manifest "$image")"
check "the manifest of an index that is for this machine" whole "$at/index/app:v1"
check "the index's digest is told" jq -e --slurpfile i "$image" '.index_digest == $i[0].index' "$WORK/got"
check "an image with Docker's media types comes" pull "$at/docker/app:v1"
check "layers that are there are not fetched again" twice
check "pulls at the same time share what one fetches" together
check "what a killed pull left does not matter" killed
check "a transfer that is cut goes on where it was" resumed
check "one that stalls, too" paused
check "a server without ranges starts anew" whole "$at/norange/app:v1"
check "one that names a wrong part, too" whole "$at/lies/app:v1"
check "a busy server is asked again" whole "$at/busy/app:v1"
check "a token is fetched with the credentials" whole auths="$WORK/auths" "$at/bearer/app:v1"
check "or with an identity token" whole auths="$WORK/auths" "$at/refresh/app:v1"
check "a token that expires is fetched anew, once for all layers" expired
check "basic authentication is used" whole auths="$WORK/auths" "$at/basic/app:v1"
check "credentials do not follow a redirect" not_shown
check "a redirect may be relative" whole "$at/relative/app:v1"
check "a mirror is asked first" whole mirrored.example/app:v1
check "a proxy is asked for what is behind it" proxied
check "the registry is asked where the mirror has nothing" whole second.example/app:v1

check "without credentials the error says so" fails 'there are none for it' "$at/basic/app:v1"
check "a token that is not given is an error" fails 'no token, HTTP 401' "$at/bearer/app:v1"
check "credentials go to no server but by HTTP" fails "sends to 'ftp://" auths="$WORK/auths" "$at/thief/app:v1"
check "an image that is not there is an error with the server's code" fails 'HTTP 404, NAME_UNKNOWN' "$at/none/app:v1"
check "a blocked registry is not asked" fails 'is blocked by the registries config' "$at/blocked/app:v1"
check "a registry that is not insecure is asked by TLS alone" fails 'https://127' registries=/dev/null "$at/plain/app:v1"
check "endless redirects end" fails 'redirected more than 5 times' "$at/loop/app:v1"
check "a redirect to a file is refused" fails 'redirected away from https' "$at/insecure/app:v1"
check "a changed layer is named" fails "layer 0 (sha256:$(jq -r .big "$image")): its digest is" "$at/flip/app:v1"
check "a layer that is shorter than it should be is named" fails 'layer 0 .*it ends after' "$at/short/app:v1"
check "one that is longer, too" fails 'layer 0 .*longer than its descriptor says' "$at/long/app:v1"
check "another manifest than was asked for is refused" fails 'manifest: its digest is .*, expected' "$at/other/app@$(jq -r .manifest "$image")"
check "an image for another machine is refused" fails 'the image is for linux/other' "$at/foreign/app:v1"
check "a config with more layers than the manifest is refused" fails '2 diff_ids, the manifest 1 layers' "$at/fewer/app:v1"
check "what is no layer is refused" fails "layer 0 .*in-toto" "$at/squashed/app:v1"
check "layers larger than the limit are refused" fails 'more than 17179869184 bytes' "$at/bomb/app:v1"
check "a manifest without an end is cut off" fails 'longer than what is taken' "$at/huge/app:v1"
check "the first schema is refused" fails 'schemaVersion is not 2' "$at/old/app:v1"
check "an index in an index is refused" fails 'is an index' "$at/nested/app:v1"
check "request_timeout is told where it hits" faster_than 15 fails 'request_timeout, 0.3 s' request=300 "$at/mute/app:v1"
check "stall_timeout is told where it hits" faster_than 20 fails 'stall_timeout, 0.3 s' stall=300 "$at/stall/app:v1"
check "image_pull_timeout is told where it hits, however slowly it comes" faster_than 5 fails 'image_pull_timeout, 2 s, is over' pull=2000 "$at/drip/app:v1"
check "a broken name is refused" fails 'is no repository' "$at/../app"
check "with a TEE and no policy nothing is pulled" fails 'no image security policy' tee=1 "$at/plain/app:v1"
printf '{"default":[{"type":"reject"}],"transports":{"docker":{"%s/plain":[{"type":"insecureAcceptAnything"}],"%s/basic":[{"type":"sigstoreSigned","keyPath":"%s/pub"}]}}}' \
	"$at" "$at" "$WORK" >"$WORK/policy"
check "what the policy accepts is pulled with a TEE" whole tee=1 policy="$WORK/policy" "$at/plain/app:v1"
before=$(asked /v2/)
check "what it rejects is not" fails 'is rejected by policy.json, default\[0\]' tee=1 policy="$WORK/policy" "$at/cut/app:v1"
check "and not asked for" [ "$(asked /v2/)" = "$before" ]
check "a policy that is not there rejects" fails 'image security policy: .*No such file' policy="$WORK/nothing" "$at/plain/app:v1"
