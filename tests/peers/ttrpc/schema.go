package main

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// The messages of the Kata agent's protocol (its agent.proto, oci.proto, types.proto and health.proto), one a line: field,
// number, type. s string, y bytes, b bool, u/i 32/64 integers, else a message; * repeated, % a map from string to it.
const messages = `
Empty
CheckRequest service 1 s
HealthCheckResponse status 1 u32
VersionCheckResponse grpc_version 1 s, agent_version 2 s
StringUser uid 1 s, gid 2 s, additionalGids 3 s*
Device id 1 s, type 2 s, vm_path 3 s, container_path 4 s, options 5 s*
FSGroup group_id 2 u32, group_change_policy 3 u32
Storage driver 1 s, driver_options 2 s*, source 3 s, fstype 4 s, options 5 s*, mount_point 6 s, fs_group 7 FSGroup, shared 8 b
SharedMount name 1 s, src_ctr 2 s, src_path 3 s, dst_ctr 4 s, dst_path 5 s
CreateContainerRequest container_id 1 s, exec_id 2 s, string_user 3 StringUser, devices 4 Device*, storages 5 Storage*, OCI 6 Spec, sandbox_pidns 7 b, shared_mounts 8 SharedMount*, stdin_port 9 u32, stdout_port 10 u32, stderr_port 11 u32
ContainerRequest container_id 1 s
RemoveContainerRequest container_id 1 s, timeout 2 u32
ExecProcessRequest container_id 1 s, exec_id 2 s, string_user 3 StringUser, process 4 Process, stdin_port 5 u32, stdout_port 6 u32, stderr_port 7 u32
SignalProcessRequest container_id 1 s, exec_id 2 s, signal 3 u32
ProcessRequest container_id 1 s, exec_id 2 s
WaitProcessResponse status 1 i32
ListProcessesRequest container_id 1 s, format 2 s, args 3 s*
ListProcessesResponse process_list 1 y
UpdateContainerRequest container_id 1 s, resources 2 LinuxResources
WriteStreamRequest container_id 1 s, exec_id 2 s, data 3 y
WriteStreamResponse len 1 u32
ReadStreamRequest container_id 1 s, exec_id 2 s, len 3 u32
ReadStreamResponse data 1 y
TtyWinResizeRequest container_id 1 s, exec_id 2 s, row 3 u32, column 4 u32
KernelModule name 1 s, parameters 2 s*
CreateSandboxRequest hostname 1 s, dns 2 s*, storages 3 Storage*, sandbox_pidns 4 b, sandbox_id 5 s, guest_hook_path 6 s, kernel_modules 7 KernelModule*, guest_userns 8 b
IPAddress family 1 u32, address 2 s, mask 3 s
Interface device 1 s, name 2 s, IPAddresses 3 IPAddress*, mtu 4 u64, hwAddr 5 s, devicePath 6 s, type 7 s, raw_flags 8 u32
Interfaces Interfaces 1 Interface*
Route dest 1 s, gateway 2 s, device 3 s, source 4 s, scope 5 u32, family 6 u32, flags 7 u32, mtu 8 u32
Routes Routes 1 Route*
UpdateInterfaceRequest interface 1 Interface
UpdateRoutesRequest routes 1 Routes
ARPNeighbor toIPAddress 1 IPAddress, device 2 s, lladdr 3 s, state 4 i32, flags 5 i32
ARPNeighbors ARPNeighbors 1 ARPNeighbor*
AddARPNeighborsRequest neighbors 1 ARPNeighbors
IPTablesRequest is_ipv6 1 b, data 2 y
IPTablesResponse data 1 y
OnlineCPUMemRequest wait 1 b, nb_cpus 2 u32, cpu_only 3 b
ReseedRandomDevRequest data 2 y
AgentDetails version 1 s, init_daemon 2 b, device_handlers 3 s*, storage_handlers 4 s*, supports_seccomp 5 b, extra_features 6 s*
GuestDetailsRequest mem_block_size 1 b, mem_hotplug_probe 2 b
GuestDetailsResponse mem_block_size_bytes 1 u64, agent_details 2 AgentDetails, support_mem_hotplug_probe 3 b
MemHotplugByProbeRequest memHotplugProbeAddr 1 u64*
SetGuestDateTimeRequest Sec 1 i64, Usec 2 i64
CopyFileRequest path 1 s, file_size 2 i64, file_mode 3 u32, dir_mode 4 u32, uid 5 i32, gid 6 i32, offset 7 i64, data 8 y
OOMEvent container_id 1 s
AddSwapRequest PCIPath 1 u32*
AddSwapPathRequest path 1 s
Metrics metrics 1 s
VolumeStatsRequest volume_guest_path 1 s
ResizeVolumeRequest volume_guest_path 1 s, size 2 u64
SetPolicyRequest policy 1 s
StoragesRequest storages 1 Storage*
CpuUsage total_usage 1 u64, percpu_usage 2 u64*, usage_in_kernelmode 3 u64, usage_in_usermode 4 u64
ThrottlingData periods 1 u64, throttled_periods 2 u64, throttled_time 3 u64
CpuStats cpu_usage 1 CpuUsage, throttling_data 2 ThrottlingData
PidsStats current 1 u64, limit 2 u64
MemoryData usage 1 u64, max_usage 2 u64, failcnt 3 u64, limit 4 u64
MemoryStats cache 1 u64, usage 2 MemoryData, swap_usage 3 MemoryData, kernel_usage 4 MemoryData, use_hierarchy 5 b, stats 6 u64%
BlkioStatsEntry major 1 u64, minor 2 u64, op 3 s, value 4 u64
BlkioStats io_service_bytes_recursive 1 BlkioStatsEntry*, io_serviced_recursive 2 BlkioStatsEntry*
HugetlbStats usage 1 u64, max_usage 2 u64, failcnt 3 u64
CgroupStats cpu_stats 1 CpuStats, memory_stats 2 MemoryStats, pids_stats 3 PidsStats, blkio_stats 4 BlkioStats, hugetlb_stats 5 HugetlbStats%
NetworkStats name 1 s, rx_bytes 2 u64, rx_packets 3 u64, rx_errors 4 u64, rx_dropped 5 u64, tx_bytes 6 u64, tx_packets 7 u64, tx_errors 8 u64, tx_dropped 9 u64
StatsContainerResponse cgroup_stats 1 CgroupStats, network_stats 2 NetworkStats*
Spec Version 1 s, Process 2 Process, Root 3 Root, Hostname 4 s, Mounts 5 Mount*, Hooks 6 Hooks, Annotations 7 s%, Linux 8 Linux
Process Terminal 1 b, ConsoleSize 2 Box, User 3 User, Args 4 s*, Env 5 s*, Cwd 6 s, Capabilities 7 LinuxCapabilities, Rlimits 8 POSIXRlimit*, NoNewPrivileges 9 b, ApparmorProfile 10 s, OOMScoreAdj 11 i64, SelinuxLabel 12 s
Box Height 1 u32, Width 2 u32
User UID 1 u32, GID 2 u32, AdditionalGids 3 u32*, Username 4 s
LinuxCapabilities Bounding 1 s*, Effective 2 s*, Inheritable 3 s*, Permitted 4 s*, Ambient 5 s*
POSIXRlimit Type 1 s, Hard 2 u64, Soft 3 u64
Mount destination 1 s, source 2 s, type 3 s, options 4 s*
Root Path 1 s, Readonly 2 b
Hooks Prestart 1 Hook*, Poststart 2 Hook*, Poststop 3 Hook*, CreateRuntime 4 Hook*, CreateContainer 5 Hook*, StartContainer 6 Hook*
Hook Path 1 s, Args 2 s*, Env 3 s*, Timeout 4 i64
Linux UIDMappings 1 LinuxIDMapping*, GIDMappings 2 LinuxIDMapping*, Sysctl 3 s%, Resources 4 LinuxResources, CgroupsPath 5 s, Namespaces 6 LinuxNamespace*, Devices 7 LinuxDevice*, Seccomp 8 LinuxSeccomp, RootfsPropagation 9 s, MaskedPaths 10 s*, ReadonlyPaths 11 s*, MountLabel 12 s
LinuxIDMapping HostID 1 u32, ContainerID 2 u32, Size 3 u32
LinuxNamespace Type 1 s, Path 2 s
LinuxDevice Path 1 s, Type 2 s, Major 3 i64, Minor 4 i64, FileMode 5 u32, UID 6 u32, GID 7 u32
LinuxResources Devices 1 LinuxDeviceCgroup*, Memory 2 LinuxMemory, CPU 3 LinuxCPU, Pids 4 LinuxPids, HugepageLimits 6 LinuxHugepageLimit*
LinuxMemory Limit 1 i64, Reservation 2 i64, Swap 3 i64, Kernel 4 i64, KernelTCP 5 i64, Swappiness 6 u64, DisableOOMKiller 7 b
LinuxCPU Shares 1 u64, Quota 2 i64, Period 3 u64, RealtimeRuntime 4 i64, RealtimePeriod 5 u64, Cpus 6 s, Mems 7 s
LinuxPids Limit 1 i64
LinuxDeviceCgroup Allow 1 b, Type 2 s, Major 3 i64, Minor 4 i64, Access 5 s
LinuxHugepageLimit Pagesize 1 s, Limit 2 u64
LinuxSeccomp DefaultAction 1 s, Architectures 2 s*, Flags 3 s*, Syscalls 4 LinuxSyscall*
LinuxSeccompArg Index 1 u64, Value 2 u64, ValueTwo 3 u64, Op 4 s
LinuxSyscall Names 1 s*, Action 2 s, errnoret 3 u32, Args 4 LinuxSeccompArg*
Stage name 1 s, boottime_ns 2 u64
Stages stage 1 Stage*, sealed 2 b
`

