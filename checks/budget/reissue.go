package budget

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// reserve is the divisor of the account's budget that gives the part not used
// by a re-issue, so that new sites get certificates meanwhile.
const reserve = 5

// Reissue returns what it costs to order certificates for these sets of names,
// and how long it takes in addition to the given number of other orders a day.
func (m *Meter) Reissue(sets [][]string, daily float64, now time.Time) checks.Price {
	p := checks.Price{Orders: len(sets), Known: len(m.limits) > 0}
	domains := map[string]int{}
	for _, names := range sets {
		renewal := m.renewal(names, now)
		if renewal {
			p.Renewals++
		} else {
			for _, d := range RegisteredDomains(names) {
				domains[d]++
			}
		}
		p.Waiting = append(p.Waiting, m.sets(names, now)...)
	}
	p.Spend = p.Orders - p.Renewals
	for _, b := range p.Waiting {
		p.Takes = max(p.Takes, b.Refill.Sub(now))
	}
	for _, l := range m.limits {
		if !l.sparesRenewals() && l.Scope != Account {
			continue
		}
		switch l.Scope {
		case Account:
			n := p.Orders
			if l.sparesRenewals() {
				n = p.Spend
			}
			p.Takes = max(p.Takes, m.accountTakes(l, n, daily, now))
		case Domain:
			p.Takes = max(p.Takes, m.domainsTake(&p, l, domains, now))
		}
	}
	return p
}

// sets returns the empty budgets of an exact set and of its names.
func (m *Meter) sets(names []string, now time.Time) []checks.Budget {
	return slices.DeleteFunc(m.Missing(names, now), func(b checks.Budget) bool {
		l, _ := m.limit(b.Code)
		return l.Scope != Set && l.Scope != Name
	})
}

// accountTakes returns how long n orders take in addition to the daily ones.
func (m *Meter) accountTakes(l gauge, n int, daily float64, now time.Time) time.Duration {
	wait := n - max(0, m.budget(l, "", now).Left-l.Size/reserve)
	if wait <= 0 {
		return 0
	}
	// Other orders never use everything: at least a tenth of what is regained
	// is left.
	hourly := float64(time.Hour) / float64(l.Refill)
	hourly = max(hourly-daily/24, hourly/10)
	return time.Duration(float64(wait) / hourly * float64(time.Hour)).Round(time.Minute)
}

// domainsTake returns how long the registered domain with the most orders
// takes.
func (m *Meter) domainsTake(p *checks.Price, l gauge, domains map[string]int, now time.Time) time.Duration {
	var longest time.Duration
	for d, n := range domains {
		b := m.budget(l, d, now)
		if n <= b.Left {
			continue
		}
		p.Domains = append(p.Domains, checks.DomainPrice{Domain: d, Orders: n, Left: b.Left})
		wait := time.Duration(n-b.Left-1) * time.Duration(l.Refill)
		longest = max(longest, wait+b.Refill.Sub(now))
		if b.Refill.IsZero() {
			longest = max(longest, wait+time.Duration(l.Refill))
		}
	}
	slices.SortFunc(p.Domains, func(a, b checks.DomainPrice) int {
		return cmp.Or(cmp.Compare(b.Orders-b.Left, a.Orders-a.Left), cmp.Compare(a.Domain, b.Domain))
	})
	return longest
}

// Deactivations returns the budget of pending authorizations of a name that may
// be deactivated before the CA refuses orders for it. It returns false if this
// CA does not count them, or its limits are not known.
func (m *Meter) Deactivations(name string, now time.Time) (checks.Budget, bool) {
	if m.ca.Deactivation != CheckFailed {
		return checks.Budget{}, false
	}
	for _, l := range m.limits {
		if l.Spent == CheckFailed && !l.Pauses {
			return m.budget(l, name, now), true
		}
	}
	return checks.Budget{}, false
}

// RegisteredDomains returns the registered domains under which certificates for
// these names are counted, each once, sorted.
func RegisteredDomains(names []string) []string {
	domains := make([]string, 0, len(names))
	for _, name := range names {
		domains = append(domains, checks.RegisteredDomain(name))
	}
	slices.Sort(domains)
	return slices.Compact(domains)
}

// SetOf returns the subject of a set of names: each name once, sorted, joined
// by commas.
func SetOf(names []string) string {
	if !ascending(names) {
		names = slices.Compact(slices.Sorted(slices.Values(names)))
	}
	return strings.Join(names, ",")
}

// ascending reports whether names are sorted and each is there once, as those of
// a site are.
func ascending(names []string) bool {
	for i := 1; i < len(names); i++ {
		if names[i-1] >= names[i] {
			return false
		}
	}
	return true
}

// subjects returns the subjects of a limit that an order for these names uses.
func (l Limit) subjects(names []string) []string {
	switch l.Scope {
	case Account:
		return []string{""}
	case Domain:
		return RegisteredDomains(names)
	case Set:
		return []string{SetOf(names)}
	}
	return names
}
