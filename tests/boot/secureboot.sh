#!/bin/sh
# What `make image` made with the key set: nothing secret, what is enrolled is made of those keys, and every UKI is signed
# with the db key. Witnesses: sbverify, efitools, openssl.
. tests/tap.sh
OUT=${OUT:-$PWD/out}
enrolled=$OUT/secureboot
what="what make image made of the key set"
[ -e "$enrolled/vars.fd" ] || { skip "$what" "$enrolled is missing: make image"; exit 0; }
keys=${BULLA_KEYS:-${XDG_DATA_HOME:-$HOME/.local/share}/bulla/keys}
[ -e "$keys/keyset.conf" ] || { skip "$what" "the key set is not on this machine"; exit 0; }
secrets=$PWD/tests/no_secret.py

# what a step makes or says: not the toolchain, nor objects of the tools
made() {
	find "$OUT" -mindepth 1 -maxdepth 1 ! -name builder ! -name publisher ! -name obj ! -name san ! -name fuzz ! -name foreign ! -name test ! -name bin ! -name gen ! -name tmp
}
public_only() {
	# shellcheck disable=SC2046  # words
	/usr/bin/python3 "$secrets" "$keys" $(made)
}
of_the_set() {
	for r in PK KEK db; do
		openssl x509 -in "$keys/$r.crt" -outform DER | cmp - "$enrolled/$r.cer" || return 1
	done
}
signed() {
	for uki in "$OUT"/uki/*/uki.efi; do
		sbverify --cert "$WORK/db.pem" "$uki" || return 1
	done
}
# the certificates beside ours in the shim's db are those that shim is signed for
shim_allowed() {
	(cd "$WORK" && sig-list-to-certs "$enrolled/db-shim.esl" c) && cmp "$WORK/c-0.der" "$enrolled/db.cer" || return 1
	for c in "$WORK"/c-[1-9].der; do
		openssl x509 -inform DER -in "$c" -out "$WORK/c.pem" && openssl x509 -in "$WORK/c.pem" -noout -subject | grep 'UEFI CA' &&
			sbverify --cert "$WORK/c.pem" "$OUT/firmware/shimx64.efi.signed" || return 1
	done
}
check "no private key is in what was built, nor in a log" public_only
openssl x509 -inform DER -in "$enrolled/db.cer" -out "$WORK/db.pem"
check "what is enrolled is the key set's" of_the_set
if ls "$OUT"/uki/*/uki.efi >/dev/null 2>&1; then
	check "sbverify takes every UKI for signed with the enrolled key" signed
fi
check "the shim's db holds what shim needs, and no more" shim_allowed
