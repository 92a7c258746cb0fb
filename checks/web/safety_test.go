package web

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/checks/pace"
)

// TestLeftAlone: no request is made for names that do not point to us.
func TestLeftAlone(t *testing.T) {
	s := newStage(t)
	h, asked := turns(func(int64) http.HandlerFunc { return s.files })
	s.serve(four, s.http, h)
	for _, points := range []checks.Pointing{checks.PointsUnknown, checks.PointsNowhere, checks.PointsElsewhere} {
		at := nameAt(four)
		at.Points = points
		if found := s.look(at, Ask{Attempts: 6, Deep: true}); found != nil {
			t.Errorf("%d: found %s", points, details(found))
		}
	}
	wild := nameAt(four)
	wild.Name = "*.client.ru"
	s.look(wild, Ask{})
	if asked.Load() != 0 {
		t.Errorf("%d requests", asked.Load())
	}
}

// TestPartly: of a name that partly points to us, only our addresses are asked.
func TestPartly(t *testing.T) {
	s := newStage(t)
	s.opts.Own = addresses(four)
	s.serve(four, s.http, s.files)
	h, asked := turns(func(int64) http.HandlerFunc { return http.NotFound })
	s.serve(another, s.http, h)
	at := nameAt(another, four)
	at.Points = checks.PointsPartly
	if found := s.look(at, Ask{Attempts: 6}); len(found) > 0 || asked.Load() > 0 {
		t.Errorf("%d requests to others, found %s", asked.Load(), details(found))
	}
}

// TestReserved: private addresses that are not configured as ours are not
// asked.
func TestReserved(t *testing.T) {
	s := newStage(t)
	s.opts.Own = nil
	h, asked := turns(func(int64) http.HandlerFunc { return s.files })
	s.serve(four, s.http, h)
	if _, err := New(s.opts).Follow(t.Context(), nameAt(four), Ask{}); !errors.Is(err, ErrNoAddress) || asked.Load() > 0 {
		t.Errorf("%d requests, err %v", asked.Load(), err)
	}
	for addr, want := range map[string]bool{
		"8.8.8.8": false, "127.0.0.1": true, "10.1.2.3": true, "100.64.0.1": true, "169.254.169.254": true, "224.0.0.1": true,
		"255.255.255.255": true, "203.0.113.1": true, "::1": true, "::": true, "fe80::1": true, "fd00::1": true, "::ffff:8.8.8.8": true,
		"::7f00:1": true, "::8.8.8.8": true, "64:ff9b::808:808": true, "2001:db8::1": true, "2606:4700::1": false, "2a00:1450::1": false, "fe80::1%eth0": true,
	} {
		if checks.Reserved(netip.MustParseAddr(addr)) != want {
			t.Errorf("reserved(%s) = %v", addr, !want)
		}
	}
}

// TestFile: the file exists and is readable during a probe, and is removed
// after it.
func TestFile(t *testing.T) {
	s := newStage(t)
	var path, body string
	s.serve(four, s.http, func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.Path
		entries, _ := os.ReadDir(s.folder)
		for _, e := range entries {
			info, _ := e.Info()
			if info.Mode().Perm() != 0o644 {
				t.Errorf("mode %v", info.Mode())
			}
			text, _ := os.ReadFile(s.folder + "/" + e.Name())
			body = string(text)
		}
		w.Write([]byte(body + " \r\n")) // the CA ignores white space at the end
	})
	if found := s.look(nameAt(four), Ask{}); len(found) > 0 {
		t.Fatalf("found %s", details(found))
	}
	token := strings.TrimPrefix(path, challengePath)
	if !strings.HasPrefix(token, tokenPrefix) || !strings.HasPrefix(body, token+".") || len(body) >= caBody {
		t.Errorf("asked for %q, held %q", path, body)
	}
	if left, _ := os.ReadDir(s.folder); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	s.opts.Challenges = Folder(s.folder + "/gone") // no file can be placed: reachability is judged, not the response
	if found := s.look(nameAt(four), Ask{}); summary(found) != "web.body(info)" || found[0].Args["rule"] != ruleUntried {
		t.Errorf("without the folder: %s", details(found))
	}
}

