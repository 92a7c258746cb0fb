package pace

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	here  = netip.MustParseAddr("192.0.2.1")
	there = netip.MustParseAddr("192.0.2.2")
)

// Callers share the rate of a key, and each key has its own.
func TestEachKeyHasItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, start := New[netip.Addr](10, 1), time.Now()
		var lookers sync.WaitGroup
		for range 2 {
			lookers.Go(func() {
				for range 5 {
					for _, a := range []netip.Addr{here, there} {
						if err := p.Wait(t.Context(), a); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		lookers.Wait()
		// Ten events for each address: the first at once, the others at
		// intervals of 100 ms.
		if took := time.Since(start).Round(time.Millisecond); took != 900*time.Millisecond {
			t.Errorf("took %v, want 900ms", took)
		}
	})
}

// Places that share a limit keep to it together, and one that is alone again has all
// of it, also for a key that was used before.
func TestShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		places, start := []*Keyed[netip.Addr]{New[netip.Addr](10, 1), New[netip.Addr](10, 1), New[netip.Addr](10, 1), New[netip.Addr](10, 1)}, time.Now()
		five := func(k *Keyed[netip.Addr]) {
			for range 5 {
				if err := k.Wait(t.Context(), here); err != nil {
					t.Error(err)
				}
			}
		}
		var lookers sync.WaitGroup
		for _, k := range places {
			lookers.Go(func() { k.Share(len(places)); five(k) })
		}
		lookers.Wait()
		// Each place has one event at once, the others at intervals of 400 ms.
		if took := time.Since(start).Round(time.Millisecond); took != 1600*time.Millisecond {
			t.Errorf("four places took %v, want 1.6s", took)
		}
		start = time.Now()
		places[0].Share(0)
		five(places[0])
		if took := time.Since(start).Round(time.Millisecond); took != 500*time.Millisecond {
			t.Errorf("alone again it took %v, want 500ms", took)
		}
		var none *Keyed[netip.Addr]
		none.Share(2)
		unlimited := New[netip.Addr](0, 1)
		unlimited.Share(2)
		if err := unlimited.Wait(t.Context(), here); err != nil {
			t.Error(err)
		}
	})
}

// A canceled reservation can be used by others.
func TestReserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := New[string](1, 2)
		for i, want := range []time.Duration{0, 0, time.Second, time.Second} {
			turn := k.Reserve("C1")
			if d := turn.Delay(); d != want {
				t.Errorf("turn %d: in %v, want %v", i+1, d, want)
			}
			if want > 0 {
				turn.Cancel()
			}
		}
		if d := k.Reserve("C2").Delay(); d != 0 {
			t.Errorf("another key waits %v", d)
		}
	})
}

func TestWithoutALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		for _, p := range []*Keyed[netip.Addr]{nil, New[netip.Addr](0, 1), New[netip.Addr](-1, 1)} {
			for range 100 {
				if err := p.Wait(t.Context(), here); err != nil {
					t.Fatal(err)
				}
				if d := p.Reserve(here).Delay(); d != 0 {
					t.Fatalf("a reserved turn comes in %v", d)
				}
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

// An event that would be too late is refused at once.
func TestWaitGivesUp(t *testing.T) {
	p := New[netip.Addr](1.0/3600, 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := p.Wait(ctx, here); err != nil {
		t.Error(err)
	}
	if err := p.Wait(ctx, here); err == nil {
		t.Error("an hour's wait was promised within a minute")
	}
	cancel()
	if err := New[netip.Addr](0, 1).Wait(ctx, here); !errors.Is(err, context.Canceled) {
		t.Errorf("called off: %v", err)
	}
}

// Idle keys are not kept for ever.
func TestIdleKeysAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := New[int](1, 3)
		for key := range 3 * kept {
			if err := k.Wait(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			if len(k.limiters) == kept {
				time.Sleep(time.Second) // one event is regained in a second
			}
		}
		if len(k.limiters) > kept {
			t.Errorf("%d keys are kept", len(k.limiters))
		}
	})
}

// A busy key is kept: a new limiter would allow another burst.
func TestBusyKeysAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, last := New[int](1, 1), 3*kept
		for key := range last {
			k.Reserve(key)
		}
		if len(k.limiters) != last {
			t.Errorf("%d of %d busy keys are kept", len(k.limiters), last)
		}
		time.Sleep(time.Second)
		k.Reserve(0)
		for key := last; len(k.limiters) >= last; key++ {
			if key > 3*last {
				t.Fatal("idle keys are never forgotten")
			}
			k.Reserve(key)
		}
		if d := k.Reserve(0).Delay(); d != time.Second {
			t.Errorf("the busy key's next turn comes in %v, want 1s", d)
		}
	})
}
