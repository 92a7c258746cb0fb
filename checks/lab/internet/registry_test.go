package internet_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"domovoy/checks/lab/internet"
)

func startRegistry(t *testing.T) *internet.Registry {
	t.Helper()
	r, err := internet.StartRegistry()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	paid := time.Date(2026, 11, 1, 21, 0, 0, 0, time.UTC)
	r.Register(internet.Registration{Domain: "unpaid.ru", Registrar: "REG-RU", Created: paid.AddDate(-3, 0, 0), PaidTill: paid, FreeDate: paid.AddDate(0, 1, 2), Servers: []string{"ns1.reg.ru"}})
	r.Register(internet.Registration{Domain: "xn--e1afmkfd.xn--p1ai", Delegated: true, Registrar: "RU-CENTER-RF", PaidTill: paid})
	r.Register(internet.Registration{Domain: "garbage.com", Raw: "\x00\xff{{{"})
	return r
}

func whois(t *testing.T, r *internet.Registry, name string) string {
	t.Helper()
	conn, err := net.Dial("tcp", r.WHOIS())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, name+"\r\n"); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestWHOIS(t *testing.T) {
	r := startRegistry(t)
	for name, want := range map[string][]string{
		"UNPAID.RU":             {"% TCI Whois Service.", "\r\ndomain:        UNPAID.RU\r\n", "\r\nstate:         REGISTERED, NOT DELEGATED, VERIFIED\r\n", "\r\npaid-till:     2026-11-01T21:00:00Z\r\n", "\r\nfree-date:     2026-12-03\r\n", "\r\nsource:        TCI\r\n"},
		"xn--e1afmkfd.xn--p1ai": {"\r\nstate:         REGISTERED, DELEGATED, VERIFIED\r\n"},
		"free.ru":               {"No entries found for the selected source(s)."},
		"garbage.com":           {"\x00\xff{{{"},
	} {
		text := whois(t, r, name)
		for _, part := range want {
			if !strings.Contains(text, part) {
				t.Errorf("%s: no %q in %q", name, part, text)
			}
		}
	}
	r.SetQuota(1)
	_ = whois(t, r, "free.ru")
	if text := whois(t, r, "free.ru"); !strings.HasPrefix(text, "You have exceeded allowed connection rate") {
		t.Errorf("over the quota: %q", text)
	}
	if n := r.Asked("free.ru"); n != 3 {
		t.Errorf("asked %d times, want 3", n)
	}
}

func TestRDAP(t *testing.T) {
	r := startRegistry(t)
	get := func(name string) (int, map[string]any) {
		response, err := http.Get(r.RDAP() + "domain/" + name)
		if err != nil {
			t.Fatal(err)
		}
		defer http.DefaultClient.CloseIdleConnections()
		defer response.Body.Close()
		var body map[string]any
		_ = json.NewDecoder(response.Body).Decode(&body) // an invalid body decodes to nothing
		return response.StatusCode, body
	}
	if status, body := get("unpaid.ru"); status != 200 || body["ldhName"] != "unpaid.ru" || body["status"].([]any)[0] != "inactive" || len(body["events"].([]any)) != 3 {
		t.Errorf("unpaid.ru: %d %v", status, body)
	}
	if status, body := get("free.ru"); status != 404 || body["errorCode"] != 404.0 {
		t.Errorf("free.ru: %d %v", status, body)
	}
	if status, body := get("garbage.com"); status != 200 || body != nil {
		t.Errorf("garbage.com: %d %v", status, body)
	}
	r.SetQuota(0)
	if status, _ := get("unpaid.ru"); status != 429 {
		t.Errorf("over the quota: %d", status)
	}
}

// TestMuteRegistryEndsWithTheLab leaves a question unanswered; Close must not
// wait for it.
func TestMuteRegistryEndsWithTheLab(t *testing.T) {
	r := startRegistry(t)
	r.SetMute(true)
	conn, err := net.Dial("tcp", r.WHOIS())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "free.ru\r\n"); err != nil {
		t.Fatal(err)
	}
	for r.Asked("free.ru") == 0 { // until the question was received
		if t.Context().Err() != nil {
			return
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if text, _ := io.ReadAll(conn); len(text) != 0 {
		t.Errorf("said %q", text)
	}
}
