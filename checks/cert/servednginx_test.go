package cert

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"domovoy/checks/lab/internet"
)

// nginxConfig is a site as the panel writes it.
const nginxConfig = `
daemon off;
worker_processes 1;
pid %[1]s/nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path %[1]s/body;
    proxy_temp_path %[1]s/proxy;
    fastcgi_temp_path %[1]s/fastcgi;
    uwsgi_temp_path %[1]s/uwsgi;
    scgi_temp_path %[1]s/scgi;
    server {
        listen %[2]s ssl;
        server_name client.ru;
        ssl_certificate %[1]s/u1/client.ru_le1.crtca;
        ssl_certificate_key %[1]s/u1/client.ru_le1.key;
    }
}
`

// TestNginx has the real server load pairs of certificates and keys. A pair of
// two kinds passes nginx's own test, and then every handshake fails.
func TestNginx(t *testing.T) {
	s := newStreet(t)
	rsa, ec, other := s.issue(internet.Leaf{RSA: true}), s.issue(internet.Leaf{}), s.issue(internet.Leaf{})
	for _, tt := range []struct {
		name              string
		certificate, key  *tls.Certificate
		leafLast, refused bool   // by nginx -t
		served, compared  string // findings
	}{
		{"a pair", ec, ec, false, false, "", ""},
		{"a pair of RSA", rsa, rsa, false, false, "", ""},
		{"an RSA certificate with an EC key", rsa, ec, false, false, "keymismatch handshake", "keymismatch kind"},
		{"an EC certificate with an RSA key", ec, rsa, false, false, "keymismatch handshake", "keymismatch kind"},
		{"another key", ec, other, false, true, "", "keymismatch key"},
		{"the leaf last", ec, ec, true, true, "", "keymismatch leaf"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			program := installed(t, "nginx")
			f := folder{t, t.TempDir()}
			f.pair(tt.certificate, tt.key, tt.leafLast)
			if got, err := f.compare(); got != tt.compared || err != nil {
				t.Errorf("compared: %q, %v; want %q", got, err, tt.compared)
			}
			at, err := f.nginx(program)
			if tt.refused {
				if err == nil || !strings.Contains(err.Error(), "key values mismatch") {
					t.Errorf("nginx loads it: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			served := NewServed(ServedOptions{HTTPSPort: at.Port(), Roots: s.ca.Roots()})
			_, found, err := served.Handshake(t.Context(), ours("client.ru", at.Addr()), client(nil), time.Now())
			if got := words(found); got != tt.served || err != nil {
				t.Errorf("served: %q, %v; want %q", got, err, tt.served)
			}
		})
	}
}

// pair writes the files for the web server.
func (f folder) pair(certificate, key *tls.Certificate, leafLast bool) {
	f.t.Helper()
	text, err := internet.KeyPEM(key)
	f.must(err)
	f.must(os.MkdirAll(filepath.Join(f.dir, "u1"), 0o700))
	f.put("u1/client.ru_le1.key", text, noon)
	f.put("u1/client.ru_le1.crtca", internet.ChainPEM(certificate, leafLast), noon)
}

// compare returns the findings of comparing the site's files.
func (f folder) compare() (string, error) {
	f.t.Helper()
	root, err := os.OpenRoot(f.dir)
	f.must(err)
	defer root.Close()
	found, err := CompareKeys(root, "u1", "client.ru_le1")
	return words(found), err
}

// nginx tests the configuration and starts the server with a socket that
// already listens, so the test need not wait for it.
func (f folder) nginx(program string) (netip.AddrPort, error) {
	f.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	f.must(err)
	socket, err := listener.(*net.TCPListener).File()
	f.must(errors.Join(err, listener.Close()))
	defer socket.Close()
	at := netip.MustParseAddrPort(listener.Addr().String())
	path := filepath.Join(f.dir, "nginx.conf")
	f.must(os.WriteFile(path, fmt.Appendf(nil, nginxConfig, f.dir, at), 0o600))
	command := func(args ...string) *exec.Cmd {
		cmd := exec.Command(program, append([]string{"-p", f.dir, "-c", path, "-e", "stderr"}, args...)...) //nolint:gosec // the test's own arguments
		cmd.ExtraFiles = []*os.File{socket}
		cmd.Env = append(os.Environ(), "NGINX=3;") // as in an upgrade of the running binary
		return cmd
	}
	if out, err := command("-t").CombinedOutput(); err != nil {
		return at, fmt.Errorf("%w: %s", err, out)
	}
	cmd := command()
	cmd.Stderr = f.t.Output()
	f.must(cmd.Start())
	f.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it ends its worker first
		if err := cmd.Wait(); err != nil {
			f.t.Error(err)
		}
	})
	return at, nil
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
