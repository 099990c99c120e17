#!/bin/sh
# The agent's containers on this machine, in namespaces of their own. Witnesses: crun runs what the agent wrote; an
# independent ttrpc client (Go, containerd's library) asks; the kernel says what is left.
. tests/tap.sh
OUT=${OUT:-$PWD/out}
ROOT=/run/kata-containers/shared/containers/root
for need in crun jq unshare nsenter; do
	command -v $need >/dev/null || { skip "containers on this machine" "$need is missing"; exit 0; }
done
[ "$(id -u)" = 0 ] || { skip "containers on this machine" "this is not root"; exit 0; }
[ -x "$OUT/test/ttrpc" ] || { skip "containers on this machine" "the Go client is not built"; exit 0; }

"$OUT/test/agent_run" "$WORK/s" "$OUT/agent/bulla-init" 2>"$WORK/log" &
agent=$!
trap 'kill -9 $agent 2>/dev/null; sleep 0.1; cat /sys/fs/cgroup/unified/bulla-test-$agent/pod/*/cgroup.procs 2>/dev/null | xargs -r kill -9; rm -rf "$WORK"' EXIT
for _ in $(seq 100); do
	[ -S "$WORK/s" ] && grep -q . /proc/$agent/cgroup && break
	sleep 0.05
done

# asks what stdin says, one call a line; the answers go to stdout
ask() {
	timeout 60 "$OUT/test/ttrpc" -a "unix:$WORK/s" session
}

# ok: whether all answers on stdin are without an error
ok() {
	jq -se 'length > 0 and all(.code == 0)'
}

# spec COMMAND [JSON]: the members of CreateContainer that run the shell command, with JSON in them
spec() {
	jq -nc --arg command "$1" --arg root $ROOT --argjson more "${2:-{\}}" '{OCI: {Version: "1.0.2", Root: {Path: $root},
		Process: {Args: ["/bin/sh", "-c", $command], Env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], Cwd: "/"}}} * $more'
}

# create ID COMMAND [JSON]: the two calls that run it
create() {
	printf 'CreateContainer %s\n' "$(spec "$2" "${3:-{\}}" | jq -c --arg id "$1" '. + {container_id: $id, exec_id: $id}')"
	echo "StartContainer {\"container_id\": \"$1\"}"
}

# exec ID EXEC COMMAND [JSON]
exec_in() {
	jq -nc --arg id "$1" --arg exec "$2" --arg command "$3" --argjson more "${4:-{\}}" '{container_id: $id, exec_id: $exec,
		process: ({Args: ["/bin/sh", "-c", $command], Env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], Cwd: "/"} * $more)}' |
		sed 's/^/ExecProcess /'
}

# on METHOD ID EXEC [MEMBERS]
on() {
	echo "$1 {\"container_id\": \"$2\", \"exec_id\": \"$3\"${4:+, $4}}"
}

# output: what the ReadStdout and ReadStderr among the answers on stdin read
output() {
	jq -r 'select(.method | startswith("Read")) | .answer.data // empty' | base64 -di
}

# refused METHOD CODE PATTERN: whether stdin's last answer is that error
refused() {
	tail -n 1 | jq -e --arg m "$1" --argjson c "$2" --arg p "$3" '.method == $m and .code == $c and (.message | test($p))' ||
		{ tail -n 3 "$WORK/log"; return 1; }
}

one_sandbox() {
	create early true | ask | head -n 1 | refused CreateContainer 9 'no sandbox' &&
		echo 'CreateSandbox {"sandbox_id": "../x"}' | ask | refused CreateSandbox 3 'not an id' &&
		echo 'CreateSandbox {"sandbox_id": "pod", "kernel_modules": [{"name": "x"}]}' | ask | refused CreateSandbox 7 modules &&
		echo 'CreateSandbox {"sandbox_id": "pod", "hostname": "web", "dns": ["nameserver 192.0.2.1"], "sandbox_pidns": true,
			"storages": [{"driver": "ephemeral", "source": "shm", "fstype": "tmpfs", "options": ["nosuid", "nodev",
			"noexec", "mode=1777", "size=1048576"], "mount_point": "/run/kata-containers/sandbox/shm"}]}' | tr -d '\n\t' | ask | ok &&
		echo 'CreateSandbox {"sandbox_id": "pod2"}' | ask | refused CreateSandbox 6 'there is a sandbox'
}

