package budget_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/checks/budget"
	"domovoy/checks/lab/boulder"
)

// world is one random history: a CA that behaves like Boulder, our account, and
// the meter, which sees only what our log contains.
type world struct {
	*rand.Rand
	ca       *boulder.CA
	meter    *budget.Meter
	now      time.Time
	ours     int64
	others   int64
	sets     [][]string
	shared   bool // another account spends tokens too
	nameless bool // some orders of the log have no names
	told     bool // the log says whose validation failed
	history  []string
}

// newWorld is small, so that its buckets become empty: few names, and times
// that fit the limits to be reached.
func newWorld(le *budget.CA, seed uint64) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 4)), now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	limits := boulder.Production()
	small := *le
	small.Limits = nil
	for _, l := range le.LimitsAt(w.now) {
		switch boulder.LimitName(l.Name) { // small buckets, which a short history can empty
		case boulder.NewOrders:
			l.Size = 6
		case boulder.CertificatesPerDomain:
			l.Size = 3
		case boulder.ConsecutiveFailures:
			l.Size = 8
		}
		period := time.Duration(l.Refill) * time.Duration(l.Size)
		limits[boulder.LimitName(l.Name)] = boulder.Limit{Count: l.Size, Burst: l.Size, Period: period}
		small.Limits = append(small.Limits, l)
	}
	w.ca = boulder.New(boulder.Options{Clock: func() time.Time { return w.now }, Limits: limits})
	w.ours, w.others = w.ca.Register(nil).ID, w.ca.Register(nil).ID
	w.meter = budget.NewMeter(&small, "isp1", w.now)
	w.shared, w.nameless, w.told = w.IntN(4) == 0, w.IntN(4) == 0, w.IntN(2) == 0
	names := []string{"a.ru", "www.a.ru", "b.ru", "blog.b.ru", "c.co.uk", "x.c.co.uk"}
	for range 4 {
		set := []string{names[w.IntN(len(names))]}
		if other := names[w.IntN(len(names))]; w.IntN(2) == 0 && other != set[0] {
			set = append(set, other)
		}
		slices.Sort(set)
		w.sets = append(w.sets, set)
	}
	return w
}

// pass advances the time: mostly by seconds, sometimes by days.
func (w *world) pass() {
	most := []time.Duration{0, 50 * time.Millisecond, 40 * time.Second, 15 * time.Minute, 3 * time.Hour, 40 * time.Hour, 60 * 24 * time.Hour}
	if d := most[min(w.IntN(len(most)), w.IntN(len(most)))]; d > 0 {
		w.now = w.now.Add(time.Duration(w.Int64N(int64(d))))
	}
}

// log returns the order as the panel logs it: with the second in which it
// ended.
func (w *world) log(o checks.Order) {
	o.Time = w.now.Truncate(time.Second)
	if w.nameless && w.IntN(3) == 0 {
		o.Names, o.FailedNames = nil, nil
	}
	w.meter.Add(o)
}

// step is one order of ours, or another event.
func (w *world) step(t *testing.T) {
	w.pass()
	names := w.sets[w.IntN(len(w.sets))]
	if w.shared && w.IntN(3) == 0 {
		w.note("others %v", names)
		_ = w.ca.Obtain(w.others, names...)
		return
	}
	missing := w.meter.Missing(names, w.now)
	free := w.surely(names)
	o, refused := w.ca.Order(w.ours, names...)
	if refused != nil {
		if free && len(missing) == 0 && !strings.Contains(refused.Detail, "temporarily prevented") {
			t.Fatalf("the meter says left, the CA refuses: %s\n%s", refused.Detail, strings.Join(w.history, "\n"))
		}
		w.note("refused %v: %s", names, refused.Detail)
		w.log(checks.Order{Names: names, Refused: refusal(refused.Detail)})
		return
	}
	w.finish(o, names)
}

// surely reports whether the meter knows every budget that an order uses, so
// that it must be right.
func (w *world) surely(names []string) bool {
	if w.shared || w.nameless {
		return false
	}
	for _, name := range names {
		if len(w.budgets("failed_authorizations", name)) > 0 {
			return false
		}
	}
	return true
}

