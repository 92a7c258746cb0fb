// Package budget counts what is left of a CA's rate limits.
package budget

import (
	"cmp"
	"slices"
	"time"

	"domovoy/checks"
)

// The CA's numbers are data with a date: limits.yaml, and an operator's file of
// the same form, which takes precedence. A Meter counts the orders of a log
// with token buckets, as Boulder does (ratelimits/gcra.go). If the time or the
// name of a failure is not exact, it overestimates rather than underestimates
// what was used. What a log cannot contain is reported with the result: see
// checks.Budget. Whether a client ordered by ARI (RFC 9773) is not visible in a
// log, so no order counts as exempt because of it.

// grain is the precision of a log's times: an event may have happened up to a
// second before its logged time.
const grain = time.Second

// Meter counts how much of its limits one account has used at one CA. Events
// are added oldest first. It is not safe for concurrent use.
type Meter struct {
	server string
	ca     *CA
	limits []gauge
	issued map[string]instant // time of the last certificate for a set of names
	doubt  time.Time          // time of the last order whose names are not known
	spends []time.Time        // the account's new orders of the last day
	spared []time.Time        // and its renewals, which spend nothing
}

// NewMeter returns a meter with full buckets and the limits of the given time.
// ca must not be nil.
func NewMeter(ca *CA, server string, now time.Time) *Meter {
	m := &Meter{server: server, ca: ca, issued: map[string]instant{}}
	for _, l := range ca.LimitsAt(now) {
		m.limits = append(m.limits, gauge{l, map[string]bucket{}, map[string]instant{}, map[string]bool{}})
	}
	return m
}

// Known adds an order that succeeded before the first one that is counted.
func (m *Meter) Known(o checks.Order) { m.known(setOf(o), o.Time) }

// setOf returns the subject of all names of an order together.
func setOf(o checks.Order) string {
	if o.Set != "" {
		return o.Set
	}
	return SetOf(o.Names)
}

func (m *Meter) known(set string, issued time.Time) {
	m.issued[set] = max(m.issued[set], instantOf(issued))
}

// Before adds failures of a name before the first order, of which only the
// number is known. It assumes that they were evenly spread; the tokens still
// spent can be underestimated only slightly.
func (m *Meter) Before(name string, failures int, since, until time.Time) {
	for _, l := range m.limits {
		if l.Spent != CheckFailed || !l.Resets {
			continue // all other buckets are full again by now
		}
		refill := time.Duration(l.Refill)
		if used := min(failures-int(until.Sub(since)/refill), l.Size); used > 0 {
			l.buckets[name] = fullAt(until.Add(time.Duration(used) * refill))
			l.summed[name] = true
		}
	}
}

// Add counts an order. A refused one sets the bucket that the CA named; any
// other spends tokens.
func (m *Meter) Add(o checks.Order) {
	now := o.Time.Add(grain)
	if o.Refused != nil {
		m.refused(o, now)
		return
	}
	if len(o.Names) == 0 {
		m.doubt = later(m.doubt, now)
	}
	set := setOf(o)
	renewal := o.Renewal || m.renews(set, now)
	m.spend(OrderMade, o.Names, set, renewal, now)
	switch o.Outcome {
	case checks.OutcomeIssued:
		m.spend(CertIssued, o.Names, set, renewal, now)
		m.succeeded(o.Names)
		if set != "" {
			m.known(set, o.Time)
		}
	case checks.OutcomeFailed:
		m.failed(o, now)
	}
}

// failed charges the names whose validation failed. If these are not known, it
// charges all: acme.sh deactivates the other authorizations too, which costs as
// much (_on_issue_err). A name that did not fail may have succeeded.
func (m *Meter) failed(o checks.Order, charged time.Time) {
	known := len(o.FailedNames) > 0 || len(o.Names) == 1
	for _, name := range o.Names {
		failed := !known || len(o.Names) == 1 || slices.Contains(o.FailedNames, name)
		if failed {
			m.Charge(name, charged)
		}
		for _, l := range m.limits {
			if l.Spent == CheckFailed && (!known || !failed && l.Resets) {
				l.vague[name] = instantOf(charged)
			}
		}
	}
}