pause() {
	create pause true '{"OCI": {"Annotations": {"io.kubernetes.cri.container-type": "sandbox"}}}' | ask | ok
}

lives() {
	{
		create a 'echo out; echo err >&2; exit 3'
		on WaitProcess a a
		on ReadStdout a a '"len": 100'
		on ReadStderr a '' '"len": 100'
		on ReadStdout a a '"len": 100'
	} | ask >"$WORK/lives" && [ "$(output <"$WORK/lives")" = "out
err" ] && jq -se '.[2].answer.status == 3' "$WORK/lives" && refused ReadStdout 11 'end of stream' <"$WORK/lives"
}

pod() {
	{
		create b 'hostname; cat /etc/hosts /etc/resolv.conf; cat /proc/1/cmdline | tr -d "\0"; cat /proc/self/cgroup; df -k /dev/shm | tail -n 1' \
			'{"OCI": {"Mounts": [{"destination": "/dev/shm", "type": "bind", "source": "/run/kata-containers/sandbox/shm",
			"options": ["rbind", "rw"]}]}}'
		on WaitProcess b b
		on ReadStdout b b '"len": 10000'
	} | ask | output >"$WORK/pod" && cat "$WORK/pod" && [ "$(head -n 1 "$WORK/pod")" = web ] &&
		grep -q '^127.0.1.1.web$' "$WORK/pod" && grep -q '^nameserver 192.0.2.1$' "$WORK/pod" &&
		grep -q '^/pause' "$WORK/pod" && grep -q '^0::/$' "$WORK/pod" && grep -q '^shm  *1024 ' "$WORK/pod"
}

# 150 calls wait on one connection for what happens on another
many_wait() {
	create c 'read x; echo $x; exit 9' | ask | ok
	for i in $(seq 150); do
		on '& WaitProcess' c c
	done >"$WORK/waits"
	{ cat "$WORK/waits"; on ReadStdout c c '"len": 10'; } | ask >"$WORK/answers" &
	waits=$!
	sleep 0.5
	on WriteStdin c c "\"data\": \"$(echo go | base64)\"" | ask | ok && wait $waits &&
		jq -se 'length == 151 and ([.[] | select(.answer.status == 9)] | length) == 150' "$WORK/answers" &&
		[ "$(output <"$WORK/answers")" = go ]
}

# a mebibyte through a process that only then reads, in and out on two connections
streams() {
	head -c 1000000 /dev/urandom >"$WORK/data"
	create d 'sleep 0.3; cat' | ask | ok
	for i in $(seq 0 9); do
		# longer than an argument may be
		echo "WriteStdin {\"container_id\": \"d\", \"data\": \"$(tail -c +$((i * 100000 + 1)) "$WORK/data" | head -c 100000 | base64 -w 0)\"}"
	done >"$WORK/writes"
	on CloseStdin d d >>"$WORK/writes"
	ask <"$WORK/writes" >"$WORK/written" &
	writer=$!
	for i in $(seq 200); do
		on ReadStdout d d '"len": 1000000'
	done | ask | output >"$WORK/back"
	wait $writer && ok <"$WORK/written" && cmp "$WORK/data" "$WORK/back"
}

# who asked and left takes nothing of what comes later
left() {
	create l 'read x; echo $x; sleep 1000' | ask | ok
	on ReadStdout l l '"len": 10' | timeout 1 "$OUT/test/ttrpc" -a "unix:$WORK/s" session
	{
		on WriteStdin l l "\"data\": \"$(echo here | base64)\""
		on ReadStdout l l '"len": 10'
	} | ask >"$WORK/left" && [ "$(output <"$WORK/left")" = here ]
}

