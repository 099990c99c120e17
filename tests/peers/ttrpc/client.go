package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/ttrpc"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
)

// What ttrpc's codec takes for a message: it asks for these methods and nothing else.
type wire struct{ m *dynamicpb.Message }

func (w *wire) Reset()                   {}
func (w *wire) String() string           { return "" }
func (w *wire) ProtoMessage()            {}
func (w *wire) Marshal() ([]byte, error) { return proto.Marshal(w.m) }
func (w *wire) Unmarshal(b []byte) error { return proto.Unmarshal(b, w.m) }

// A connected AF_VSOCK socket; net.FileConn knows no such address, but the file itself reads and writes.
type vsock struct{ *os.File }

func (v vsock) LocalAddr() net.Addr  { return &net.UnixAddr{} }
func (v vsock) RemoteAddr() net.Addr { return &net.UnixAddr{} }

func dial(address string) (net.Conn, error) {
	kind, rest, _ := strings.Cut(address, ":")
	switch kind {
	case "unix":
		return net.Dial("unix", rest)
	case "vsock":
		var cid, port uint32
		if _, err := fmt.Sscanf(rest, "%d:%d", &cid, &port); err != nil {
			return nil, err
		}
		fd, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		if err := unix.Connect(fd, &unix.SockaddrVM{CID: cid, Port: port}); err != nil {
			unix.Close(fd)
			return nil, err
		}
		unix.SetNonblock(fd, true)
		return vsock{os.NewFile(uintptr(fd), address)}, nil
	}
	return nil, fmt.Errorf("%s: expected unix:PATH or vsock:CID:PORT", address)
}

type client struct {
	rpc     *ttrpc.Client
	methods map[string]method
	timeout time.Duration // of a call; 0: none
}

func connect(address string, timeout time.Duration) (*client, error) {
	conn, err := dial(address)
	if err != nil {
		return nil, err
	}
	return &client{ttrpc.NewClient(conn), schema(), timeout}, nil
}

// An error that a method ended with.
type failure struct {
	method  string
	code    int
	message string
}

func (f *failure) Error() string {
	return fmt.Sprintf("%s: code %d: %s", f.method, f.code, f.message)
}

// call sends REQUEST, the message as JSON with the protocol's own field names, and returns the answer likewise.
func (c *client) call(ctx context.Context, name, request string) (string, error) {
	m, ok := c.methods[name]
	if !ok {
		return "", fmt.Errorf("%s: no such method in schema.go", name)
	}
	in, out := dynamicpb.NewMessage(m.in), dynamicpb.NewMessage(m.out)
	if request != "" {
		if err := protojson.Unmarshal([]byte(request), in); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
	}
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	if err := c.rpc.Call(ctx, m.service, m.name, &wire{in}, &wire{out}); err != nil {
		if s, ok := status.FromError(err); ok {
			return "", &failure{name, int(s.Code()), s.Message()}
		}
		return "", fmt.Errorf("%s: %w", name, err)
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(out)
	return string(text), err
}

// ask is call with a request made of maps and the answer taken apart.
func (c *client) ask(ctx context.Context, name string, request any) (map[string]any, error) {
	text, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	answer, err := c.call(ctx, name, string(text))
	if err != nil {
		return nil, err
	}
	ret := map[string]any{}
	return ret, json.Unmarshal([]byte(answer), &ret)
}

func number(v any) int {
	switch n := v.(type) {
	case float64:
		return int(n)
	case string: // 64 bits
		i, _ := strconv.Atoi(n)
		return i
	}
	return 0
}
