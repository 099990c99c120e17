#!/bin/sh
# All that systemd-stub and systemd-boot measure or put together, in real boots: PCRs 4 and 8 to 15 in four banks, predicted
# from the UKI and from what lies beside it on the disk, without the firmware. Stub and boot loader are the host's and
# those of recipes/tests.lock.
. tests/boot/common
here=$PWD/tests/boot/measured
kernel=$OUT/kernel/x86_64/vmlinuz
firmware=/usr/share/OVMF
what="PCRs of systemd-stub and systemd-boot"
PATH=$PATH:/usr/sbin:/sbin
for tool in qemu-system-x86_64 swtpm swtpm_setup sgdisk mformat objcopy musl-gcc; do
	command -v "$tool" >/dev/null || { skip "$what" "$tool is missing: ci/install-deps check"; exit 0; }
done
for file in "$kernel" "$firmware/OVMF_CODE_4M.fd" /usr/lib/systemd/boot/efi/linuxx64.efi.stub; do
	[ -e "$file" ] || { skip "$what" "$file is missing"; exit 0; }
done

"$BULLA" fetch tests -q --into "$WORK/debs" || { skip "$what" "recipes/tests.lock cannot be fetched"; exit 0; }
cd "$WORK"
for deb in debs/systemd-boot-efi*.deb; do
	dpkg-deb -x "$deb" next
done
next=$WORK/next/usr/lib/systemd/boot/efi host=/usr/lib/systemd/boot/efi

"$here/mkinitrd" initrd
printf ' console=ttyS0 \tpanic=-1 quiet \n' >cmdline
printf 'ID=test\n' >osrel
printf '6.12' >release
printf '5.0' >other-release
printf 'ID=main' >profile
printf '{}' >pcrsig
printf 'public key' >pcrpkey
printf 'first.arg=1\n' >cmdline1
printf '  second.arg=2 ' >cmdline2
# "newc" archives that the kernel takes: nothing but a trailer, of different paddings
trailer() {
	printf '070701%032d%08d%048d%08X%08dTRAILER!!!\0\0\0\0' 0 1 0 11 0
	head -c "$1" /dev/zero
}
trailer 0 >ucode
trailer 4 >ucode1
trailer 8 >ucode2
trailer 12 >initrd1
trailer 16 >initrd2
printf one >a.cred
printf two22 >B.CRED
printf global >g.cred
printf raw >e.raw
printf confext >z.confext.raw
printf 'timeout 0\n' >loader.conf
extra=EFI/BOOT/BOOTX64.EFI.extra.d

uki() { # NAME STUB NAME=FILE…
	name=$1 from=$2
	shift 2
	"$here/mkuki" "$from" "$name" linux="$kernel" osrel=osrel cmdline=cmdline initrd=initrd pcrsig=pcrsig pcrpkey=pcrpkey "$@"
}

boot_disk() { # DIR RUN-OPTION…
	dir=$1
	shift
	"$here/run" --firmware "$firmware/OVMF_CODE_4M.fd" --vars "$firmware/OVMF_VARS_4M.fd" --disk "$dir.img" --out "$dir" "$@"
}

predicted() { # DIR MEASURE-OPTION…
	dir=$1
	shift
	"$BULLA" measure vtpm --secure-boot off --pcr 4,8-15 "$@" | sed 's/^vtpm\.\(.*\)\.pcr\(.*\)=/\1 \2 /' | sort >"$dir.want"
	awk '$2 == 4 || $2 >= 8 && $2 < 16 { print $1, $2, tolower($3) }' "$dir/pcrs.txt" | sort >"$dir.seen"
	diff "$dir.want" "$dir.seen" && [ "$(wc -l <"$dir.seen")" = 36 ]
}

uki host.efi "$host/linuxx64.efi.stub"
"$here/mkdisk" host.img host.efi a.cred=$extra/a.cred B.CRED=$extra/B.CRED g.cred=loader/credentials/g.cred e.raw=$extra/e.raw
check "a UKI of the host's stub boots with credentials and a system extension" boot_disk host
check "and its PCRs are the ones predicted" predicted host --uki host.efi --no-boot-secret --credential a.cred \
	--credential B.CRED --global-credential g.cred --sysext e.raw

uki next.efi "$next/linuxx64.efi.stub" ucode=ucode uname=release profile=profile
"$here/mkuki" "$next/addonx64.efi.stub" one.addon.efi cmdline=cmdline1 initrd=initrd1 ucode=ucode1
"$here/mkuki" "$next/addonx64.efi.stub" two.addon.efi cmdline=cmdline2 initrd=initrd2 ucode=ucode2 uname=release
"$here/mkuki" "$next/addonx64.efi.stub" not.addon.efi cmdline=cmdline2 uname=other-release
"$here/mkdisk" next.img next.efi one.addon.efi=loader/addons/one.addon.efi two.addon.efi=$extra/two.addon.efi \
	not.addon.efi=$extra/not.addon.efi a.cred=$extra/a.cred B.CRED=$extra/B.CRED g.cred=loader/credentials/g.cred \
	e.raw=$extra/e.raw z.confext.raw=$extra/z.confext.raw
check "a UKI boots with add-ons, credentials, extensions and a command line from SMBIOS" boot_disk next \
	--smbios type=11,value=io.systemd.stub.kernel-cmdline-extra=third.arg=3
check "and its PCRs are the ones predicted" predicted next --uki next.efi --credential a.cred --credential B.CRED \
	--global-credential g.cred --sysext e.raw --confext z.confext.raw --addon two.addon.efi --addon not.addon.efi \
	--global-addon one.addon.efi --smbios-cmdline third.arg=3

for loader in host next; do
	efi=$host
	[ $loader = host ] || efi=$next
	"$here/mkdisk" $loader-loader.img "$efi/systemd-bootx64.efi" $loader.efi=EFI/Linux/uki.efi loader.conf=loader/loader.conf \
		a.cred=EFI/Linux/uki.efi.extra.d/a.cred
	check "systemd-boot ($loader) starts a UKI" boot_disk $loader-loader
	check "and its PCRs are the ones predicted" predicted $loader-loader --uki $loader.efi --no-boot-secret \
		--bootloader "$efi/systemd-bootx64.efi" --loader-conf loader.conf --credential a.cred
done
