#!/bin/sh
# What `make image` wrote into out/reference-values is of the bundles beside it, and the published policy takes their
# registers for approved executables, and no others.
. tests/tap.sh
out=${OUT:-$PWD/out}
rv=$out/reference-values
vectors=$(realpath "${VECTORS:-../shared/vectors}" 2>/dev/null || :)
policy=$vectors/agent/policy/ear_default_policy_cpu.rego
python=/usr/bin/python3
if ! [ -f "$rv/index.json" ]; then
	skip "reference values of the image" "make image"
	exit 0
fi

checks() {
	"$BULLA" sign public --role release >"$WORK/release.pem" &&
		"$BULLA" refvals check --deny "$rv/deny.json" "$rv"/*.json "$rv"/rvps/*.json "$rv"/rvps/*/*.json "$rv"/corim/*.cbor &&
		"$BULLA" refvals check --deny "$rv/deny.json" --key "$WORK/release.pem" "$rv"/corim/*.cose
}
check "all files hold values of right types, none of them denied, and signatures of the key set" checks

# at every launch, and of release bundles alone; kernel_hashes is SEV's table
registers() {
	for m in "$out"/bundles/*/manifest.json; do
		jq -r 'select(.profile == "release") | .platform as $p | (.tee == "tdx" or .tee == "vtpm") as $others |
			(.registers, .variants[].registers) | to_entries[] |
			select(($others and (.key | startswith("kernel_hashes."))) | not) | "\($p) \(.key) \(.value)"' "$m"
	done | grep -vE ' (tdx\.(mrconfigid|mrowner|mrownerconfig)|vtpm\.[a-z0-9]*\.pcr8) ' | sort -u
}
indexed() {
	jq -r '.values[] | "\(.platform) \(.register) \(.value)"' "$rv/index.json" | sort -u
}
registers >"$WORK/registers"
indexed >"$WORK/indexed"
check "the index has each register of each launch of each bundle, and no other" diff "$WORK/registers" "$WORK/indexed"
check "what a debug bundle measures to is denied" \
	sh -c "jq -e '[.deny[].platform] | unique == [\"sample-debug\"]' '$rv/deny.json'"
if ! [ -f "$policy" ]; then
	skip "the published policy" "test data is missing"
	exit 0
fi

# judge PLATFORM ATTESTER CLAIM…: the policy's word on the executables
judge() {
	platform=$1 attester=$2
	shift 2
	$python tests/cli/claims.py "$attester" "$vectors" "$@" >"$WORK/claims.json" &&
		$python tests/cli/rego.py "$policy" "$WORK/claims.json" "$rv/rvps/$platform.json" | cut -d' ' -f1
}
approved() {
	got=$(judge "$@")
	[ "$got" = 3 ] || { echo "executables are $got, expected 3"; return 1; }
}
not_approved() {
	got=$(judge "$@")
	[ "$got" = 33 ] || { echo "executables are $got, expected 33"; return 1; }
}
name() {
	jq -r ".rvps.names.$2 | if type == \"array\" then .[0] else . end" "$rv/$1.json"
}
other=$(printf other | sha384sum | cut -c 1-96)
for m in "$out"/bundles/*/manifest.json; do
	platform=$(jq -r 'select(.profile == "release") | .platform' "$m")
	attester=$(jq -r '.attester // empty' "$m")
	[ -n "$platform" ] && [ -f "$rv/rvps/$platform.json" ] || continue
	reg() { jq -r ".registers[\"$1\"] // empty" "$m"; }
	case $attester in
	snp)
		check "$platform: the policy approves of its launch digest" approved "$platform" snp "snp.launch_digest=$(reg snp.launch_digest)"
		check "$platform: and of no other" not_approved "$platform" snp "snp.launch_digest=$other"
		;;
	tdx)
		events="kernel=$(name "$platform" tdvfkernel) cmdline=$(name "$platform" tdvfkernelparams)"
		# shellcheck disable=SC2086  # words
		{
			check "$platform: the policy approves of its RTMRs and events" \
				approved "$platform" tdx "tdx.rtmr1=$(reg tdx.rtmr1)" "tdx.rtmr2=$(reg tdx.rtmr2)" $events
			check "$platform: and of no other kernel" \
				not_approved "$platform" tdx "tdx.rtmr1=$other" "tdx.rtmr2=$(reg tdx.rtmr2)" $events
		}
		;;
	tpm | az-*)
		pcr11=$(reg vtpm.sha256.pcr11)
		[ -n "$pcr11" ] || { skip "$platform: PCR 11" "the bundle does not know it"; continue; }
		# the attestation key and Azure's firmware are the operator's to approve of: that of the evidence
		approve='.trusted_aks = [$c.tpm.ak_public] | .measurement = [$c["az-snp-vtpm"].measurement]'
		ready() {
			$python tests/cli/claims.py "$attester" "$vectors" "vtpm.sha256.pcr11=$1" >"$WORK/claims.json" &&
				jq -r .payload "$rv/rvps/$platform.json" | base64 -d | jq -c --slurpfile s "$WORK/claims.json" \
					". as \$n | \$s[0] as \$c | \$n | $approve" >"$WORK/names" &&
				jq --arg p "$(base64 -w0 <"$WORK/names")" '.payload = $p' "$rv/rvps/$platform.json" >"$WORK/message.json" &&
				$python tests/cli/rego.py "$policy" "$WORK/claims.json" "$WORK/message.json" | cut -d' ' -f1
		}
		is() { got=$(ready "$1"); [ "$got" = "$2" ] || { echo "executables are $got, expected $2"; return 1; }; }
		check "$platform: the policy approves of its PCR 11" is "$pcr11" 3
		check "$platform: and of no other" is "$(printf other | sha256sum | cut -c 1-64)" 33
		;;
	sample)
		check "$platform: the policy takes what the sample attester reports" approved "$platform" sample
		;;
	esac
done
