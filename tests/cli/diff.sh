#!/bin/sh
# bulla diff: what was changed by hand in a measurement or a bundle is named, and nothing else is.
. tests/tap.sh
recipes=$PWD/recipes
cd "$WORK"
if ! command -v jq >/dev/null || ! command -v python3 >/dev/null; then
	skip "differences are named" "jq or python3 is missing"
	exit 0
fi
d() { printf '%096d' "$1"; }
cat >old.json <<EOT
{ "schema": "bulla.measure/1", "tee": "tdx", "stack": { "firmware": "ovmf-1", "vmm": "qemu-1" }, "unknown": {},
  "inputs": { "firmware": { "size": 8192, "sha256": "$(printf %064d 1)" }, "cmdline": "quiet <a> root=1", "memory": "2G",
    "initrd": { "size": 60000000, "sha256": "$(printf %064d 2)" } },
  "registers": { "mrtd": "$(d 1)", "rtmr2": "$(d 2)", "rtmr10": "$(d 3)" },
  "steps": [
    { "register": "mrtd", "what": "pages & <tags>", "from": "firmware", "offset": 0, "length": 8192, "count": 2, "digest": "$(d 10)", "after": "$(d 1)" },
    { "register": "rtmr2", "what": "load options", "from": "cmdline", "offset": 0, "length": 16, "digest": "$(d 11)", "after": "$(d 20)" },
    { "register": "rtmr2", "what": "initrd", "from": "initrd", "offset": 0, "length": 60000000, "digest": "$(d 12)", "after": "$(d 2)" },
    { "register": "rtmr10", "what": "memory map", "length": 40, "digest": "$(d 13)", "after": "$(d 3)" } ] }
EOT
# change FILTER: a measurement in which only that differs
change() { jq "$1" old.json >new.json; }
diffs() { "$BULLA" diff "$@" || test $? = 3; }
says() { diffs old.json new.json | tee "$WORK/said" | grep -qE "$1" || { cat "$WORK/said"; return 1; }; }
asks() { diffs old.json new.json --json | jq -e "$1"; }

check "a measurement is the same as itself, exit 0" "$BULLA" diff old.json old.json
cp old.json new.json
check "and every part of it is said to be" asks \
	'.same and ([.stack, .inputs, .registers] | flatten | map(.change) | unique == ["same"])'

change '.inputs.cmdline = "quiet <b> root=1" | .steps[1].digest = "'"$(d 99)"'" | .registers.rtmr2 = "'"$(d 98)"'"'
refuses "a changed command line is a difference, exit 3" 3 'cmdline' "$BULLA" diff old.json new.json
check "it is shown word by word, with the register that it moves" says '^  cmdline +changed +… -<a> \+<b> … +moves rtmr2$'
check "the step is named" says 'step 2 changed: load options \(cmdline\): 0{12} → 0{12}$'
check "what did not change is said so" says '^  initrd +same '
check "the same as JSON" asks '
	(.inputs[] | select(.name == "cmdline") | .moves == ["rtmr2"] and .words == ["=quiet", "-<a>", "+<b>", "=root=1"])
	and ([.registers[] | select(.change != "same").name] == ["rtmr2"]) and (.same | not)'
change '.inputs.cmdline = "quiet  <a> root=1"'
check "a difference in blanks alone is said so, and that it moves nothing" says 'the same words, other blanks +moves nothing'
change '.inputs.initrd.size = 1 | .steps[2].digest = "'"$(d 99)"'" | .registers.rtmr2 = "'"$(d 98)"'"'
check "a changed file is shown by size and digest" says '^  initrd +changed +57.2 MiB 0{12} → 1 B 0{12} +moves rtmr2$'
change '.inputs.memory = "4G" | .steps[3].digest = "'"$(d 99)"'" | .registers.rtmr10 = "'"$(d 98)"'"'
check "an input that no step names moves the steps without a source" says '^  memory +changed +2G → 4G +moves rtmr10$'
change '.stack.vmm = "qemu-2"'
check "a stack profile that differs is named" says '^  vmm +changed +qemu-1 → qemu-2'
change 'del(.inputs.memory) | .inputs.svsm = "x"'
check "inputs that were added or removed are named" asks \
	'[.inputs[] | select(.change != "same") | .name + " " + .change] == ["memory removed", "svsm added"]'
