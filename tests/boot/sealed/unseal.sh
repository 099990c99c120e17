#!/bin/sh
# unseal.sh UKI TPM-LOG: in a TPM whose PCR 11 is what a boot has left (the log's extends), the policy that the UKI carries
# releases a secret sealed to its key, and no longer once PCR 11 has moved on. All is done by tpm2-tools.
set -eu
uki=$1 log=$2 here=$(dirname "$0")
tmp=$(mktemp -d)
tpm=
trap '[ -z "$tpm" ] || kill "$tpm" 2>/dev/null || :; rm -rf "$tmp"' EXIT
for s in pcrpkey pcrsig; do
	"$BULLA" uki --extract .$s --in "$uki" --out "$tmp/$s"
done
python3 "$here/pcrs.py" "$log" extends 11 >"$tmp/extends"
[ -s "$tmp/extends" ]
cd "$tmp"
python3 -c 'import base64, json; e = json.load(open("pcrsig"))["sha256"][0]
open("pol", "wb").write(bytes.fromhex(e["pol"])); open("sig", "wb").write(base64.b64decode(e["sig"]))'

mkdir state
swtpm socket --tpm2 --tpmstate dir=state --server type=unixio,path=tpm --ctrl type=unixio,path=tpm.ctrl \
	--flags not-need-init,startup-clear >swtpm.log 2>&1 &
tpm=$!
for _ in $(seq 100); do
	[ ! -S tpm.ctrl ] || [ ! -S tpm ] || break
	sleep 0.05
done
export TPM2TOOLS_TCTI="swtpm:path=tpm"

# the policy that anything signed by the key satisfies: the secret is sealed to it before there is any value of PCR 11
tpm2_loadexternal -Q -C o -G rsa -u pcrpkey -c key.ctx -n key.name
tpm2_verifysignature -Q -c key.ctx -g sha256 -m pol -s sig -f rsassa -t ticket
tpm2_startauthsession -Q -S trial.ctx
tpm2_policyauthorize -Q -S trial.ctx -i pol -n key.name -t ticket -L authorized
tpm2_flushcontext trial.ctx
tpm2_flushcontext -t
tpm2_createprimary -Q -C o -c primary.ctx
printf 'a secret' | tpm2_create -Q -C primary.ctx -i - -L authorized -u sealed.pub -r sealed.priv
tpm2_flushcontext -t
tpm2_load -Q -C primary.ctx -u sealed.pub -r sealed.priv -c sealed.ctx
tpm2_flushcontext -t

unseal() { # FILE
	tpm2_startauthsession -Q --policy-session -S session.ctx
	tpm2_policypcr -Q -S session.ctx -l sha256:11 -L now
	got=0
	tpm2_policyauthorize -Q -S session.ctx -i pol -n key.name -t ticket && tpm2_unseal -c sealed.ctx -p session:session.ctx >"$1" || got=$?
	tpm2_flushcontext session.ctx
	tpm2_flushcontext -t
	return $got
}

if unseal early; then echo "the secret was there before the boot" >&2; exit 1; fi
while read -r extend; do
	tpm2_pcrextend "$extend"
done <extends
unseal secret
cmp now pol
[ "$(cat secret)" = 'a secret' ]
tpm2_pcrextend "11:sha256=$(printf '%064d' 7)"
if unseal late; then echo "the secret is still there" >&2; exit 1; fi
[ ! -s early ] && [ ! -s late ]
