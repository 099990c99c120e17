// Drives an agent that speaks Kata's protocol, with containerd's ttrpc and Google's protobuf: nothing of bulla is in it.
// Built without a network: GO111MODULE=off GOPATH=/usr/share/gocode go build ./tests/peers/ttrpc
package main

import (
	"bufio"
	"context"
	"encoding/hex"
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

const usage = `usage: ttrpc [-a ADDRESS] [-t DURATION] COMMAND
  call METHOD [JSON]          one call; prints the answer as JSON
  session                     calls on one connection: lines "METHOD [JSON]" from stdin, a line of JSON for each;
                              "& METHOD …" does not wait for its answer, "sleep DURATION" waits
  run [OPTION…] IMAGE [ARG…]  a container's whole life: its output, its exit status; see run -h
  frames DURATION             sends stdin, lines of hex, as it is; prints in hex what comes back in DURATION
  methods                     lists them
ADDRESS is unix:PATH or vsock:CID:PORT (default $AGENT). Field names are those of the protocol; bytes are base64.
Exit status: 0; of the container with run; 124 when the call timed out; 125 when it failed ("METHOD: code N: MESSAGE").
`

func fatal(err error) {
	fmt.Fprintln(os.Stderr, err)
	if errors.Is(err, context.DeadlineExceeded) {
		os.Exit(124)
	}
	os.Exit(125)
}

func session(c *client, in io.Reader, out io.Writer) error {
	var one sync.Mutex
	var open sync.WaitGroup
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	do := func(line string) {
		name, request, _ := strings.Cut(line, " ")
		answer := map[string]any{"method": name}
		text, err := c.call(context.Background(), name, strings.TrimSpace(request))
		var f *failure
		if errors.As(err, &f) {
			answer["code"], answer["message"] = f.code, f.message
		} else if err != nil {
			answer["code"], answer["message"] = -1, err.Error()
		} else {
			answer["code"], answer["answer"] = 0, json.RawMessage(text)
		}
		printed, _ := json.Marshal(answer)
		one.Lock()
		defer one.Unlock()
		fmt.Fprintln(out, string(printed))
	}
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if strings.HasPrefix(line, "sleep ") {
			pause, err := time.ParseDuration(line[6:])
			if err != nil {
				return err
			}
			time.Sleep(pause)
		} else if strings.HasPrefix(line, "& ") {
			open.Add(1)
			go func() { defer open.Done(); do(line[2:]) }()
		} else {
			do(line)
		}
	}
	open.Wait()
	return lines.Err()
}

// frames shows what an agent says to bytes that no client would send.
func frames(address string, wait time.Duration, in io.Reader, out io.Writer) error {
	conn, err := dial(address)
	if err != nil {
		return err
	}
	defer conn.Close()
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	data, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		return err
	}
	sent := make(chan error, 1)
	conn.SetDeadline(time.Now().Add(wait))
	go func() {
		_, err := conn.Write(data)
		sent <- err
	}()
	got, err := io.ReadAll(conn)
	fmt.Fprintln(out, hex.EncodeToString(got))
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return <-sent
}

func main() {
	flag.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	address := flag.String("a", os.Getenv("AGENT"), "")
	timeout := flag.Duration("t", 0, "")
	flag.Parse()
	args := flag.Args()
	if len(args) == 0 {
		flag.Usage()
		os.Exit(2)
	}
	switch args[0] {
	case "methods":
		fmt.Print(strings.TrimSpace(methods) + "\n")
		return
	case "frames":
		if len(args) != 2 {
			flag.Usage()
			os.Exit(2)
		}
		wait, err := time.ParseDuration(args[1])
		if err == nil {
			err = frames(*address, wait, os.Stdin, os.Stdout)
		}
		if err != nil {
			fatal(err)
		}
		return
	}
	c, err := connect(*address, *timeout)
	if err != nil {
		fatal(err)
	}
	status := 0
	switch {
	case args[0] == "call" && (len(args) == 2 || len(args) == 3):
		var answer string
		answer, err = c.call(context.Background(), args[1], strings.Join(args[2:], ""))
		if err == nil {
			fmt.Println(answer)
		}
	case args[0] == "session" && len(args) == 1:
		err = session(c, os.Stdin, os.Stdout)
	case args[0] == "run":
		status, err = run(c, args[1:])
	default:
		flag.Usage()
		os.Exit(2)
	}
	if err != nil {
		fatal(err)
	}
	os.Exit(status)
}
