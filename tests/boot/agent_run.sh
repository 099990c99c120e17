#!/bin/sh
# Containers in a guest: the kernel's cgroups and filters of devices, which this machine may not have. An independent
# client asks (Go, containerd's ttrpc); the guest's own cgroup files answer.
. tests/boot/common
needs "containers in a guest" jq
needs_client "containers in a guest"
check "a debug guest is up" guest "$WORK/guest" "$DEBUG" --console "$WORK/console"
trap 'kill $guest_pid 2>/dev/null || :; rm -rf "$WORK"' EXIT

cat >"$WORK/calls" <<'EOF'
CreateSandbox {"hostname": "web", "sandbox_id": "pod", "sandbox_pidns": true}
CreateContainer {"container_id": "p", "exec_id": "p", "OCI": {"Annotations": {"io.kubernetes.cri.container-type": "sandbox"}, "Process": {"Args": ["/pause"]}, "Linux": {"Resources": {"Memory": {"Limit": 16777216}, "Pids": {"Limit": 50}, "Devices": [{"Access": "rwm"}]}}}}
StartContainer {"container_id": "p"}
StatsContainer {"container_id": "p"}
UpdateContainer {"container_id": "p", "resources": {"Memory": {"Limit": 33554432}, "Pids": {"Limit": 60}}}
StatsContainer {"container_id": "p"}
& GetOOMEvent {}
& WaitProcess {"container_id": "p", "exec_id": "p"}
UpdateContainer {"container_id": "p", "resources": {"Memory": {"Limit": 4096}}}
sleep 1s
RemoveContainer {"container_id": "p"}
CreateContainer {"container_id": "q", "exec_id": "q", "OCI": {"Annotations": {"io.kubernetes.cri.container-type": "sandbox"}}}
StartContainer {"container_id": "q"}
SignalProcess {"container_id": "q", "exec_id": "q", "signal": 15}
WaitProcess {"container_id": "q", "exec_id": "q"}
DestroySandbox {}
EOF

session() {
	timeout 80 "$CLIENT" session <"$WORK/calls" >"$WORK/answers"
	cat "$WORK/answers"
	jq -se 'length == 15 and all(.code == 0)' "$WORK/answers"
}

# stats N PATH VALUE: of the Nth answer to StatsContainer
stats() {
	jq -se "[.[] | select(.method == \"StatsContainer\").answer.cgroup_stats][$1].$2 == \"$3\"" "$WORK/answers"
}

limits() {
	stats 0 memory_stats.usage.limit 16777216 && stats 0 pids_stats.limit 50 && stats 0 pids_stats.current 1 &&
		stats 1 memory_stats.usage.limit 33554432 && stats 1 pids_stats.limit 60
}

oom() {
	jq -se '[.[] | select(.method == "GetOOMEvent").answer.container_id] == ["p"] and
		([.[] | select(.method == "WaitProcess") | .answer.status // 0] == [137, 0])' "$WORK/answers"
}

powered_off() {
	wait "$guest_pid" || { cat "$WORK/guest/err"; return 1; }
	! grep 'Kernel panic\|the agent ended' "$WORK/console"
}

check "a pause container lives in a guest, with a filter of devices" session
check "its limits are the kernel's, and change with the host's" limits
check "the host hears who was killed for want of memory" oom
check "DestroySandbox powers the guest off" powered_off
