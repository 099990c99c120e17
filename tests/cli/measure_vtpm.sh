#!/bin/sh
# bulla measure vtpm of UKIs made with the host's systemd-stub, against systemd-measure and sbsign.
. tests/tap.sh
mkuki=$PWD/tests/boot/measured/mkuki
measure=/usr/lib/systemd/systemd-measure stub=/usr/lib/systemd/boot/efi/linuxx64.efi.stub
for tool in "$stub" "$measure" "$(command -v objcopy)" "$(command -v sbsign)"; do
	[ -e "$tool" ] || {
		skip "PCRs of a UKI" "systemd-boot-efi, systemd-measure, objcopy or sbsign is missing"
		exit 0
	}
done
cd "$WORK"

u16() { od -An -tu2 -j "$2" -N 2 "$1" | tr -d ' '; }
# An EFI program that says it takes its initrd by LoadFile2 (image version 1) and names what it measures, as Linux does:
# the stub itself will do.
cp "$stub" kernel
printf 'LOADED_IMAGE::LoadOptions\0Linux initrd\0' >>kernel
printf '\1' | dd of=kernel bs=1 seek=$(($(u16 kernel 60) + 24 + 44)) conv=notrunc status=none
printf 'console=ttyS0 quiet' >cmdline
printf 'ID=test\n' >osrel
printf '6.12' >release
head -c 10001 /dev/zero | tr '\0' i >initrd
"$mkuki" "$stub" uki linux=kernel osrel=osrel cmdline=cmdline initrd=initrd uname=release
truncate -s %8 uki # sbsign would
phases=enter-initrd:leave-initrd:sysinit:ready
cat >systemd-measure.sh <<EOF
set -- --linux=kernel --osrel=osrel --cmdline=cmdline --initrd=initrd
if $measure --help | grep -q -- --sbat; then
	objdump -h uki | awk '\$2 == ".sbat" { print "0x" \$3, "0x" \$6 }' | {
		read -r size at
		dd if=uki of=sbat iflag=skip_bytes,count_bytes skip=\$((at)) count=\$((size)) status=none
	}
	set -- "\$@" --uname=release --sbat=sbat
fi
$measure calculate "\$@" --phase=$phases | sed -n 's/^11:\(.*\)=/vtpm.\1.pcr11=/p'
EOF

pcr11_alone() {
	sh systemd-measure.sh >want
	"$BULLA" measure vtpm --uki uki --pcr 11 --phases $phases >got
	cat want
	cmp want got && [ "$(wc -l <got)" = 4 ]
}

# the digest that sbsign puts into its signature
signed_digest() {
	openssl req -new -x509 -newkey rsa:2048 -nodes -keyout key -out cert -subj /CN=test -days 3000 2>/dev/null
	sbsign --key key --cert cert --output signed uki
	sbattach --detach signature signed
	want=$("$BULLA" measure vtpm --uki signed --pcr 4 --bank sha256 --json --steps |
		jq -r '.steps[] | select(.what | startswith("uki image")).digest')
	openssl asn1parse -inform DER -in signature | tr A-F a-f | grep -q "$want"
}

no_pcr_sees_a_signature() {
	"$BULLA" measure vtpm --uki uki --secure-boot off --pcr 4,8-13 >a
	"$BULLA" measure vtpm --uki signed --secure-boot off --pcr 4,8-13 >b
	cmp a b && [ "$(wc -l <a)" = 28 ]
}

one_byte() {
	printf 'console=ttyS0 quieT' >cmdline
	"$mkuki" "$stub" other linux=kernel osrel=osrel cmdline=cmdline initrd=initrd uname=release
	"$BULLA" measure vtpm --uki uki --secure-boot off --bank sha256 --pcr 4,8-15 >a
	"$BULLA" measure vtpm --uki other --secure-boot off --bank sha256 --pcr 4,8-15 >b
	diff a b | sed -n 's/^> .*pcr\([0-9]*\)=.*/\1/p' | tr '\n' ' ' | grep -x '4 9 11 '
}

check "PCR 11 of a UKI alone is what systemd-measure says, in all banks" pcr11_alone
check "the image's digest in PCR 4 is the one that sbsign signs" signed_digest
check "a signature moves no PCR from 4 on but 7" no_pcr_sees_a_signature
check "a changed command line in the UKI moves PCR 4, 9 and 11 alone" one_byte
old_kernel() {
	tr O o <kernel >old
	"$mkuki" "$stub" old-uki linux=old cmdline=cmdline initrd=initrd
	"$mkuki" "$stub" new-uki linux=kernel cmdline=cmdline initrd=initrd
	[ "$("$BULLA" measure vtpm --uki new-uki --json --steps --pcr 9 --bank sha1 | jq '.steps | length')" = 2 ] &&
		[ "$("$BULLA" measure vtpm --uki old-uki --json --steps --pcr 9 --bank sha1 | jq '.steps | length')" = 1 ]
}

secure_boot_matters() {
	"$BULLA" measure vtpm --uki uki --pcr 4 --bank sha1 2>said
	grep -q 'is not measured as an image: give --vars' said || grep -q ' stub-262$' said
	for state in on off; do
		"$BULLA" measure vtpm --uki uki --pcr 4 --bank sha1 --secure-boot $state
	done 2>/dev/null | uniq | wc -l | grep -x 2 || grep -q ' stub-262$' said
}

boot_loader() {
	"$BULLA" measure vtpm --uki uki --bootloader "${stub%/*}/systemd-bootx64.efi" --secure-boot off --pcr 4,12 --bank sha256 2>said >a
	grep -q ' systemd-boot-' said
	"$BULLA" measure vtpm --uki uki --secure-boot off --pcr 4,12 --bank sha256 >b
	! cmp a b
}

sed 's/systemd-stub [0-9]*/systemd-stub 999/' uki >unknown
check "a kernel that names no such event in its stub measures no load options" old_kernel
check "PCR 4 is unknown until Secure Boot is said to be on or off" secure_boot_matters
check "systemd-boot is recognised, and is in PCR 4" boot_loader
refuses "a stub of unknown version is refused" 5 "no profile is of systemd-stub 999" "$BULLA" measure vtpm --uki unknown
check "unless a profile is named" "$BULLA" measure vtpm --uki unknown --pcr 11 --stack stub-257
refuses "an image without a kernel is refused" 1 "has no section .linux" "$BULLA" measure vtpm --uki "$stub"
refuses "neither a UKI nor a kernel is a usage error" 2 "neither --uki nor --kernel" "$BULLA" measure vtpm
refuses "a PCR beyond 15 is a usage error" 2 "numbers from 0 to 15" "$BULLA" measure vtpm --uki uki --pcr 3,16
cp initrd credential
refuses "a file that the stub passes over is refused" 1 "names that end in .cred" "$BULLA" measure vtpm --uki uki \
	--credential credential
refuses "a UKI given as a kernel is a usage error" 2 "give it with --uki" "$BULLA" measure vtpm --kernel uki
refuses "a kernel without its firmware is refused" 5 "no firmware profile" "$BULLA" measure vtpm --kernel "${stub%/*}/systemd-bootx64.efi"