change '.steps |= .[0:2] + .[3:] | .registers.rtmr2 = "'"$(d 20)"'"'
check "a step that is gone is named" says 'step 3 removed: initrd \(initrd\)$'
change 'del(.registers.rtmr10) | .unknown.rtmr10 = "no ACPI" | .steps[3].digest = null | .steps[3].after = null'
check "a value that is unknown on one side differs" asks '.registers[-1] | .name == "rtmr10" and .change == "changed" and .new == null'
cp new.json old2.json
check "two unknown values made in the same way do not" "$BULLA" diff new.json old2.json
change 'del(.steps) | .inputs.initrd.size = 1 | .registers.rtmr2 = "'"$(d 98)"'"'
check "without steps, an input may have moved any register that differs" says 'initrd .* moves rtmr2'
refuses "a picture needs the steps" 2 'new.json has no steps' "$BULLA" diff old.json new.json --svg x.svg

change '.inputs.cmdline = "b" | .steps[1].digest = "'"$(d 99)"'" | .registers.rtmr2 = "'"$(d 98)"'"'
diffs old.json new.json --svg d.svg >/dev/null
drawn() {
	python3 - <<-'EOT'
	import xml.etree.ElementTree as t
	r = t.parse("d.svg").getroot()
	text = [e.text or "" for e in r.iter() if e.tag.endswith("text")]
	assert r.tag == "{http://www.w3.org/2000/svg}svg", r.tag
	red = [e.text for e in r.iter() if e.tag.endswith("text") and "x" in e.get("class").split()]
	assert "load options" in red and "initrd" not in red, red
	assert sum(w.startswith("1 step, the same") for w in text) == 4, text
	whole = open("d.svg").read()
	assert "<script" not in whole and whole.count("http") == 1, "something from outside"
	EOT
}
check "the picture is XML in which what changed is red" drawn

refuses "two platforms cannot be compared" 2 'expected two of a kind' sh -c "sed s/tdx/snp/ old.json >snp.json; '$BULLA' diff old.json snp.json"
refuses "another schema is refused" 1 'x.json: schema is bulla.measure/2, expected' sh -c "sed s,measure/1,measure/2, old.json >x.json; '$BULLA' diff old.json x.json"
refuses "an unknown key is refused" 1 'x.json: ' sh -c "jq '.x = 1' old.json >x.json; '$BULLA' diff old.json x.json"
change '.inputs.cmdline = "quiet \u001b[31m root=1"'
no_escape() { says 'cmdline .*\+\?\[31m' && ! grep -q "$(printf '\033')" "$WORK/said"; }
check "what a terminal would obey is not printed" no_escape
refuses "nor may a name have it" 1 'control characters' sh -c "jq '.inputs.\"a\\u0007\" = \"x\"' old.json >x.json; '$BULLA' diff old.json x.json"
refuses "a missing file is named, exit 4" 4 'nowhere: No such file' "$BULLA" diff old.json nowhere
refuses "one file is too few" 2 'two measurements' "$BULLA" diff old.json

head -c 3000 /dev/urandom >vmlinuz
head -c 3000 /dev/urandom >initrd
head -c 4096 /dev/urandom >rootfs
printf %064d 1 >root.hash
bundle() {
	"$BULLA" bundle sample --recipes "$recipes" --kernel vmlinuz --initrd initrd --rootfs rootfs --roothash root.hash --out "$1"
}
bundle a >/dev/null
bundle same >/dev/null
echo more >>initrd
printf %064d 2 >root.hash
bundle b >/dev/null
check "a bundle is the same as one made again" "$BULLA" diff a same
diffs a b --json >bundles.json
check "of two bundles, files, command line and registers are compared" jq -e '
	([.inputs[] | select(.change != "same").name] == ["cmdline", "initrd", "qemu"])
	and (.registers | map(select(.change != "same").name) | contains(["roothash"]))
	and ([.inputs[] | select(.name == "cmdline").words[] | select(.[0:1] != "=")] | length == 2)' bundles.json
check "a manifest stands for its bundle" "$BULLA" diff a a/manifest.json
refuses "a bundle and a measurement cannot be compared" 2 'expected two of a kind' "$BULLA" diff a old.json
