package telegram

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"domovoy/bot/lab"
	"domovoy/reports"
)

const proxyPassword = "p@ss-word"

// deadURL has a port on which no program listens.
func deadURL(t *testing.T, scheme string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return scheme + "://" + listener.Addr().String()
}

// babbler is the address of a server that sends a response in another protocol and
// closes the connection.
func babbler(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(conn, "SSH-2.0-none\r\n")
			conn.Close()
		}
	}()
	return listener.Addr().String()
}

func handlerURL(t *testing.T, start func(http.Handler) *httptest.Server, handler http.HandlerFunc) string {
	t.Helper()
	server := start(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func unlogged(handler http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	return server
}

// The token is a part of every URL; no error may contain it.
func TestTheTokenIsNeverShown(t *testing.T) {
	ok := func(http.ResponseWriter, *http.Request) {}
	echo := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"ok":false,"error_code":400,"description":"Bad Request: %s"}`, r.URL.Path)
	}
	elsewhere := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/else"+r.URL.Path, http.StatusFound)
	}
	refusing := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) }
	user := strings.Replace(proxyPassword, "@", "%40", 1)
	withPassword := func(url string) string { return strings.Replace(url, "://", "://me:"+user+"@", 1) }
	tests := []struct {
		name       string
		api, proxy string
	}{
		{"dead server", deadURL(t, "http"), ""},
		{"bad certificate", handlerURL(t, unlogged, ok), ""},
		{"no TLS there", strings.Replace(handlerURL(t, httptest.NewServer, ok), "http:", "https:", 1), ""},
		{"redirect", handlerURL(t, httptest.NewServer, elsewhere), ""},
		{"a server that repeats the path", handlerURL(t, httptest.NewServer, echo), ""},
		{"unknown host behind a dead proxy", "https://api.invalid", withPassword(deadURL(t, "http"))},
		{"dead socks proxy", "https://api.invalid", withPassword(deadURL(t, "socks5"))},
		{"refusing proxy", "https://api.invalid", withPassword(handlerURL(t, httptest.NewServer, refusing))},
		{"refusing proxy, plain", "http://api.invalid", withPassword(handlerURL(t, httptest.NewServer, refusing))},
		{"something else than a proxy", "https://api.invalid", withPassword("socks5://" + babbler(t))},
		{"percent signs in the path", deadURL(t, "http") + "/%73%20x", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tg := newBot(t, newLab(t), func(c *Config) { c.APIURL, c.Proxy = tt.api, tt.proxy })
			defer tg.api.http.CloseIdleConnections()
			stop := listen(t, tg.Telegram, newInbox())
			for range 2 {
				<-tg.waits
			}
			texts := texts(stop())
			one := reports.Message{Title: "one"}
			_, err := tg.Send(t.Context(), address("42", ""), "", one)
			texts += mustFail(t, err)
			texts += mustFail(t, tg.Edit(t.Context(), address("42", ""), "1", one))
			one.Files = []reports.File{sheet("a"), sheet("b")}
			_, err = tg.Send(t.Context(), address("42", ""), "", one)
			texts += mustFail(t, err)
			noSecrets(t, tg.api.token, texts+tg.logged.String())
		})
	}
}

func mustFail(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		t.Error("no error")
	}
	return texts(err)
}

// texts writes an error in every way, and all that it wraps.
func texts(err error) string {
	var b strings.Builder
	for ; err != nil; err = errors.Unwrap(err) {
		fmt.Fprintf(&b, "%v\n%+v\n%#v\n", err, err, err)
	}
	return b.String()
}

func noSecrets(t *testing.T, token, text string) {
	t.Helper()
	_, secret, _ := strings.Cut(token, ":")
	for _, s := range []string{secret, proxyPassword, strings.Replace(proxyPassword, "@", "%40", 1)} {
		if strings.Contains(text, s) {
			t.Errorf("a secret is shown in:\n%s", text)
		}
	}
}

func TestATokenNeverReachesAnotherHost(t *testing.T) {
	var seen []string
	other := handlerURL(t, httptest.NewServer, func(_ http.ResponseWriter, r *http.Request) { seen = append(seen, r.Referer()) })
	api := handlerURL(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, http.StatusFound) })
	tg := newBot(t, newLab(t), func(c *Config) { c.APIURL = api })
	defer tg.api.http.CloseIdleConnections()
	_, err := tg.Send(t.Context(), address("42", ""), "", reports.Message{Title: "one"})
	mustContain(t, mustFail(t, err), "HTTP status 302")
	if len(seen) > 0 {
		t.Errorf("the redirect was followed, with the referers %q", seen)
	}
}

func TestHTTPProxy(t *testing.T) {
	server := newLab(t)
	server.AddChat(lab.Chat{ID: 42})
	var hosts []string
	proxy := handlerURL(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) {
		hosts = append(hosts, r.URL.Host)
		server.ServeHTTP(w, r)
	})
	tg := newBot(t, server, func(c *Config) { c.APIURL, c.Proxy = "http://api.invalid", proxy })
	defer tg.api.http.CloseIdleConnections()
	if _, err := tg.Send(t.Context(), address("42", ""), "", reports.Message{Title: "one"}); err != nil {
		t.Fatal(err)
	}
	if len(hosts) != 1 || hosts[0] != "api.invalid" {
		t.Errorf("the proxy saw %q", hosts)
	}
}

func TestConfig(t *testing.T) {
	const token = "123456:AAsecret_part"
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no token", func(c *Config) { c.Token = nil }, "no token"},
		{"half a token", func(c *Config) { c.Token = func() string { return "AAsecret_part" } }, "has not the form"},
		{"two lines", func(c *Config) { c.Token = func() string { return token + "\nAAsecret_part" } }, "has not the form"},
		{"address", func(c *Config) { c.APIURL = "api.telegram.org" }, "the API's address is not a URL"},
		{"proxy", func(c *Config) { c.Proxy = "ftp://me:AAsecret_part@host" }, "the proxy is not a URL"},
		{"broken proxy", func(c *Config) { c.Proxy = "http://me:AAsecret_part@host:x" }, "the proxy is not a URL"},
		{"menu", func(c *Config) { c.Commands = map[string][]BotCommand{"ru": {{"проверь", "x"}}} }, `command "проверь"`},
		{"menu without words", func(c *Config) { c.Commands = map[string][]BotCommand{"ru": {{"check", ""}}} }, `command "check"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := Config{Token: func() string { return token + "\n" }}
			if _, err := New(cfg, loadBundle(t)); err != nil {
				t.Fatalf("before the change: %v", err)
			}
			tt.change(&cfg)
			_, err := New(cfg, loadBundle(t))
			mustContain(t, mustFail(t, err), tt.want)
			noSecrets(t, token, texts(err))
		})
	}
}
