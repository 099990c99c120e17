package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// A container's life as Kata's runtime asks for it: sandbox, its pause container, the container, its streams and its end.
type life struct {
	c                          *client
	sandbox, id, image         string
	args, env                  []string
	override, sandboxOverride  string
	noPause, keep, stdin, tty  bool
	destroy, timing, noSandbox bool
	asPause                    bool
}

type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func mount(destination, kind, source string, options ...string) map[string]any {
	return map[string]any{"destination": destination, "type": kind, "source": source, "options": options}
}

func caps() map[string]any {
	names := strings.Fields("CAP_CHOWN CAP_DAC_OVERRIDE CAP_FSETID CAP_FOWNER CAP_MKNOD CAP_NET_RAW CAP_SETGID CAP_SETUID " +
		"CAP_SETFCAP CAP_SETPCAP CAP_NET_BIND_SERVICE CAP_SYS_CHROOT CAP_KILL CAP_AUDIT_WRITE")
	return map[string]any{"Bounding": names, "Effective": names, "Permitted": names}
}

// The request as containerd and Kata's runtime make it with guest pull: the image is named by a storage.
func (l *life) create(id, image, kind string, args []string) map[string]any {
	root := "/run/kata-containers/" + id + "/rootfs"
	annotations := map[string]string{
		"io.kubernetes.cri.container-type":         map[string]string{"pod_sandbox": "sandbox", "pod_container": "container"}[kind],
		"io.kubernetes.cri.sandbox-id":             l.sandbox,
		"io.katacontainers.pkg.oci.container_type": kind,
		"io.katacontainers.pkg.oci.bundle_path":    "/run/containerd/io.containerd.runtime.v2.task/k8s.io/" + id,
		"io.kubernetes.cri.sandbox-name":           "test",
		"io.kubernetes.cri.sandbox-namespace":      "default",
	}
	if kind == "pod_container" {
		annotations["io.kubernetes.cri.container-name"] = id
		annotations["io.kubernetes.cri.image-name"] = image
	}
	metadata, _ := json.Marshal(map[string]any{"metadata": annotations})
	return map[string]any{
		"container_id": id,
		"exec_id":      id,
		"storages": []any{map[string]any{
			"driver": "image_guest_pull", "source": image, "fstype": "overlay", "mount_point": root,
			"driver_options": []string{"image_guest_pull=" + string(metadata)},
		}},
		"OCI": map[string]any{
			"Version": "1.1.0",
			"Process": map[string]any{
				"Terminal": l.tty && kind == "pod_container", "User": map[string]any{}, "Args": args,
				"Env": append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, l.env...),
				"Cwd": "/", "Capabilities": caps(),
			},
			"Root": map[string]any{"Path": root},
			"Mounts": []any{
				mount("/proc", "proc", "proc", "nosuid", "noexec", "nodev"),
				mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
				mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
				mount("/dev/shm", "bind", "/run/kata-containers/sandbox/shm", "rbind"),
				mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"),
				mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"),
				mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", "ro"),
			},
			"Annotations": annotations,
			"Linux": map[string]any{
				"CgroupsPath": "/kubepods/besteffort/pod1/" + id,
				"Resources":   map[string]any{"CPU": map[string]any{"Shares": 2, "Period": 100000}},
				"Namespaces": []any{map[string]any{"Type": "ipc"}, map[string]any{"Type": "uts"},
					map[string]any{"Type": "mount"}, map[string]any{"Type": "pid"}},
				"MaskedPaths":   []string{"/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi", "/sys/firmware"},
				"ReadonlyPaths": []string{"/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"},
			},
		},
	}
}

// merge puts OVER on top of BASE: members of objects one by one, anything else as a whole; null removes, and "+NAME" adds to
// the list NAME.
func merge(base, over any) any {
	b, ok := base.(map[string]any)
	o, also := over.(map[string]any)
	if !ok || !also {
		return over
	}
	for k, v := range o {
		if v == nil {
			delete(b, k)
		} else if more, ok := v.([]any); ok && strings.HasPrefix(k, "+") {
			have, _ := b[k[1:]].([]any)
			b[k[1:]] = append(have, more...)
		} else {
			b[k] = merge(b[k], v)
		}
	}
	return b
}

func merged(base map[string]any, over string) (any, error) {
	var plain, more any
	text, err := json.Marshal(base)
	if err == nil {
		err = json.Unmarshal(text, &plain)
	}
	if err != nil || over == "" {
		return plain, err
	}
	if err := json.Unmarshal([]byte(over), &more); err != nil {
		return nil, fmt.Errorf("%s: %w", over, err)
	}
	return merge(plain, more), nil
}

func (l *life) sandboxRequest() map[string]any {
	return map[string]any{
		"hostname": "test", "sandbox_id": l.sandbox,
		"storages": []any{map[string]any{
			"driver": "ephemeral", "source": "shm", "fstype": "tmpfs", "mount_point": "/run/kata-containers/sandbox/shm",
			"options": []string{"noexec", "nosuid", "nodev", "mode=1777", "size=67108864"},
		}},
	}
}

