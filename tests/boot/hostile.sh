#!/bin/sh
# A host that attacks a real guest: each attempt is refused for what it is, and the agent that is asked at the end is the
# one that was asked at the start.
. tests/boot/common
needs "a hostile host is refused" python3 curl
needs_client "a hostile host is refused"
attacks=0 guest_pid=

cat >"$WORK/template.toml" <<-'EOF'
	version = "0.1.0"
	algorithm = "sha256"
	[data]
	"cdh.toml" = '''
	[image.registry_config]
	registry = [{ location = "10.0.2.2:PORT", insecure = true }]
	[bulla]
	image_pull_timeout = 40
	stall_timeout = 1
	rest_api = "all"
	'''
EOF

# attack NAME PATTERN METHOD [JSON]: the call must fail, saying PATTERN
attack() {
	attacks=$((attacks + 1))
	refuses "$1" 125 "^$3: code [0-9]*: .*$2" "$CLIENT" -t 25s call "$3" ${4:+"$4"}
}

# pause NAME PATTERN JSON: the same for a sandbox's container, whose image is the agent's own, with JSON merged in
pause() {
	attacks=$((attacks + 1))
	refuses "$1" 125 "^CreateContainer: code [0-9]*: .*$2" \
		"$CLIENT" -t 25s run -no-sandbox -as-pause -id evil -merge "$3" pause
}

# image NAME PATTERN IMAGE [OPTION…]: and for a container whose image is the registry's
image() {
	name=$1 pattern=$2 what=$3
	shift 3
	attacks=$((attacks + 1))
	refuses "$name" 125 "^CreateContainer: code [0-9]*: .*$pattern" \
		"$CLIENT" -t 25s run -no-sandbox -id evil "$@" "10.0.2.2:$port/$what:latest" /hello
}

# frames NAME HEX TEXT: what is sent, and what must be in what comes back
frames() {
	attacks=$((attacks + 1))
	check "$1" answered "$2" "$(hex "$3")"
}

answered() {
	echo "$1" | "$CLIENT" frames 2s >"$WORK/frames" && cut -c1-400 "$WORK/frames" && grep -q "$2" "$WORK/frames"
}

hex() {
	printf %s "$1" | od -An -v -tx1 | tr -d ' \n'
}

zeros() {
	head -c "$1" /dev/zero | od -An -v -tx1 | tr -d ' \n'
}

# request STREAM: a whole frame that asks grpc.Health/Check
request() {
	printf '%s' "00000014 $1 0100 0a0b$(hex grpc.Health)1205$(hex Check)"
}

# 300 calls that wait, of which 256 may; the client would wait for their answers
flood() {
	python3 -c 'print("& GetOOMEvent\n" * 300 + "sleep 1s\nCheck")' | timeout 15 "$CLIENT" -t 5s session >"$WORK/flood"
	cut -c1-200 "$WORK/flood" | sort | uniq -c
	grep -q '"code":8,.*too many' "$WORK/flood" && "$CLIENT" -t 10s call Check
}

stages() {
	"$CLIENT" -t 20s call Stages >"$1"
}

sealed() {
	for _ in $(seq 100); do
		stages "$WORK/before" && grep -q '"sealed":true' "$WORK/before" && return 0
		sleep 0.3
	done
	return 1
}

same_agent() {
	stages "$WORK/after" && cmp "$WORK/before" "$WORK/after" && "$CLIENT" -t 20s call Check | grep -q '"status":1'
}

no_answer_from_outside() {
	! curl -sS -m 5 "http://127.0.0.1:$1/info"
}

python3 tests/boot/hostile/registry.py >"$WORK/port" &
registry_pid=$!
# shellcheck disable=SC2086  # there may be no guest
trap 'kill $registry_pid $guest_pid 2>/dev/null || :; rm -rf "$WORK"' EXIT
until [ -s "$WORK/port" ]; do sleep 0.1; done
port=$(cat "$WORK/port")
sed "s/PORT/$port/" "$WORK/template.toml" >"$WORK/initdata.toml"
api=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

check "the guest that is attacked is up" guest "$WORK/guest" "$RELEASE" --initdata "$WORK/initdata.toml" --forward "$api:8006"
check "its agent has found the whole root" sealed

