#!/bin/sh
# CPU models and their signatures against the QEMU that is installed.
. tests/tap.sh
if ! command -v qemu-system-x86_64 >/dev/null; then
	skip "CPU models are those of QEMU" "qemu-system-x86_64 is missing"
	exit 0
fi

cat >"$WORK/models.py" <<'EOT'
import json, subprocess, sys

def qmp(*commands):
    text = "".join(json.dumps(c) + "\n" for c in ({"execute": "qmp_capabilities"},) + commands + ({"execute": "quit"},))
    run = ["qemu-system-x86_64", "-machine", "none", "-nodefaults", "-display", "none", "-S", "-qmp", "stdio"]
    out = subprocess.run(run, input=text, stdout=subprocess.PIPE, universal_newlines=True, timeout=60).stdout
    answers = [json.loads(line) for line in out.splitlines()]
    return [a["return"] for a in answers if a.get("return")]

ours = dict(line.split(",")[:2] for line in open(sys.argv[1]).read().splitlines()[1:])
names = [d["name"] for d in qmp({"execute": "query-cpu-definitions"})[0] if d["name"].startswith("EPYC")]
assert names, "QEMU names no EPYC"
expand = [{"execute": "query-cpu-model-expansion", "arguments": {"type": "full", "model": {"name": n}}} for n in names]
for name, answer in zip(names, qmp(*expand)):
    p = answer["model"]["props"]
    family = p["family"]
    signature = (max(family - 15, 0) << 20) | (p["model"] >> 4) << 16 | min(family, 15) << 8 | (p["model"] & 15) << 4 | p["stepping"]
    print("# %s: family %d model %d stepping %d: 0x%x" % (name, family, p["model"], p["stepping"], signature))
    assert ours.get(name) == hex(signature), "%s: QEMU has 0x%x, bulla %s" % (name, signature, ours.get(name))
EOT

models() {
	"$BULLA" measure snp -q --firmware tests/fuzz/corpus/ovmf/whole-page --vcpus 1 --vcpu-type all --csv >"$WORK/ours" &&
		python3 "$WORK/models.py" "$WORK/ours"
}
check "CPU models are those of QEMU" models