func (l *life) begin(ctx context.Context) error {
	request, err := merged(l.sandboxRequest(), l.sandboxOverride)
	if err != nil {
		return err
	}
	if _, err = l.c.ask(ctx, "CreateSandbox", request); err != nil || l.noPause {
		return err
	}
	if _, err = l.c.ask(ctx, "CreateContainer", l.create(l.sandbox, "pause", "pod_sandbox", []string{"/pause"})); err != nil {
		return fmt.Errorf("pause: %w", err)
	}
	_, err = l.c.ask(ctx, "StartContainer", map[string]any{"container_id": l.sandbox})
	return err
}

// copyOut reads a stream to its end, which the agent tells with an error.
func (l *life) copyOut(ctx context.Context, method string, to io.Writer) {
	for {
		got, err := l.c.ask(ctx, method, map[string]any{"container_id": l.id, "exec_id": l.id, "len": 32768})
		if err != nil {
			return
		}
		data, _ := base64.StdEncoding.DecodeString(fmt.Sprint(got["data"]))
		to.Write(data)
	}
}

func (l *life) copyIn(ctx context.Context) {
	chunk := make([]byte, 32768)
	process := map[string]any{"container_id": l.id, "exec_id": l.id}
	for {
		n, err := os.Stdin.Read(chunk)
		for at := 0; at < n; {
			got, wrong := l.c.ask(ctx, "WriteStdin", map[string]any{"container_id": l.id, "exec_id": l.id, "data": chunk[at:n]})
			if wrong != nil || number(got["len"]) <= 0 {
				return
			}
			at += number(got["len"])
		}
		if err != nil {
			l.c.ask(ctx, "CloseStdin", process)
			return
		}
	}
}

func (l *life) do(ctx context.Context) (int, error) {
	if _, err := l.c.ask(ctx, "Check", map[string]any{}); err != nil {
		return 0, err
	}
	if !l.noSandbox {
		if err := l.begin(ctx); err != nil {
			return 0, err
		}
	}
	kind := "pod_container"
	if l.asPause {
		kind = "pod_sandbox"
	}
	request, err := merged(l.create(l.id, l.image, kind, l.args), l.override)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if _, err := l.c.ask(ctx, "CreateContainer", request); err != nil {
		return 0, err
	}
	created := time.Now()
	if _, err := l.c.ask(ctx, "StartContainer", map[string]any{"container_id": l.id}); err != nil {
		return 0, err
	}
	if l.timing {
		fmt.Fprintf(os.Stderr, "created in %.3f s, started in %.3f s\n", created.Sub(began).Seconds(), time.Since(created).Seconds())
	}
	var streams sync.WaitGroup
	for method, to := range map[string]io.Writer{"ReadStdout": os.Stdout, "ReadStderr": os.Stderr} {
		if method == "ReadStderr" && l.tty {
			continue
		}
		streams.Add(1)
		go func(method string, to io.Writer) {
			defer streams.Done()
			l.copyOut(ctx, method, to)
		}(method, to)
	}
	if l.stdin {
		go l.copyIn(ctx)
	}
	got, err := l.c.ask(ctx, "WaitProcess", map[string]any{"container_id": l.id, "exec_id": l.id})
	if err != nil {
		return 0, err
	}
	streams.Wait()
	if l.keep {
		return number(got["status"]), nil
	}
	_, err = l.c.ask(ctx, "RemoveContainer", map[string]any{"container_id": l.id, "timeout": 10})
	return number(got["status"]), err
}

func run(c *client, argv []string) (int, error) {
	l := life{c: c}
	var env list
	f := flag.NewFlagSet("run", flag.ExitOnError)
	f.StringVar(&l.sandbox, "sandbox", "sandbox1", "id of the sandbox")
	f.StringVar(&l.id, "id", "container1", "id of the container")
	f.StringVar(&l.override, "merge", "", "JSON to merge into the CreateContainer request; null removes, \"+NAME\" adds to a list")
	f.StringVar(&l.sandboxOverride, "merge-sandbox", "", "the same for CreateSandbox")
	f.BoolVar(&l.noSandbox, "no-sandbox", false, "the sandbox is there already")
	f.BoolVar(&l.noPause, "no-pause", false, "no pause container")
	f.BoolVar(&l.asPause, "as-pause", false, "ask for the sandbox's own container, whose image is the agent's")
	f.BoolVar(&l.keep, "keep", false, "do not remove the container")
	f.BoolVar(&l.stdin, "i", false, "feed it our stdin")
	f.BoolVar(&l.tty, "tty", false, "give it a terminal")
	f.BoolVar(&l.destroy, "destroy", false, "destroy the sandbox at the end, which powers the guest off")
	f.BoolVar(&l.timing, "timing", false, "tell on stderr how long creating and starting took")
	f.Var(&env, "env", "NAME=VALUE for the spec's env; again for more")
	f.Parse(argv)
	if f.NArg() < 1 {
		return 0, errors.New("run: expected IMAGE [ARG…]")
	}
	l.env, l.image, l.args = env, f.Arg(0), f.Args()[1:]
	status, err := l.do(context.Background())
	if l.destroy {
		if _, ended := c.ask(context.Background(), "DestroySandbox", map[string]any{}); err == nil {
			err = ended
		}
	}
	return status, err
}
