#!/bin/sh
# Pushes a release's OCI layout to a registry, signs it there as cosign does, and has cosign verify what is then there. The
# private key stays where the key set has it: cosign says what is to be signed, and takes the signature.
# Usage: BULLA=… tools/publish.sh PUBLISHER RELEASE REGISTRY KEYS
#   REGISTRY            HOST[:PORT][/PATH]; the repository is REGISTRY/bulla
#   PLAIN_HTTP=yes      without TLS; by itself for this machine's own addresses
#   REGISTRY_AUTH_FILE  credentials (default: config.json of $DOCKER_CONFIG, else of ~/.docker)
set -eu
publisher=$1 release=$2 registry=$3 keys=$4
case $registry in
"" | *://* | *[!][A-Za-z0-9.:/_-]*)
	echo "publish: REGISTRY=$registry: expected HOST[:PORT][/PATH]" >&2
	exit 2
	;;
esac
host=${registry%%/*}
case ${host%:*} in
localhost | 127.0.0.1 | "[::1]") PLAIN_HTTP=${PLAIN_HTTP:-yes} ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/home/.docker"

"$BULLA" sign public --keys "$keys" --role release --out "$work/release.pub"
"$BULLA" verify --release "$release" --key "$work/release.pub" >"$work/verified" || {
	grep -v '^  ok ' "$work/verified" >&2 || :
	echo "publish: $release does not verify with the key of $keys: nothing was pushed" >&2
	exit 3
}

# in the publisher's root, with the network; of this machine only names, proxies, certificates and credentials
auth=${REGISTRY_AUTH_FILE:-${DOCKER_CONFIG:-${HOME:-/root}/.docker}/config.json}
set -- --ro-bind "$publisher" / --dev /dev --proc /proc --tmpfs /tmp --tmpfs /run --bind "$work" /build --ro-bind "$release" /mnt \
	--ro-bind tools /srv --ro-bind-try /etc/resolv.conf /etc/resolv.conf --ro-bind-try /etc/hosts /etc/hosts \
	--unshare-ipc --unshare-pid --unshare-uts --die-with-parent --new-session --chdir /build --clearenv \
	--setenv PATH /usr/bin --setenv HOME /build/home --setenv LC_ALL C.UTF-8 --setenv PLAIN_HTTP "${PLAIN_HTTP:-no}"
[ ! -e "$auth" ] || set -- "$@" --ro-bind "$auth" /build/home/.docker/config.json
[ -z "${SSL_CERT_FILE:-}" ] || set -- "$@" --ro-bind "$SSL_CERT_FILE" /build/ca.pem --setenv SSL_CERT_FILE /build/ca.pem
for v in HTTPS_PROXY HTTP_PROXY NO_PROXY https_proxy http_proxy no_proxy; do
	eval "value=\${$v:-}"
	[ -z "$value" ] || set -- "$@" --setenv "$v" "$value"
done

tools/userns.sh bwrap "$@" sh /srv/publisher-in.sh push "$registry/bulla"
for payload in "$work"/payload.*; do
	"$BULLA" sign blob --keys "$keys" --role release --in "$payload" --out "$work/sig"
	base64 -w 0 "$work/sig" >"$work/signature.${payload##*/payload.}"
done
tools/userns.sh bwrap "$@" sh /srv/publisher-in.sh sign "$registry/bulla"
