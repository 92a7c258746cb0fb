package acme

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/checks/lab/internet"
)

// world provides CA endpoints with each kind of fault.
type world struct {
	*testing.T
	ca        *internet.CA
	directory *internet.Directory
}

func newWorld(t *testing.T) world {
	t.Helper()
	ca, err := internet.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	w := world{T: t, ca: ca}
	w.directory = started(t)(internet.StartDirectory(ca, 0)).(*internet.Directory)
	return w
}

// started returns a function that closes what was started at the end of the
// test.
func started(t *testing.T) func(c io.Closer, err error) io.Closer {
	t.Helper()
	return func(c io.Closer, err error) io.Closer {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
		return c
	}
}

func (w world) tunnel(answer func(string) (int, string)) string {
	w.Helper()
	return started(w.T)(internet.StartTunnel(answer)).(*internet.Tunnel).URL()
}

// page serves a response that is not a directory, over valid TLS.
func (w world) page(handler http.HandlerFunc) string {
	w.Helper()
	c, err := w.ca.Issue(internet.Leaf{Names: []string{"localhost"}})
	if err != nil {
		w.Fatal(err)
	}
	s := httptest.NewUnstartedServer(handler)
	s.TLS = config(c)
	s.StartTLS()
	w.Cleanup(s.Close)
	return strings.Replace(s.URL, "127.0.0.1", "localhost", 1) + "/directory"
}

// shut returns a port on which nothing listens any more.
func (w world) shut() string {
	w.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
	}
	if err := l.Close(); err != nil {
		w.Fatal(err)
	}
	return l.Addr().String()
}

// mute accepts connections and sends nothing.
func (w world) mute() string {
	w.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// official is another name in the CA's certificate; only a proxy resolves it.
const official = "acme-v02.api.letsencrypt.org"

func TestEgress(t *testing.T) {
	w := newWorld(t)
	through := func(status int) string {
		return w.tunnel(func(string) (int, string) { return status, w.directory.Addr() })
	}
	say := func(status int, body string) string {
		return w.page(func(out http.ResponseWriter, _ *http.Request) {
			out.WriteHeader(status)
			_, _ = io.WriteString(out, body)
		})
	}
	const far = "https://" + official + "/directory"
	for _, tt := range []struct {
		name, directory, proxy string
		roots                  *x509.CertPool
		want                   string // code, stage, status, part of the error; empty: nothing wrong
	}{
		{name: "straight", directory: w.directory.URL()},
		{name: "through the proxy", directory: far, proxy: through(200)},
		{name: "no such name", directory: far, want: "ca.unreachable resolve 0 no such host"},
		{name: "nobody listens", directory: "https://" + w.shut() + "/directory", want: "ca.unreachable connect 0 refused"},
		{name: "nobody listens there, at two addresses", directory: "https://localhost:1/directory", want: "ca.unreachable connect 0 refused"},
		{name: "silence", directory: "https://" + w.mute() + "/directory", want: "ca.unreachable tls 0 timeout"},
		{name: "a CA that this host does not know", directory: w.directory.URL(), roots: x509.NewCertPool(), want: "ca.unreachable tls 0 unknown authority"},
		{name: "a certificate for another name", directory: "https://" + w.directory.Addr() + "/directory", want: "ca.unreachable tls 0 127.0.0.1"},
		{name: "a wrong address", directory: strings.Replace(w.directory.URL(), "directory", "nothing", 1), want: "ca.unreachable http 404 404"},
		{name: "a captive portal", directory: say(302, ""), want: "ca.unreachable http 302 302"},
		{name: "a page", directory: say(200, "<html>Welcome</html>"), want: "ca.unreachable http 200 not an ACME directory"},
		{name: "another API", directory: say(200, `{"newNonce":"https://x/"}`), want: "ca.unreachable http 200 not an ACME directory"},
		{name: "ten megabytes", directory: say(200, strings.Repeat(" ", 10<<20)), want: "ca.unreachable http 200 not an ACME directory"},
		{name: "the CA is down", directory: say(503, "maintenance"), want: "ca.internal http 503 503"},
		{name: "the proxy refuses", directory: far, proxy: through(403), want: "ca.unreachable proxy 403 Forbidden"},
		{name: "the proxy wants a password", directory: far, proxy: through(407), want: "ca.unreachable proxy 407 Authentication Required"},
		{name: "the proxy does not get there", directory: far, proxy: through(503), want: "ca.unreachable proxy 503 Service Unavailable"},
		{name: "no proxy", directory: far, proxy: "http://user:secret@" + w.shut(), want: "ca.unreachable proxy 0 refused"},
		{name: "a silent proxy", directory: far, proxy: "http://" + w.mute(), want: "ca.unreachable proxy 0 timeout"},
		{name: "no such proxy", directory: far, proxy: "http://proxy.invalid:3128", want: "ca.unreachable proxy 0 no such host"},
		{name: "a proxy that opens TLS", directory: far, proxy: through(200), roots: x509.NewCertPool(), want: "ca.unreachable tls 0 unknown authority"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.roots == nil {
				tt.roots = w.ca.Roots()
			}
			e, err := NewEgress(EgressOptions{Directory: tt.directory, Proxy: tt.proxy, Roots: tt.roots, Timeout: time.Second, Resolver: nowhere()})
			if err != nil {
				t.Fatal(err)
			}
			found, err := e.Reach(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			hold(t, found, tt.want)
		})
	}
}

// hold compares findings with the expected line.
func hold(t *testing.T, found []checks.Finding, want string) {
	t.Helper()
	if want == "" {
		if len(found) != 0 {
			t.Errorf("found %v", found)
		}
		return
	}
	if len(found) != 1 {
		t.Fatalf("found %v, want %s", found, want)
	}
	f := found[0]
	status, _ := f.Args["status"].(int)
	says, _ := f.Args["error"].(string)
	part := strings.SplitN(want, " ", 4)
	if got := fmt.Sprint(f.Code, " ", f.Args["stage"], " ", status); got != strings.Join(part[:3], " ") || !strings.Contains(says, part[3]) {
		t.Errorf("%s %q, want %s", got, says, want)
	}
	if all := fmt.Sprint(f.Args, f.Detail); strings.Contains(all, "secret") || len(f.Detail) > 2*checks.DetailLength {
		t.Errorf("a password, or too much: %.300s", all)
	}
}

// nowhere is a resolver that answers NXDOMAIN for every name except localhost,
// which is in the system's hosts file.
func nowhere() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go noSuchName(theirs)
		return ours, nil
	}}
}