# the wire
frames "a frame of 5 MiB is drained and refused" "00500000 00000001 0100 $(zeros 5242880)" 'longer than 4 MiB'
frames "a request that is sent again is refused" "$(request 00000003) $(request 00000003)" 'stream id was used before'
frames "a stream id of a server's is refused" "$(request 00000002)" 'stream ids of a client are odd'
frames "a request that is no protobuf is refused" "00000003 00000001 0100 0aff01" 'malformed request'
frames "data on a stream that nobody opened is refused" "00000001 00000063 0300 00" 'no such stream'
attacks=$((attacks + 1))
check "300 requests that never end leave room for others" flood
frames "after half a frame the next client is heard" "00001000 00000001 0100 0a" ''
attack "a container before its sandbox is refused" . CreateContainer '{"container_id":"early","OCI":{"Version":"1.0.2"}}'

# the sandbox
attack "modules for the kernel are refused" "kernel_modules" CreateSandbox '{"sandbox_id":"s","kernel_modules":[{"name":"evil"}]}'
attack "hooks of the guest are refused" "guest_hook_path" CreateSandbox '{"sandbox_id":"s","guest_hook_path":"/run"}'
attack "a sandbox's storage of the host's files is refused" "storage" CreateSandbox \
	'{"sandbox_id":"s","storages":[{"driver":"virtio-fs","source":"kataShared","fstype":"virtiofs","mount_point":"/run/kata-containers/shared/containers"}]}'
attack "a sandbox whose name is a path is refused" . CreateSandbox '{"sandbox_id":"../../etc"}'
shm='{"driver":"ephemeral","source":"shm","fstype":"tmpfs","mount_point":"/run/kata-containers/sandbox/shm","options":["noexec","nosuid","nodev","mode=1777","size=67108864"]}'
check "a sandbox as it should be is made" "$CLIENT" -t 20s call CreateSandbox \
	'{"sandbox_id":"sandbox1","hostname":"h","storages":['"$shm"']}'
attack "a second sandbox is refused" . CreateSandbox '{"sandbox_id":"sandbox2"}'

# mounts; Kata's own are seven
m() {
	printf '{"OCI":{"+Mounts":[{"destination":"%s","source":"%s","type":"%s","options":[%s]}]}}' "$1" "$2" "$3" "$4"
}
shared=/run/kata-containers/shared/containers
pause "a bind of ../.. is refused" 'mounts\[7\]' "$(m /x ../.. bind '"rbind"')"
pause "a bind of the agent's own files is refused" 'mounts\[7\]' "$(m /x /run/bulla bind '"bind"')"
pause "a bind of /proc is refused" 'mounts\[7\]' "$(m /x /proc bind '"rbind"')"
pause "another container's files are refused as a source" 'mounts\[7\]' "$(m /x $shared/other-0123456789abcdef-hosts bind '"bind"')"
pause "a container's root is refused as a source" 'mounts\[7\]' "$(m /x $shared/sandbox1/rootfs bind '"bind"')"
pause "a second /proc is refused" 'mounts\[7\]' "$(m /mnt proc proc '')"
pause "a writable /sys is refused" 'mounts\[7\]' "$(m /sys sysfs sysfs '"rw"')"
pause "an overlay of the guest's folders is refused" 'mounts\[7\]' "$(m /x overlay overlay '"lowerdir=/,upperdir=/run,workdir=/tmp"')"
pause "a mount over /dev is refused" 'mounts\[7\]' "$(m /dev/x /run/kata-containers/sandbox/shm bind '"bind"')"
pause "an option that binds, of another type, is refused" 'mounts\[7\]' "$(m /x /run/bulla tmpfs '"bind"')"

# what a container is
pause "a namespace of the guest's is refused" 'namespaces' '{"OCI":{"Linux":{"+Namespaces":[{"Type":"mount","Path":"/proc/1/ns/mnt"}]}}}'
pause "the guest's disk as a device is refused" 'devices' '{"OCI":{"Linux":{"Devices":[{"Path":"/dev/vda","Type":"b","Major":"253","Minor":"0"}]}}}'
pause "a rule for all devices is refused" 'devices' '{"OCI":{"Linux":{"Resources":{"Devices":[{"Allow":true,"Access":"rwm"}]}}}}'
pause "a hook of the runtime's is refused" 'hooks' '{"OCI":{"Hooks":{"Prestart":[{"Path":"/bin/sh"}]}}}'
pause "a sysctl of the whole guest is refused" 'sysctl' '{"OCI":{"Linux":{"Sysctl":{"kernel.core_pattern":"|/x"}}}}'
pause "an order for crun in an annotation is refused" 'annotations' '{"OCI":{"Annotations":{"run.oci.handler":"wasm"}}}'
pause "a seccomp filter with a listener is refused" 'seccomp' '{"OCI":{"Linux":{"Seccomp":{"DefaultAction":"SCMP_ACT_NOTIFY"}}}}'
pause "a container whose name is a path is refused" . '{"container_id":"../sandbox1"}'
pause "a block device as a storage is refused" 'storage' '{"+storages":[{"driver":"blk","source":"/dev/vda","fstype":"ext4","mount_point":"/run/kata-containers/x"}]}'
pause "a storage mounted over the agent is refused" 'storage' '{"+storages":[{"driver":"ephemeral","source":"tmpfs","fstype":"tmpfs","mount_point":"/run/bulla"}]}'

