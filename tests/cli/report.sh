#!/bin/sh
# bulla report: sizes and digests are those of stat and sha256sum, and what is too large fails.
. tests/tap.sh
recipes=$PWD/recipes tests=$PWD/tests
vectors=$(realpath "${VECTORS:-../shared/vectors}" 2>/dev/null || :)
cd "$WORK"
export LC_ALL=C
if ! command -v jq >/dev/null; then
	skip "a report says what other tools find" "jq is missing"
	exit 0
fi
mkdir -p out/kernel/x86_64 out/initrd/x86_64 out/rootfs/x86_64 out/guest/x86_64 out/state
head -c 3000000 /dev/urandom >out/kernel/x86_64/vmlinuz
head -c 500000 /dev/urandom >out/initrd/x86_64/initrd.cpio.zst
head -c 4194304 /dev/urandom >out/rootfs/x86_64/rootfs.img
printf 'key %064d\nout x 1 2 3.4\nseconds 754.3\nran 2026-11-23T00:00:00Z\n' 0 >out/state/kernel
printf 'key broken' >out/state/initrd
sha256sum </dev/null | cut -c 1-64 >root.hash
for p in sample sample-debug; do
	"$BULLA" bundle $p --recipes "$recipes" --kernel out/kernel/x86_64/vmlinuz --initrd out/initrd/x86_64/initrd.cpio.zst \
		--rootfs out/rootfs/x86_64/rootfs.img --roothash root.hash --out out/bundles/$p >"said.$p"
done
mkdir out/bundles/.sample.tmp.1
# names that would be markup, were they not escaped
cat >out/rootfs/x86_64/manifest.json <<'EOT'
{ "entries": [ { "type": "file", "path": "/<script>alert('1')</script>&\"\u0001", "size": 5000, "sha256": "00", "package": "<b>bold</b>" },
  { "type": "file", "path": "/usr/lib/a", "size": 3000, "sha256": "00", "package": "a" }, { "type": "directory", "path": "/usr" } ] }
EOT
sed -i "s/\"00\"/\"$(printf %064d 0)\"/" out/rootfs/x86_64/manifest.json
printf 'CONFIG_A=y\nCONFIG_B="b"\n# CONFIG_C is not set\n' >out/kernel/x86_64/config

report() {
	"$BULLA" report --budgets "${budgets:-$recipes/budgets.conf}" "$@"
}

report >printed
facts() {
	jq -r '.artefacts[] | "\(.sha256)  \(.path)"' out/report.json | sha256sum --quiet -c - &&
		jq -r '.artefacts[] | "\(.size) \(.path)"' out/report.json >sizes &&
		while read -r size path; do [ "$(stat -c %s "$path")" = "$size" ] || return 1; done <sizes
}
check "sizes and digests are those of the files" facts
check "artefacts that were made are listed, and no others" \
	test "$(jq -r '.artefacts[].name' out/report.json | paste -s -d ' ')" = "vmlinuz initrd rootfs.img"
check "the time is that of the step's last run" grep -q '^vmlinuz .* 12 m 34 s$' printed
check "a step that says no time has none" grep -q '^initrd .* -$' printed
check "size stands against budget, with a bar" grep -q '^rootfs.img  *4.0 MiB / 32.0 MiB  ##\.\.\.*  *12%' printed
registers() {
	jq -r '.bundles[].manifest | .platform as $p | .registers | to_entries[] | $p + "." + .key + "=" + .value' out/report.json | sort >r
	cat said.sample said.sample-debug | sort | diff - r
}
check "the registers are those of the bundles" registers
check "they are printed" grep -qx "  roothash  *$(cat root.hash)" printed
check "a debug bundle is marked" grep -q '^sample-debug (debug): out/bundles/sample-debug$' printed
check "report.txt is what is printed" cmp printed out/report.txt
json_is_printed() { report --json | cmp - out/report.json; }
check "--json prints report.json" json_is_printed

