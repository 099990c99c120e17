#!/bin/sh
# bulla explain: the steps as text, JSON and picture, and evidence held against them. Values are those of
# sev-snp-measure 0.0.13 and virtee/sev 8.0.0 ($VECTORS/sev/peer-matrix.tsv).
. tests/tap.sh
vectors=$(realpath "${VECTORS:-../shared/vectors}" 2>/dev/null || :)
fw=$vectors/ovmf/debian-2026.08-OVMF.amdsev.fd
if ! [ -f "$fw" ] || ! command -v jq >/dev/null || ! command -v python3 >/dev/null; then
	skip "a launch is explained" "test data, jq or python3 is missing"
	exit 0
fi
repo=$PWD golden=$PWD/tests/golden/mrtd.tsv
cd "$WORK"
peer() { awk -v n="$1" '$1 == "snp" && $2 == n && $5 ~ /2026.08/ && $6 == "qemu" { print $10; exit }' "$vectors/sev/peer-matrix.tsv"; }
explain() { "$BULLA" explain snp --firmware "$fw" --vcpu-type EPYC-v4 "$@"; }

explain --vcpus 64 -q >text
check "the last register value is the measurement, that of two other programs" grep -qx "snp.launch_digest=$(peer 64)" text
rows() { awk '$2 == "launch_digest"' text; }
first_row() { rows | head -1 | grep -Eq '^ +1 +launch_digest +firmware pages +firmware\+0x0 +4194304 +1024 '; }
check "the first step is the firmware's pages, with their size and number" first_row
last_row() { rows | tail -1 | grep -Eq "^ +[0-9]+-[0-9]+ .*VMSA of vCPU 1 … VMSA of vCPU 63 .* 63 .* $(peer 64 | cut -c 1-12)\$"; }
check "equal vCPUs take one line, which ends in the measurement" last_row
explain --vcpus 64 -q -v >long
check "-v has a line for each, and digests in full" test "$(grep -c "VMSA of vCPU" long)" = 64
check "each number of vCPUs on the way has its register value" grep -q "VMSA of vCPU 7 .* $(peer 8)\$" long

explain --vcpus 2 --json >j.json
check "JSON has inputs, stack and steps" jq -e '
	.schema == "bulla.measure/1" and .steps[-1].after == .registers.launch_digest and .inputs.firmware.size == 4194304
	and .stack.vmm != null and (.inputs.vcpus == "2")' j.json
chain() {
	python3 - <<-'EOT'
	import hashlib, json
	j = json.load(open("j.json"))
	# PAGE_INFO of the last page, from its step and the one before (SEV-SNP firmware ABI, 8.17.2)
	last, before = j["steps"][-1], j["steps"][-2]
	info = bytes.fromhex(before["after"]) + bytes.fromhex(last["digest"]) + b"\x70\x00" + bytes([last["type"]]) + bytes(5) + \
		int(last["gpa"], 16).to_bytes(8, "little")
	assert hashlib.sha384(info).hexdigest() == last["after"]
	EOT
}
check "a step has all that is needed to repeat it" chain
mkdir one two && explain --vcpus 1 --json >one/m.json && explain --vcpus 2 --json >two/m.json
moved() { "$BULLA" diff one/m.json two/m.json >diff.txt || test $? = 3 && grep -q '^  vcpus .* 1 → 2 *moves launch_digest$' diff.txt &&
	grep -q 'added: VMSA of vCPU 1$' diff.txt; }
check "diff tells that the number of vCPUs moved the launch digest, by one VMSA" moved

head -c 100000 /dev/urandom >kernel
head -c 600000 /dev/urandom >initrd
explain --vcpus 64 --kernel kernel --initrd initrd --cmdline 'a <b> & "c"' --svg s.svg -q >/dev/null
drawn() {
	python3 - <<-'EOT'
	import xml.etree.ElementTree as t
	r = t.parse("s.svg").getroot()
	svg = "{http://www.w3.org/2000/svg}"
	text = ["".join(e.itertext()) for e in r.iter(svg + "text")]
	assert all(any(word in w for w in text) for word in ("snp", "launch_digest", "initrd 585.9 KiB")), text
	assert any(w.startswith("cmdline: a <b> & \"c\"") for w in text), text
	width = float(r.get("width"))
	at = [(float(e.get("x")), float(e.get("width"))) for e in r.iter(svg + "rect") if e.get("x")]
	assert all(0 <= x and x + w <= width for x, w in at), at
	bars = [e for e in r.iter(svg + "rect") if e.get("fill")]
	assert len(bars) >= 10 and all(float(b.get("width")) >= 3 for b in bars)
	whole = open("s.svg").read()
	assert "<script" not in whole and whole.count("http") == 1 and "url(" not in whole, "something from outside"
	EOT
}
check "the picture is XML with inputs as columns, and takes nothing from outside" drawn

