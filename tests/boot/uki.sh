#!/bin/sh
# bulla uki with the builder's systemd-stub and the kernel that was built, against ukify, systemd-measure and pefile of the
# builder's root: the same image but for the sections' order, the same signed policies.
. tests/boot/common
what="a UKI of our own is the one that ukify makes"
builder=$OUT/builder
needs "$what" objcopy bwrap python3
stub=$builder/usr/lib/systemd/boot/efi/linuxx64.efi.stub
for file in "$stub" "$builder/usr/bin/ukify" "$builder/usr/lib/systemd/systemd-measure"; do
	[ -e "$file" ] || { skip "$what" "$file is missing: make image"; exit 0; }
done
userns=$PWD/tools/userns.sh
cd "$WORK"

in_builder() {
	"$userns" bwrap --ro-bind "$builder" / --dev /dev --proc /proc --tmpfs /tmp --bind "$WORK" /mnt --chdir /mnt --unshare-net \
		--clearenv --setenv PATH /usr/sbin:/usr/bin "$@"
}

cp -L "$RELEASE/vmlinuz" "$RELEASE/initrd" "$RELEASE/cmdline" .
printf 'ID=debian\n' >osrel
printf 'sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\nown,1,Own,own,1,https://own.invalid\n' >sbat
"$BULLA" sign keygen -q --out keys 2>/dev/null

uki() {
	"$BULLA" uki --stub "$stub" --kernel vmlinuz --initrd initrd --cmdline-file cmdline --osrel osrel --sbat sbat --keys keys --out "$@"
}

unchanged() { # SECTION FILE
	objcopy -O binary --only-section=".$1" own.efi "section.$1" && cmp "section.$1" "$2"
}

witnesses() {
	for s in sbat uname pcrpkey pcrsig; do
		"$BULLA" uki --extract .$s --in own.efi --out section.$s || return 1
	done
	in_builder ukify build --stub=/usr/lib/systemd/boot/efi/linuxx64.efi.stub --linux=vmlinuz --initrd=initrd --cmdline=@cmdline \
		--os-release=@osrel --sbat=@sbat --pcrpkey=section.pcrpkey --section=.pcrsig:@section.pcrsig \
		--uname="$(cat section.uname)" --output=ukify.efi
}

# ukify sets no checksum, has the kernel's section bear the flag of code, and ends merged SBAT with a NUL
cat >same.py <<'EOT'
import pefile
def read(name):
    p = pefile.PE(name, fast_load=True)
    assert not p.get_warnings(), p.get_warnings()
    o = p.OPTIONAL_HEADER
    return p, {s.Name.rstrip(b"\0"): s.get_data()[:s.Misc_VirtualSize] for s in p.sections}, \
        [o.AddressOfEntryPoint, o.ImageBase, o.SectionAlignment, o.FileAlignment, o.SizeOfImage, o.SizeOfHeaders, o.Subsystem,
         o.DllCharacteristics, o.SizeOfCode, p.FILE_HEADER.NumberOfSections, p.FILE_HEADER.Machine, p.FILE_HEADER.Characteristics]
own, theirs = read("own.efi"), read("ukify.efi")
assert own[0].verify_checksum()
assert own[0].get_overlay() is None
assert own[2] == theirs[2], (own[2], theirs[2])
text = lambda t: t.rstrip(b"\0")
assert text(own[1].pop(b".sbat")) == text(theirs[1].pop(b".sbat"))
assert own[1] == theirs[1]
assert len(own[1]) == 12
EOT

# systemd-measure signs with PKCS#1 v1.5, which gives the same bytes each time
same_policies() { # BULLA-OPTION PHASE…
	uki phased.efi "$1" >/dev/null && "$BULLA" uki --extract .pcrsig --in phased.efi --out ours.json || return 1
	shift
	set -- "$@" --bank=sha256 --bank=sha384 --bank=sha512 --json=short
	in_builder /usr/lib/systemd/systemd-measure sign --linux=vmlinuz --initrd=initrd --cmdline=cmdline --osrel=osrel \
		--sbat=section.sbat --uname=section.uname --pcrpkey=section.pcrpkey --private-key=keys/pcr.key \
		--public-key=section.pcrpkey "$@" >theirs.json &&
		python3 -c 'import json; a, b = json.load(open("ours.json")), json.load(open("theirs.json")); assert len(a) == 3 and a == b'
}

uki own.efi >said
check "the kernel in the UKI is vmlinuz, byte for byte" unchanged linux vmlinuz
check "and the initrd is the bundle's" unchanged initrd initrd
check "and the command line" unchanged cmdline cmdline
check "ukify makes one of the same parts" witnesses
check "pefile finds in both the same headers and sections, and a right checksum in ours" in_builder python3 same.py
check "the release is the kernel's own" sh -c 'strings -n 6 vmlinuz | grep -q "^$(cat section.uname) ("'
check "systemd-measure signs the same policy with the same signature" same_policies --json --phase=:
check "and the same for each phase of systemd" same_policies --systemd-phases --phase=: --phase=enter-initrd \
	--phase=enter-initrd:leave-initrd --phase=enter-initrd:leave-initrd:sysinit --phase=enter-initrd:leave-initrd:sysinit:ready