report --html >/dev/null
check "the page needs nothing else, and says what the manifests say" python3 "$tests/page.py" out/report.json out/report.html
escaped() {
	! grep -q '<script\|<b>bold' out/report.html && grep -q "&lt;script&gt;alert('1')&lt;/script&gt;&amp;&quot;·" out/report.html &&
		grep -q '&lt;b&gt;bold' out/report.html
}
check "what is markup in a file's name is none on the page" escaped
timeless() {
	cp -r out out2 && sed -i 's/seconds .*/seconds 3/' out2/state/kernel && mv out2/state out2/state.old && rm -rf out3 && mv out out3 && mv out2 out &&
		report --no-times --html --to a >/dev/null && rm -rf out && mv out3 out && report --no-times --html --to b >/dev/null &&
		sed -i '/All of this/d' a/report.txt b/report.txt && diff -r a b && ! grep -q '12 m 34 s' a/report.html
}
check "without times, builds that took another time have the same report" timeless
check "a report of another folder is written where --to says" test -s a/report.html

printf '[Budgets]\nvmlinuz=2M\ninitrd=1M\n' >small.conf
budgets=small.conf
refuses "an artefact over its budget fails, with its size and budget" 1 \
	'over budget: vmlinuz is 2.9 MiB (3000000 bytes), budget 2.0 MiB' report
printed_anyway() { report 2>/dev/null | grep -q '^rootfs.img .*MiB'; }
check "the report is printed all the same" printed_anyway
printf '[Budgets]\nvmlinuz=3000000\n' >exact.conf
budgets=exact.conf
check "a size that equals its budget passes" report
printf '[Budgets]\nvmlinuz=8X\n' >bad.conf
budgets=bad.conf
refuses "a budget that is no size is a usage error" 2 "bad.conf: Budgets.vmlinuz is '8X', expected a size" report
printf '[Budgets]\nvmlinux=8M\n' >bad.conf
refuses "an unknown artefact in the budgets names the nearest" 2 'did you mean Budgets.vmlinuz' report
budgets=exact.conf
refuses "an empty out/ says so, exit 4" 4 'empty: nothing is built there' report --out empty

# a second build, in which initrd, command line, a package, an option and a file of the root differ
budgets=exact.conf
report --recipes "$recipes" >/dev/null
check "a build is the same as itself" "$BULLA" report --diff out out/report.json
cp -r out new
cp -r "$recipes" recipes2
echo more >>new/initrd/x86_64/initrd.cpio.zst
sed -i 's/^quiet/quiet extra=1/' recipes2/cmdline
sed -i 's/^crun [^ ]*/crun 9.9/' recipes2/rootfs.lock
printf 'CONFIG_A=m\nCONFIG_C=y\n' >new/kernel/x86_64/config
sed -i 's/"size": 3000/"size": 4000/' new/rootfs/x86_64/manifest.json
for p in sample sample-debug; do
	"$BULLA" bundle $p --recipes recipes2 --kernel new/kernel/x86_64/vmlinuz --initrd new/initrd/x86_64/initrd.cpio.zst \
		--rootfs new/rootfs/x86_64/rootfs.img --roothash root.hash --out new/bundles/$p >/dev/null
done
refuses "a report whose bundles were replaced is stale" 1 'its bundle sample is not the one' "$BULLA" report --diff out new
report --out new --recipes recipes2 --html --previous out >/dev/null
refuses "builds that differ: exit 3" 3 '' "$BULLA" report --diff out new
"$BULLA" report --diff out new --json >diff.json || :
differs() { jq -e "$1" diff.json; }
check "the package, the options, the file and the artefact that differ are named, and no others" differs '
	(.packages | map([.lock, .name, .new])) == [["rootfs", "crun:amd64", "9.9"]]
	and (.config | map([.name, .change])) == [["CONFIG_A", "changed"], ["CONFIG_B", "removed"], ["CONFIG_C", "added"]]
	and (.files | map([.name, .old.size, .new.size])) == [["/usr/lib/a", 3000, 4000]]
	and (.artefacts | map(.name)) == ["initrd"]'
check "and what moved through what" differs '
	.platforms[0] | .platform == "sample" and .change == "changed"
	and (.inputs | map([.name, .moves])) == [["cmdline", ["kernel_hashes.cmdline"]], ["initrd", ["kernel_hashes.initrd"]]]
	and ([.registers[] | select(.change != "same") | [.name, .through[0]]] == [["kernel_hashes.cmdline", "cmdline"], ["kernel_hashes.initrd", "initrd"]])
	and (.inputs[0].words | map(select(.[0:1] != "="))) == ["+extra=1"]'
