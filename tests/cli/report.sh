#!/bin/sh
# bulla report: sizes and digests are those of stat and sha256sum, and what is too large fails.
. tests/tap.sh
recipes=$PWD/recipes
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
echo '{}' >out/bundles/sample/manifest.json
refuses "a broken bundle is named" 1 'out/bundles/sample/manifest.json: schema is missing' report
