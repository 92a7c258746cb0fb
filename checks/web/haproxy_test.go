package web

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// haproxyConfig distributes requests to 127.0.0.1 and ::1, as panels configure
// it for "localhost"; nothing listens on ::1.
const haproxyConfig = `
defaults
    mode http
    timeout client 10s
    timeout connect 1s
    timeout server 3s
frontend http_in
    bind fd@3
    default_backend acme
backend acme
    retries 1
    %[2]s
    server good 127.0.0.2:%[1]s
    server dead ::1:%[1]s
`

// TestHAProxy uses the real balancer, which sends every other request to a dead
// backend, and the option that fixes this.
func TestHAProxy(t *testing.T) {
	for _, tt := range []struct{ name, option, want string }{
		{"round robin", "", "web.flapping"},
		{"redispatch", "option redispatch 1", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			s.listen(six, "0").Close()
			backend := freePort(t)
			s.serve(another, backend, s.files)
			s.haproxy(fmt.Sprintf(haproxyConfig, backend, tt.option))
			found := s.look(nameAt(four), Ask{Attempts: 6})
			if got := summary(found); got != tt.want {
				t.Fatalf("found %q, want %q\n%s", got, tt.want, details(found))
			}
			if len(found) == 0 {
				return
			}
			a := found[0].Args
			if a["pattern"] != "alternating" || a["failed"] != 3 || a["status"] != 503 || a["latency"].(int) < 900 {
				t.Errorf("arguments %v", a)
			}
		})
	}
}

// haproxy starts the balancer with a socket that already listens, so the test
// need not wait for it.
func (s *stage) haproxy(config string) {
	s.Helper()
	program, err := exec.LookPath("haproxy")
	if err != nil {
		program = "/usr/sbin/haproxy"
	}
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("CI") != "" {
			s.Fatal("haproxy is not installed; CI has it")
		}
		s.Skip("SKIPPED: haproxy is not installed")
	}
	path := filepath.Join(s.TempDir(), "haproxy.cfg")
	put(s.T, path, config)
	l := s.listen(four, s.http)
	socket, err := l.(*net.TCPListener).File()
	l.Close()
	if err != nil {
		s.Fatal(err)
	}
	cmd := exec.Command(program, "-db", "-f", path)
	cmd.ExtraFiles, cmd.Stderr = []*os.File{socket}, s.Output()
	if err := errors.Join(cmd.Start(), socket.Close()); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
}
