package account

import (
	"slices"
	"strings"
)

// collector gathers what logs and state files contain, each URL once.
type collector struct {
	found  Found
	urls   map[string]int // index in found.URLs
	stales map[string]bool
	orders map[string]*loggedOrder
}

// loggedOrder is an order in a log.
type loggedOrder struct {
	FoundURL
	complete bool // the log shows its authorizations
}

func newCollector() *collector {
	return &collector{urls: map[string]int{}, stales: map[string]bool{}, orders: map[string]*loggedOrder{}}
}

// full allows more URLs than are returned, because the newest are at a log's
// end.
func (c *collector) full() bool { return len(c.urls) >= 4*maxURLs }

func (c *collector) skip(path string, reason SkipReason) {
	s := Skipped{path, reason}
	if !slices.Contains(c.found.Skipped, s) {
		c.found.Skipped = append(c.found.Skipped, s)
	}
}

// authorization adds an authorization; if it is found several times, the newest
// time counts.
func (c *collector) authorization(s FoundURL) {
	if i, known := c.urls[s.URL]; known {
		if c.found.URLs[i].At.Before(s.At) {
			c.found.URLs[i].At = s.At
		}
		return
	}
	if c.full() {
		return
	}
	c.urls[s.URL] = len(c.found.URLs)
	c.found.URLs = append(c.found.URLs, s)
}

// stale adds an authorization in a form that is no longer served.
func (c *collector) stale(s FoundURL) {
	if !c.stales[s.URL] && len(c.stales) < maxURLs {
		c.stales[s.URL] = true
		c.found.Stale = append(c.found.Stale, s)
	}
}

// order adds an order.
func (c *collector) order(s FoundURL) {
	if c.orders[s.URL] == nil && len(c.orders) < maxURLs {
		c.orders[s.URL] = &loggedOrder{FoundURL: s}
	}
}

// complete marks an order whose authorizations the log shows.
func (c *collector) complete(order string) {
	if o := c.orders[order]; o != nil {
		o.complete = true
	}
}

// name sets the name of an authorization that has none yet.
func (c *collector) name(u, name string) {
	if i, known := c.urls[u]; known && c.found.URLs[i].Name == "" {
		c.found.URLs[i].Name = name
	}
}

// result returns what was found, newest first.
func (c *collector) result() Found {
	f := c.found
	f.complete = map[string]bool{}
	for u, o := range c.orders {
		if o.complete {
			f.complete[u] = true
		} else {
			f.Orders = append(f.Orders, o.FoundURL)
		}
	}
	newestFirst(f.URLs)
	slices.SortFunc(f.Orders, func(a, b FoundURL) int { return strings.Compare(a.URL, b.URL) })
	newestFirst(f.Orders)
	f.Cut = f.Cut || len(f.URLs) > maxURLs || len(c.orders) >= maxURLs
	f.URLs = f.URLs[:min(len(f.URLs), maxURLs)]
	f.Hint = f.hint()
	return f
}

func newestFirst(seen []FoundURL) {
	slices.SortStableFunc(seen, func(a, b FoundURL) int { return b.At.Compare(a.At) })
}

// hint returns why nothing was found.
func (f *Found) hint() Hint {
	switch {
	case len(f.URLs)+len(f.Orders) > 0:
		return HintNone
	case f.Foreign+len(f.Stale) > 0:
		return HintNothing
	case len(f.Files) > 0:
		return HintNotLogged
	case slices.ContainsFunc(f.Skipped, func(s Skipped) bool { return s.Reason != SkipMissing }):
		return HintUnreadable
	}
	return HintNoFiles
}
