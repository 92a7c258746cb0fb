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

// Two who look share what one address bears, and another address has its own.
func TestPaceIsPerAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, start := New(10), time.Now()
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
		// Ten turns at each address: the first at once, the others a tenth of
		// a second apart.
		if took := time.Since(start).Round(time.Millisecond); took != 900*time.Millisecond {
			t.Errorf("took %v, want 900ms", took)
		}
	})
}

// The same address in IPv6 clothes is the same address.
func TestPaceOfAMappedAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, start := New(1), time.Now()
		_ = p.Wait(t.Context(), here)
		_ = p.Wait(t.Context(), netip.AddrFrom16(here.As16()))
		if took := time.Since(start); took != time.Second {
			t.Errorf("took %v, want 1s", took)
		}
	})
}

func TestPaceWithoutALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		for _, p := range []*Pace{nil, New(0), New(-1)} {
			for range 100 {
				if err := p.Wait(t.Context(), here); err != nil {
					t.Fatal(err)
				}
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

// A turn that would come too late is refused at once.
func TestPaceGivesUp(t *testing.T) {
	p := New(1.0 / 3600)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := p.Wait(ctx, here); err != nil {
		t.Error(err)
	}
	if err := p.Wait(ctx, here); err == nil {
		t.Error("an hour's wait was promised within a minute")
	}
	cancel()
	if err := New(0).Wait(ctx, here); !errors.Is(err, context.Canceled) {
		t.Errorf("called off: %v", err)
	}
}

// A sweep over very many addresses does not keep them all.
func TestPaceForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(1000)
		a := here
		for range 3 * kept {
			if err := p.Wait(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			a = a.Next()
			if len(p.each) == kept {
				time.Sleep(time.Second) // they become idle
			}
		}
		if len(p.each) > kept {
			t.Errorf("%d addresses are kept", len(p.each))
		}
	})
}
