package acme

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func config(c *tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{*c}} }

// squidConfig allows only the CA's API, by name.
const squidConfig = `
http_port 127.0.0.1:%[1]s
pid_filename %[2]s/squid.pid
coredump_dir %[2]s
cache_log stdio:/dev/stderr
access_log none
cache deny all
netdb_filename none
pinger_enable off
dns_nameservers 127.0.0.1
shutdown_lifetime 1 second
visible_hostname lab
workers 1
memory_pools off
%[3]s
acl api dstdomain %[4]s
acl CONNECT method CONNECT
http_access allow CONNECT api
http_access deny all
`

// TestSquid uses the real proxy, which allows only some hosts.
func TestSquid(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct{ name, allow, want string }{
		{"allowed", "localhost", ""},
		{"the allow-list has forgotten the API", "example.com", "ca.unreachable proxy 403 Forbidden"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := NewEgress(EgressOptions{Directory: w.directory.URL(), Roots: w.ca.Roots(), Proxy: "http://" + squid(t, tt.allow)})
			if err != nil {
				t.Fatal(err)
			}
			found, err := e.Reach(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			hold(t, found, tt.want)
			if len(found) == 1 && !strings.HasPrefix(found[0].Args["proxy"].(string), "127.0.0.1:") {
				t.Errorf("arguments %v", found[0].Args)
			}
		})
	}
}

// squid starts the proxy on a free port and waits until it reports that it
// listens.
func squid(t *testing.T, allow string) (address string) {
	t.Helper()
	program := installed(t, "squid")
	dir, err := os.MkdirTemp("", "squid") // not t.TempDir: squid changes to another user
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	user := ""
	if os.Geteuid() == 0 {
		user = "cache_effective_user proxy"
		if err := os.Chmod(dir, 0o777); err != nil { //nolint:gosec // an empty folder that is removed at the end of the test
			t.Fatal(err)
		}
	}
	port := strings.TrimPrefix(newWorld(t).shut(), "127.0.0.1:")
	path := filepath.Join(dir, "squid.conf")
	if err := os.WriteFile(path, fmt.Appendf(nil, squidConfig, port, dir, user, allow), 0o644); err != nil { //nolint:gosec // squid reads it as another user
		t.Fatal(err)
	}
	// A service name of its own separates it from any other squid on this host.
	cmd := exec.Command(program, "-N", "-f", path, "-n", "lab"+strconv.Itoa(os.Getpid())+port)
	log, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
		_ = cmd.Wait() // the error is that it was killed
	})
	lines := bufio.NewScanner(log)
	for lines.Scan() && !strings.Contains(lines.Text(), "Accepting HTTP Socket connections") {
		fmt.Fprintln(t.Output(), lines.Text())
	}
	go func() {
		for lines.Scan() { // a full pipe would block squid
		}
	}()
	address = net.JoinHostPort("127.0.0.1", port)
	// squid reports this shortly before it listens.
	for until := time.Now().Add(5 * time.Second); ; {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return address
		}
		if time.Now().After(until) {
			t.Fatal("squid did not start")
		}
	}
}

// installed returns the path of a Debian program that CI has installed.
func installed(t *testing.T, name string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		program = "/usr/sbin/" + name
	}
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not installed; CI has it", name)
		}
		t.Skipf("SKIPPED: %s is not installed", name)
	}
	return program
}

// insideEnv is set in the test's child process, which runs without a network.
const insideEnv = "DOMOVOY_TEST_OFFLINE"

// TestOffline runs its own binary in a network namespace in which only a
// loopback interface exists, and that is down.
func TestOffline(t *testing.T) {
	if os.Getenv(insideEnv) != "" {
		lookOffline(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestOffline$", "-test.v") //nolint:gosec // ourselves
	cmd.Env = append(os.Environ(), insideEnv+"=yes")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) {
		t.Skipf("SKIPPED: this system gives no network namespaces: %v", err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: TestOffline") {
		t.Errorf("%v\n%s", err, out)
	}
}

func lookOffline(t *testing.T) {
	for _, o := range []EgressOptions{
		{Directory: "https://192.0.2.1/directory"},
		{Directory: "https://" + official + "/directory"},
		{Directory: "https://" + official + "/directory", Proxy: "http://192.0.2.1:3128"},
		{Directory: "https://127.0.0.1:4430/directory"},
	} {
		o.Timeout = time.Second
		e, err := NewEgress(o)
		if err != nil {
			t.Fatal(err)
		}
		if found, err := e.Reach(t.Context()); !errors.Is(err, ErrOffline) || len(found) != 0 {
			t.Errorf("%s by %q: %v, %v", o.Directory, o.Proxy, found, err)
		}
		if err := e.Online(t.Context()); !errors.Is(err, ErrOffline) {
			t.Errorf("%s by %q: %v", o.Directory, o.Proxy, err)
		}
	}
}

// A host that has only loopback counts as online when the CA listens there.
func TestOnline(t *testing.T) {
	e, err := NewEgress(EgressOptions{Directory: newWorld(t).directory.URL()})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Online(t.Context()); err != nil {
		t.Error(err)
	}
}
