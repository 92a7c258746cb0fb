package bot

import (
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// chosen is what a wish means at one server.
type chosen struct {
	items                                []cancelItem
	pending, valid, final, foreign, busy int
	later                                int  // of names that had their share of this hour
	known                                bool // what cancelling costs
}

// chooser takes from what was read what a wish is about.
type chooser struct {
	wish  cancelWish
	names map[string]bool
	seen  map[string]bool // URLs that another server's account has shown already
	acted map[string]int  // cancellations of this hour, by account and name
	now   time.Time
}

func (x *chooser) choose(s *survey) chosen {
	_, known, _ := s.panel.CA.charge(x.now)
	c := chosen{known: known}
	issuing := s.panel.issuing(x.now)
	for _, a := range s.seen {
		given := slices.Contains(x.wish.URLs, a.URL)
		if x.seen[a.URL] || !x.wish.All && !given && !x.names[a.Name] {
			continue
		}
		x.seen[a.URL] = true
		switch {
		case a.Status == checks.AuthorizationForeign || s.foreign(a):
			c.foreign++
		case a.Status.Final() || !a.Expires.IsZero() && a.Expires.Before(x.now):
			c.final++
		case a.Status == checks.AuthorizationValid:
			if c.valid++; x.wish.Valid {
				x.take(&c, s.item(a, x.now), s)
			}
		default:
			if c.pending++; issuing[a.Name] {
				c.busy++
			}
			x.take(&c, s.item(a, x.now), s)
		}
	}
	return c
}

// take plans a cancellation, unless its name had its share of this hour.
func (x *chooser) take(c *chosen, i cancelItem, s *survey) {
	name := paced(s.client.AccountURL(), i.Name)
	if x.acted[name] >= mostPerName {
		c.later++
		return
	}
	x.acted[name]++
	c.items = append(c.items, i)
}

// paced is what cancellations are counted by.
func paced(account, name string) string { return account + " " + name }

// pacedName is the name in what paced made.
func pacedName(key string) string { return key[strings.LastIndexByte(key, ' ')+1:] }

// foreign reports whether a URL names another account than ours, as Let's
// Encrypt's do: who reads without a key is not told.
func (s *survey) foreign(a checks.Authorization) bool {
	account := s.client.AccountURL()
	if account == "" {
		return false
	}
	_, number, ok := strings.Cut(a.URL, "/acme/authz/")
	owner, _, two := strings.Cut(number, "/")
	return ok && two && strings.Contains(account, "/acme/acct/") && owner != account[strings.LastIndex(account, "/")+1:]
}

func (s *survey) item(a checks.Authorization, now time.Time) cancelItem {
	return cancelItem{Server: s.panel.Name, URL: a.URL, Name: identifier(a), Status: a.Status, Expires: a.Expires, Cost: s.panel.CA.cost(a.Status, now)}
}

// identifier is the name as the CA counts it: a wildcard is one of its own.
func identifier(a checks.Authorization) string {
	if a.Wildcard {
		return "*." + a.Name
	}
	return a.Name
}

// ordering is for how long a panel's order may be under way before it hangs.
const ordering = time.Hour

// issuing are the names for which the panel orders just now.
func (p *watched) issuing(now time.Time) map[string]bool {
	state, names := p.state(), map[string]bool{}
	for _, c := range state.Snapshot.Certificates {
		if c.Processing != checks.On || c.Domain == "" || now.Sub(c.Started) > ordering {
			continue
		}
		names[c.Domain] = true
		if x, ok := state.Find(c.Domain); ok {
			for _, a := range x.Site.Aliases {
				names[a] = true
			}
		}
	}
	return names
}
