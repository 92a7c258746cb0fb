package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"domovoy/checks"
)

// late answers after a while.
func late(wait time.Duration, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(wait):
			h(w, r)
		case <-r.Context().Done():
		}
	}
}

// TestHaste: what a site does because we ask too fast is not said of the CA,
// which comes from other addresses.
func TestHaste(t *testing.T) {
	limit, busy := says(429, "slow down"), says(503, "limiting requests")
	for _, tt := range []struct {
		name     string
		sequence string // "+" the file, "4" 429, "5" 503, "x" 403
		asked    bool
		want     string
	}{
		{"two pass, then 429", "++4444", true, "web.forbidden(info)"},
		{"two pass, then 503", "++5555", true, "web.forbidden(info)"},
		{"a ban after two", "++xxxx", true, "web.forbidden(info)"},
		{"429 now and then", "+4+44+", true, "web.forbidden(info)"},
		{"the sweep met a limit, and a slow series passes", "5+++++", false, "web.forbidden(info)"},
		{"429 in the sweep, and a slow series passes", "4+++++", false, "web.forbidden(info)"},
		{"every other one is dead", "+5+5+5", true, "web.flapping"},
		{"two of six are dead", "5++5++", false, "web.flapping"},
		{"all fail", "555555", true, "web.error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			s.opts.Timeout = impatient
			h, _ := turns(func(n int64) http.HandlerFunc {
				return map[byte]http.HandlerFunc{'+': s.files, '4': limit, '5': busy, 'x': says(403, "banned")}[tt.sequence[min(int(n), 5)]]
			})
			s.serve(four, s.http, h)
			ask := Ask{}
			if tt.asked {
				ask.Attempts = 6
			}
			found := s.look(nameAt(four), ask)
			if got := summary(found); got != tt.want {
				t.Fatalf("found %q, want %q\n%s", got, tt.want, details(found))
			}
			if a := found[0].Args; a["rule"] == ruleLimit && a[checks.WhoArg] != "nobody" {
				t.Errorf("arguments %v", a)
			}
		})
	}
}

// TestLimited: a site that answers 429 to all is not known: neither well nor
// broken.
func TestLimited(t *testing.T) {
	s := newStage(t)
	s.opts.Timeout = impatient
	s.serve(four, s.http, says(429, "slow down"))
	found, err := New(s.opts).Follow(t.Context(), nameAt(four), Ask{})
	if err == nil || summary(found) != "web.forbidden(info)" {
		t.Errorf("err %v, found %s", err, details(found))
	}
}

// TestAgent: what a site does by User-Agent counts as it does for the CA.
func TestAgent(t *testing.T) {
	looks := func(r *http.Request) bool { return strings.Contains(r.UserAgent(), "Let's Encrypt validation server") }
	by := func(ca, others http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if looks(r) {
				ca(w, r)
			} else {
				others(w, r)
			}
		}
	}
	for _, tt := range []struct {
		name  string
		of    func(s *stage) http.HandlerFunc
		want  string
		agent any
		n     int64
	}{
		{"403 to strangers only", func(s *stage) http.HandlerFunc { return by(s.files, says(403, "bots")) }, "web.forbidden(info)", agentOthers, 8},
		{"403 to the CA only", func(s *stage) http.HandlerFunc { return by(says(403, "bots"), s.files) }, "web.forbidden", agentCA, 8},
		{"404 to the CA only", func(s *stage) http.HandlerFunc { return by(http.NotFound, s.files) }, "web.notfound", agentCA, 8},
		{"the same to all", func(s *stage) http.HandlerFunc { return s.files }, "", nil, 6},
		{"403 to all", func(s *stage) http.HandlerFunc { return says(403, "no") }, "web.forbidden", nil, 6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			s.opts.Timeout = impatient
			h, n := turns(func(int64) http.HandlerFunc { return tt.of(s) })
			s.serve(four, s.http, h)
			found := s.look(nameAt(four), Ask{Attempts: 6})
			if got := summary(found); got != tt.want || n.Load() != tt.n {
				t.Fatalf("found %q after %d requests, want %q after %d\n%s", got, n.Load(), tt.want, tt.n, details(found))
			}
			if len(found) > 0 && found[0].Args["agent"] != tt.agent {
				t.Errorf("arguments %v", found[0].Args)
			}
		})
	}
}

// TestOneRequest: a single request looks as the CA's.
func TestOneRequest(t *testing.T) {
	s := newStage(t)
	agent := ""
	s.serve(four, s.http, func(w http.ResponseWriter, r *http.Request) {
		agent = r.UserAgent()
		s.files(w, r)
	})
	if found := s.look(nameAt(four), Ask{}); len(found) > 0 || !strings.Contains(agent, caAgent) || !strings.Contains(agent, "Domovoy") {
		t.Errorf("agent %q, found %s", agent, details(found))
	}
}
