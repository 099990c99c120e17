#!/bin/sh
# Disks of bundles boot with Secure Boot enforced and our keys enrolled, up to the agent and the whole root; the PCRs of
# their TPM, read outside of the guest, are those that the manifests state; what was changed does not boot. The clouds' disks
# boot in the machine of the libvirt bundle. Two guests at a time.
. tests/boot/common
here=$PWD/tests/boot/sealed
name="sealed disks boot"
export BULLA
LIBVIRT=$OUT/bundles/libvirt PEERPOD=$OUT/bundles/peerpod
needs "$name" swtpm sfdisk jq mcopy python3
for b in "$LIBVIRT" "$PEERPOD"; do
	[ -e "$b/manifest.json" ] || { skip "$name" "$b is missing: make image"; exit 0; }
done
esp=@@$(($(sfdisk --json "$LIBVIRT/disk.raw" | jq '.partitiontable.partitions[] | select(.name == "esp") | .start') * 512))

# A machine that is busy with other things fails the kernel's check of its timer, which then panics: one more try.
boot() { # NAME BUNDLE: until sealed
	for _ in 1 2; do
		got=0
		"$BULLA" run --bundle "$2" --unchecked --until sealed --timeout 300 --tpm-log "$WORK/$1.tpm" >"$WORK/$1.out" \
			2>"$WORK/$1.err" || got=$?
		echo "$got" >"$WORK/$1.status"
		grep -q 'the guest stopped by itself' "$WORK/$1.err" || break
	done
}

boot_refused() { # NAME BUNDLE DISK: until the firmware has said what it thinks of it
	python3 "$here/derive.py" "$2" "$WORK/$1" disk="$3" serial="$WORK/$1.serial"
	"$BULLA" run --bundle "$WORK/$1" --unchecked --until ready --timeout 300 --tpm-log "$WORK/$1.tpm" >"$WORK/$1.out" 2>"$WORK/$1.err" &
	guest=$!
	for _ in $(seq 1500); do
		! grep -qs 'BdsDxe: \(failed to load\|starting\)' "$WORK/$1.serial" || break
		kill -0 $guest 2>/dev/null || break
		sleep 0.2
	done
	kill $guest 2>/dev/null || :
	wait $guest || :
}

# a bundle of its own for each, lest one name's file be the other's
plain() { # NAME BUNDLE [WORD…]
	what=$1 from=$2
	shift 2
	python3 "$here/derive.py" "$from" "$WORK/$what" "$@"
	boot "$what" "$WORK/$what"
}

copy() { # NAME: a disk to change
	cp --reflink=auto "$LIBVIRT/disk.raw" "$WORK/$1.raw"
}

with_uki() { # NAME UKI: a disk that starts it
	copy "$1" && mcopy -o -i "$WORK/$1.raw$esp" "$2" ::/EFI/BOOT/BOOTX64.EFI
}

flip() { # FILE BYTE
	python3 - "$@" <<-'EOP'
	import sys
	with open(sys.argv[1], "r+b") as f:
	    f.seek(int(sys.argv[2]))
	    b = f.read(1)[0]
	    f.seek(-1, 1)
	    f.write(bytes([b ^ 1]))
	EOP
}

sealed() { # NAME
	tail -n 3 "$WORK/$1.err"
	[ "$(cat "$WORK/$1.status")" = 0 ] && grep -q '^sealed ' "$WORK/$1.out"
}

measured() { # PLATFORM NAME: whatever the manifest states, and it states at least what the UKI measures
	python3 "$here/pcrs.py" "$WORK/$2.tpm" "$OUT/bundles/$1/manifest.json" all 4 9 11 12
}

refused() { # NAME: the firmware says so, and neither stub nor kernel have run
	cat -v "$WORK/$1.serial"
	grep -q 'failed to load .*Access Denied' "$WORK/$1.serial" && ! grep -q 'BdsDxe: starting' "$WORK/$1.serial" &&
		[ ! -s "$WORK/$1.out" ] && python3 "$here/pcrs.py" "$WORK/$1.tpm" >"$WORK/$1.pcrs" &&
		[ "$(grep -c ' \(9\|11\) 0*$' "$WORK/$1.pcrs")" = 8 ]
}

stopped_by_itself() { # NAME
	cat "$WORK/$1.err"
	[ "$(cat "$WORK/$1.status")" = 1 ] && grep -q 'the guest stopped by itself after' "$WORK/$1.err"
}

# the inputs are the same bytes inside of the UKI that firmware starts
same_inside() { # PLATFORM DISK
	mcopy -o -i "$2$esp" ::/EFI/BOOT/BOOTX64.EFI "$WORK/inside.efi" && cmp "$WORK/inside.efi" "$OUT/bundles/$1/uki.efi" || return 1
	for s in linux:vmlinuz initrd:initrd cmdline:cmdline; do
		"$BULLA" uki --extract ".${s%:*}" --in "$WORK/inside.efi" --out "$WORK/section" &&
			cmp "$WORK/section" "$OUT/bundles/$1/${s#*:}" && cmp "$WORK/section" "$LIBVIRT/${s#*:}" || return 1
	done
	[ "$(sha256sum <"$OUT/bundles/$1/rootfs.img")" = "$(sha256sum <"$LIBVIRT/rootfs.img")" ] && same_partitions "$OUT/bundles/$1/rootfs.img" "$2"
}

