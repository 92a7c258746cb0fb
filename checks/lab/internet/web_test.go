package internet_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks/lab/internet"
)

func startWeb(t *testing.T) *internet.Web {
	t.Helper()
	w, err := internet.StartWeb()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func open(t *testing.T, w *internet.Web, addr string, h internet.Host) {
	t.Helper()
	if err := w.Open(netip.MustParseAddr(addr), h); err != nil {
		t.Fatal(err)
	}
}

// visit requests a URL from one address, without following redirects, over a
// connection of its own.
func visit(t *testing.T, w *internet.Web, addr, url string, config *tls.Config) (*http.Response, string, error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, asked string) (net.Conn, error) {
			port := w.HTTPPort()
			if strings.HasSuffix(asked, ":443") {
				port = w.HTTPSPort()
			}
			dialer := net.Dialer{Timeout: 100 * time.Millisecond}
			return dialer.DialContext(ctx, network, net.JoinHostPort(addr, strconv.Itoa(port)))
		}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 2 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

func TestDoors(t *testing.T) {
	w := startWeb(t)
	ca, err := internet.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := ca.Issue(internet.Leaf{Names: []string{"client.ru"}})
	if err != nil {
		t.Fatal(err)
	}
	certificates := map[string]*tls.Certificate{"": leaf}
	open(t, w, "127.80.0.1", internet.Host{Certificates: certificates})
	open(t, w, "127.80.0.2", internet.Host{HTTP: internet.BlackHole, HTTPS: internet.BlackHole})
	open(t, w, "127.80.0.3", internet.Host{HTTP: internet.Reset, HTTPS: internet.Reset})
	open(t, w, "127.80.0.4", internet.Host{HTTP: internet.HangUp, HTTPS: internet.HangUp})
	open(t, w, "127.80.0.5", internet.Host{HTTP: internet.HTTP2, HTTPS: internet.PlainHTTP})
	open(t, w, "127.80.0.6", internet.Host{HTTP: internet.Refused, HTTPS: internet.OldTLS, Certificates: certificates})
	open(t, w, "127.80.0.7", internet.Host{HTTPS: internet.NoCipher})
	open(t, w, "::1", internet.Host{HTTP: internet.BlackHole, HTTPS: internet.Refused})
	timeout := func(err error) bool { var n net.Error; return errors.As(err, &n) && n.Timeout() }
	is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
	says := func(text string) func(error) bool {
		return func(err error) bool { return err != nil && strings.Contains(err.Error(), text) }
	}
	none := func(err error) bool { return err == nil }
	for _, tt := range []struct {
		addr, url string
		is        func(error) bool
	}{
		{"127.80.0.1", "http://client.ru/", none},
		{"127.80.0.1", "https://client.ru/", none},
		{"127.80.0.1", "https://other.ru/", says("valid for client.ru")},
		{"127.80.0.2", "http://client.ru/", timeout},
		{"127.80.0.2", "https://client.ru/", timeout},
		{"127.80.0.3", "http://client.ru/", is(syscall.ECONNRESET)},
		{"127.80.0.3", "https://client.ru/", is(syscall.ECONNRESET)},
		{"127.80.0.4", "http://client.ru/", is(io.EOF)},
		{"127.80.0.5", "http://client.ru/", says("malformed HTTP response")},
		{"127.80.0.5", "https://client.ru/", says("server gave HTTP response to HTTPS client")},
		{"127.80.0.6", "http://client.ru/", is(syscall.ECONNREFUSED)},
		{"127.80.0.6", "https://client.ru/", says("protocol version")},
		{"127.80.0.7", "https://client.ru/", says("handshake failure")},
		{"127.80.0.8", "http://client.ru/", is(syscall.ECONNREFUSED)},
		{"::1", "http://client.ru/", timeout},
		{"::1", "https://client.ru/", is(syscall.ECONNREFUSED)},
	} {
		if _, _, err := visit(t, w, tt.addr, tt.url, &tls.Config{RootCAs: ca.Roots()}); !tt.is(err) {
			t.Errorf("%s at %s: %v", tt.url, tt.addr, err)
		}
	}
}

func TestMuteServerTakesTheRequest(t *testing.T) {
	w := startWeb(t)
	open(t, w, "127.80.0.1", internet.Host{HTTP: internet.Mute, Sites: nil})
	conn, err := net.Dial("tcp", net.JoinHostPort("127.80.0.1", strconv.Itoa(w.HTTPPort())))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: client.ru\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

func TestPages(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("token.thumbprint"), 0o600); err != nil {
		t.Fatal(err)
	}
	good, bad := internet.Status(200, "good"), internet.Status(503, "bad")
	w := startWeb(t)
	open(t, w, "127.80.0.1", internet.Host{Sites: map[string]http.Handler{
		"":            internet.NotFound(),
		"token.ru":    internet.Challenges{Dir: dir},
		"padded.ru":   internet.Challenges{Dir: dir, Before: "\ufeff", After: "\n", Code: 203},
		"waf.ru":      internet.Firewall(),
		"wall.ru":     internet.CookieWall(good),
		"script.ru":   internet.TestCookie(),
		"https.ru":    internet.BySecurity(internet.Redirect(301, "https://$host$request_uri"), good),
		"slash.ru":    internet.Redirect(308, "https://$host$tail"),
		"chain.ru":    internet.Chain(1, good),
		"balancer.ru": internet.Alternate(good, bad),
		"cdn.ru":      internet.Proxy("cloudflare", nil),
		"random.ru":   internet.Sometimes(1, 0.5, good, bad),
	}})
	const token = internet.ChallengePath + "token"
	for _, tt := range []struct{ host, path, want string }{
		{"nobody.ru", token, "404 nginx"},
		{"token.ru", token, "200 nginx token.thumbprint"},
		{"token.ru", internet.ChallengePath + "other", "404 nginx"},
		{"token.ru", internet.ChallengePath + "../token", "404 nginx"},
		{"padded.ru", token, "203 nginx \ufefftoken.thumbprint\n"},
		{"waf.ru", token, "403 nginx"},
		{"wall.ru", token, "302 nginx http://wall.ru" + token + " __passed=1; Path=/"},
		{"script.ru", token, "200 nginx"},
		{"https.ru", token, "301 nginx https://https.ru" + token},
		{"slash.ru", token, "308 nginx https://slash.ru.well-known/acme-challenge/token"},
		{"chain.ru", token, "302 nginx " + token + "?hop=1"},
		{"chain.ru", token + "?hop=1", "200 nginx good"},
		{"balancer.ru", token, "200 nginx good"},
		{"balancer.ru", token, "503 nginx bad"},
		{"balancer.ru", token, "200 nginx good"},
		{"cdn.ru", token, "522 cloudflare"},
	} {
		response, body, err := visit(t, w, "127.80.0.1", "http://"+tt.host+tt.path, nil)
		if err != nil {
			t.Errorf("%s: %v", tt.host, err)
			continue
		}
		parts := []string{strconv.Itoa(response.StatusCode), response.Header.Get("Server")}
		for _, part := range []string{response.Header.Get("Location"), response.Header.Get("Set-Cookie"), body} {
			if part != "" && !strings.HasPrefix(part, "<html>") {
				parts = append(parts, part)
			}
		}
		if diff := cmp.Diff(tt.want, strings.Join(parts, " ")); diff != "" {
			t.Errorf("%s%s: %s", tt.host, tt.path, diff)
		}
	}
	seen := map[string]int{}
	for range 20 {
		_, body, err := visit(t, w, "127.80.0.1", "http://random.ru/", nil)
		if err != nil {
			t.Fatal(err)
		}
		seen[body]++
	}
	if seen["good"] < 4 || seen["bad"] < 4 {
		t.Errorf("of 20 visits: %v", seen)
	}
}

func TestLabStaysOnLoopback(t *testing.T) {
	if err := startWeb(t).Open(netip.MustParseAddr("203.0.113.10"), internet.Host{}); err == nil {
		t.Error("opened a foreign address")
	}
}
