package app

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domovoy/bot/lab"
	"domovoy/checks/lab/internet"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// configured opens the app of a configuration. FOLDER in it is a folder of the test.
func configured(t *testing.T, text string, files map[string]string, log slog.Handler) *App {
	t.Helper()
	folder := t.TempDir()
	files["config.yaml"] = "state: FOLDER/state.db\npanels: [{name: isp1, database: FOLDER/panel.db, acme: {directory: \"https://127.0.0.1:1/directory\"}}]\nresolvers: []\n" + text
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(strings.ReplaceAll(content, "FOLDER", folder)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, faults := config.Load(filepath.Join(folder, "config.yaml"), func(string) (string, bool) { return "", false })
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	a, err := Open(t.Context(), cfg, bundle, slog.New(log), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// TestSpareAfter: the outbox has the configured time.
func TestSpareAfter(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 5 * time.Minute, "delivery: {spare_after: 90s}\n": 90 * time.Second} {
		a := configured(t, text, map[string]string{}, slog.DiscardHandler)
		if got := a.bot.Outbox(nil).SpareAfter; got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestSenders: what waits for a webhook goes to it in the form that the
// configuration names, and with its signature.
func TestSenders(t *testing.T) {
	heard := make(chan string, 2)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		heard <- r.URL.RawQuery + " " + r.Header.Get("Content-Type") + " " + string(body) + " " + r.Header.Get("Domovoy-Signature")[:2]
	}))
	defer server.Close()
	a := configured(t, `
email: {server: "127.0.0.1:9", from: domovoy@example.com, credentials_file: login}
webhooks:
  - {name: duty, url_file: url, secret_file: secret, template_file: FOLDER/duty.tmpl, content_type: text/plain}
`, map[string]string{"url": server.URL + "/?token=1\n", "secret": "sixteen-characters\n", "login": "domovoy\npass:word\n", "duty.tmpl": "{{.Event}}: {{.Title}}"}, slog.DiscardHandler)
	if user, password := a.cfg.Email.Login(); user != "domovoy" || password != "pass:word" {
		t.Errorf("logs in as %q with %q", user, password)
	}
	senders, err := a.senders()
	if err != nil {
		t.Fatal(err)
	}
	if len(senders) != 2 || senders["email"] == nil || senders["webhook"] == nil {
		t.Fatalf("the senders are %v", senders)
	}
	if _, err := a.journal.Enqueue(t.Context(), []journal.Delivery{{To: "webhook:duty", Kind: "escalated", Message: reports.Message{Title: "hello"}}}); err != nil {
		t.Fatal(err)
	}
	if err := a.Deliver(t.Context(), senders); err != nil {
		t.Fatal(err)
	}
	if got, want := <-heard, "token=1 text/plain message: hello t="; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestWrongSenders: what a sender needs and does not have is found before anything
// should be sent.
func TestWrongSenders(t *testing.T) {
	hook := "webhooks: [{name: duty, url: \"${NONE}\", format: goalert, "
	for name, tt := range map[string]struct{ config, want string }{
		"no form":              {hook + "template_file: FOLDER/none.tmpl}]", "none.tmpl"},
		"a form with an error": {hook + "template_file: FOLDER/bad.tmpl}]", "Tilte"},
		"no CA":                {hook + "ca_file: FOLDER/none.pem}]", "none.pem"},
		"a CA of no kind":      {"email: {server: localhost, from: a@b.ru, ca_file: FOLDER/bad.tmpl}", "bad.tmpl"},
		"good without secrets": {hook + "}]", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := configured(t, tt.config, map[string]string{"bad.tmpl": "{{.Tilte}}"}, slog.DiscardHandler)
			if err := CheckSenders(a.cfg); tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// said passes on the texts of errors that are logged.
type said struct {
	slog.Handler
	errors chan<- string
}

func (s said) Enabled(context.Context, slog.Level) bool { return true }

func (s said) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "error" {
			s.errors <- a.Value.String()
		}
		return true
	})
	return nil
}

// TestAMailServerWithAWrongCertificate: it gets nothing, the log says why, and once
// the certificate is replaced the message arrives by itself.
func TestAMailServerWithAWrongCertificate(t *testing.T) {
	ca, err := internet.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	certificate := func(name string) *tls.Certificate {
		t.Helper()
		c, err := ca.Issue(internet.Leaf{Names: []string{name}})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	server, err := lab.NewExim("domovoy", "pass:word", certificate("mail.example.com"))
	if errors.Is(err, lab.ErrNoExim) && os.Getenv("CI") == "" {
		t.Skipf("SKIPPED: %v", err)
	}
	if err != nil {
		t.Fatal(err) // CI has it
	}
	defer server.Close()
	wrongs := make(chan string, 100)
	a := configured(t, "email: {server: \""+server.Address()+"\", from: domovoy@example.com, credentials_file: login, ca_file: FOLDER/root.pem}\n",
		map[string]string{"login": "domovoy:pass:word", "root.pem": string(ca.RootPEM())}, said{slog.DiscardHandler, wrongs})
	senders, err := a.senders()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.journal.Enqueue(t.Context(), []journal.Delivery{{To: "email:duty@example.com", Kind: "escalated", Message: reports.Message{Title: "hello"}}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- a.bot.Outbox(senders).Run(ctx) }()
	if text := <-wrongs; !strings.Contains(text, "certificate is valid for mail.example.com, not localhost") {
		t.Errorf("the log says %q", text)
	}
	<-server.Served()
	if err := server.SetCertificate(certificate("localhost")); err != nil {
		t.Fatal(err)
	}
	// The outbox tries again. The next connections may be its questions whether the
	// server works, or have begun with the old certificate.
	var mail []string
	for late := time.After(time.Minute); len(mail) == 0 && err == nil; mail, err = server.Mail() {
		select {
		case <-server.Served():
		case <-late:
			t.Fatalf("no mail came\n%s", server.Log())
		}
	}
	cancel()
	<-ended
	if err != nil || len(mail) != 1 || !strings.Contains(mail[0], "Subject: hello") {
		t.Errorf("the server has %q: %v\n%s", mail, err, server.Log())
	}
}
