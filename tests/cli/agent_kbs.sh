#!/bin/sh
# The agent's client of key brokers against tests/boot/e2e/kbs, which is npm's jose and Node, and against what can stand
# between both.
. tests/tap.sh
. tests/boot/e2e/common
name="the agent gets keys from a key broker"
GET=${FUZZ:-out/test}/kbs_get
needs_kbs "$name"

mkdir -p "$WORK/resources/default/key" "$WORK/resources/default/signing-key"
printf 'one secret' >"$WORK/resources/default/key/one"
head -c 1000000 /dev/urandom >"$WORK/resources/default/key/big"

# front MODE: puts one in front of $port, whose port is then $front; it ends with this test
front() {
	mkfifo "$WORK/$1.in"
	: >"$WORK/$1.out"
	python3 tests/cli/kbs_front.py "$port" "$1" <"$WORK/$1.in" >"$WORK/$1.out" 2>"$WORK/$1.seen" &
	pids="$pids $!"
	sleep 60 >"$WORK/$1.in" &
	pids="$pids $!"
	for _ in $(seq 200); do
		front=$(cat "$WORK/$1.out")
		[ -z "$front" ] || return 0
		sleep 0.05
	done
	return 1
}
gets() { # WANTED ARG…: the output is this, line for line
	want=$1
	shift
	"$GET" "$@" >"$WORK/got" 2>"$WORK/error" || { cat "$WORK/error"; return 1; }
	[ "$(cat "$WORK/got")" = "$want" ] || { cat "$WORK/got"; return 1; }
}
fails() { # PATTERN ARG…
	pattern=$1
	shift
	if "$GET" "$@" >"$WORK/got" 2>"$WORK/error"; then
		cat "$WORK/got"
		return 1
	fi
	grep -q "$pattern" "$WORK/error" || { cat "$WORK/error"; return 1; }
}
occurs() { # N PATTERN FILE
	n=$(grep -c "$2" "$3" || :)
	[ "$n" = "$1" ] || { echo "$n times: $2"; cat "$3"; return 1; }
}
big() {
	"$GET" "$url" get:kbs:///default/key/big | head -c 1000000 | cmp - "$WORK/resources/default/key/big"
}
pair() {
	"$GET" "$@" "$url" pair >"$WORK/pair" || return 1
	jq -r .tee_keypair "$WORK/pair" >"$WORK/pair.pem" && openssl pkey -in "$WORK/pair.pem" -pubout -out "$WORK/pub.pem" &&
		jq -r '.token | split(".")[1]' "$WORK/pair" | jose b64 dec -i - -O "$WORK/claims" &&
		jq '.submods.cpu0["ear.veraison.annotated-evidence"].runtime_data_claims["tee-pubkey"]' "$WORK/claims" >"$WORK/jwk" &&
		node -e 'const { createPublicKey: k } = require("crypto"), fs = require("fs");
			process.stdout.write(k({ format: "jwk", key: JSON.parse(fs.readFileSync(process.argv[1])) }).export({ type: "spki", format: "pem" }))' \
			"$WORK/jwk" | cmp - "$WORK/pub.pem"
}
within() { # SECONDS ARG…
	limit=$1
	shift
	begun=$(date +%s)
	fails "$@" && [ "$(($(date +%s) - begun))" -le "$limit" ]
}

kbs now --resources "$WORK/resources"
url=http://127.0.0.1:$port direct=$url
check "a resource comes, by 0.4.0 and P-256" gets 'one secret' "$url" get:kbs:///default/key/one
check "and with a key P-521, and with RSA-OAEP-256" \
	sh -c "$GET key=P-521 $url get:kbs:///default/key/one && $GET key=RSA $url get:kbs:///default/key/one"
check "a long one comes whole" big
log=$WORK/now.log
before=$(grep -c '"event":"attested"' "$log")
check "three in one session, saved and loaded between, attest once" gets "one secret
one secret
one secret" "$url" get:kbs:///default/key/one get:kbs:///default/key/one get:kbs://other.host/default/key/one
check "as the broker says" occurs "$((before + 1))" '"event":"attested"' "$log"
check "the session's key is in memory that is locked" gets 'one secret
locked' "$url" get:kbs:///default/key/one locked
check "what is not there is not found" fails 'PluginInternalError: Resource default/key/two not found (ENOENT)' "$url" get:kbs:///default/key/two
check "a plugin that is not there is not found" fails 'Plugin ca not found (ENOENT)' "$url" 'get:kbs+ca:///cert?x=1'
check "its request has path and query" grep -q '"url":"/kbs/v0/ca/cert?x=1"' "$log"
check "token and key belong together, P-256" pair
check "token and key belong together, RSA" pair key=RSA
check "a broker that is not there is given up in time" within 6 'given up after [2-9] tries, kbs_timeout is 1 s.*(ETIMEDOUT)' ms=1000 http://127.0.0.1:1 get:kbs:///default/key/one
for m in busy cut cookies bearer; do
	front "$m"
	check "$m: the resource comes all the same" gets 'one secret' "http://127.0.0.1:$front" get:kbs:///default/key/one