execs() {
	create e 'sleep 1000' | ask | ok
	for i in $(seq 20); do
		exec_in e "x$i" "exit $i"
		on WaitProcess e "x$i"
	done | ask >"$WORK/execs"
	{
		exec_in e k 'sleep 1000'
		on SignalProcess e k '"signal": 9'
		on WaitProcess e k
		exec_in e k 'exit 0'
		exec_in e e 'exit 0'
	} | ask >"$WORK/kill"
	jq -se '[.[] | select(.method == "WaitProcess").answer.status] == [range(1; 21)]' "$WORK/execs" &&
		jq -se '.[2].answer.status == 137 and .[3].code == 0' "$WORK/kill" && refused ExecProcess 6 'there is' <"$WORK/kill" &&
		on ExecProcess e m '"process": {"Args": ["/no/such"], "Cwd": "/"}' | ask | refused ExecProcess 2 '/no/such'
}

terminal() {
	{
		exec_in e t 'read x; stty size; tty; exit 4' '{"Terminal": true}'
		on TtyWinResize e t '"row": 33, "column": 99'
		on WriteStdin e t "\"data\": \"$(echo | base64)\""
		on WaitProcess e t
		on ReadStdout e t '"len": 1000'
		on ReadStdout e t '"len": 1000'
		on ReadStdout e t '"len": 1000'
	} | ask >"$WORK/tty" && output <"$WORK/tty" | tr -d '\r' >"$WORK/said" && grep -qx '33 99' "$WORK/said" && grep -qx '/dev/pts/[0-9]*' "$WORK/said" &&
		jq -se '.[3].answer.status == 4' "$WORK/tty" && refused ReadStdout 11 'end of stream' <"$WORK/tty" &&
		on TtyWinResize e e '"row": 1, "column": 1' | ask | refused TtyWinResize 9 'no terminal'
}

# process 1 of a namespace never sees a SIGTERM that it does not wait for: it is killed; others end as they like
terms() {
	{
		create f 'echo; sleep 1000'
		on ReadStdout f f '"len": 1'
		on SignalProcess f f '"signal": 15'
		on WaitProcess f f
		create g 'trap "exit 6" TERM; echo; while :; do sleep 0.05; done'
		on ReadStdout g g '"len": 1'
		on SignalProcess g g '"signal": 15'
		on WaitProcess g g
		on SignalProcess g g '"signal": 9'
		on SignalProcess pause pause '"signal": 15'
		on WaitProcess pause pause
		echo 'RemoveContainer {"container_id": "pause"}'
		create first 'echo; sleep 1000'
		on ReadStdout first first '"len": 1'
		on SignalProcess first first '"signal": 15'
		on WaitProcess first first
	} | ask >"$WORK/terms" && jq -c . "$WORK/terms" && jq -se '[.[] | select(.method == "WaitProcess") | .answer.status // 0] == [143, 6, 0, 137] and all(.code == 0)' "$WORK/terms"
}

pauses() {
	{
		create h 'while :; do echo; sleep 0.02; done'
		on ReadStdout h h '"len": 1'
		echo 'sleep 100ms'
		echo 'PauseContainer {"container_id": "h"}'
		echo 'sleep 100ms'
		on ReadStdout h h '"len": 100000'
		on '& ReadStdout' h h '"len": 1'
		echo 'sleep 300ms'
		on WriteStdin h h
		echo 'ResumeContainer {"container_id": "h"}'
		echo 'sleep 200ms'
		echo 'StatsContainer {"container_id": "h"}'
	} | ask >"$WORK/pauses" && jq -rs 'map(.method) | join(" ")' "$WORK/pauses" | tee /dev/stderr |
		grep -qx 'CreateContainer StartContainer ReadStdout PauseContainer ReadStdout WriteStdin \(ResumeContainer ReadStdout\|ReadStdout ResumeContainer\) StatsContainer' &&
		tail -n 1 "$WORK/pauses" | jq -e '.answer.cgroup_stats.cpu_stats.cpu_usage.total_usage | tonumber > 0'
}

