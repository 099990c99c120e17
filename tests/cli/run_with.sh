#!/bin/sh
# What `bulla run` gives a guest besides its bundle, against tests/cli/fake_qemu.py in place of QEMU.
. tests/tap.sh
VECTORS=$(realpath "${VECTORS:-../shared/vectors}" 2>/dev/null || :)
for tool in python3 jq; do
	command -v "$tool" >/dev/null || { skip "bulla run gives a guest what it is told" "$tool is missing"; exit 0; }
done

mkdir -p "$WORK/bin" "$WORK/run"
cp tests/cli/fake_qemu.py "$WORK/bin/qemu-system-x86_64"
chmod +x "$WORK/bin/qemu-system-x86_64"
export PATH="$WORK/bin:$PATH" FAKE_OUT="$WORK" XDG_RUNTIME_DIR="$WORK/run" FAKE=plain
for f in vmlinuz initrd rootfs; do
	echo "$f" >"$WORK/$f"
done
printf '%064d\n' 7 >"$WORK/roothash"
"$BULLA" bundle sample --kernel "$WORK/vmlinuz" --initrd "$WORK/initrd" --rootfs "$WORK/rootfs" \
	--roothash "$WORK/roothash" --out "$WORK/sample" >/dev/null
# the same with the objects of TEEs
machine() { # NAME CONF
	cp -r "$WORK/sample" "$WORK/$1"
	jq --arg o "$(sed -n 's/^Qemu=-object //p' "recipes/platforms/$2.conf")" '.qemu += ["-object", $o]' "$WORK/sample/manifest.json" >"$WORK/$1/manifest.json"
}
machine snp snp
machine tdx tdx
machine sev sev-es
printf 'version = "0.1.0"\nalgorithm = "sha256"\n[data]\n"x.toml" = "a = 1"\n' >"$WORK/initdata.toml"

run() { # BUNDLE OPTION…
	b=$1
	shift
	"$BULLA" run --bundle "$WORK/$b" --accel tcg --until ready "$@"
}
unpacked() { # the disk is kata's
	python3 - "$WORK/initdata" "$1" <<-'EOF'
	import gzip, sys
	d = open(sys.argv[1], "rb").read()
	n = int.from_bytes(d[8:16], "little")
	assert d[:8] == b"initdata" and len(d) % 512 == 0 and not any(d[16 + n:])
	assert gzip.decompress(d[16:16 + n]) == open(sys.argv[2], "rb").read()
	EOF
}
bare() {
	run sample --initdata "$WORK/initdata.toml" && unpacked "$WORK/initdata.toml" &&
		grep -q 'virtio-blk-pci,drive=initdata' "$WORK/argv" && grep -q 'id=initdata,readonly=on' "$WORK/argv"
}
vector() { # SIZE FORM-SUFFIX
	v=$VECTORS/agent/initdata/initdata-sha$1
	field() { jq -r --arg f "initdata-sha$1.toml" --arg k "$2" '.[] | select(.file == $f) | .[$k]' "$VECTORS/agent/initdata/expected.json"; }
	run snp --initdata "$v.$2" && unpacked "$v.toml" &&
		grep -qxF "$(sed -n 's/^Qemu=-object //p' recipes/platforms/snp.conf),host-data=$(field "$1" snp_host-data_b64)" "$WORK/argv" &&
		run tdx --initdata "$v.$2" && grep -F '"qom-type":"tdx-guest"' "$WORK/argv" |
		jq -e --arg c "$(field "$1" tdx_mrconfigid_b64)" '.mrconfigid == $c and .id == "tdx0" and ."quote-generation-socket".port == "4050"'
}
sized() {
	run sample --scratch 64M && [ "$(stat -c %s "$WORK/scratch")" = 67108864 ] &&
		grep -q 'virtio-blk-pci,drive=scratch,serial=bulla-scratch' "$WORK/argv"
}
in_a_file() {
	: >"$WORK/disk" && run sample --scratch "$WORK/disk" && grep -q "^file=$WORK/disk,format=raw,if=none,id=scratch" "$WORK/argv"
}
forwarded() { # HOW WORDS
	run sample --forward "$1" && grep -qxF "user,id=net0,hostfwd=tcp:$2" "$WORK/argv"
}
left_to_others() { # another asks, then ctrl-C
	rm -f "$WORK/out"
	FAKE=shared setsid env --default-signal=INT "$BULLA" run --bundle "$WORK/sample" --accel tcg --agent "$WORK/agent.sock" >"$WORK/out" &
	pid=$!
	for _ in $(seq 100); do
		grep -qs '^ready' "$WORK/out" && break
		sleep 0.1
	done
	python3 - "$WORK/agent.sock" <<-'EOF' && kill -s INT -- "-$pid" && wait "$pid" && [ ! -e "$WORK/agent.sock" ]
	import socket, sys
	s = socket.socket(socket.AF_UNIX)
	s.settimeout(10)
	s.connect(sys.argv[1])
	body = b"\x0a\x0bgrpc.Health\x12\x05Check"
	s.sendall(len(body).to_bytes(4, "big") + b"\0\0\0\1\1\0" + body)
	assert s.recv(10)
	EOF
}

ended_by_others() { # who ask the guest to power off
	rm -f "$WORK/out"
	FAKE=shared "$BULLA" run --bundle "$WORK/sample" --accel tcg --agent "$WORK/agent.sock" >"$WORK/out" &
	pid=$!
	for _ in $(seq 100); do
		grep -qs '^ready' "$WORK/out" && break
		sleep 0.1
	done
	python3 - "$WORK/agent.sock" <<-'EOF' && wait "$pid"
	import socket, sys
	s = socket.socket(socket.AF_UNIX)
	s.settimeout(10)
	s.connect(sys.argv[1])
	body = b"\x0a\x11grpc.AgentService\x12\x0eDestroySandbox"
	s.sendall(len(body).to_bytes(4, "big") + b"\0\0\0\1\1\0" + body)
	while s.recv(10):
	    pass
	EOF
}

check "initdata is on a disk as Kata makes it" bare
if [ -e "$VECTORS/agent/initdata/expected.json" ]; then
	for n in 256 384 512; do
		check "SNP's HOSTDATA and TDX's MRCONFIGID hold its digest: sha$n" vector $n toml
		check "and so for the disk that it comes on: sha$n" vector $n img
		check "and for the annotation: sha$n" vector $n annotation.txt
	done
else
	skip "SNP's HOSTDATA and TDX's MRCONFIGID hold its digest" "VECTORS/agent/initdata is missing"
fi
refuses "SEV-ES cannot bind it" 5 "SEV and SEV-ES have no field" run sev --initdata "$WORK/initdata.toml"
refuses "what is no initdata is refused" 1 "vmlinuz:1: " run sample --initdata "$WORK/vmlinuz"
check "scratch of a size is a file that has no name" sized
check "or a file that is there" in_a_file
refuses "or neither" 2 "expected a size such as 2G" run sample --scratch 12T
check "a port is forwarded from loopback" forwarded 8080:80 127.0.0.1:8080-:80
check "or from an address" forwarded 0.0.0.0:8080:80 0.0.0.0:8080-:80
for how in 8080 0:80 8080:65536 1.2.3:8080:80 8080:80x; do
	refuses "--forward=$how is refused" 2 "expected \[ADDRESS:\]PORT:GUESTPORT" run sample --forward $how
done
check "the agent's socket is left to others, until ctrl-C" left_to_others
check "a guest that others power off is no failure" ended_by_others