explain --vcpus 1 --kernel kernel --initrd initrd --cmdline a --json >old.json
explain --vcpus 1 --kernel kernel --initrd kernel --cmdline a --json >new.json
red() {
	"$BULLA" diff old.json new.json --svg d.svg >/dev/null || test $? = 3
	grep -q 'class="x"><title>initrd' d.svg && ! grep -q 'class="x"><title>kernel' d.svg && grep -q '>snp: new.json<' d.svg
}
check "of the inputs that one step takes, only the changed one is red" red

check "evidence with the predicted value agrees, exit 0" explain --vcpus 8 --against "$(peer 8)"
refuses "another value does not, exit 3, and the number of vCPUs that gives it is named" 3 \
	'the value seen is that of --vcpus 8$' explain --vcpus 4 --against "$(peer 8)"
explain --vcpus 4 --against "launch_digest=$(peer 64)" --json >e.json || :
check "the same as JSON" jq -e '.schema == "bulla.explain/1" and (.agrees | not) and .registers[0].verdict == "differs"
	and .registers[0].why.changes == ["--vcpus 64"] and .tried > 0' e.json
explain --vcpus 8 -q | tail -1 >values
check "what measure prints can be held against" explain --vcpus 8 --against values
report=$vectors/sev/virtee-sev/report_milan.hex
refuses "a report of another launch does not agree, and no explanation is made up" 3 'SEV-SNP report .* does not agree' \
	explain --vcpus 4 --against "$report"
no_guess() { explain --vcpus 4 --against "$report" | grep -c 'seen is' | grep -qx 0; }
check "a value that nothing explains is left unexplained" no_guess
# a real report with its measurement replaced by the peers' value (its offset: 0x90, SEV-SNP firmware ABI table 22)
tr -d ' \n' <"$report" | python3 -c "import sys; b = bytearray.fromhex(sys.stdin.read()); b[0x90:0xc0] = bytes.fromhex('$(peer 8)'); sys.stdout.buffer.write(b)" >report.bin
check "a binary report with the right measurement agrees" explain --vcpus 8 --against report.bin
refuses "and says which vCPUs it had otherwise" 3 'is that of --vcpus 8' explain --vcpus 1 --against report.bin
refuses "a TDX quote shows no register of SNP" 2 'TDX quote, which shows no register of snp' \
	explain --vcpus 1 --against "$vectors/tdx/trustee/tdx_quote_4.dat"
refuses "a value of another length is of no register" 2 'shows no register of snp' explain --vcpus 1 --against "$(printf %064d 1)"
refuses "a missing file is named, exit 4" 4 'nowhere: No such file' explain --vcpus 1 --against nowhere
head -c 5000 /dev/urandom >noise
refuses "a file that is nothing known says what could be" 1 'neither an SNP report, a TDX quote' explain --vcpus 1 --against noise

tdx() { "$BULLA" explain tdx --firmware "$vectors/ovmf/debian-2025.02-8-OVMF.fd" "$@"; }
unprofiled() { "$BULLA" explain tdx --firmware "$vectors/tdx/virtee-tdx/OVMF.inteltdx.fd" "$@"; }
# Fraunhofer-AISEC's calculate-tdx-mrs -q 8.2.2
mrtd=$(awk '$1 == "ovmf/debian-2025.02-8-OVMF.fd" && $2 == "-" { print $4 }' "$golden")
refuses "MRTD of the other page order is known as that of the stack that has it" 3 'the value seen is that of --stack qemu-8.2$' \
	tdx --against "mrtd=$mrtd"
quote=$vectors/tdx/go-tdx-guest/cos-113-tdx-quote.dat
unprofiled --against "$quote" --json >q.json || :
check "of a quote, every register is told, and those that cannot be computed are said so" jq -e '
	.evidence.kind == "TDX quote" and ([.registers[].name] | contains(["mrtd", "rtmr0", "rtmr3", "mrowner"]))
	and (.registers[] | select(.name == "mrtd") | .verdict == "differs" and .predicted != .seen)
	and (.registers[] | select(.name == "rtmr0") | .verdict == "unknown" and .unknown != null)' q.json
