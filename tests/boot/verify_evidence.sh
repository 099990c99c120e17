#!/bin/sh
# Evidence of the guests that `make image` built is known by the reference values that it wrote: SNP reports of a chain of
# our own, quotes of a TPM that was extended as their boots are predicted to.
. tests/tap.sh
OUT=$(cd "${OUT:-out}" && pwd)
make=$PWD/tests/cli/verify_make.py
name="evidence of the bundles is verified"
refs=$OUT/reference-values/index.json
PATH=$PATH:/usr/sbin:/sbin
for f in "$refs" "$OUT/bundles/snp/manifest.json" "$OUT/bundles/libvirt/manifest.json"; do
	[ -e "$f" ] || { skip "$name" "$f is missing: make image"; exit 0; }
done
for tool in jq swtpm tpm2_quote; do
	command -v "$tool" >/dev/null || { skip "$name" "$tool is missing"; exit 0; }
done
cd "$WORK" || exit 1

verify() { # STATUS ARGUMENT…
	want=$1 got=0
	shift
	"$BULLA" verify --refvals "$refs" "$@" >said 2>errors || got=$?
	[ "$got" = "$want" ] || { echo "exit $got, expected $want"; cat said errors; return 1; }
}
says() { # RESULT CHECK TEXT
	awk -v r="$1" -v c="$2" '$1 == r && $2 == c' said | grep -qF -- "$3" || { cat said; return 1; }
}

snp() {
	want=$1
	shift
	verify "$want" --evidence made/report.bin --cert made/vcek.pem --cert made/ask.pem --root made/ark.pem "$@"
}
launches() { # VCPUS CPU DIGEST of some variants
	jq -r '[.variants[] | select(.registers["snp.launch_digest"])] | .[0], .[length / 2 | floor], .[-1] |
		"\(.vcpus) \(.cpu) \(.registers["snp.launch_digest"])"' "$OUT/bundles/snp/manifest.json"
}
launches >launches
while read -r vcpus cpu digest; do
	"$make" made "$digest"
	check "snp: a report of $vcpus vCPUs, $cpu, is of a known guest" snp 0
	check "and the launch is named" says ok snp.launch_digest "snp, $vcpus vCPU"
	check "whose CPU it is" says ok snp.launch_digest ", $cpu"
done <launches
"$make" made "$("$BULLA" measure snp --bundle "$OUT/bundles/snp" --cmdline "$(cat "$OUT/bundles/sample-debug/cmdline")" -q | sed -n 's/^snp.launch_digest=//p')"
check "snp: one with the command line of the debug bundle is not, exit 3" snp 3
check "by its launch digest" says failed snp.launch_digest "is none of"
"$make" made "$("$BULLA" measure snp --bundle "$OUT/bundles/snp" --vcpus 200 -q | sed -n 's/^snp.launch_digest=//p')"
check "snp: one of 200 vCPUs is not, and the bundle says so" snp 3 --bundles "$OUT/bundles"
check "in words" says failed snp.launch_digest "it is that of --vcpus 200"

# a TPM for each boot: its PCRs only ever grow
pids=
# shellcheck disable=SC2086  # words
trap 'kill $pids 2>/dev/null || :; rm -rf "$WORK"' EXIT
tpm() { # NAME
	mkdir "$1"
	swtpm socket --tpm2 --tpmstate "dir=$1" --server "type=unixio,path=$1.s" --ctrl "type=unixio,path=$1.s.ctrl" --flags startup-clear >"$1.log" 2>&1 &
	pids="$pids $!"
	for _ in $(seq 50); do
		[ ! -S "$1.s" ] || break
		sleep 0.1
	done
	TPM2TOOLS_TCTI="swtpm:path=$1.s"
	export TPM2TOOLS_TCTI
	tpm2_createek -c ek.ctx -G rsa -u ek.pub >>"$1.log" 2>&1 &&
		tpm2_createak -C ek.ctx -c ak.ctx -G ecc -s ecdsa -g sha256 -u ak.pem -f pem -n ak.name >>"$1.log" 2>&1 && tpm2_flushcontext -t
}
quote() { # PCRS
	tpm2_quote -c ak.ctx --scheme ecdsa -g sha256 -l "$1" -q 0123456789abcdef -m q.msg -s q.sig >quote.log 2>&1 && tpm2_flushcontext -t &&
		tpm2_pcrread "$1" >pcrs
}
vtpm() {
	want=$1
	shift
	verify "$want" --evidence q.msg --signature q.sig --ak ak.pem --pcrs pcrs --nonce 0123456789abcdef "$@"
}
for platform in peerpod libvirt; do
	bundle=$OUT/bundles/$platform
	pcrs=sha256:$(jq -r '.registers | keys[] | select(startswith("vtpm.sha256.pcr")) | ltrimstr("vtpm.sha256.pcr")' "$bundle/manifest.json" | sort -n | tr '\n' ',' | sed 's/,$//')
	"$BULLA" explain vtpm --bundle "$bundle" --bank sha256 --json | jq -r '.steps[] | select(.digest) |
		"\(.register | ltrimstr("sha256.pcr")):sha256=\(.digest)"' >extends
	tpm "tpm-$platform" || { skip "$platform: a quote" "swtpm does not start"; continue; }
	# shellcheck disable=SC2046  # words
	tpm2_pcrextend $(cat extends) && quote "$pcrs"
	check "$platform: a quote of a TPM extended as by its boot is of a known guest" vtpm 0 --platform "$platform"
	check "and the register of kernel, initrd and command line is among those that say so" says ok vtpm.sha256.pcr11 "$platform"
	tpm2_pcrextend 11:sha256="$(echo more | sha256sum | cut -c 1-64)" && quote "$pcrs"
	check "$platform: something more measured is not, exit 3" vtpm 3 --platform "$platform"
	check "by that register alone" sh -c '[ "$(awk "\$1 == \"failed\" { print \$2 }" said)" = vtpm.sha256.pcr11 ]'
	rest=$(echo "$pcrs" | sed 's/,11\>//')
	quote "$rest"
	check "$platform: a quote that leaves it out does not do, exit 4" vtpm 4 --platform "$platform"
	check "and that is said" says missing vtpm.sha256.pcr11 "does not show it"
	quote "$pcrs"
	check "unless others alone are asked for" vtpm 0 --platform "$platform" --register vtpm.sha256.pcr4 --register vtpm.sha256.pcr9
	check "of which each must have a value, exit 4" vtpm 4 --platform "$platform" --register vtpm.sha256.pcr4 --register vtpm.sha256.pcr0
done