// Charge counts one failed validation of a name: from an order, or from a
// pending authorization that was deactivated, if the CA counts that as a
// failure.
func (m *Meter) Charge(name string, now time.Time) {
	for _, l := range m.limits {
		if l.Spent == CheckFailed {
			l.spend(name, now)
		}
	}
}

// succeeded refills the buckets that a success refills.
func (m *Meter) succeeded(names []string) {
	for _, l := range m.limits {
		if !l.Resets {
			continue
		}
		for _, name := range names {
			delete(l.buckets, name)
			delete(l.vague, name)
			delete(l.summed, name)
		}
	}
}

// spend takes a token from each bucket that the event spends. set is the subject
// of all names together.
func (m *Meter) spend(e Event, names []string, set string, renewal bool, now time.Time) {
	for _, l := range m.limits {
		if l.Spent != e || len(names) == 0 && l.Scope != Account {
			continue
		}
		if renewal && l.sparesRenewals() {
			if l.Scope == Account {
				m.spared = lastDay(m.spared, now)
			}
			continue
		}
		if l.Scope == Set {
			l.spend(set, now)
			continue
		}
		for _, subject := range l.subjects(names) {
			l.spend(subject, now)
		}
		if l.Scope == Account {
			m.spends = lastDay(m.spends, now)
		}
	}
}

// lastDay adds a time to those of the day before it.
func lastDay(times []time.Time, at time.Time) []time.Time {
	times = append(times, at)
	old := slices.IndexFunc(times, func(t time.Time) bool { return at.Sub(t) <= 24*time.Hour })
	return times[old:] // keeps at itself
}

// refused takes over what the CA said about a bucket. That is more exact than
// any log, because others may use the same bucket.
func (m *Meter) refused(o checks.Order, now time.Time) {
	r := o.Refused
	l, ok := m.limit(r.Limit)
	if !ok || !r.Until.After(o.Time) {
		return
	}
	subjects := []string{r.Subject}
	if r.Subject == "" {
		subjects = l.subjects(o.Names)
	}
	if len(subjects) != 1 {
		return // the log does not say whose bucket
	}
	// No bucket is empty for longer than it takes to regain one token.
	until := earlier(r.Until.Add(grain), now.Add(time.Duration(l.Refill)))
	l.buckets[subjects[0]] = l.buckets[subjects[0]].emptyUntil(l.Limit, until)
}

// renewal reports whether an order for these names would be a renewal.
func (m *Meter) renewal(names []string, now time.Time) bool { return m.renews(SetOf(names), now) }

func (m *Meter) renews(set string, now time.Time) bool {
	issued, ok := m.issued[set]
	return ok && set != "" && now.Sub(issued.time()) <= time.Duration(m.ca.RenewalWindow)
}

// Budget returns the state of one bucket; an empty subject is the account's. It
// returns false for an unknown limit.
func (m *Meter) Budget(limit, subject string, now time.Time) (checks.Budget, bool) {
	l, ok := m.limit(limit)
	if !ok {
		return checks.Budget{}, false
	}
	return m.budget(l, subject, now), true
}

func (m *Meter) limit(name string) (gauge, bool) {
	i := slices.IndexFunc(m.limits, func(l gauge) bool { return l.Name == name })
	if i < 0 {
		return gauge{}, false
	}
	return m.limits[i], true
}

func (m *Meter) budget(l gauge, subject string, now time.Time) checks.Budget {
	b := l.buckets[subject]
	left := b.left(l.Limit, now)
	out := checks.Budget{Code: l.Name, Server: m.server, Subject: subject, Limit: l.Size, Window: l.Span(),
		Left: left, Used: l.Size - left, Refill: b.next(l.Limit, now)}
	if gap := b.gap(now); gap > 0 {
		out.Full = now.Add(gap)
	}
	if l.Scope == Account && l.sparesRenewals() {
		for _, t := range m.spared {
			if now.Sub(t) <= l.Span() {
				out.Renewals++
			}
		}
	}
	vague, isVague := l.vague[subject]
	switch {
	case l.Shared:
		out.AtMost, out.Why = true, "accounts"
	case l.Scope != Account && !m.doubt.IsZero() && now.Sub(m.doubt) < l.Span():
		out.AtMost, out.Why = true, "names"
	case l.summed[subject]:
		out.AtMost, out.Why = true, "sum"
	case isVague && now.Sub(vague.time()) < l.Span():
		out.AtLeast, out.Why = true, "failures"
	}
	return out
}

