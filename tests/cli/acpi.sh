#!/bin/sh
# bulla acpi: the ACPI tables of a QEMU as its firmware gets them, and what bulla measure makes of them.
. tests/tap.sh
cd "$WORK"
VECTORS=$(cd "$OLDPWD" && cd "${VECTORS:-../shared/vectors}" 2>/dev/null && pwd) || VECTORS=
export BULLA_CACHE="$WORK/cache" XDG_RUNTIME_DIR="$WORK"

refuses "memory has to be given" 2 'memory' "$BULLA" acpi --vcpus 1 --out o
refuses "memory has to be a size" 2 'memory=much: expected bytes' "$BULLA" acpi --vcpus 1 --memory much --out o
refuses "variables need a firmware" 2 'vars means nothing without' "$BULLA" acpi --vcpus 1 --memory 1G --vars v --out o
refuses "no QEMU: exit 4, and the package is named" 4 'qemu-system-x86' "$BULLA" acpi --qemu no-such-qemu --vcpus 1 --memory 1G --out o
if ! command -v qemu-system-x86_64 >/dev/null; then
	skip "bulla acpi runs QEMU" "qemu-system-x86_64 is missing"
	exit 0
fi

# a QEMU that counts how often it is run for more than its version
cat >counted <<'EOF'
#!/bin/sh
[ "$1" = --version ] || echo run >>"$(dirname "$0")/runs"
exec qemu-system-x86_64 "$@"
EOF
chmod +x counted
: >runs
acpi() {
	out=$1
	shift
	"$BULLA" acpi --qemu ./counted --vcpus 2 --memory 512M --out "$out" "$@"
}
runs() {
	[ "$(wc -l <runs)" = "$1" ] || { echo "QEMU ran $(wc -l <runs) times, expected $1"; return 1; }
}
twice_one_run() {
	acpi one -- -nodefaults && acpi two -- -nodefaults && runs 1 && diff -r one two && [ -s two/tables.bin ] && [ -s two/smbios.bin ]
}
other_machine() {
	acpi three --machine q35,hpet=off -- -nodefaults && runs 2 && ! cmp -s one/tables.bin three/tables.bin
}
a_file_among_arguments() {
	head -c 100 one/tables.bin >table
	acpi four -- -nodefaults -acpitable sig=TEST,data=table && acpi four -- -nodefaults -acpitable sig=TEST,data=table && runs 4
}
check "the same QEMU and arguments run once, and give the same files" twice_one_run
check "other arguments run again, and give other tables" other_machine
check "a run whose arguments name files is not kept" a_file_among_arguments
by_its_schema() {
	"$BULLA" acpi --print-schema >schema.json && acpi five --json -- -nodefaults >five.json &&
		/usr/bin/python3 -c 'import json, jsonschema, sys; jsonschema.validate(*[json.load(open(f)) for f in sys.argv[1:]])' five.json schema.json &&
		[ "$(sed -n 's/.*"sha256": "\(.*\)",*/\1/p' five.json | sort)" = "$(sha256sum five/*.bin | cut -d' ' -f1 | sort)" ]
}
if /usr/bin/python3 -c 'import jsonschema' 2>/dev/null; then
	check "--json names the files, by its schema" by_its_schema
else
	skip "--json names the files, by its schema" "python3-jsonschema is missing"