// Service, method, its request (+: the method's name and Request), its response.
const methods = `
grpc.Health Check CheckRequest HealthCheckResponse
grpc.Health Version CheckRequest VersionCheckResponse
bulla.Boot Stages Empty Stages
grpc.AgentService CreateContainer + Empty
grpc.AgentService StartContainer ContainerRequest Empty
grpc.AgentService RemoveContainer + Empty
grpc.AgentService ExecProcess + Empty
grpc.AgentService SignalProcess + Empty
grpc.AgentService WaitProcess ProcessRequest WaitProcessResponse
grpc.AgentService ListProcesses + ListProcessesResponse
grpc.AgentService UpdateContainer + Empty
grpc.AgentService UpdateEphemeralMounts StoragesRequest Empty
grpc.AgentService StatsContainer ContainerRequest StatsContainerResponse
grpc.AgentService PauseContainer ContainerRequest Empty
grpc.AgentService ResumeContainer ContainerRequest Empty
grpc.AgentService RemoveStaleVirtiofsShareMounts Empty Empty
grpc.AgentService WriteStdin WriteStreamRequest WriteStreamResponse
grpc.AgentService ReadStdout ReadStreamRequest ReadStreamResponse
grpc.AgentService ReadStderr ReadStreamRequest ReadStreamResponse
grpc.AgentService CloseStdin ProcessRequest Empty
grpc.AgentService TtyWinResize + Empty
grpc.AgentService UpdateInterface + Interface
grpc.AgentService UpdateRoutes + Routes
grpc.AgentService ListInterfaces Empty Interfaces
grpc.AgentService ListRoutes Empty Routes
grpc.AgentService AddARPNeighbors + Empty
grpc.AgentService GetIPTables IPTablesRequest IPTablesResponse
grpc.AgentService SetIPTables IPTablesRequest IPTablesResponse
grpc.AgentService GetMetrics Empty Metrics
grpc.AgentService CreateSandbox + Empty
grpc.AgentService DestroySandbox Empty Empty
grpc.AgentService OnlineCPUMem + Empty
grpc.AgentService ReseedRandomDev + Empty
grpc.AgentService GetGuestDetails GuestDetailsRequest GuestDetailsResponse
grpc.AgentService MemHotplugByProbe + Empty
grpc.AgentService SetGuestDateTime + Empty
grpc.AgentService CopyFile + Empty
grpc.AgentService GetOOMEvent Empty OOMEvent
grpc.AgentService AddSwap + Empty
grpc.AgentService AddSwapPath + Empty
grpc.AgentService GetVolumeStats VolumeStatsRequest Empty
grpc.AgentService ResizeVolume + Empty
grpc.AgentService SetPolicy + Empty
`

