package budget

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

func letsEncrypt(t *testing.T) *CA {
	t.Helper()
	book, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	ca, ok := book.Find("acme-v02.api.letsencrypt.org")
	if !ok {
		t.Fatal("Let’s Encrypt is not in the book")
	}
	return ca
}

// The numbers are those of letsencrypt.org/docs/rate-limits on 2026-08-05.
func TestBuiltin(t *testing.T) {
	ca := letsEncrypt(t)
	now := day(2026, 11, 21)
	for _, tt := range []struct {
		limit  string
		size   int
		within time.Duration // an empty bucket is full after this time
	}{
		{"new_orders", 300, 3 * time.Hour},
		{"certificates_per_domain", 50, 7 * 24 * time.Hour},
		{"certificates_per_set", 5, 7 * 24 * time.Hour},
		{"failed_authorizations", 5, time.Hour},
		{"consecutive_failures", 1152, 1152 * 24 * time.Hour},
	} {
		l, ok := limitOf(ca, tt.limit, now)
		if !ok || l.Size != tt.size || l.Span() != tt.within {
			t.Errorf("%s: %d, full after %s", tt.limit, l.Size, l.Span())
		}
	}
	if l, _ := limitOf(ca, "consecutive_failures", day(2025, 7, 9)); l.Size != 3600 {
		t.Errorf("before July 2025 a name was paused after 3600 failures, not %d", l.Size)
	}
}

func TestLifetimesHaveDates(t *testing.T) {
	ca := letsEncrypt(t)
	for _, tt := range []struct {
		at   time.Time
		days int
	}{{day(2026, 11, 21), 90}, {day(2027, 2, 9), 90}, {day(2027, 2, 10), 64}, {day(2028, 2, 16), 45}} {
		if life, ok := ca.Life("", tt.at); !ok || time.Duration(life.Lifetime) != time.Duration(tt.days)*24*time.Hour {
			t.Errorf("%s: %v, want %d days", tt.at.Format(time.DateOnly), time.Duration(life.Lifetime), tt.days)
		}
	}
	if _, ok := ca.Life("shortlived", day(2025, 1, 1)); ok {
		t.Error("there were no certificates for six days in 2025")
	}
}

func TestComing(t *testing.T) {
	ca := letsEncrypt(t)
	coming := ca.Coming(day(2027, 1, 15), day(2027, 2, 14))
	if len(coming) != 1 || !strings.Contains(coming[0].Text["en"], "64 days") {
		t.Errorf("%+v", coming)
	}
	for _, c := range ca.Changes {
		if c.Source == "" || c.Text["ru"] == "" {
			t.Errorf("%s lacks its source or a language", c.Date.Time().Format(time.DateOnly))
		}
	}
}