fi
# item NAME DATA: as tools/format/fwcfg.h has it; DATA is for printf
item() {
	printf '%s' "$1" && head -c $((56 - ${#1})) /dev/zero
	# shellcheck disable=SC2059
	printf "$2" >data && printf "\\$(printf '%03o' "$(wc -c <data)")\0\0\0" && cat data
}
small_items() {
	# edgelesssys/contrast's tdx-measure has these two for every TD with a kernel
	{ item bootorder '/rom@genroms/linuxboot_dma.bin\0' && item BootMenu '\0\0'; } | cmp - one/fw-cfg.bin
}
check "the small items are those that a TD with a kernel measures" small_items
refuses "QEMU's last words are shown" 1 'no-such-device' acpi o -- -device no-such-device

# rtmr0 of ACPI events alone
cat >acpi-only.conf <<'EOF'
[Stack]
Kind=firmware
Summary=ACPI events alone
CheckedAgainst=nothing

[Firmware]
InitrdOption=none
Event=tdx 1 PLATFORM_CONFIG_FLAGS acpi loader
Event=tdx 1 PLATFORM_CONFIG_FLAGS acpi rsdp
Event=tdx 1 PLATFORM_CONFIG_FLAGS acpi tables
EOF
rtmr0() {
	"$BULLA" measure tdx -q --stack ./acpi-only.conf "$@" | grep '^tdx.rtmr0=[0-9a-f]*$'
}
derived() {
	acpi shape "$@" && want=$(rtmr0 --acpi shape) && [ -s shape/loader.bin ] && [ -n "$want" ] &&
		[ "$want" = "$(rtmr0 --acpi-tables shape/tables.bin)" ]
}
# QEMU's own loader script and RSDP are the witness
for shape in q35 q35,hpet=off,smm=off pc q35,x-oem-id=BULLA; do
	check "loader and RSDP that follow from the tables are QEMU's: $shape" derived --machine "$shape"
done
check "loader and RSDP that follow from the tables are QEMU's: IOMMU" derived -- -device intel-iommu
check "loader and RSDP that follow from the tables are QEMU's: NUMA" derived -- -object memory-backend-ram,id=a,size=256M \
	-object memory-backend-ram,id=b,size=256M -numa node,memdev=a,cpus=0 -numa node,memdev=b,cpus=1 -numa dist,src=0,dst=1,val=20
check "loader and RSDP that follow from the tables are QEMU's: bridges" derived -- -nodefaults -device virtio-rng-pci \
	-device pxb-pcie,bus_nr=8,id=p
unknown_when_not_derived() {
	acpi gen -- -device vmgenid && rtmr0 --acpi gen && ! rtmr0 --acpi-tables gen/tables.bin
}
check "with a generation id the tables alone do not tell, and rtmr0 is unknown" unknown_when_not_derived

# the firmware's PCI windows are in the tables: against digests that a real boot measured
boot() {
	"$BULLA" acpi --machine q35,smm=off --memory 1G --vcpus 1 --firmware "$VECTORS/ovmf/debian-2025.02-8-OVMF.fd" --tpm tpm-crb \
		--out boot -- -nodefaults -serial null
}
measured() {
	boot && for d in $digests; do
		sha256sum boot/*.bin | grep -q "^$d" || { echo "no file has digest $d"; return 1; }
	done
}
case $(qemu-system-x86_64 --version) in
*"version 7.2."*)
	if ! command -v swtpm >/dev/null || [ ! -e "$VECTORS/ovmf/debian-2025.02-8-OVMF.fd" ]; then
		skip "tables are those that a real boot measured" "swtpm or the firmware is missing"
	else
		# ACPI DATA events of vtpm/qemu-swtpm/direct-ovmf2025/eventlog.bin, SHA-256
		digests='3bea02603850cb83 190d5e9618246456 de2f256064a0af79 81e3610711efd338'
		check "tables, RSDP, loader and TPM log are those that a real boot measured" measured
	fi
	;;
*) skip "tables are those that a real boot measured" "the boot was one of QEMU 7.2" ;;
esac

# a firmware that never starts a guest: QEMU must not outlive us
head -c 65536 /dev/zero >blank
ends_with_us() {
	"$BULLA" acpi --memory 128M --vcpus 1 --firmware blank --out o -- -name "bulla-test-$$" &
	pid=$!
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		pgrep -f "qemu.*name bulla-test-$$" >/dev/null && break
		sleep 0.5
	done
	pgrep -f "qemu.*name bulla-test-$$" || return 1
	kill -9 "$pid"
	wait "$pid" || :
	sleep 0.5
	! pgrep -f "qemu.*name bulla-test-$$"
}
stops_clean() {
	timeout -s INT 2 "$BULLA" acpi --memory 128M --vcpus 1 --firmware blank --out o 2>said || :
	grep 'asked to stop' said && [ -z "$(ls -d "$WORK"/bulla-acpi.* 2>/dev/null)" ]
}
check "asked to stop, it leaves nothing behind" stops_clean
check "QEMU dies with us" ends_with_us