type method struct {
	service, name string
	in, out       protoreflect.MessageDescriptor
}

var kinds = map[string]descriptorpb.FieldDescriptorProto_Type{
	"s":   descriptorpb.FieldDescriptorProto_TYPE_STRING,
	"y":   descriptorpb.FieldDescriptorProto_TYPE_BYTES,
	"b":   descriptorpb.FieldDescriptorProto_TYPE_BOOL,
	"u32": descriptorpb.FieldDescriptorProto_TYPE_UINT32,
	"u64": descriptorpb.FieldDescriptorProto_TYPE_UINT64,
	"i32": descriptorpb.FieldDescriptorProto_TYPE_INT32,
	"i64": descriptorpb.FieldDescriptorProto_TYPE_INT64,
}

func field(name string, number int, kind string, repeated bool) *descriptorpb.FieldDescriptorProto {
	f := &descriptorpb.FieldDescriptorProto{
		Name:     proto.String(name),
		JsonName: proto.String(name),
		Number:   proto.Int32(int32(number)),
		Label:    descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
	}
	if repeated {
		f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	}
	if k, ok := kinds[kind]; ok {
		f.Type = k.Enum()
	} else {
		f.Type = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()
		f.TypeName = proto.String(".kata." + kind)
	}
	return f
}

