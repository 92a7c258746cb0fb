package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
)

// TestExitStatus: 0 stopped, 1 failed, 2 wrong usage.
func TestExitStatus(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct {
		args string
		want int
		says string
	}{
		{"", exitUsage, "--dir and --listen are needed"},
		{"--lissen x", exitUsage, "lissen"},
		{"--dir DIR --listen 127.0.0.1:0 more", exitUsage, "more"},
		{"--dir DIR --listen " + taken.Addr().String(), exitFailed, "another program listens on this port"},
		{"--dir DIR --listen 127.0.0.1:0", exitOK, "the hub listens"},
		{"--dir DIR --listen 127.0.0.1:0 --child --json", exitOK, `"msg":"the hub listens"`},
	} {
		ctx, stop := context.WithCancel(t.Context())
		out, in := io.Pipe() // its address is printed once it listens
		go func() { _, _ = io.ReadFull(out, make([]byte, 1)); stop(); _, _ = io.Copy(io.Discard, out) }()
		var errs bytes.Buffer
		got := run(ctx, strings.Fields(strings.ReplaceAll(c.args, "DIR", t.TempDir())), strings.NewReader(""), in, &errs)
		stop()
		_ = in.Close()
		if got != c.want || !strings.Contains(errs.String(), c.says) {
			t.Errorf("%s: status %d, want %d\n%s", c.args, got, c.want, errs.String())
		}
	}
}