done
check "busy: each was asked three times" occurs 3 '/auth' "$WORK/busy.seen"
front forget
check "forget: the resource comes a second time" gets 'one secret
one secret' "http://127.0.0.1:$front" get:kbs:///default/key/one get:kbs:///default/key/one
check "forget: it was attested anew" occurs 2 '/attest' "$WORK/forget.seen"
front hang
check "hang: the limit is named" within 6 'given up after [12] tries, kbs_timeout is 1 s.*(ETIMEDOUT)' ms=1000 "http://127.0.0.1:$front" get:kbs:///default/key/one
front plain
check "plain: a resource that is not sealed is refused" fails 'JWE: .*(EBADMSG)' "http://127.0.0.1:$front" get:kbs:///default/key/one
check "plain: a plugin's answer is taken" gets '{"key":"value"}' "http://127.0.0.1:$front" get:kbs+ca:///cert
front huge
check "huge: a resource without end is refused" fails 'longer than what is taken of it (EFBIG)' "http://127.0.0.1:$front" get:kbs:///default/key/one
front drip
check "drip: a resource that trickles is given up" within 8 '(ETIMEDOUT)' ms=1000 "http://127.0.0.1:$front" get:kbs:///default/key/one

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=kbs -addext subjectAltName=IP:127.0.0.1 \
	-keyout "$WORK/tls.key" -out "$WORK/tls.crt" 2>/dev/null
kbs tls --resources "$WORK/resources" --cert "$WORK/tls.crt" --key "$WORK/tls.key"
check "over TLS by its root" gets 'one secret' "ca=$WORK/tls.crt" "https://127.0.0.1:$port" get:kbs:///default/key/one
check "without that root it is refused, at once" within 4 'certificate.*(EKEYREJECTED)' "https://127.0.0.1:$port" get:kbs:///default/key/one
for v in 0.2.0 0.1.1; do
	kbs "v$v" --resources "$WORK/resources" --version "$v"
	check "$v: found by the broker's word, and the resource comes" gets 'one secret
one secret' "http://127.0.0.1:$port" get:kbs:///default/key/one get:kbs:///default/key/one
	check "$v: it was attested once" occurs 1 '"event":"attested"' "$WORK/v$v.log"
done
for rule in "" --joined; do
	# shellcheck disable=SC2086  # nothing or an option
	kbs "v0.1.0$rule" --resources "$WORK/resources" --version 0.1.0 $rule
	check "0.1.0${rule:+, with the older hash}: found, and the resource comes" gets 'one secret' "http://127.0.0.1:$port" get:kbs:///default/key/one
done
kbs v9 --resources "$WORK/resources" --version 9.9.9
check "a broker of another time is refused with its word" fails 'Version Mismatch: expect =9.9.9.*(EKEYREJECTED)' "http://127.0.0.1:$port" get:kbs:///default/key/one
kbs other --resources "$WORK/resources" --tees tpm
check "a broker that takes no such TEE is refused with its word" fails 'the TEE sample is not supported' "http://127.0.0.1:$port" get:kbs:///default/key/one
printf 'version = "0.1.0"\nalgorithm = "sha256"\n[data]\n' >"$WORK/initdata.toml"
kbs init --resources "$WORK/resources" --initdata "$WORK/initdata.toml"
check "initdata is sent along" gets 'one secret' "initdata=$WORK/initdata.toml" "http://127.0.0.1:$port" get:kbs:///default/key/one
check "and where it is another, attestation fails with the broker's word" fails 'init-data is not what was expected.*(EKEYREJECTED)' \
	"http://127.0.0.1:$port" get:kbs:///default/key/one
kbs expired --resources "$WORK/resources" --token-life=-60
check "a token that is over is an error that says so" fails 'token that it gave ended 6[0-9] s ago.*(EKEYEXPIRED)' "http://127.0.0.1:$port" token
check "and a resource is refused with the broker's word" fails 'the attestation token has expired (EKEYREJECTED)' "http://127.0.0.1:$port" get:kbs:///default/key/one
kbs short --resources "$WORK/resources" --token-life=20
check "a token with too little time left is renewed" sh -c "$GET http://127.0.0.1:$port token token | sort -u | grep -c ."
check "as the broker says" occurs 2 '"event":"attested"' "$WORK/short.log"

name="sealed secrets are opened"
V=$VECTORS/agent/sealed-secret
[ -e "$V/cases.json" ] || { skip "$name" "$V is missing"; exit 0; }
mkdir -p "$WORK/resources/default/type" "$WORK/resources/default/sealing"
cp "$V/signing-key-public.jwk.json" "$WORK/resources/default/signing-key/sealed-secret"
printf 'from the vault' >"$WORK/resources/default/type/tag"
jq -r '.[1].kek_hex' "$V/cases.json" | tr a-f A-F | tr -d "\n" | basenc -d --base16 >"$WORK/resources/default/sealing/kek"
sealed() { jq -r ".[$1].sealed" "$V/cases.json"; }
check "a vault, and an envelope" gets "from the vault
sealed plaintext" "$direct" "unseal:$(sealed 0)" "unseal:$(sealed 1)"
check "not one that nobody signed" fails 'not a signed one.*(EBADMSG)' "$direct" "unseal:$(sealed 2)"
head -c 32 /dev/zero >"$WORK/resources/default/sealing/kek"
check "not an envelope with another key" fails 'does not open with its key' "$direct" "unseal:$(sealed 1)"
jq -c 'del(.d)' "$VECTORS/agent/kbs/tee-key-p256.jwk.json" >"$WORK/resources/default/signing-key/sealed-secret"
check "not one of another signer" fails 'signature is not that of kbs:///default/signing-key/sealed-secret (EKEYREJECTED)' "$direct" "unseal:$(sealed 0)"
rm "$WORK/resources/default/signing-key/sealed-secret"
check "not one whose signer's key is gone" fails 'the key that signed it.*(ENOENT)' "$direct" "unseal:$(sealed 0)"
