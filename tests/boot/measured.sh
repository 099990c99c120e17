#!/bin/sh
# Measured boots: the PCRs and the event log that a guest sees are those that were predicted from its files. The witnesses
# are OVMF, systemd-stub, the kernel and swtpm, unmodified; the prediction knows nothing of the boot. MEASURED=all takes every
# firmware with every stub.
. tests/boot/common
here=$PWD/tests/boot/measured
kernel=$OUT/kernel/x86_64/vmlinuz
# a machine that is busy with other things fails the kernel's check of its timer
cmdline='console=ttyS0 panic=-1 quiet no_timer_check'
export BULLA
PATH=$PATH:/usr/sbin:/sbin
for tool in qemu-system-x86_64 swtpm swtpm_setup sgdisk mformat objcopy sbsign musl-gcc tpm2_eventlog python3; do
	command -v "$tool" >/dev/null || { skip "predicted PCRs are the guest's" "$tool is missing: ci/install-deps check"; exit 0; }
done
[ -e "$kernel" ] || { skip "predicted PCRs are the guest's" "$kernel is missing: make image"; exit 0; }

# unpack SET DIR: the packages of recipes/SET.lock; false where they cannot be had
unpack() {
	"$BULLA" fetch "$1" -q --into "$WORK/$1.debs" || return 1
	for deb in "$WORK/$1.debs"/*.deb; do
		dpkg-deb -x "$deb" "$2"
	done
}

unpack tests "$WORK/trixie" && unpack firmware "$WORK/sid" ||
	{ skip "predicted PCRs are the guest's" "firmware of recipes/tests.lock or firmware.lock cannot be fetched"; exit 0; }
next=
[ "${MEASURED:-}" != all ] || ! unpack tests-sid "$WORK/next" || next=$WORK/next/usr/lib/systemd/boot/efi
trixie=$WORK/trixie/usr/share sid=$WORK/sid/usr/share
stub=$WORK/trixie/usr/lib/systemd/boot/efi

# the profile of the host's QEMU
case $(qemu-system-x86_64 --version) in
*version\ [1-8].*) vmm=qemu-7.2 ;;
*version\ 9.*) vmm=qemu-9.1 ;;
*version\ 10.[01].*) vmm=qemu-10.0 ;;
*) vmm=qemu-10.2 ;;
esac

cd "$WORK"
printf '%s' "$cmdline" >cmdline
printf 'ID=bulla\nVERSION_ID=1\n' >osrel
printf '6.12' >release
printf 'bulla.addon=1' >addon-cmdline
printf 'secret' >one.cred
"$here/mkinitrd" initrd

uki() { # NAME STUB: NAME.efi, with this kernel and initrd
	"$here/mkuki" "$2" "$1.efi" osrel=osrel cmdline=cmdline uname=release linux="$kernel" initrd=initrd
}

predict() { # NAME OPTION…
	p=$1
	shift
	"$BULLA" measure vtpm --json --steps --acpi "$p.acpi" --stack "$vmm" "$@" >"$p.json"
}

log_agrees() { # NAME OPTION…: so says our own comparer; a retry is one it knows
	p=$1
	shift
	"$BULLA" explain vtpm --acpi "$p.acpi" --stack "$vmm" "$@" --against "$p/eventlog.bin"
}

# agree NAME PCRS FIRMWARE VARS "RUN-OPTION…" MEASURE-OPTION…: boots and predicts; PCRS are those that must be unknown
agree() {
	boot=$1 unknown=$2 code=$3 vars=$4 run=$5
	shift 5
	# a store without keys, since Secure Boot would not let it start what finds them
	# shellcheck disable=SC2086
	check "$boot: the tables of its machine are found" "$here/run" --acpi --firmware "$code" \
		--vars "${code%/*}/OVMF_VARS_4M.fd" $run --out "$boot.acpi"
	check "$boot: what it measures is predicted" predict "$boot" --firmware "$code" --vars "$vars" "$@"
	if printf '%s' "$run" | grep -q -- --disk; then
		# shellcheck disable=SC2086
		check "$boot: it boots" "$here/run" --firmware "$code" --vars "$vars" $run --out "$boot"
	else
		# shellcheck disable=SC2086
		check "$boot: it boots" "$here/run" --firmware "$code" --vars "$vars" $run --kernel "$kernel" --initrd initrd \
			--append "$cmdline" --out "$boot"
	fi
	# shellcheck disable=SC2086
	check "$boot: PCRs 0 to 15 are the guest's in all banks${unknown:+, but PCR $unknown, which is said to be unknown}" \
		python3 "$here/compare.py" pcrs "$boot" "$boot.json" $unknown
	check "$boot: its log agrees event by event" python3 "$here/compare.py" events "$boot" "$boot.json"
	[ -n "$unknown" ] || check "$boot: and bulla explain says so" log_agrees "$boot" --firmware "$code" --vars "$vars" "$@"
}

direct() { # NAME PCRS FOLDER MEMORY VCPUS
	agree "$1" "$2" "$3/OVMF/OVMF_CODE_4M.fd" "$3/OVMF/OVMF_VARS_4M.fd" "--memory $4 --vcpus $5" --kernel "$kernel" \
		--initrd initrd --cmdline "$cmdline" --memory "$4M" --vcpus "$5"
}

mistaken() { # NAME WORDS OPTION…: of a kernel's boot, explain finds what it was told wrongly
	p=$1 words=$2 fw=$trixie/OVMF
	shift 2
	"$BULLA" explain vtpm --acpi "$p.acpi" --stack "$vmm" --firmware "$fw/OVMF_CODE_4M.fd" --vars "$fw/OVMF_VARS_4M.fd" \
		--kernel "$kernel" --initrd initrd "$@" --against "$p/eventlog.bin" >said || test $? = 3 && grep "is that of $words\$" said
}

disk() { # NAME PCRS CODE VARS UKI STUB "RUN-OPTION…" MEASURE-OPTION…
	d=$1 unknown=$2 code=$3 vars=$4 uki=$5 version=$6 run=$7
	shift 7
	agree "$d" "$unknown" "$code" "$vars" "--disk $uki.img $run" --uki "$uki.efi" --disk "$uki.img" --stack "stub-$version" \
		--boot-option 'PciRoot(0x0)/Pci(0x3,0x0)' "$@"
}

direct "OVMF 2025.02, kernel" "" "$trixie" 1024 1
check "its firmware is found by one told to be 2026.08" mistaken "OVMF 2025.02, kernel" "--stack ovmf-2025.02" \
	--cmdline "$cmdline" --memory 1G --stack ovmf-2026.08
check "its command line is found by one with a newline" mistaken "OVMF 2025.02, kernel" \
	"the command line without what is blank at its end" --memory 1G --cmdline "$cmdline
"
direct "OVMF 2026.08, kernel" "" "$sid" 3072 2

# QEMU offers the kernel unchanged from 10.0 on; before, we can
kernel_as_it_is() {
	set -- --firmware "$1/OVMF/OVMF_CODE_4M.fd" --vars "$1/OVMF/OVMF_VARS_4M.fd" --kernel "$kernel" --initrd initrd
	"$here/run" "$@" --append "$cmdline" --boot-file "$kernel" --out boot-file &&
		"$BULLA" measure vtpm -q --stack qemu-10.0 "$@" --cmdline "$cmdline" --memory 1G --bank sha384 --pcr 4 >boot-file.pcr &&
		sed -n 's/^sha384 4 /vtpm.sha384.pcr4=/p' boot-file/pcrs.txt | tr A-F a-f | sed 's/SHA/sha/' | diff - boot-file.pcr
}
case $vmm in
qemu-7.2 | qemu-9.1)
	check "its memory is found by one told to be 4G" mistaken "OVMF 2025.02, kernel" "--memory 1G" --cmdline "$cmdline" --memory 4G
	check "OVMF 2025.02 measures the unchanged kernel where it is offered" kernel_as_it_is "$trixie"
	check "OVMF 2026.08 measures the unchanged kernel where it is offered" kernel_as_it_is "$sid"
	;;
esac

uki plain "$stub/linuxx64.efi.stub"
"$here/mkdisk" plain.img plain.efi
disk "OVMF 2026.08, UKI" "" "$sid/OVMF/OVMF_CODE_4M.fd" "$sid/OVMF/OVMF_VARS_4M.fd" plain 257 ""

"$here/mkuki" "$stub/addonx64.efi.stub" one.addon.efi cmdline=addon-cmdline
"$here/mkdisk" extra.img plain.efi one.addon.efi=EFI/BOOT/BOOTX64.EFI.extra.d/one.addon.efi \
	one.cred=EFI/BOOT/BOOTX64.EFI.extra.d/one.cred
cp plain.efi extra.efi
disk "OVMF 2025.02, UKI with add-on and credential" "" "$trixie/OVMF/OVMF_CODE_4M.fd" "$trixie/OVMF/OVMF_VARS_4M.fd" extra 257 \
	"--memory 2048" --addon one.addon.efi --credential one.cred

signed() { # NAME FOLDER: a UKI that db's key has signed, with the keys that every Debian user has
	openssl rsa -in "$2/ovmf/PkKek-1-snakeoil.key" -passin pass:snakeoil -out key 2>/dev/null
	sbsign --key key --cert "$2/ovmf/PkKek-1-snakeoil.pem" --output signed.efi plain.efi >/dev/null 2>&1
	"$here/mkdisk" signed.img signed.efi
	disk "$1 with Secure Boot, signed UKI" 0 "$2/OVMF/OVMF_CODE_4M.secboot.fd" "$2/OVMF/OVMF_VARS_4M.snakeoil.fd" signed 257 --secure
}
signed "OVMF 2025.02" "$trixie"

[ "${MEASURED:-}" = all ] || exit 0
[ -n "$next" ] || skip "systemd-stub 262" "recipes/tests-sid.lock cannot be fetched"
signed "OVMF 2026.08" "$sid"
direct "OVMF 2025.02, kernel, 4 GiB" "" "$trixie" 4096 4
for version in 252 262; do
	case $version in
	252)
		efi=/usr/lib/systemd/boot/efi more=
		case $(dpkg-query -W -f '${Version}' systemd-boot-efi) in 252*) ;; *) efi= ;; esac
		;;
	262) efi=$next more=--no-boot-secret ;;
	esac
	[ -e "$efi/linuxx64.efi.stub" ] || { skip "systemd-stub $version" "this host has another"; continue; }
	uki "stub$version" "$efi/linuxx64.efi.stub"
	"$here/mkdisk" "stub$version.img" "stub$version.efi"
	for folder in "$trixie" "$sid"; do
		# shellcheck disable=SC2086
		disk "$(basename "${folder%/usr/share}"), stub $version" "" "$folder/OVMF/OVMF_CODE_4M.fd" \
			"$folder/OVMF/OVMF_VARS_4M.fd" "stub$version" "$version" "" $more
	done
done
case $(dpkg-query -W -f '${Version}' ovmf) in
2022.11*)
	direct "OVMF 2022.11, kernel" 0 /usr/share 1024 1
	disk "OVMF 2022.11, UKI" 0 /usr/share/OVMF/OVMF_CODE_4M.fd /usr/share/OVMF/OVMF_VARS_4M.fd plain 257 ""
	;;
*) skip "OVMF 2022.11" "the host has another" ;;
esac
