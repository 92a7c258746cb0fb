package account

import (
	"slices"
	"strings"
	"time"
)

// collector gathers URLs, each once.
type collector struct {
	since  time.Time
	found  Found
	urls   map[string]int // index in found.URLs
	stales map[string]bool
	order  map[string]*orderSeen
	old    map[string]bool
}

// orderSeen is an order, and whether the log shows its authorizations, too.
type orderSeen struct {
	Seen
	told bool
}

func newCollector(since time.Time) *collector {
	return &collector{since: since, urls: map[string]int{}, stales: map[string]bool{}, order: map[string]*orderSeen{}, old: map[string]bool{}}
}

// full leaves room, for the newest stand at a log's end.
func (c *collector) full() bool { return len(c.urls) >= 4*mostURLs }

func (c *collector) skip(path string, reason SkipReason) {
	s := Skipped{path, reason}
	if !slices.Contains(c.found.Skipped, s) {
		c.found.Skipped = append(c.found.Skipped, s)
	}
}

// authorization notes a URL. Of several mentions the newest time counts.
func (c *collector) authorization(s Seen) {
	if i, known := c.urls[s.URL]; known {
		if c.found.URLs[i].At.Before(s.At) {
			c.found.URLs[i].At = s.At
		}
		return
	}
	if c.outdated(s) || c.full() {
		return
	}
	c.urls[s.URL] = len(c.found.URLs)
	c.found.URLs = append(c.found.URLs, s)
}

func (c *collector) stale(s Seen) {
	if !c.stales[s.URL] && len(c.stales) < mostURLs {
		c.stales[s.URL] = true
		c.found.Stale = append(c.found.Stale, s)
	}
}

// orderURL notes an order.
func (c *collector) orderURL(s Seen) {
	if c.order[s.URL] == nil && len(c.order) < mostURLs && !c.outdated(s) {
		c.order[s.URL] = &orderSeen{Seen: s}
	}
}

// told says that the log shows the order's authorizations.
func (c *collector) told(order string) {
	if o := c.order[order]; o != nil {
		o.told = true
	}
}

// outdated reports that a mention is from before the time that matters.
func (c *collector) outdated(s Seen) bool {
	if s.At.IsZero() || !s.At.Before(c.since) {
		return false
	}
	c.old[s.URL] = true
	return true
}

// name adds a hint to a URL.
func (c *collector) name(u, name string) {
	if i, known := c.urls[u]; known && c.found.URLs[i].Name == "" {
		c.found.URLs[i].Name = name
	}
}

func (c *collector) result() Found {
	f := c.found
	f.told = map[string]bool{}
	for u, o := range c.order {
		if o.told {
			f.told[u] = true
		} else {
			f.Orders = append(f.Orders, o.Seen)
		}
	}
	for u := range c.old {
		if _, known := c.urls[u]; !known && c.order[u] == nil {
			f.Old++
		}
	}
	newestFirst(f.URLs)
	slices.SortFunc(f.Orders, func(a, b Seen) int { return strings.Compare(a.URL, b.URL) })
	newestFirst(f.Orders)
	f.Cut = f.Cut || len(f.URLs) > mostURLs || len(c.order) >= mostURLs
	f.URLs = f.URLs[:min(len(f.URLs), mostURLs)]
	f.Hint = f.hint()
	return f
}

func newestFirst(seen []Seen) {
	slices.SortStableFunc(seen, func(a, b Seen) int { return b.At.Compare(a.At) })
}

func (f *Found) hint() Hint {
	missing := func(s Skipped) bool { return s.Reason != SkipMissing }
	switch {
	case len(f.URLs)+len(f.Orders) > 0:
		return HintNone
	case f.Old+f.Foreign+len(f.Stale) > 0:
		return HintNothing
	case len(f.Files) > 0:
		return HintNotLogged
	case slices.ContainsFunc(f.Skipped, func(s Skipped) bool { return s.Reason == SkipOld }):
		return HintNothing
	case slices.ContainsFunc(f.Skipped, missing):
		return HintUnreadable
	}
	return HintNoFiles
}
