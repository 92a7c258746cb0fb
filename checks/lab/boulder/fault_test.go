package boulder_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/checks/lab/boulder"
)

// TestFaults checks how each fault answers a deactivation, and whether it was
// carried out nevertheless.
func TestFaults(t *testing.T) {
	for name, row := range map[string]struct {
		fault  boulder.Fault
		status int // 0: no response
		after  string
		text   string // part of the response
		done   bool
	}{
		"the load balancer's page":        {boulder.Fault{Kind: boulder.Unavailable, RetryAfter: 90 * time.Second}, 503, "90", "<h1>503", false},
		"cut off":                         {boulder.Fault{Kind: boulder.Cut}, 0, "", "", false},
		"too many":                        {boulder.Fault{Kind: boulder.TooMany, RetryAfter: time.Hour}, 429, "3600", "rateLimited", false},
		"an error":                        {boulder.Fault{Kind: boulder.Internal}, 500, "60", "serverInternal", false},
		"an error, but it is done":        {boulder.Fault{Kind: boulder.InternalButDone}, 500, "60", "Error deactivating authorization", true},
		"done, but the answer is dropped": {boulder.Fault{Kind: boulder.Drop}, 0, "", "", true},
		"a stale nonce":                   {boulder.Fault{Kind: boulder.StaleNonce}, 400, "", "badNonce", false},
		"a problem of the test's own":     {boulder.Fault{Kind: boulder.Refuse, Problem: boulder.NewProblem(409, "conflict", "odd")}, 409, "", "odd", false},
	} {
		for _, way := range []string{"direct", "port"} {
			t.Run(name+", "+way, func(t *testing.T) {
				ca, err := boulder.Start(boulder.Options{})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(ca.Close)
				c, id := enter(t, ca)
				if way == "port" {
					c.http = through(t, ca)
				}
				url := ca.Populate(id, []string{"shop.ru"}, 1, "")[0]
				ca.Fail(boulder.KindDeactivate, 1, row.fault)
				if got := c.post(url, nil); got.status != 200 {
					t.Fatalf("reading: %d %s", got.status, got.text)
				}
				got := c.deactivate(url)
				if got.status != row.status || got.header.Get("Retry-After") != row.after || !strings.Contains(got.text, row.text) {
					t.Errorf("%d, Retry-After %q: %s", got.status, got.header.Get("Retry-After"), got.text)
				}
				want := boulder.Pending
				if row.done {
					want = boulder.Deactivated
				}
				if is, _ := ca.Authorization(url); is.Status != want {
					t.Errorf("it is %s, want %s", is.Status, want)
				}
				if got := c.deactivate(url); got.status != 200 {
					t.Errorf("the next one: %d %s", got.status, got.text)
				}
				if n := ca.Charged(id)["shop.ru"]; n != 1 {
					t.Errorf("charged %d", n)
				}
			})
		}
	}
}

// TestClosing: closing the CA ends a request in progress, and so does the
// client's disconnecting.
func TestClosing(t *testing.T) {
	came := make(chan struct{}, 2)
	ca, err := boulder.Start(boulder.Options{Latency: time.Hour, Watch: func(boulder.Moment) { came <- struct{}{} }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ask := func(client *http.Client, ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, ca.Directory(), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(r)
		if err == nil {
			_ = answer.Body.Close()
		}
		return err
	}
	gave := make(chan error)
	go func() { gave <- ask(ca.Client(), ctx) }()
	<-came
	cancel()
	if err := <-gave; !errors.Is(err, context.Canceled) {
		t.Errorf("the client that left: %v", err)
	}
	client := through(t, ca)
	go func() { gave <- ask(client, t.Context()) }()
	<-came
	ca.Close()
	if err := <-gave; err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("the client that stayed: %v", err)
	}
}

// TestLoadBalancer lets a burst pass, and then what the rate allows.
func TestLoadBalancer(t *testing.T) {
	clock := newClock()
	ca := boulder.New(boulder.Options{Clock: clock.Now, Rates: boulder.Rates{ACME: boulder.Rate{PerSecond: 20, Burst: 20}}})
	c, id := enter(t, ca)
	url := ca.Populate(id, []string{"shop.ru"}, 1, "")[0]
	refused := 0
	for range 30 {
		if got := c.get(url); got.status == 503 {
			refused++
			if got.header.Get("Retry-After") != "1" || got.header.Get("Content-Type") != "text/html" {
				t.Fatalf("%v %s", got.header, got.text)
			}
		}
	}
	if refused != 9 { // the burst, and one more
		t.Errorf("%d of 30 were refused", refused)
	}
	clock.advance(50 * time.Millisecond)
	if got := c.get(url); got.status != 200 {
		t.Errorf("a twentieth of a second later: %d", got.status)
	}
	if ca.Requests(boulder.KindRead)[29].Status != 503 || ca.Count(boulder.KindRead) != 31 {
		t.Errorf("the log has %d reads", ca.Count(boulder.KindRead))
	}
}

// TestPeak finds the most requests within a second, in virtual time.
func TestPeak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := boulder.New(boulder.Options{Latency: 100 * time.Millisecond})
		client := ca.Client()
		start := time.Now()
		for _, pause := range []time.Duration{0, 0, 0, 2 * time.Second, 0, 300 * time.Millisecond} {
			time.Sleep(pause)
			answer, err := client.Get(ca.Directory())
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, answer.Body)
		}
		if got := time.Since(start); got != 2900*time.Millisecond {
			t.Errorf("six requests took %s", got)
		}
		for stretch, want := range map[time.Duration]int{time.Second: 3, 100 * time.Millisecond: 1, 3 * time.Second: 6, 200 * time.Millisecond: 2} {
			if got := ca.Peak(stretch, boulder.KindDirectory); got != want {
				t.Errorf("at most %d within %s, want %d", got, stretch, want)
			}
		}
	})
}

// TestWatching: the watcher is called twice for each request: when it arrives,
// and when it is processed but not yet answered.
func TestWatching(t *testing.T) {
	var seen []boulder.Moment
	ca := boulder.New(boulder.Options{Watch: func(m boulder.Moment) { seen = append(seen, m) }})
	c, id := enter(t, ca)
	c.deactivate(ca.Populate(id, []string{"shop.ru"}, 1, "")[0])
	if len(seen) != 4 || seen[2].Done || !seen[3].Done || seen[3].Request.Kind != boulder.KindDeactivate || seen[3].Request.Status != 200 {
		t.Errorf("seen %+v", seen)
	}
}