// TestWithoutFile judges by reachability: a 404 of our own server is accepted.
func TestWithoutFile(t *testing.T) {
	for status, want := range map[int]string{
		200: "web.body(info)", 204: "web.body(info)", 404: "", 410: "", 403: "web.forbidden", 500: "web.error", 400: "web.body status", 304: "web.redirect code",
	} {
		s := newStage(t)
		s.opts.Challenges = nil
		s.serve(four, s.http, says(status, ""))
		if got := summary(s.look(nameAt(four), Ask{})); got != want {
			t.Errorf("%d: found %q, want %q", status, got, want)
		}
	}
}

// TestForeign: a response through a proxy is compared with our own server's.
func TestForeign(t *testing.T) {
	for name, tt := range map[string]struct {
		through http.HandlerFunc
		want    string
	}{
		"ours":           {says(404, "<h1>nginx</h1>"), ""},
		"somebody else":  {says(404, "<h1>parked here</h1>"), "web.notfound foreign"},
		"a wall":         {says(403, "no"), "web.forbidden"},
		"origin is down": {says(522, ""), "web.error"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.opts.Challenges = nil
			s.opts.Own = addresses(four, another)
			s.serve(four, s.http, says(404, "<h1>nginx</h1>"))
			s.serve(another, s.http, tt.through)
			at := nameAt(another)
			at.Points, at.Proxy = checks.PointsProxied, "Cloudflare"
			if got := summary(s.look(at, Ask{})); got != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}

// TestRequest: the request is the CA's, except for the User-Agent, which only
// contains it.
func TestRequest(t *testing.T) {
	s := newStage(t)
	s.opts.UserAgent = "Domovoy\r\nX: y (+mailto:admin@hoster.ru)"
	head := make(chan []string, 1)
	s.talk(four, s.http, func(c net.Conn) {
		lines := bufio.NewScanner(c)
		var got []string
		for lines.Scan() && lines.Text() != "" {
			got = append(got, lines.Text())
		}
		head <- got
		c.Write([]byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
	})
	s.opts.Challenges = nil
	s.look(nameAt(four), Ask{})
	got := <-head
	want := []string{"GET ", "Host: client.ru", "User-Agent: Domovoy  X: y (+mailto:admin@hoster.ru; looks as Let's Encrypt validation server)", "Accept: */*", "Accept-Encoding: gzip", "Connection: close"}
	got[0] = got[0][:4]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestCouldNotLook: an error of this host is neither a finding nor success.
func TestCouldNotLook(t *testing.T) {
	s := newStage(t)
	s.opts.Timeout = impatient
	s.serve(four, s.http, to(301, "https://www.client.ru$path"))
	lame := errors.New("no server answers")
	s.opts.Resolve = func(context.Context, string) ([]netip.Addr, []netip.Addr, error) { return nil, nil, lame }
	found, err := New(s.opts).Follow(t.Context(), nameAt(four), Ask{})
	if !errors.Is(err, lame) || len(found) > 0 {
		t.Errorf("err %v, found %s", err, details(found))
	}
	s.opts.Resolve = nil
	if _, err := New(s.opts).Follow(t.Context(), nameAt(four), Ask{}); err == nil {
		t.Error("looked without a resolver")
	}
}

// TestHalfLooked: IPv6 leads to a host that could not be looked up, and IPv4
// fails. The CA uses IPv6 and may succeed.
func TestHalfLooked(t *testing.T) {
	s := newStage(t)
	s.serve(six, s.http, to(301, "https://www.client.ru$path"))
	s.serve(four, s.http, says(503, "later"))
	slow := errors.New("the resolver did not answer in time")
	s.opts.Resolve = func(context.Context, string) ([]netip.Addr, []netip.Addr, error) { return nil, nil, slow }
	found, err := New(s.opts).Follow(t.Context(), nameAt(four, six), Ask{})
	if got := summary(found); !errors.Is(err, slow) || got != "web.error(info)" {
		t.Errorf("err %v, found %q", err, got)
	}
}

// TestSpaceBehind: all characters that are white space in Unicode are ignored,
// as in Boulder's comparison.
func TestSpaceBehind(t *testing.T) {
	for text, want := range map[string]bool{
		"x.y": true, "x.y \r\n\t\v\f": true, "x.y\u0085": true, "x.y\u00a0\u2003\n": true,
		" x.y": false, "\ufeffx.y": false, "x.y\u200b": false, "x.y\x00": false,
		"x.y" + strings.Repeat(" ", caBody-4): true, "x.y" + strings.Repeat(" ", caBody-3): false,
	} {
		if holds([]byte(text), "x.y") != want {
			t.Errorf("holds(%q) = %v", text, !want)
		}
	}
}

// TestCancel: a canceled probe that waits for a response ends at once.
func TestCancel(t *testing.T) {
	s := newStage(t)
	s.opts.Timeout = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	s.serve(four, s.http, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		hang(w, r)
	})
	found, err := New(s.opts).Follow(ctx, nameAt(four), Ask{})
	if !errors.Is(err, context.Canceled) || len(found) > 0 {
		t.Errorf("err %v, found %s", err, details(found))
	}
	if left, _ := os.ReadDir(s.folder); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestPace: with one connection an hour allowed, one address gets only the
// first. Another address has its own limit.
func TestPace(t *testing.T) {
	s := newStage(t)
	s.opts.Pace = pace.New[netip.Addr](1.0/3600, 1)
	var asked [2]atomic.Int64
	for i, a := range []string{four, another} {
		s.serve(a, s.http, func(w http.ResponseWriter, r *http.Request) {
			asked[i].Add(1)
			s.files(w, r)
		})
	}
	p := New(s.opts)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var refused atomic.Int64
	var looks sync.WaitGroup
	for range 5 {
		for _, a := range []string{four, another} {
			looks.Go(func() {
				if _, err := p.Follow(ctx, nameAt(a), Ask{}); err != nil {
					refused.Add(1)
				}
			})
		}
	}
	looks.Wait()
	if asked[0].Load() != 1 || asked[1].Load() != 1 || refused.Load() != 8 {
		t.Errorf("asked %d and %d times, %d looks refused; want 1, 1, 8", asked[0].Load(), asked[1].Load(), refused.Load())
	}
}

// TestBodyThatDoesNotEnd: without a file of ours every page of a server that
// answers counts, but not one that breaks off or never ends: nor would the file
// arrive.
func TestBodyThatDoesNotEnd(t *testing.T) {
	const head = "HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n"
	for name, c := range map[string]struct {
		talk func(net.Conn)
		want string
	}{
		"whole":             {breakOff("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n"), ""},
		"until it closes":   {breakOff("HTTP/1.1 404 Not Found\r\n\r\nno\n"), ""},
		"breaks off":        {breakOff(head + "not"), "web.reset closed"},
		"breaks off at 200": {breakOff("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"), "web.reset closed"},
		"a broken chunk":    {breakOff("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nno"), "web.reset closed"},
		"no gzip at all":    {breakOff("HTTP/1.1 404 Not Found\r\nContent-Encoding: gzip\r\nContent-Length: 15\r\n\r\nno gzip at all\n"), "web.body nohttp"},
		"trickles for ever": {trickle, "web.timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.opts.Challenges, s.opts.Timeout = nil, time.Second
			s.talk(four, s.http, c.talk)
			if got := summary(s.look(nameAt(four), Ask{})); got != c.want {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}