# into the namespaces of the agent: what is left there
inside() {
	nsenter -t $agent -m -C "$@"
}

# the agent itself, whose parent starts it again
own() {
	pgrep -o -P $agent
}

removed() {
	for id in a b c d e f g h l first; do
		echo "RemoveContainer {\"container_id\": \"$id\", \"timeout\": 20}"
		echo "RemoveContainer {\"container_id\": \"$id\"}"
	done | ask | ok && on WaitProcess e e | ask | refused WaitProcess 5 'no container' &&
		[ -z "$(inside ls /run/bulla/scratch/containers /run/bulla/crun /run/bulla/console | grep -v :)" ] &&
		[ -z "$(inside find /sys/fs/cgroup/pod -mindepth 1 -type d)" ] &&
		! inside grep /run/bulla/scratch/containers /proc/self/mountinfo && ! ps -o stat= --ppid "$(own)" | grep Z
}

# a container whose making fails, or is removed while it is made, leaves nothing either
failures() {
	create i true '{"OCI": {"Process": {"Args": ["/no/such"]}}}' | ask | head -n 1 | refused CreateContainer 2 '/no/such' &&
		create i true '{"OCI": {"Root": {"Path": "/etc"}}}' | ask | head -n 1 | refused CreateContainer 7 'root.path' &&
		create i true '{"OCI": {"Root": {"Path": "'$ROOT'/../../../.."}}}' | ask | head -n 1 | refused CreateContainer 3 'Invalid' &&
		create i true '{"OCI": {"Process": {"Env": ["S=sealed.x.y.z"]}}}' | ask | head -n 1 | refused CreateContainer 5 'env S: no key broker' &&
		create .. true | ask | head -n 1 | refused CreateContainer 3 'not an id' &&
		removed
}

# the host may copy a link, and name it as a mount's source
linked_source() {
	inside ln -s /etc "$(dirname $ROOT)/i-0123456789abcdef-hosts" &&
		create i true '{"OCI": {"Mounts": [{"destination": "/etc/hosts", "type": "bind", "options": ["rbind"],
			"source": "'"$(dirname $ROOT)"'/i-0123456789abcdef-hosts"}]}}' | ask | head -n 1 | refused CreateContainer 2 'mounts'
}

# a former agent's containers are nobody's: the next one ends them
restarted() {
	create j 'sleep 1234' | ask | ok && exec_in j x 'sleep 1234' | ask | ok && first=$(own) && kill -9 "$first" || return 1
	i=0
	while [ $i -lt 100 ] && { [ "$(own)" = "$first" ] || [ -z "$(own)" ] || ! echo 'CreateSandbox {"sandbox_id": "pod"}' | ask | ok; }; do
		sleep 0.1
		i=$((i + 1))
	done
	ps -eo args | grep -c '^sleep 1234' | grep -qx 0 && create j 'exit 5' | ask | ok &&
		on WaitProcess j j | ask | jq -e '.answer.status == 5' &&
		echo 'RemoveContainer {"container_id": "j"}' | ask | ok && removed
}

check "there is one sandbox, and containers only in it" one_sandbox
check "the pause container is bulla-init, and holds the pod's processes" pause
check "a container's output, errors and status come back, then the end of its streams" lives
check "containers have the pod's name, hosts, resolvers, process 1 and shared memory" pod
check "150 calls wait at once on one connection" many_wait
check "a megabyte goes through standard input and output unharmed" streams
check "a reader that has left loses nothing for the next one" left
check "no exit status of a quick exec is lost; signals end with 137; ids are used again" execs
check "an exec on a terminal has a size, a name and an end" terminal
check "a paused container does nothing until it is resumed" pauses
check "SIGTERM ends containers as Kata's hosts expect" terms
check "removed containers leave no process, cgroup, mount or file" removed
check "what could not be made leaves nothing either, and says why" failures
check "a link that the host copied is no source of a mount" linked_source
check "an agent that is started again ends what the last one ran" restarted
