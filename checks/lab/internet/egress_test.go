package internet_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"domovoy/checks/lab/internet"
)

func TestEgress(t *testing.T) {
	ca, err := internet.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	directory := started(t)(internet.StartDirectory(ca, 0)).(*internet.Directory)
	broken := started(t)(internet.StartDirectory(ca, 503)).(*internet.Directory)
	const official = "acme-v02.api.letsencrypt.org:443"
	open := started(t)(internet.StartTunnel(internet.Allow(official, directory.Addr(), 403))).(*internet.Tunnel)
	shut := started(t)(internet.StartTunnel(func(string) (int, string) { return 407, "" })).(*internet.Tunnel)
	gone := started(t)(internet.StartTunnel(internet.Allow(official, "127.0.0.1:1", 403))).(*internet.Tunnel)
	for _, tt := range []struct {
		name, url string
		proxy     *internet.Tunnel
		want      string // the proxy's status, then the directory's, or the text of an error
	}{
		{"straight", directory.URL(), nil, "200"},
		{"out of order", broken.URL(), nil, "503"},
		{"through the proxy", "https://" + strings.TrimSuffix(official, ":443") + "/directory", open, "200 200"},
		{"another host", "https://example.com/", open, "403 Forbidden"},
		{"a proxy with a password", "https://" + official + "/directory", shut, "407 Proxy Authentication Required"},
		{"a proxy that gets nowhere", "https://" + official + "/directory", gone, "503 Service Unavailable"},
	} {
		if got := fetch(t, ca, tt.proxy, tt.url); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// fetch returns the status of the proxy, if there is one, and of the directory.
func fetch(t *testing.T, ca *internet.CA, proxy *internet.Tunnel, address string) string {
	t.Helper()
	said := ""
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Roots()}}
	defer transport.CloseIdleConnections()
	if proxy != nil {
		at, err := url.Parse(proxy.URL())
		if err != nil {
			t.Fatal(err)
		}
		transport.Proxy = http.ProxyURL(at)
		transport.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
			said = answer.Status[:3] + " "
			return nil
		}
	}
	response, err := (&http.Client{Transport: transport}).Get(address)
	if err != nil {
		return said + err.(*url.Error).Err.Error()
	}
	defer response.Body.Close()
	var body struct{ NewOrder string }
	_ = json.NewDecoder(response.Body).Decode(&body) // an error page is not JSON
	if response.StatusCode == 200 && !strings.HasSuffix(body.NewOrder, "/acme/new-order") {
		t.Errorf("%s: no directory", address)
	}
	return said + response.Status[:3]
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
