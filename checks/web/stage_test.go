package web

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"domovoy/checks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The name that is probed, and the addresses it may have.
const name = "client.ru"

const (
	four    = "127.0.0.1"
	another = "127.0.0.2"
	six     = "::1"
)

// impatient is the dial timeout of tests that wait for one.
const impatient = 400 * time.Millisecond

// stage is a small internet: servers on loopback addresses, two ports in place
// of 80 and 443, and the hosts of redirects.
type stage struct {
	*testing.T
	http, https string // ports
	folder      string // the challenge folder, which files serves
	opts        Options
	hosts       map[string][]netip.Addr
}

func newStage(t *testing.T) *stage {
	s := &stage{T: t, folder: t.TempDir(), hosts: map[string][]netip.Addr{}}
	s.http, s.https = freePort(t), freePort(t)
	s.opts = Options{
		Ports:      Ports{HTTP: number(s.http), HTTPS: number(s.https)},
		Timeout:    5 * time.Second,
		Challenges: Folder(s.folder),
		Own:        addresses(four, another, six),
		Resolve:    s.resolve,
	}
	return s
}

// freePort reserves a port for the test by listening on it at an address of its
// own. The port is below the ephemeral range, or a client connection might use
// it at another address.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(20000 + rand.IntN(12000))
		l, err := net.Listen("tcp4", "127.99.0.1:"+port)
		if err == nil {
			t.Cleanup(func() { l.Close() })
			return port
		}
	}
	t.Fatal("no free port")
	return ""
}

func number(port string) uint16 {
	n, _ := strconv.ParseUint(port, 10, 16)
	return uint16(n)
}

func addresses(all ...string) []netip.Addr {
	var list []netip.Addr
	for _, a := range all {
		list = append(list, netip.MustParseAddr(a))
	}
	return list
}

func (s *stage) resolve(_ context.Context, host string) (v4, v6 []netip.Addr, err error) {
	for _, a := range s.hosts[host] {
		if a.Is4() {
			v4 = append(v4, a)
		} else {
			v6 = append(v6, a)
		}
	}
	return v4, v6, nil
}

// listen listens on a port of an address, and skips the test if the host has no
// IPv6.
func (s *stage) listen(address, port string) net.Listener {
	s.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(address, port))
	if err != nil && address == six {
		s.Skipf("SKIPPED: no IPv6 loopback on this host: %v", err)
	}
	if err != nil {
		s.Fatal(err)
	}
	return l
}

// serve answers HTTP at an address's port; on the HTTPS port over TLS, with a
// certificate for another name.
func (s *stage) serve(address, port string, h http.HandlerFunc) *httptest.Server {
	s.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Listener.Close()
	server.Listener = s.listen(address, port)
	server.Config.ErrorLog = quiet()
	if port == s.https {
		server.StartTLS()
	} else {
		server.Start()
	}
	s.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

// talk handles each connection with a function, to do what an HTTP server would
// not.
func (s *stage) talk(address, port string, with func(net.Conn)) {
	s.Helper()
	l := s.listen(address, port)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				with(conn)
			})
		}
	})
	s.Cleanup(func() {
		l.Close()
		running.Wait()
	})
}

// blackHole neither accepts nor refuses connections: its queue is full.
func (s *stage) blackHole(address, port string) {
	s.Helper()
	domain, to := syscall.AF_INET, syscall.Sockaddr(&syscall.SockaddrInet4{Port: int(number(port)), Addr: netip.MustParseAddr(four).As4()})
	switch address {
	case another:
		to = &syscall.SockaddrInet4{Port: int(number(port)), Addr: netip.MustParseAddr(another).As4()}
	case six:
		s.listen(six, "0").Close()
		domain, to = syscall.AF_INET6, &syscall.SockaddrInet6{Port: int(number(port)), Addr: netip.IPv6Loopback().As16()}
	}
	fd, err := syscall.Socket(domain, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		s.Fatal(err)
	}
	if err := syscall.Bind(fd, to); err != nil {
		s.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		s.Fatal(err)
	}
	for range 16 {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(address, port), 100*time.Millisecond)
		if err != nil {
			return
		}
		s.Cleanup(func() { conn.Close() })
	}
	s.Fatal("the queue does not fill up")
}

// files serves the challenge folder, as the panel's web server does.
func (s *stage) files(w http.ResponseWriter, r *http.Request) {
	body, err := os.ReadFile(filepath.Join(s.folder, filepath.Base(r.URL.Path)))
	if err != nil || !strings.HasPrefix(r.URL.Path, challengePath) {
		http.NotFound(w, r)
		return
	}
	w.Write(body)
}

// to redirects with a status to a URL; $path is replaced by the requested path.
func to(status int, url string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", strings.ReplaceAll(url, "$path", r.URL.Path))
		w.WriteHeader(status)
	}
}

// says answers with a status and a text.
func says(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		w.Write([]byte(text))
	}
}

// hang never answers.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// nameAt is the DNS data of the name.
func nameAt(all ...string) checks.NameInfo {
	s := checks.NameInfo{Name: name, Points: checks.PointsOurs}
	for _, a := range addresses(all...) {
		if a.Is4() {
			s.V4 = append(s.V4, a)
		} else {
			s.V6 = append(s.V6, a)
		}
	}
	return s
}

// look probes once and requires that there is no error.
func (s *stage) look(at checks.NameInfo, ask Ask) []checks.Finding {
	s.Helper()
	found, err := New(s.opts).Follow(s.Context(), at, ask)
	if err != nil {
		s.Fatalf("could not look: %v", err)
	}
	return found
}