partitions() { # DISK: the digest of each partition but the ESP, by its name
	sfdisk --json "$1" | jq -r '.partitiontable.partitions[] | select(.name != "esp") | "\(.name) \(.start) \(.size)"' |
		while read -r label start size; do
			echo "$label $(dd if="$1" bs=512 skip="$start" count="$size" status=none | sha256sum)"
		done
}

same_partitions() { # ROOTFS DISK
	partitions "$1" >"$WORK/want" && [ "$(wc -l <"$WORK/want")" = 2 ] && partitions "$2" | diff "$WORK/want" -
}

# the boot that stands for a disk: that of the libvirt bundle where the bytes are the same
boot_of() { # DISK
	if cmp -s "$1" "$LIBVIRT/disk.raw"; then echo libvirt; else echo "boot-$(basename "$1")"; fi
}

# the clouds' disks, unpacked, each content once; prints the file
unpack() { # PLATFORM
	set -- "$OUT/bundles/$1"/disk.*
	file=$WORK/cloud-$(sha256sum <"$1" | cut -c 1-12)
	case $1 in
	*.tar.gz)
		file=$file.raw
		[ -e "$file" ] || tar -xOf "$1" disk.raw >"$file"
		;;
	*)
		file=$file.${1##*.}
		[ -e "$file" ] || ln -s "$(realpath "$1")" "$file"
		;;
	esac
	echo "$file"
}

clouds=$(cd "$OUT/bundles" && grep -l '"boot": "disk"' -- */manifest.json | while read -r m; do
	jq -e .qemu "$m" >/dev/null || echo "${m%/*}"
done)
disks=$(for c in $clouds; do unpack "$c"; done | sort -u)

"$BULLA" sign keygen -q --out "$WORK/other" 2>/dev/null
"$BULLA" sign efi -q --keys "$WORK/other" --builder "$OUT/builder" --in "$OUT/uki/libvirt/unsigned.efi" --out "$WORK/other.efi" 2>"$WORK/.log"
with_uki other-key "$WORK/other.efi"
cp -L "$LIBVIRT/uki.efi" "$WORK/flipped.efi"
flip "$WORK/flipped.efi" $(($(stat -c %s "$WORK/flipped.efi") / 2))
with_uki flipped-uki "$WORK/flipped.efi"
copy flipped-root
flip "$WORK/flipped-root.raw" $(($(sfdisk --json "$LIBVIRT/disk.raw" |
	jq '.partitiontable.partitions[] | select(.name == "root-x86-64") | (.start + .size / 2) * 512') + 100))
before=$(cd "$LIBVIRT" && sha256sum -- *)

boot libvirt "$LIBVIRT" &
boot peerpod "$PEERPOD" &
wait
plain shim "$LIBVIRT" disk="$LIBVIRT/disk-shim.qcow2" vars="$OUT/secureboot/vars-shim.fd" &
plain root-flipped "$LIBVIRT" disk="$WORK/flipped-root.raw" &
wait
n=0
for disk in $disks; do
	! cmp -s "$disk" "$LIBVIRT/disk.raw" || continue
	plain "boot-$(basename "$disk")" "$LIBVIRT" disk="$disk" &
	n=$((n + 1))
	[ $((n % 2)) = 1 ] || wait
done
wait
boot_refused key "$LIBVIRT" "$WORK/other-key.raw" &
boot_refused peerpod-key "$PEERPOD" "$WORK/other-key.raw" &
wait
boot_refused uki "$LIBVIRT" "$WORK/flipped-uki.raw" &
boot_refused no-shim "$LIBVIRT" "$LIBVIRT/disk-shim.raw" &
wait

for p in libvirt peerpod; do
	check "$p boots from its disk with Secure Boot on, up to the agent and the whole root" sealed $p
	check "$p: the PCRs of its TPM are the manifest's" measured $p $p
	check "$p: the UKI on its disk has the kernel, initrd and command line of all bundles, and the root is theirs" \
		same_inside $p "$OUT/bundles/$p/disk.raw"
done
if command -v tpm2_unseal >/dev/null; then
	check "a TPM releases what is sealed to the key of the signed policies after that boot, not before, nor later on" \
		"$here/unseal.sh" "$LIBVIRT/uki.efi" "$WORK/libvirt.tpm"
else
	skip "a TPM releases what is sealed to the key of the signed policies" "tpm2-tools is missing"
fi
check "what guests write to their variables does not reach the bundle" [ "$before" = "$(cd "$LIBVIRT" && sha256sum -- *)" ]
for c in $clouds; do
	disk=$(unpack "$c")
	check "$c: its disk boots" sealed "$(boot_of "$disk")"
	check "$c: the PCRs of the UKI are the manifest's" measured "$c" "$(boot_of "$disk")"
	check "$c: kernel, initrd, command line and root on its disk are those of all bundles" same_inside "$c" "$disk"
done
check "with Debian's shim in front, and Microsoft's key beside ours, the disk boots" sealed shim
check "and what it starts is the same UKI: PCRs 9, 11 and 12" python3 "$here/pcrs.py" "$WORK/shim.tpm" "$LIBVIRT/manifest.json" only 9 11 12
check "without Microsoft's key the firmware refuses the shim" refused no-shim
check "a UKI that another key has signed is refused by the firmware of libvirt" refused key
check "and by that of peerpod" refused peerpod-key
check "a UKI with one bit flipped is refused by the firmware" refused uki
check "one bit flipped in the root stops the guest" stopped_by_itself root-flipped
