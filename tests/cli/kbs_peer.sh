#!/bin/sh
# The key broker that the agent is tested with, tests/boot/e2e/kbs, itself: it takes what Trustee's clients send, and what it
# gives is opened by jose, the C program. It has no code of the agent's.
. tests/tap.sh
. tests/boot/e2e/common
name="the key broker of the tests agrees with vectors"
V=${VECTORS:-../shared/vectors}/agent
[ -e "$V/kbs/rcar-cases.json" ] || { skip "$name" "$V/kbs is missing"; exit 0; }
for tool in jq jose; do
	command -v "$tool" >/dev/null || { skip "$name" "$tool is missing: ci/install-deps check"; exit 0; }
done
needs_kbs "$name"

node "$WORK/kbs/evidence.test.mjs" "$V/evidence/tpm_evidence.json" "$V/initdata/expected.json"

mkdir -p "$WORK/resources/default/key"
printf 'one secret\n' >"$WORK/resources/default/key/one"
nonce=$(jq -r .nonce "$V/kbs/rcar-cases.json")

post() { # PATH FILE STATUS
	[ "$(curl -s -b "$WORK/jar" -c "$WORK/jar" -H 'Content-Type: application/json' --data-binary "@$2" -o "$WORK/answer" -w '%{http_code}' \
		"http://127.0.0.1:$port/kbs/v0/$1")" = "$3" ] || { sed q "$WORK/answer"; return 1; }
}
get() { # PATH STATUS [CURL-OPTION…]
	path=$1 status=$2
	shift 2
	[ "$(curl -s -o "$WORK/answer" -w '%{http_code}' "$@" "http://127.0.0.1:$port/kbs/v0/$path")" = "$status" ] || { sed q "$WORK/answer"; return 1; }
}
case_of() { # ID MEMBER
	jq --arg id "$1" ".cases[] | select(.id == \$id) | .$2" "$V/kbs/rcar-cases.json" >"$WORK/$2.json"
}
attested() { # ID
	rm -f "$WORK/jar"
	case_of "$1" request && case_of "$1" attestation && post auth "$WORK/request.json" 200 &&
		jq -e --arg n "$nonce" '. == {nonce: $n, "extra-params": ""}' "$WORK/answer" && post attest "$WORK/attestation.json" 200 &&
		jq -r .token "$WORK/answer" >"$WORK/token"
}
secret() { # KEY CURL-OPTION…: what jose opens is the secret
	key=$1
	shift
	get resource/default/key/one 200 "$@" || return 1
	case $key in
	rsa*) # Debian 12's jose has no RSA-OAEP-256; the rest is as with other keys
		node -e 'const { createPrivateKey: k } = require("crypto"), fs = require("fs"); console.log(k({ format: "jwk",
			key: JSON.parse(fs.readFileSync(process.argv[1])) }).export({ type: "pkcs8", format: "pem" }))' "$V/kbs/tee-key-rsa.jwk.json" >"$WORK/rsa.pem" &&
			jq -r .encrypted_key "$WORK/answer" | jose b64 dec -i - -O "$WORK/wrapped" && openssl pkeyutl -decrypt -inkey "$WORK/rsa.pem" \
			-in "$WORK/wrapped" -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -out "$WORK/cek" && [ "$(stat -c %s "$WORK/cek")" = 32 ]
		;;
	*) jose jwe dec -i "$WORK/answer" -k "$V/kbs/tee-key-$key.jwk.json" -O - | cmp - "$WORK/resources/default/key/one" ;;
	esac
}
same_token() {
	post attest "$WORK/attestation.json" 200 && [ "$(jq -r .token "$WORK/answer")" = "$(cat "$WORK/token")" ]
}
claims() { # the tree that Trustee's tokens have
	cut -d. -f2 "$WORK/token" | jose b64 dec -i - -O - | jq -e '.submods.cpu0["ear.veraison.annotated-evidence"].runtime_data_claims | has("nonce") and has("tee-pubkey")' &&
		cut -d. -f2 "$WORK/token" | jose b64 dec -i - -O - | jq -S '[keys[], (.submods.cpu0 | keys[])] - ["ear.trustee.identifiers"]' >"$WORK/ours" &&
		jq -S '[keys[], (.submods.cpu0 | keys[])] - ["ear.trustee.identifiers"]' "$V/ear/sample-ear.claims.json" | diff - "$WORK/ours"
}
refused() { # FILTER: of the attestation that was taken
	rm -f "$WORK/jar"
	jq "$1" "$WORK/attestation.json" >"$WORK/changed.json" && post auth "$WORK/request.json" 200 && post attest "$WORK/changed.json" 401 &&
		jq -e --arg t "$2" '.detail | contains($t)' "$WORK/answer" && get resource/default/key/one 401 -b "$WORK/jar"
}
mismatch() {
	case_of v0.2.0-p256 request && post auth "$WORK/request.json" 401 &&
		jq -e '.detail | contains("KBS Client Protocol Version Mismatch: expect =0.4.0 while the request is 0.2.0")' "$WORK/answer"
}
old_shape() { # as the vector of 0.1.x
	get resource/default/key/one 200 -b "$WORK/jar" &&
		jq -e '.tag == "" and (.protected | fromjson) == {alg: "RSA1_5", enc: "A256GCM"} and (.iv | length) == 16' "$WORK/answer"
}
expired() { # CURL-OPTION…
	get resource/default/key/one 401 "$@" && jq -e '.detail == "the attestation token has expired"' "$WORK/answer"
}

kbs now --resources "$WORK/resources" --nonce "$nonce"
for k in p256 p521 rsa-oaep256; do
	check "0.4.0: the vector with a key $k is taken" attested "v0.4.0-$k"
	check "and a secret comes sealed to that key" secret "${k%-oaep256}" -b "$WORK/jar"
	check "and with the token alone" secret "${k%-oaep256}" -H "Authorization: Bearer $(cat "$WORK/token")"
done
check "the session gives the same token again" same_token
check "the token has the claims of Trustee's" claims
check "another version is refused in Trustee's words" mismatch
attested v0.4.0-p256 >/dev/null
check "evidence of another key is refused" refused '."runtime-data"."tee-pubkey".x |= ("B" + .[1:])' "report_data is not that of nonce and key"
check "an answer to another challenge is refused" refused '."runtime-data".nonce |= ("B" + .[1:])' "the nonce is not that of the challenge"
check "without a session there is nothing" get resource/default/key/one 401
check "a path out of the folder is none" get resource/..%2f..%2fetc/passwd 401 -H "Authorization: Bearer $(cat "$WORK/token")"
check "what is not there is not found" get resource/default/key/two 404 -H "Authorization: Bearer $(cat "$WORK/token")"
kbs v0.2.0 --resources "$WORK/resources" --nonce "$nonce" --version 0.2.0
check "0.2.0: the vector with a key P-256 is taken" attested v0.2.0-p256
check "and a secret comes sealed to that key" secret p256 -b "$WORK/jar"
check "0.2.0: the vector with an RSA key is taken" attested v0.2.0-rsa-oaep256
check "and a secret comes sealed to that key" secret rsa -b "$WORK/jar"
kbs v0.1.1 --resources "$WORK/resources" --nonce "$nonce" --version 0.1.1
check "0.1.1: the vector is taken" attested v0.1.1-rsa15
check "and a secret comes in the shape of that version" old_shape
kbs expired --resources "$WORK/resources" --nonce "$nonce" --token-life=-60
check "an expired token is given" attested v0.4.0-p256
check "and refused by its name" expired -H "Authorization: Bearer $(cat "$WORK/token")"
check "in a session, too" expired -b "$WORK/jar"