func TestFind(t *testing.T) {
	book, err := Read([]byte("cas:\n- {name: Ours, hosts: ['*.lab.example', '127.0.0.1:14000', '[::1]']}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{
		"ca.lab.example": true, "CA.lab.example:8443": true, "127.0.0.1:14000": true, "127.0.0.1:14001": false,
		"127.0.0.1": false, "[::1]:99": true, "lab.example": false, "": false,
	} {
		if _, ok := book.Find(host); ok != want {
			t.Errorf("%q: %t", host, ok)
		}
	}
}

func TestReadFaults(t *testing.T) {
	const head = "cas:\n- name: Ours\n  hosts: [ca.example]\n  limits:\n"
	for _, tt := range []struct{ text, want string }{
		{"", "empty"},
		{"updated: 2026-11-21\n", "no CA"},
		{"cas:\n- {name: Ours}\n", "CA 1 needs"},
		{"updated: 21.11.2026\ncas: []\n", `line 1: "21.11.2026" is no day`},
		{"cas:\n- name: Ours\n  hots: [a]\n", "line 3: unknown field"},
		{"cas:\n- name: Ours\n  name: Theirs\n", "line 3: "},
		{"cas:\n- name: [\n", "line "},
		{head + "  - {name: a, scope: account, spent: order, size: ten, refill: 36s}\n", "line 5: "},
		{head + "  - {name: a, scope: account, spent: order, size: 10, refill: 36}\n", `line 5: "36" is no length of time`},
		{head + "  - {name: a, scope: world, spent: order, size: 10, refill: 36s}\n", `line 5: "world" is not one of`},
		{head + "  - {name: a, scope: account, spent: order, size: 0, refill: 36s}\n", "line 5: a: size and refill"},
		{head + "  - {name: a, scope: account, spent: failure, size: 1, refill: 36s}\n", "line 5: a: failures"},
		{head + "  - {name: a, scope: account, spent: order, size: 999999999, refill: 99999d}\n", "line 5: "},
		{head + "  - {name: a, scope: account, spent: order, size: 10, refill: 36s, exempt: [luck]}\n", `line 5: "luck"`},
		{head + "  - {name: a, scope: account, spent: order, size: 10, refill: 36s, sise: 3}\n", "line 5: unknown field"},
		{"cas:\n- name: Ours\n  hosts: [a]\n  changes:\n  - {date: 2027-01-01, text: {ru: да}}\n", "line 5: a change needs"},
	} {
		_, err := Read([]byte(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %q on one line", tt.text, err, tt.want)
		}
	}
}

func TestLoadStandsBeforeTheBuiltin(t *testing.T) {
	file := filepath.Join(t.TempDir(), "limits.yaml")
	text := "cas:\n- name: Ours\n  hosts: [acme-v02.api.letsencrypt.org]\n  limits:\n  - {name: new_orders, scope: account, spent: order, size: 3000, refill: 3.6s}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	book, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	ours, _ := book.Find("acme-v02.api.letsencrypt.org")
	staging, ok := book.Find("acme-staging-v02.api.letsencrypt.org")
	if l, _ := limitOf(ours, "new_orders", day(2026, 11, 21)); l.Size != 3000 || !ok || staging.Name != "Let’s Encrypt (staging)" {
		t.Errorf("%+v, %+v", ours, staging)
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there was read")
	}
}

func FuzzRead(f *testing.F) {
	f.Add("cas:\n- {name: a, hosts: [b], limits: [{name: c, scope: set, spent: order, size: 1, refill: 1s}]}\n")
	f.Add("updated: 1\ncas: &x [*x]\n")
	f.Add("cas: [{limits: [~, 1, []], changes: {a: b}}]")
	f.Fuzz(func(t *testing.T, text string) {
		book, err := Read([]byte(text))
		if err != nil {
			return
		}
		for i := range book.CAs {
			NewMeter(&book.CAs[i], "isp1", day(2026, 11, 21)).Budgets(day(2026, 11, 21))
		}
	})
}

// limitOf returns the limit of a name at a time.
func limitOf(ca *CA, name string, now time.Time) (Limit, bool) {
	for _, l := range ca.LimitsAt(now) {
		if l.Name == name {
			return l, true
		}
	}
	return Limit{}, false
}

// TestRemoteLooks is the table of how many remote looks may miss.
func TestRemoteLooks(t *testing.T) {
	book, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	own, err := Read([]byte("cas:\n- {name: Ours, hosts: [ca.example], remotes: [{from: 2026-01-01, looks: 3, misses: 0}, {from: 2026-07-01, looks: 4, misses: 2}]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	own.CAs = append(own.CAs, book.CAs...)
	at := func(day string) time.Time {
		d, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, c := range []struct {
		host, day     string
		looks, misses int
	}{
		{"acme-v02.api.letsencrypt.org", "2026-11-30", 1, 0},
		{"acme-v02.api.letsencrypt.org", "2026-11-30", 2, 1},
		{"acme-v02.api.letsencrypt.org", "2026-11-30", 5, 1},
		{"acme-v02.api.letsencrypt.org", "2026-11-30", 6, 2},
		{"acme-staging-v02.api.letsencrypt.org", "2026-11-30", 7, 2},
		{"another.example", "2026-11-30", 3, 0}, // as the first of the book
		{"ca.example", "2026-06-30", 5, 0},
		{"ca.example", "2026-07-01", 5, 2},
		{"ca.example", "2026-07-01", 3, 0},
		{"ca.example", "2000-01-01", 5, 0},
	} {
		if got := own.MayMiss(c.host, c.looks, at(c.day)); got != c.misses {
			t.Errorf("%s on %s: of %d looks %d may miss, want %d", c.host, c.day, c.looks, got, c.misses)
		}
	}
	if _, err := Read([]byte("cas:\n- {name: Ours, hosts: [ca.example], remotes: [{looks: 1, misses: 2}]}\n")); err == nil {
		t.Error("more may miss than look")
	}
}