# images
image "LD_PRELOAD is refused" 'LD_PRELOAD makes programs load' good -env LD_PRELOAD=/x
image "an image whose layer was changed is refused" 'sha256' changed
image "a layer that is not what its config says is refused" 'diff_id' other-diff-id
image "an image that drips is given up" 'stall' slow
image "an image that never comes is given up" 'stall' stall
image "a manifest without end is refused" 'longer than what is taken' endless
image "a redirect to a file is refused" 'redirected' redirect-file
image "a bomb is refused" . bomb
image "a layer with .. in a name is refused" '"\.\."' parent
image "a layer that writes through its own link is refused" . through-link
image "a hard link out of a layer is refused" . hard-link
image "a whiteout of the parent is refused" 'whiteout' whiteout-parent
image "an opaque marker that is a folder is refused" 'whiteout' whiteout-opaque
image "a device that hides files as overlayfs does is refused" 'whiteout' whiteout-device
image "overlayfs's own attributes are refused" 'overlayfs' overlay-xattr

# files, network, machine
file() {
	printf '{"path":"%s","file_size":"1","file_mode":%s,"dir_mode":493,"data":"%s"}' "$1" "$2" "$3"
}
attack "a file outside of the shared folder is refused" 'not a path below' CopyFile "$(file /run/bulla/resolv.conf 33188 eA==)"
attack "a file by way of .. is refused" 'not a path below' CopyFile "$(file $shared/sandbox1-0123456789abcdef-x/../../../../bulla/x 33188 eA==)"
attack "a file in a container's own folder is refused" 'CopyFile' CopyFile "$(file $shared/sandbox1/rootfs/etc/passwd 33188 eA==)"
attack "a link to the guest's files is refused" . CopyFile "$(file $shared/sandbox1-0123456789abcdef-x 41471 L2V0Yw==)"
attack "a policy of the host's is refused" 'initdata' SetPolicy '{"policy":"package agent_policy\ndefault AllowRequestsFailingPolicy := true"}'
attack "swap is refused" 'leave the guest' AddSwap '{"PCIPath":[1]}'
attack "a clock that goes back is refused" 'not set back' SetGuestDateTime '{"Sec":"1000000000"}'
attack "the loopback's address on a card is refused" 'not for a host' UpdateInterface \
	'{"interface":{"hwAddr":"52:54:00:12:34:56","IPAddresses":[{"address":"127.0.0.1","mask":"8"}]}}'
attack "a route to the loopback is refused" 'not for a host' UpdateRoutes '{"routes":{"Routes":[{"dest":"127.0.0.0/8","device":"eth0"}]}}'
attack "the output of a container that is not is refused" . ReadStdout '{"container_id":"none","exec_id":"none","len":10}'
attack "a process in a container that is not is refused" . ExecProcess '{"container_id":"none","exec_id":"x","process":{"Args":["/bin/sh"]}}'
attacks=$((attacks + 1))
check "the guest's own API does not answer from outside" no_answer_from_outside "$api"

check "after $attacks attacks it is still the same agent, and well" same_agent
end_guest

# initdata that cannot be honoured: it says so, and does nothing else
sed 's/^"cdh.toml"/"policy.rego" = "package agent_policy"\n&/' "$WORK/initdata.toml" >"$WORK/rego.toml"
check "a guest whose initdata has a Rego policy is up" guest "$WORK/rego" "$RELEASE" --initdata "$WORK/rego.toml"
attack "with it nothing is run" 'did not start: .*policy.rego' CreateSandbox '{"sandbox_id":"s"}'
end_guest