text() { "$BULLA" report --diff out new >said || [ $? = 3 ] && cat said && grep -q '^  crun:amd64  .* → 9.9$' said && grep -q '^    cmdline  … +extra=1 … *moves kernel_hashes.cmdline$' said; }
check "the same as text" text
check "the page shows it" sh -c "grep -q 'crun:amd64' new/report.html && grep -q '<ins>extra=1</ins>' new/report.html"
check "and is whole" python3 "$tests/page.py" new/report.json new/report.html
page() { "$BULLA" report --diff out new --html >printed.html || [ $? = 3 ] && grep -q '<ins>extra=1</ins>' printed.html; }
check "--diff --html prints it" page
python=/usr/bin/python3
if $python -c 'import jsonschema' 2>/dev/null; then
	valid() {
		"$BULLA" report --print-schema >schema.json && "$BULLA" report --diff out out --json >same.json &&
			$python - out/report.json new/report.json b/report.json diff.json same.json <<-'EOT'
		import json, jsonschema, sys
		v = jsonschema.Draft202012Validator(json.load(open("schema.json")))
		for name in sys.argv[1:]:
		    j = json.load(open(name))
		    v.validate(j)
		    assert not v.is_valid(dict(j, x=1)) and not v.is_valid(dict(j, schema="bulla.other/1"))
		EOT
	}
	check "reports and differences are as the schema says" valid
else
	skip "reports and differences are as the schema says" "python3-jsonschema is missing"
fi
echo '{"schema": "bulla.report/1"}' >x.json
refuses "half a report is refused" 1 'x.json: artefacts: missing' "$BULLA" report --diff out x.json
refuses "another schema is refused" 1 "x.json: schema is 'a'" sh -c "echo '{\"schema\": \"a\"}' >x.json; '$BULLA' report --diff out x.json"
refuses "what is not there is named, exit 4" 4 'nowhere: No such' "$BULLA" report --diff out nowhere
partly() { jq '.locks = {}' new/report.json >x.json && "$BULLA" report --diff out x.json --json | jq -e '.packages == [] and .unknown == ["locks"]'; }
check "what only one of them says is not taken for a difference" partly
refuses "one build is too few" 2 'two builds' "$BULLA" report --diff out
refuses "operands are for --diff" 2 'operands are for --diff' "$BULLA" report out

if [ -d "$vectors/ovmf" ]; then
	# a launch that is measured: the value is that of `bulla measure`, which other tools witness
	"$BULLA" bundle sev --recipes "$recipes" --kernel out/kernel/x86_64/vmlinuz --initrd out/initrd/x86_64/initrd.cpio.zst \
		--rootfs out/rootfs/x86_64/rootfs.img --roothash root.hash --out out/bundles/sev \
		--firmware "$vectors/ovmf/debian-2026.08-OVMF.amdsev.fd" >/dev/null
	report --html >/dev/null
	check "a TEE's steps are on the page" python3 "$tests/page.py" out/report.json out/report.html
	measured() {
		value=$("$BULLA" measure sev --bundle out/bundles/sev -q) &&
			jq -e --arg v "$value" '.bundles[] | select(.manifest.platform == "sev")
				| "sev.launch_digest=" + .measured[1].registers.launch_digest == $v and .disagrees == []' out/report.json
	}
	check "and are those of bulla measure" measured
	jq '.registers["sev.launch_digest"] |= ("0" * 64)' out/bundles/sev/manifest.json >m && cp m out/bundles/sev/manifest.json
	refuses "a manifest that says otherwise is no success" 1 'its sev.launch_digest is not what its files measure to' report
	wrong() { report --html 2>/dev/null | grep -q 'sev.launch_digest .*measured otherwise now' && grep -q 'measured otherwise now</strong>' out/report.html; }
	check "a manifest that says otherwise is shown to" wrong
	rm -r out/bundles/sev
else
	skip "a TEE's steps are on the page" "test data is missing"
fi
echo '{}' >out/bundles/sample/manifest.json
refuses "a broken bundle is named" 1 'out/bundles/sample/manifest.json: schema is missing' report