// noSuchName answers every question over TCP (RFC 1035 section 4.2.2) with
// NXDOMAIN.
func noSuchName(conn net.Conn) {
	defer conn.Close()
	for {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		message := make([]byte, int(length[0])<<8|int(length[1]))
		if _, err := io.ReadFull(conn, message); err != nil || len(message) < 12 {
			return
		}
		end := 12 // one question follows the header
		for end < len(message) && message[end] != 0 {
			end += int(message[end]) + 1
		}
		message = message[:min(len(message), end+5)]
		message[2], message[3] = 0x81, 0x83 // a response with recursion available; NXDOMAIN
		message[10], message[11] = 0, 0     // no further records: no OPT
		if _, err := conn.Write(append([]byte{byte(len(message) >> 8), byte(len(message))}, message...)); err != nil {
			return
		}
	}
}

// A canceled Reach returns no findings.
func TestEgressCalledOff(t *testing.T) {
	w := newWorld(t)
	e, err := NewEgress(EgressOptions{Directory: w.directory.URL(), Roots: w.ca.Roots()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if found, err := e.Reach(ctx); !errors.Is(err, context.Canceled) || len(found) != 0 {
		t.Errorf("%v, %v", found, err)
	}
}

func TestEgressOptions(t *testing.T) {
	for _, tt := range []struct{ directory, proxy, want string }{
		{"http://ca.example/directory", "", "https"},
		{"https:///directory", "", "https"},
		{"https://ca.example/\x7f", "", "reading the directory's URL"},
		{"https://ca.example/", "://user:secret@x", "proxy"},
		{"https://ca.example/", "proxy.example", "proxy"},
	} {
		_, err := NewEgress(EgressOptions{Directory: tt.directory, Proxy: tt.proxy})
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q, %q: %v", tt.directory, tt.proxy, err)
		}
	}
}
