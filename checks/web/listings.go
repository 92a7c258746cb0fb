package web

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"domovoy/checks"
)

// How long an answer about an address is valid, and for how many addresses
// answers are kept. The CA has a few dozen validators, which request files of
// every site.
const (
	listedHolds = 6 * time.Hour
	listedKept  = 1024
)

// AskLists asks blocklists about addresses: one finding for each listed
// address, which is its Name, with the argument "lists". The error is about
// lists that could not be asked; the findings of the others are valid.
type AskLists func(ctx context.Context, addrs ...netip.Addr) ([]checks.Finding, error)

// Listings asks blocklists and keeps their answers. It is safe for concurrent
// use if its AskLists is.
type Listings struct {
	ask   AskLists
	mu    sync.Mutex
	known map[netip.Addr]listed
}

// listed is the cached answer about one address.
type listed struct {
	lists string // empty: it is on no list
	until time.Time
}

// NewListings returns Listings that keep the answers of ask.
func NewListings(ask AskLists) *Listings {
	return &Listings{ask: ask, known: map[netip.Addr]listed{}}
}

// Note adds to a finding of an access log which of its addresses are listed. l may be
// nil: no list is asked, which the finding says, too.
func (l *Listings) Note(ctx context.Context, f *checks.Finding) {
	if f.Code != checks.WebBlocked {
		return
	}
	if f.Args["lists"] = l != nil; l == nil {
		return
	}
	var named []netip.Addr
	texts, _ := f.Args["addresses"].([]string)
	for _, text := range texts[:min(len(texts), shown)] {
		if a, err := netip.ParseAddr(text); err == nil {
			named = append(named, a)
		}
	}
	on, err := l.of(ctx, named)
	if len(on) > 0 {
		f.Args["listed"] = on
	}
	if err != nil {
		f.Detail += "\n" + checks.Clean(err.Error(), 2*checks.WordLength)
	}
}

// of returns the addresses that are listed, each with its lists: "192.0.2.1
// (zen.example)". Addresses that cannot be on any list are not asked about. The
// error is about lists that could not be asked: an address that is not returned
// may be listed there, and will be asked about again.
func (l *Listings) of(ctx context.Context, addrs []netip.Addr) ([]string, error) {
	now := time.Now()
	said, unknown := l.remembered(addrs, now)
	var err error
	if len(unknown) > 0 {
		var found []checks.Finding
		found, err = l.ask(ctx, unknown...)
		for _, f := range found {
			if a, bad := netip.ParseAddr(f.Name); bad == nil {
				said[a], _ = f.Args["lists"].(string)
			}
		}
		if err == nil {
			l.remember(unknown, said, now.Add(listedHolds))
		}
	}
	var on []string
	for _, a := range addrs {
		if lists := said[a]; lists != "" {
			on = append(on, fmt.Sprintf("%s (%s)", a, lists))
		}
	}
	return on, err
}

// remembered separates the addresses with a cached answer from those to ask
// about.
func (l *Listings) remembered(addrs []netip.Addr, now time.Time) (said map[netip.Addr]string, unknown []netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	said = map[netip.Addr]string{}
	for _, a := range addrs {
		if k, ok := l.known[a]; ok && now.Before(k.until) {
			said[a] = k.lists
		} else if !checks.Reserved(a) {
			unknown = append(unknown, a)
		}
	}
	return said, unknown
}

// remember caches the answers of all lists.
func (l *Listings) remember(asked []netip.Addr, said map[netip.Addr]string, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.known)+len(asked) > listedKept {
		clear(l.known)
	}
	for _, a := range asked {
		l.known[a] = listed{said[a], until}
	}
}
