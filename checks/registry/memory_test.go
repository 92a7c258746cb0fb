package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/checks"
)

// notes keeps what was asked and learned, as a journal does.
type notes struct {
	known map[string]checks.Registration
	uses  []checks.RegistryUse
	err   error
}

func (n *notes) KeepRegistration(_ context.Context, r checks.Registration, use checks.RegistryUse) error {
	if n.err != nil {
		return n.err
	}
	n.known[r.Domain] = r
	if !use.Asked.IsZero() || !use.Shut.IsZero() {
		n.uses = append(n.uses, use)
	}
	return nil
}

func (n *notes) past() checks.RegistryPast {
	past := checks.RegistryPast{Uses: n.uses}
	for _, k := range n.known {
		past.Known = append(past.Known, k)
	}
	return past
}

// A limit counts the questions of the process before, and a refusal outlives it.
func TestTheLimitOutlivesTheProcess(t *testing.T) {
	refuse := false
	address, asked := whois(t, func(string) string {
		if refuse {
			return tciQuota
		}
		return tciFree
	})
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	n := &notes{known: map[string]checks.Registration{}}
	start := func() *Registry {
		return New(Options{Whois: map[string]string{"ru": address}, Rate: 5, Now: func() time.Time { return now }, Keeper: n, Past: n.past()})
	}
	r := start()
	for i := range 5 {
		if _, err := r.Ask(t.Context(), fmt.Sprintf("d%d.ru", i)); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(30 * time.Second)
	r = start()
	if _, err := r.TryLookup(t.Context(), "d5.ru"); !errors.Is(err, ErrTurn) {
		t.Errorf("a sixth question within a minute: %v", err)
	}
	if _, err := r.TryLookup(t.Context(), "d1.ru"); err != nil {
		t.Errorf("what is known is asked again: %v", err)
	}
	now, refuse = now.Add(40*time.Second), true
	if _, err := r.TryLookup(t.Context(), "d5.ru"); !errors.Is(err, ErrQuota) {
		t.Errorf("%v", err)
	}
	now, refuse = now.Add(time.Minute), false
	if _, err := start().TryLookup(t.Context(), "d6.ru"); !errors.Is(err, ErrQuota) || asked() != 6 {
		t.Errorf("a registry that refused is asked by the next process: %v, asked %d times", err, asked())
	}
}

// A question whose end the process did not live to see is not asked at once
// again, and one that cannot be kept is not asked by the rolling look.
func TestInterruptedAndUnkept(t *testing.T) {
	address, asked := whois(t, func(string) string { return tciFree })
	n := &notes{known: map[string]checks.Registration{}}
	o := Options{Whois: map[string]string{"ru": address}, Keeper: n}
	r := New(o)
	suffix := "ru"
	if err := r.begin(t.Context(), r.endpoint(suffix), "shop.ru"); err != nil { // and the process dies
		t.Fatal(err)
	}
	o.Past = n.past()
	r = New(o)
	if err := r.Look(t.Context(), "shop.ru"); err != nil || asked() != 0 || r.Known("shop.ru").Failure != checks.RegistryInterrupted {
		t.Errorf("%v, asked %d times: %+v", err, asked(), r.Known("shop.ru"))
	}
	n.err = errors.New("the disk is full")
	if err := r.Look(t.Context(), "other.ru"); !errors.Is(err, ErrNotKept) || asked() != 0 {
		t.Errorf("%v, asked %d times", err, asked())
	}
	if _, err := r.Ask(t.Context(), "other.ru"); err != nil || asked() != 1 {
		t.Errorf("somebody who waits is not answered: %v", err)
	}
}

// The rolling look leaves a part of the limit to people: while it asks as fast as
// it may, six questions a minute of thirty have no wait.
func TestPeopleComeFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, limit := &queue{}, Limit{30, time.Minute}
		for end := time.Now().Add(10 * time.Minute); time.Now().Before(end); {
			time.Sleep(q.wait(limit, true, time.Now()))
			q.take(limit, time.Now())
		}
		for i := range 6 {
			if wait := q.wait(limit, false, time.Now()); wait > 0 {
				t.Fatalf("question %d has to wait %s", i+1, wait)
			}
			q.take(limit, time.Now())
		}
		if q.wait(limit, false, time.Now()) == 0 {
			t.Error("thirty-one questions in a minute")
		}
	})
}

// How long a domain is not asked about follows from its end.
func TestPeriods(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	answer := func(left time.Duration) Registration {
		return Registration{State: Delegated, PaidTill: now.Add(left)}
	}
	unpaid := Registration{State: Undelegated, Unpaid: true, PaidTill: now.Add(300 * day)}
	for name, tt := range map[string]struct {
		answer Registration
		want   time.Duration
	}{
		"far":              {answer(300 * day), 7 * day},
		"nearly near":      {answer(33 * day), 3 * day},
		"near":             {answer(30 * day), day},
		"tomorrow":         {answer(30 * time.Hour), day},
		"today":            {answer(5 * time.Hour), 6 * time.Hour},
		"over":             {answer(-5 * day), day},
		"over for long":    {answer(-90 * day), 7 * day},
		"not published":    {Registration{State: Delegated}, 30 * day},
		"free":             {Registration{State: Free}, day},
		"to be deleted":    {unpaid, day},
		"ends this moment": {answer(0), day},
	} {
		if got := dueAfter(checks.Registration{Looked: now, Answer: tt.answer}).Sub(now); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
	for failures, want := range map[int]time.Duration{1: time.Hour, 2: 2 * time.Hour, 4: 8 * time.Hour, 5: 16 * time.Hour, 6: day, 60: day} {
		if got := retryAfter(failures); got != want {
			t.Errorf("after %d failures: %s, want %s", failures, got, want)
		}
	}
}

// A server that forbids everything is left alone for an hour, as one is that
// says 429.
func TestAForbiddingServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer server.Close()
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	r := New(Options{RDAP: server.URL, Now: func() time.Time { return now }})
	if err := r.Look(t.Context(), "shop.com"); !errors.Is(err, ErrBanned) {
		t.Fatal(err)
	}
	if k := r.Known("shop.com"); k.Failure != checks.RegistryQuota || k.Due.Sub(now) != time.Hour {
		t.Errorf("%+v", k)
	}
}
