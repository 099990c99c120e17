#!/bin/sh
# Scratch space on a disk of the host's: it never shows there what was written, and what the host changes is an I/O error.
. tests/boot/common
name="scratch space is encrypted and authenticated"
needs "$name" python3 mke2fs ldd
KERNEL=$OUT/kernel/x86_64/vmlinuz
[ -e "$KERNEL" ] || { skip "$name" "$KERNEL is missing"; exit 0; }
disk=$WORK/disk console=$WORK/console

initrd() {
	mke2fs=$(command -v mke2fs)
	cc -std=gnu17 -D_GNU_SOURCE -static -Os -ffunction-sections -Wl,--gc-sections -Wall -Wextra -Iagent -Itools -o "$WORK/init" \
		tests/boot/scratch/init.c agent/image/scratch.c agent/image/dm.c tools/lib/buf.c tools/lib/err.c tools/lib/io.c \
		tools/lib/mem.c tools/lib/proc.c 2>"$WORK/cc.log" || { cat "$WORK/cc.log"; return 1; }
	set -- init="$WORK/init" usr/bin/mke2fs="$mke2fs"
	for lib in $(ldd "$mke2fs" | grep -o '/[^ ]*'); do set -- "$@" "${lib#/}=$lib"; done
	tests/boot/scratch/mkinitrd "$WORK/initrd" "$@"
}

# said WORD: waits for that line of the guest's
said() {
	for _ in $(seq 600); do
		! grep -q "^$1" "$console" || return 0
		! grep -q '^end' "$console" || break
		kill -0 "$guest" 2>/dev/null || break
		sleep 0.1
	done
	cat "$console" "$WORK/qemu.log"
	return 1
}

start() {
	truncate -s 160M "$disk" && : >"$console" && : >"$WORK/qemu.log"
	timeout 120 qemu-system-x86_64 -accel tcg -cpu max -m 512 -nodefaults -display none -no-reboot -kernel "$KERNEL" \
		-initrd "$WORK/initrd" -append "console=ttyS0 quiet panic=-1 PATH=/usr/bin" -serial file:"$console" \
		-drive if=none,id=d,format=raw,file="$disk" -device virtio-blk-pci,drive=d,serial=bulla-scratch >"$WORK/qemu.log" 2>&1 &
	guest=$!
}

on_disk() { # more blocks than the file's 16 MiB, none with what was written, nor any two alike
	python3 - "$disk" <<-'END'
	import sys
	data = open(sys.argv[1], "rb").read()
	blocks = [b for b in (data[i : i + 4096] for i in range(0, len(data), 4096)) if any(b)]
	print(len(blocks), "blocks written")
	assert len(blocks) > 4096
	assert b"plaintext" not in data and b"canary" not in data and b"\x53\xef\x01\x00" not in data
	assert b"aaaaaaaa" not in data
	assert len(set(blocks)) > len(blocks) * 0.99
	END
}

flip() { # one bit in each block of the last three quarters
	python3 - "$disk" <<-'END'
	import sys
	with open(sys.argv[1], "r+b") as f:
	    data = f.read()
	    for at in range(len(data) // 4, len(data), 4096):
	        if any(data[at : at + 4096]):
	            f.seek(at + 1234)
	            f.write(bytes([data[at + 1234] ^ 4]))
	END
}

check "the guest is built" initrd || exit 0
start
trap 'kill "$guest" 2>/dev/null || :' EXIT
check "a file system comes up on it, of which no block is read that was not written" said files
check "what was written is read back from the disk" said written
grep '^made\|^write\|^read' "$console" | sed 's/^/# emulated: /'
check "the kernel met no wrong tag on the way" sh -c '! grep INTEGRITY "$1"' - "$console"
check "the disk shows nothing of it" on_disk
check "the host changes the disk" flip
check "what it changed is an I/O error, not another content" said refused
check "which is what the container sees" grep -q '^big: Input/output error' "$console"