// budgets returns those of a name that are upper bounds only.
func (w *world) budgets(limit, subject string) (vague []checks.Budget) {
	if b, ok := w.meter.Budget(limit, subject, w.now); ok && b.AtMost {
		vague = append(vague, b)
	}
	return vague
}

// finish validates an order's names, some of which fail, and issues the
// certificate.
func (w *world) finish(o boulder.Order, names []string) {
	var failed []string
	order := checks.Order{Names: names, Outcome: checks.OutcomeFailed}
	for i, url := range o.Authorizations {
		w.now = w.now.Add(time.Duration(w.Int64N(int64(3 * time.Second))))
		a, _ := w.ca.Authorization(url)
		if a.Status != boulder.Pending {
			continue
		}
		if w.IntN(2) == 0 {
			failed = append(failed, o.Names[i])
			w.ca.Validate(url, false)
			continue
		}
		w.ca.Validate(url, true)
	}
	if len(failed) == 0 {
		if w.ca.Issue(o.URL) == nil {
			order.Outcome = checks.OutcomeIssued
		}
	} else if w.told {
		order.FailedNames = failed
	}
	w.note("%s %v, failed %v", order.Outcome, names, failed)
	w.log(order)
}

func (w *world) note(format string, args ...any) {
	w.history = append(w.history, w.now.Format("02 15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// refusal parses the CA's text as the classifier of log texts does.
func refusal(detail string) *checks.Refusal {
	r := &checks.Refusal{}
	for phrase, limit := range map[string]string{"too many new orders": "new_orders", "too many failed": "failed_authorizations",
		"for this exact set": "certificates_per_set", `already issued for "`: "certificates_per_domain"} {
		if strings.Contains(detail, phrase) {
			r.Limit = limit
		}
	}
	if _, rest, ok := strings.Cut(detail, `for "`); ok {
		r.Subject, _, _ = strings.Cut(rest, `"`)
	}
	if _, rest, ok := strings.Cut(detail, "retry after "); ok {
		r.Until, _ = time.Parse("2006-01-02 15:04:05 MST", rest[:len("2006-01-02 15:04:05 UTC")])
	}
	return r
}

// compare compares every bucket with the CA's.
func (w *world) compare(t *testing.T) {
	check := func(limit, subject string, account int64) {
		b, ok := w.meter.Budget(limit, subject, w.now)
		left := w.ca.Left(boulder.LimitName(limit), account, subject)
		if !ok {
			t.Fatalf("no limit %s", limit)
		}
		bad := b.Left > left && (!b.AtMost || b.Why == "") || // it must never be certain of more than is left
			b.Left < left-1 && !b.AtLeast && !w.shared && !w.nameless
		if bad {
			t.Fatalf("%s %q: the CA has %d left, the meter says %+v (shared %t, nameless %t)\n%s",
				limit, subject, left, b, w.shared, w.nameless, strings.Join(w.history, "\n"))
		}
	}
	check("new_orders", "", w.ours)
	for _, set := range w.sets {
		check("certificates_per_set", budget.SetOf(set), 0)
		for _, d := range budget.RegisteredDomains(set) {
			check("certificates_per_domain", d, 0)
		}
		for _, name := range set {
			check("failed_authorizations", name, w.ours)
			check("consecutive_failures", name, w.ours)
		}
	}
}

// TestAgainstTheCA compares random histories with a CA that behaves like
// Boulder. If the log is complete, the meter never reports too many tokens, and
// at most one too few; if it cannot know, it says so.
func TestAgainstTheCA(t *testing.T) {
	histories := 10_000
	if testing.Short() {
		histories = 500
	}
	book, err := budget.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	le, _ := book.Find("acme-v02.api.letsencrypt.org")
	for seed := range histories {
		w := newWorld(le, uint64(seed))
		for range 5 + w.IntN(25) {
			w.step(t)
			w.pass()
			w.compare(t)
		}
	}
}