# logs of real TDs, whose memory is known (TD HOB, first event)
memory_of() {
	"$BULLA" explain tdx --firmware "$vectors/ovmf/debian-2026.08-OVMF.inteltdx.ms.fd" --memory 4G --json --against "$1" >m.json ||
		test $? = 3 && jq -e --arg m "--memory $2" '.events[0] | .what == "TD HOB" and .from == "memory" and .why.changes == [$m]' m.json
}
check "the memory that a TD had is found from its log's first event" memory_of "$vectors/tdx/trustee/CCEL_data_ovmf" 2G
check "and that of another" memory_of "$vectors/tdx/trustee-eventlog/CCEL_data_grub" 10G

# A boot of another UKI with the same firmware, as its guest saw it: what comes from the firmware agrees.
mkuki=$repo/tests/boot/measured/mkuki stub=/usr/lib/systemd/boot/efi/linuxx64.efi.stub
log=$vectors/vtpm/qemu-swtpm/k257-ovmf2025/eventlog.bin
if ! [ -e "$stub" ] || ! command -v objcopy >/dev/null; then
	skip "an event log is compared event by event" "systemd-boot-efi or objcopy is missing"
	exit 0
fi
printf 'console=ttyS0 quiet' >cmdline
# an EFI program with the marks by which Linux is known to take its initrd from the firmware: the stub itself
python3 - "$stub" <<'EOT'
import struct, sys
pe = bytearray(open(sys.argv[1], "rb").read()) + b"LOADED_IMAGE::LoadOptions\0Linux initrd\0"
pe[struct.unpack_from("<I", pe, 60)[0] + 24 + 44] = 1
open("linux.efi", "wb").write(pe)
EOT
"$mkuki" "$stub" uki linux=linux.efi cmdline=cmdline
vtpm() {
	"$BULLA" explain vtpm --firmware "$vectors/ovmf/debian-2025.02-8-OVMF.fd" --uki uki --stack qemu-7.2 --json --tries 0 "$@" ||
		test $? = 3
}
# values of PCR 11, which tests/cli/measure_vtpm.sh compares with systemd-measure's
pcr11() { "$BULLA" measure vtpm --uki uki --pcr 11 --bank sha256 -q "$@"; }
check_phases() { # PHASES VALUE EXPLANATION
	"$BULLA" explain vtpm --uki uki --pcr 11 --bank sha256 ${1:+--phases "$1"} --against "$2" >said || test $? = 3 && grep "$3" said
}
check "a PCR read in a later phase is known as that" check_phases '' "$(pcr11 --phases enter-initrd)" 'is that of --phases enter-initrd$'
check "and one read in an earlier phase" check_phases enter-initrd:leave-initrd "$(pcr11 --phases enter-initrd)" \
	'nothing happened after step .*, phase enter-initrd$'
vtpm --against "$log" >log.json
check "registers that the firmware alone makes agree with a real boot's log" jq -e '
	[.registers[] | select(.name | test("pcr(0|2|3|6|7)$")).verdict] == ["agrees", "agrees", "agrees", "agrees", "agrees"]' log.json
check "the first event that departs is the UKI, and says where it comes from" jq -e '
	[.events[] | select(.departs != "unknown")][0]
	| .type == "EV_EFI_BOOT_SERVICES_APPLICATION" and .from == "uki" and .departs == "digest"' log.json
# flips one bit of the SHA-1 digest of each event of PCR 0 and 7 in turn; prints their numbers
cat >flip.py <<'EOT'
import struct, sys
log = bytearray(open(sys.argv[1], "rb").read())
at, n, size = 32 + struct.unpack_from("<I", log, 28)[0], 0, {4: 20, 11: 32, 12: 48, 13: 64}
while at < len(log):
    n += 1
    pcr, kind, count = struct.unpack_from("<III", log, at)
    digest = at + 14
    at += 12
    for _ in range(count):
        at += 2 + size[struct.unpack_from("<H", log, at)[0]]
    at += 4 + struct.unpack_from("<I", log, at)[0]
    if pcr in (0, 7) and kind != 3:
        log[digest] ^= 1
        open("flipped.%d" % n, "wb").write(log)
        log[digest] ^= 1
EOT
python3 flip.py "$log"
called() {
	for f in flipped.*; do
		vtpm --against "$f" | jq -e --argjson n "${f#*.}" \
			'[.events[] | select(.register | test("pcr(0|7)$"))] | length == 1 and .[0].event == $n and .[0].departs == "digest"' ||
			return 1
	done
	[ "$(find . -name 'flipped.*' | wc -l)" -ge 10 ]
}
check "a bit flipped in one digest is called at exactly that event, in whatever bank" called