// A map is a repeated message of key and value, whose name the compiler would make from the field's.
func mapField(m *descriptorpb.DescriptorProto, name string, number int, kind string) *descriptorpb.FieldDescriptorProto {
	camel := ""
	for _, part := range strings.Split(name, "_") {
		camel += strings.ToUpper(part[:1]) + part[1:]
	}
	entry := camel + "Entry"
	m.NestedType = append(m.NestedType, &descriptorpb.DescriptorProto{
		Name:    proto.String(entry),
		Field:   []*descriptorpb.FieldDescriptorProto{field("key", 1, "s", false), field("value", 2, kind, false)},
		Options: &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)},
	})
	return field(name, number, m.GetName()+"."+entry, true)
}

func message(line string) *descriptorpb.DescriptorProto {
	name, rest, _ := strings.Cut(line, " ")
	m := &descriptorpb.DescriptorProto{Name: proto.String(name)}
	for _, one := range strings.Split(rest, ",") {
		words := strings.Fields(one)
		if len(words) == 0 {
			continue
		}
		number, err := strconv.Atoi(words[1])
		if err != nil || len(words) != 3 {
			panic("schema: " + line)
		}
		kind := strings.TrimRight(words[2], "*%")
		if strings.HasSuffix(words[2], "%") {
			m.Field = append(m.Field, mapField(m, words[0], number, kind))
		} else {
			m.Field = append(m.Field, field(words[0], number, kind, kind != words[2]))
		}
	}
	return m
}

func schema() map[string]method {
	file := &descriptorpb.FileDescriptorProto{
		Name: proto.String("kata.proto"), Package: proto.String("kata"), Syntax: proto.String("proto3"),
	}
	for _, line := range strings.Split(strings.TrimSpace(messages), "\n") {
		file.MessageType = append(file.MessageType, message(line))
	}
	fd, err := protodesc.NewFile(file, nil)
	if err != nil {
		panic(fmt.Sprintf("schema: %v", err))
	}
	all := map[string]method{}
	for _, line := range strings.Split(strings.TrimSpace(methods), "\n") {
		w := strings.Fields(line)
		if w[2] == "+" {
			w[2] = w[1] + "Request"
		}
		m := method{w[0], w[1], fd.Messages().ByName(protoreflect.Name(w[2])), fd.Messages().ByName(protoreflect.Name(w[3]))}
		if m.in == nil || m.out == nil {
			panic("schema: " + line)
		}
		all[m.name] = m
	}
	return all
}
