#!/bin/sh
# What the verbs print as JSON is as their schemas say, by python3-jsonschema.
. tests/tap.sh
python=/usr/bin/python3
if ! $python -c 'import jsonschema' 2>/dev/null; then
	skip "JSON is as the schemas say" "python3-jsonschema is missing"
	exit 0
fi
recipes=$PWD/recipes
corpus=$PWD/tests/fuzz/corpus
schemas=$(ls -I 'agent-*' docs/schema)
policy=$PWD/docs/schema/agent-policy.json
example=$PWD/docs/policy.md
vectors=$(realpath "${VECTORS:-../shared/vectors}" 2>/dev/null || :)
cd "$WORK"

cat >valid.py <<'EOT'
import json, jsonschema, sys
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
for name in sys.argv[2:]:
    j = json.load(open(name))
    jsonschema.Draft202012Validator(schema).validate(j)
    # and what the schema does not have is refused, so that it says something
    for bad in (dict(j, x=1), {k: v for k, v in j.items() if k != "schema"}, dict(j, schema="bulla.other/1")):
        assert not jsonschema.Draft202012Validator(schema).is_valid(bad), "anything goes"
EOT
for s in $schemas; do
	verb=${s%.json}
	check "$verb --print-schema prints JSON Schema" sh -c "'$BULLA' $verb --print-schema >$s && $python valid.py $s"
done
refuses "a verb without a schema says so, exit 5" 5 'no schema' "$BULLA" run --print-schema

valid() {
	verb=$1
	shift
	$python valid.py "$verb.json" "$@"
}
# what the agent takes and refuses (fuzz_agent_policy, tests/unit/test_agent_policy) its schema does too
agent_policy() {
	sed -n '/^```json/,/^```/{/^```/!p}' "$example" >example.json &&
		$python valid.py "$policy" example.json "$corpus/agent_policy/full" "$corpus/agent_policy/least" &&
		! $python valid.py "$policy" "$corpus/agent_policy/unknown" 2>/dev/null
}
check "the agent's policies are as their schema says" agent_policy
for what in stacks tees recipes="$recipes"; do
	"$BULLA" platforms --json --"$what" >"p.${what%%=*}"
done
check "platforms" valid platforms p.stacks p.tees p.recipes
"$BULLA" refvals check --json "$corpus/refvals/set" "$corpus/corim/kinds" "$corpus/rvps/snp" >r.1
check "refvals, and what it checks" valid refvals r.1 "$corpus/refvals/set"
head -c 8192 /dev/zero >esp
hash=$("$BULLA" verity --data esp --tree tree | sed 's/roothash=//')
"$BULLA" disk --root esp --tree tree --roothash "$hash" --out sealed --json >k.1
"$BULLA" disk --image sealed --esp esp --out disk --json >k.2
check "disk" valid disk k.1 k.2
if ! [ -d "$vectors/ovmf" ]; then
	skip "measure, explain, diff and inspect" "test data is missing"
	exit 0
fi
snp="snp --firmware $vectors/ovmf/debian-2026.08-OVMF.amdsev.fd --vcpu-type EPYC-v4"
tdx="tdx --firmware $vectors/ovmf/debian-2025.02-8-OVMF.fd"
# shellcheck disable=SC2086  # words
{
	"$BULLA" measure $snp --vcpus 2 --json >m.1
	"$BULLA" measure $tdx --json >m.2
	"$BULLA" explain $snp --vcpus 4 --json >m.3
	"$BULLA" explain $tdx --json >m.4
	"$BULLA" explain $snp --vcpus 4 --json --against "$(awk '$2 == 8 { print $10; exit }' "$vectors/sev/peer-matrix.tsv")" >e.1 || :
	"$BULLA" explain $tdx --json --against "$vectors/tdx/go-tdx-guest/cos-113-tdx-quote.dat" >e.2 || :
	"$BULLA" explain $tdx --json --against "$vectors/tdx/go-tdx-guest/ccel_data.dat" >e.3 || :
	"$BULLA" measure $snp --vcpus 1-2 --json >m.5
	"$BULLA" idblock ${snp#snp } --vcpus 1 --json --id-key "$vectors/sev/sev-snp-measure/id_key_test.pem" --out idblock >b.1
	"$BULLA" diff m.1 m.3 --json >d.1 || :
	"$BULLA" diff m.4 m.4 --json >d.2
}
check "measure, and explain with its steps" valid measure m.1 m.2 m.3 m.4 m.5
check "explain --against" valid explain e.1 e.2 e.3
"$BULLA" sign keygen -q --out keys && "$BULLA" sign public --keys keys --json >s.1
check "sign" valid sign s.1
check "idblock" valid idblock b.1
check "diff" valid diff d.1 d.2
n=0
for f in ovmf/debian-2025.02-8-OVMF.fd sev/trustee/test-report.bin tdx/trustee/tdx_quote_4.dat tdx/go-tdx-guest/ccel_data.dat \
	tdx/guest-components/tdx_report_1.bin vtpm/qemu-swtpm/k262-ovmf2022/eventlog.bin; do
	n=$((n + 1))
	"$BULLA" inspect "$vectors/$f" --json >"i.$n"
done
check "inspect" valid inspect i.?
jq -n '{schema: "bulla.refvals/1", deny: [], values: [{platform: "p", profile: "release", tee: "tdx", attester: "tdx", register: "tdx.mrtd",
	alg: "sha384", value: ("0" * 96), stack: {}, holds_for: {}, witness: "", inputs: {}}]}' >refvals.json
n=0
for f in sev/trustee/test-report.bin tdx/trustee/tdx_quote_4.dat agent/evidence/tpm_evidence.json agent/evidence/az-tdx-vtpm/evidence-v1.json; do
	n=$((n + 1))
	"$BULLA" verify --no-refvals --evidence "$vectors/$f" --json >"v.$n" || :
	"$BULLA" verify --refvals refvals.json --evidence "$vectors/$f" --json >"v.$n.refvals" || :
done
check "verify" valid verify v.*
