package web

import (
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
)

// turns answers by the number of the request, counted from 0.
func turns(answer func(n int64) http.HandlerFunc) (http.HandlerFunc, *atomic.Int64) {
	var n atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) { answer(n.Add(1)-1)(w, r) }, &n
}

// TestPattern makes six attempts at a balancer with a dead backend.
func TestPattern(t *testing.T) {
	dead := says(503, "no server is available")
	tests := []struct {
		name string
		bad  func(n int64) bool
		ask  Ask
		want checks.Args
		n    int64 // requests made
	}{
		{"healthy", func(int64) bool { return false }, Ask{}, nil, 1},
		{"healthy, asked for", func(int64) bool { return false }, Ask{Attempts: 6}, nil, 6},
		{"every other one, the first bad", func(n int64) bool { return n%2 == 0 }, Ask{},
			checks.Args{"pattern": "alternating", "alternating": true, "sequence": "-+-+-+", "ok": 3, "failed": 3, "share": 50}, 6},
		{"every other one, the first good", func(n int64) bool { return n%2 == 1 }, Ask{Attempts: 6},
			checks.Args{"pattern": "alternating", "alternating": true, "sequence": "+-+-+-", "ok": 3, "failed": 3, "share": 50}, 6},
		{"one in three", func(n int64) bool { return n%3 == 0 }, Ask{},
			checks.Args{"pattern": "random", "alternating": false, "sequence": "-++-++", "ok": 4, "failed": 2, "share": 33}, 6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			h, n := turns(func(n int64) http.HandlerFunc {
				if tt.bad(n) {
					return dead
				}
				return s.files
			})
			s.serve(four, s.http, h)
			found := s.look(nameAt(four), tt.ask)
			if n.Load() != tt.n {
				t.Errorf("%d requests, want %d", n.Load(), tt.n)
			}
			if tt.want == nil {
				if len(found) > 0 {
					t.Errorf("found %s", details(found))
				}
				return
			}
			if summary(found) != "web.flapping" {
				t.Fatalf("found %s", details(found))
			}
			tt.want["cause"], tt.want["status"] = "web.error", 503
			got := checks.Args{}
			for name := range tt.want {
				got[name] = found[0].Args[name]
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAddresses: the CA takes the first record of the answer, so with one dead
// address of two it fails at random.
func TestAddresses(t *testing.T) {
	s := newStage(t)
	s.serve(four, s.http, s.files)
	s.serve(another, s.http, http.NotFound)
	for _, at := range [][]string{{four, another}, {another, four}} {
		found := s.look(nameAt(at...), Ask{})
		if summary(found) != "web.flapping" {
			t.Fatalf("%v: found %s", at, details(found))
		}
		a := found[0].Args
		if a["pattern"] != "address" || a["address"] != another || a["cause"] != "web.notfound" {
			t.Errorf("%v: arguments %v", at, a)
		}
	}
}

// TestBlackHole: six attempts at a silent address overlap, start in order, and
// none takes longer than its timeout.
func TestBlackHole(t *testing.T) {
	s := newStage(t)
	s.opts.Timeout = 5 * impatient // far longer than a busy machine may pause
	s.blackHole(four, s.http)
	began := time.Now()
	found := s.look(nameAt(four), Ask{})
	if got := summary(found); got != "web.timeout" || found[0].Args["failed"] != 6 {
		t.Errorf("found %s", details(found))
	}
	if took := time.Since(began); took >= 5*s.opts.Timeout {
		t.Errorf("took %v: one after another", took)
	}
}

// TestSilence covers servers that are slow or stop responding.
func TestSilence(t *testing.T) {
	tests := []struct {
		name string
		at   []string
		set  func(s *stage)
		want string
		says string
	}{
		{"accepts and says nothing", []string{four}, func(s *stage) { s.serve(four, s.http, hang) }, "web.timeout", "Timeout after connect"},
		{"head without an end", []string{four}, func(s *stage) { s.talk(four, s.http, blurt("HTTP/1.1 200 OK\r\nX: ")) }, "web.timeout", ""},
		{"v6 dropped, v4 good", []string{four, six}, func(s *stage) {
			s.blackHole(six, s.http)
			s.serve(four, s.http, s.files)
		}, "web.ipv6", "During secondary validation"},
		{"answers after the deadline of all validators", []string{four}, func(s *stage) { s.serve(four, s.http, late(impatient+impatient/4, s.files)) }, "web.timeout deadline", "During secondary validation"},
		{"v6 hangs, v4 good", []string{four, six}, func(s *stage) {
			s.serve(six, s.http, hang)
			s.serve(four, s.http, s.files)
		}, "web.ipv6", ""},
		{"v6 and v4 dropped", []string{four, six}, func(s *stage) {
			s.blackHole(six, s.http)
			s.blackHole(four, s.http)
		}, "web.timeout web.ipv6(info)", ""},
		{"443 dropped", []string{four}, func(s *stage) {
			s.serve(four, s.http, to(301, "https://client.ru$path"))
			s.blackHole(four, s.https)
		}, "web.timeout", ""},
		{"443 hangs in the handshake", []string{four}, func(s *stage) {
			s.serve(four, s.http, to(301, "https://client.ru$path"))
			s.blackHole(another, s.https)
			s.talk(four, s.https, blurt(""))
		}, "web.timeout", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.opts.Timeout = impatient
			tt.set(s)
			found := s.look(nameAt(tt.at...), Ask{})
			if got := summary(found); got != tt.want {
				t.Errorf("found %q, want %q\n%s", got, tt.want, details(found))
			}
			if says, _ := found[0].Args["says"].(string); tt.says != "" && !strings.HasPrefix(says, tt.says) {
				t.Errorf("the CA says %q, want %q", says, tt.says)
			}
		})
	}
}

// TestHops: each hop has its address, status and Location.
func TestHops(t *testing.T) {
	s := newStage(t)
	s.serve(four, s.http, to(301, "https://client.ru$path"))
	s.serve(four, s.https, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Server", "nginx\u202e1.22")
		w.WriteHeader(500)
		w.Write([]byte("<h1>\u202eoops\x00</h1>"))
	})
	w := New(s.opts).attempt(t.Context(), name, challenge{token: "T", want: "T.k"}, route{first: netip.MustParseAddr(four)},
		signs{dialing: func() {}, connected: func() {}})
	want := []Hop{
		{URL: "http://client.ru/.well-known/acme-challenge/T", Address: netip.MustParseAddrPort("127.0.0.1:" + s.http), Status: 301,
			Location: "https://client.ru/.well-known/acme-challenge/T"},
		{URL: "https://client.ru/.well-known/acme-challenge/T", Address: netip.MustParseAddrPort("127.0.0.1:" + s.https), Status: 500,
			Server: "nginx 1.22", Trouble: "Invalid response from https://client.ru/.well-known/acme-challenge/T: 500"},
	}
	if diff := cmp.Diff(want, w.hops, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}