// Budgets returns the account's budgets and those of other subjects that are
// partly used, smallest share left first.
func (m *Meter) Budgets(now time.Time) []checks.Budget {
	var all []checks.Budget
	for _, l := range m.limits {
		if l.Scope == Account {
			all = append(all, m.budget(l, "", now))
			continue
		}
		for subject, b := range l.buckets {
			if b.gap(now) > 0 {
				all = append(all, m.budget(l, subject, now))
			}
		}
	}
	share := func(b checks.Budget) float64 { return float64(b.Left) / float64(b.Limit) }
	slices.SortFunc(all, func(a, b checks.Budget) int {
		return cmp.Or(cmp.Compare(share(a), share(b)), b.Refill.Compare(a.Refill), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Subject, b.Subject))
	})
	return all
}

// Missing returns the empty budgets for which the CA would refuse an order for
// these names now. If there are none, the CA would accept it as far as the log
// shows.
func (m *Meter) Missing(names []string, now time.Time) []checks.Budget {
	renewal := m.renewal(names, now)
	var empty []checks.Budget
	for _, l := range m.limits {
		if l.Pauses || renewal && l.sparesRenewals() {
			continue // an empty one means a pause at the next failure, but not a refusal
		}
		for _, subject := range l.subjects(names) {
			if b := m.budget(l, subject, now); b.Left == 0 {
				empty = append(empty, b)
			}
		}
	}
	return empty
}

// gauge is one limit with the buckets of the subjects that spent tokens of it.
type gauge struct {
	Limit
	buckets map[string]bucket
	vague   map[string]instant // time of the last charge that may have been for another name
	summed  map[string]bool    // started with a sum of failures, see Before
}

func (l gauge) spend(subject string, now time.Time) {
	l.buckets[subject] = l.buckets[subject].spend(l.Limit, now)
}

// instant is a time in nanoseconds since 1970. It takes a third of the memory
// of a time.Time; there are tens of thousands.
type instant int64

func instantOf(t time.Time) instant { return instant(t.UnixNano()) }
func (i instant) time() time.Time   { return time.Unix(0, int64(i)).UTC() }

// bucket is the time at which a token bucket is full again; a time in the past:
// it is full. This is its complete state in the generic cell rate algorithm.
type bucket instant

func fullAt(t time.Time) bucket { return bucket(instantOf(t)) }

func (b bucket) full() time.Time { return instant(b).time() }

// spend takes a token. If the bucket counts as empty and the CA gave one
// nevertheless, it was not quite empty at the CA; it stays empty here.
func (b bucket) spend(l Limit, now time.Time) bucket {
	full := later(b.full(), now).Add(time.Duration(l.Refill))
	return fullAt(earlier(full, now.Add(l.Span())))
}

// emptyUntil returns a bucket that regains its next token at a time that the CA
// named.
func (b bucket) emptyUntil(l Limit, until time.Time) bucket {
	return fullAt(later(b.full(), until.Add(l.Span()-time.Duration(l.Refill))))
}

// gap returns how long it takes until the bucket is full.
func (b bucket) gap(now time.Time) time.Duration { return max(0, b.full().Sub(now)) }

// left returns the number of whole tokens.
func (b bucket) left(l Limit, now time.Time) int {
	return max(0, int((l.Span()-b.gap(now))/time.Duration(l.Refill)))
}

// next returns when one more token will be regained; zero: the bucket is full.
func (b bucket) next(l Limit, now time.Time) time.Time {
	gap := b.gap(now)
	if gap == 0 {
		return time.Time{}
	}
	missing := l.Size - b.left(l, now) // at least one
	return now.Add(gap - time.Duration(missing-1)*time.Duration(l.Refill))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
