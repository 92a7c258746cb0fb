package budget

import (
	"context"
	"time"

	"domovoy/checks"
)

// CheckName is the name of the check in outcomes and failures.
const CheckName = "budget"

// Check predicts which budgets of a panel's account at its CA will be used up,
// and which names the CA will pause. prospects first updates the count of the
// account's orders; nil: nothing is counted.
func Check(prospects func(ctx context.Context, t *checks.Target) ([]checks.Finding, error)) checks.Check {
	return checks.Check{
		Name:  CheckName,
		Scope: checks.ScopeServer,
		Codes: []checks.Code{checks.CABudget, checks.CAPausing, checks.CAZombie},
		Run:   prospects,
	}
}

// pausingSoon is how far ahead a pause is reported.
const pausingSoon = 30 * 24 * time.Hour

// Outlook is the input for predictions about a panel's account.
type Outlook struct {
	Meter  *Meter         // nil: the CA's limits are not known
	Lately map[string]int // number of failures in the last day, by certificate
	Zombie time.Duration  // how long a name may fail without a success
}

// Findings predicts what will happen to the account and its sites' names if
// orders continue as they are.
func (o Outlook) Findings(sites []checks.Subject, now time.Time) []checks.Finding {
	var found []checks.Finding
	if o.Meter != nil {
		for _, f := range o.Meter.Forecast(now) {
			severity := checks.Warning
			if f.At.IsZero() || f.At.Sub(now) <= time.Hour {
				severity = checks.Critical
			}
			found = append(found, checks.Finding{Code: f.Code, Severity: severity, Args: f.Args})
		}
	}
	for i := range sites {
		found = append(found, o.of(&sites[i], now)...)
	}
	if f, ok := pausingSoonest(found, now); ok {
		found = append(found, f)
	}
	return found
}

// pausingAlert is how far ahead pauses alert: a week is enough to act, and what
// is further away may end by itself.
const pausingAlert = 7 * 24 * time.Hour

// pausingSoonest merges the names that the CA will pause within days into one
// finding of the server.
func pausingSoonest(found []checks.Finding, now time.Time) (checks.Finding, bool) {
	n, first := 0, checks.Finding{}
	var soonest time.Time
	for _, f := range found {
		at, ok := f.Args["at"].(time.Time)
		if f.Code != checks.CAPausing || !ok || at.Sub(now) > pausingAlert {
			continue
		}
		if n++; soonest.IsZero() || at.Before(soonest) {
			first, soonest = f, at
		}
	}
	if n == 0 {
		return checks.Finding{}, false
	}
	return checks.Finding{Code: checks.CAPausing, Severity: checks.Warning, Args: checks.Args{"value": n, "at": soonest, "name": first.Site,
		"failures": first.Args["failures"], "lately": first.Args["lately"]}}, true
}

func (o Outlook) of(x *checks.Subject, now time.Time) []checks.Finding {
	h := x.History
	if h == nil || h.Failures == 0 {
		return nil
	}
	var found []checks.Finding
	add := func(code checks.Code, args checks.Args) {
		found = append(found, checks.Finding{Site: x.Site.Name, Code: code, Severity: code.Severity(), Args: args})
	}
	lately := o.Lately[h.Last.Certificate]
	if o.Meter != nil {
		if at, _, ok := o.Meter.ca.Pausing(h, lately, now); ok && at.Sub(now) <= pausingSoon {
			add(checks.CAPausing, checks.Args{"at": at.Truncate(24 * time.Hour), "failures": h.Failures, "lately": lately})
		}
	}
	if Zombie(h, now, o.Zombie) {
		args := checks.Args{"failures": h.Failures, "since": h.Since}
		if !h.Issued.IsZero() {
			args["issued"] = h.Issued
		}
		add(checks.CAZombie, args)
	}
	return found
}

// When an account's budget is reported.
const (
	horizon = 6 * time.Hour // a later one will be reported by a later run
	share   = 4             // at least a quarter must be spent: a busy hour alone is not a mass re-issue
	burst   = 10 * time.Minute
)

// Forecast returns the account's budgets that are empty, or will be within
// hours at the present rate: that of the last hour, or of the last ten minutes
// where that is higher, because a mass re-issue begins suddenly.
func (m *Meter) Forecast(now time.Time) []checks.Forecast {
	var found []checks.Forecast
	for _, l := range m.limits {
		if l.Scope != Account || l.Spent != OrderMade {
			continue
		}
		b := m.budget(l, "", now)
		rate := m.rate(now)
		args := checks.Args{"limit": l.Name, "used": b.Used, "size": b.Limit, "rate": int(rate + 0.5)}
		f := checks.Forecast{Code: checks.CABudget, Server: m.server, Args: args}
		surplus := rate - float64(time.Hour)/float64(l.Refill) // tokens spent in an hour beyond those regained
		switch {
		case b.Left == 0:
			args["refill"] = b.Refill
		case b.Used*share >= b.Limit && surplus > 0 && float64(b.Left) < surplus*horizon.Hours():
			f.At = now.Add(time.Duration(float64(b.Left) / surplus * float64(time.Hour))).Truncate(time.Minute)
			args["at"] = f.At
		default:
			continue
		}
		found = append(found, f)
	}
	return found
}

// rate returns how many tokens for new orders an account spends in an hour.
func (m *Meter) rate(now time.Time) float64 {
	hour, recent := 0, 0
	for _, t := range m.spends {
		if age := now.Sub(t); age <= time.Hour {
			hour++
			if age <= burst {
				recent++
			}
		}
	}
	return max(float64(hour), float64(recent)*float64(time.Hour)/float64(burst))
}

// Daily returns how many tokens for new orders an account spent in the last
// day.
func (m *Meter) Daily(now time.Time) int {
	n := 0
	for _, t := range m.spends {
		if now.Sub(t) <= 24*time.Hour {
			n++
		}
	}
	return n
}

// still is the maximum age of a certificate's last failure for which the panel
// counts as still trying: it tries at least daily.
const still = 72 * time.Hour

// hopeless is the divisor of the zombie's age that gives the time for which
// failures must have continued: a site that failed twice today after a year
// without attempts is not a zombie.
const hopeless = 6

// Zombie reports whether a certificate has been failing for a long time, is
// still tried, and was not issued within after; without a success in the log
// the failures themselves must be that old. It returns false if after is 0.
func Zombie(h *checks.History, now time.Time, after time.Duration) bool {
	if after <= 0 || h == nil || h.Failures < 2 || h.Since.IsZero() || now.Sub(h.Last.Time) > still {
		return false
	}
	alive := h.Issued
	if alive.IsZero() {
		alive = h.Since
	}
	return now.Sub(alive) >= after && now.Sub(h.Since) >= after/hopeless
}

// Pausing returns when the CA will pause a name whose certificate keeps
// failing: a failed order costs each of its names one failure. lately is how
// often it failed in the last day; if the bucket regains at least as many
// tokens, the name will not be paused. Earlier failures are assumed to be
// evenly spread.
func (ca *CA) Pausing(h *checks.History, lately int, now time.Time) (at time.Time, used int, ok bool) {
	if h == nil || h.Failures == 0 || h.Since.IsZero() || now.Sub(h.Last.Time) > still {
		return time.Time{}, 0, false
	}
	for _, l := range ca.LimitsAt(now) {
		refill := time.Duration(l.Refill)
		back := float64(24*time.Hour) / float64(refill) // tokens regained in a day
		if !l.Pauses || float64(lately) <= back {
			continue
		}
		used = min(max(h.Failures-int(now.Sub(h.Since)/refill), min(lately, h.Failures)), l.Size)
		days := float64(l.Size-used) / (float64(lately) - back)
		if days > 100*365 {
			return time.Time{}, used, false
		}
		return now.Add(time.Duration(days * 24 * float64(time.Hour))), used, true
	}
	return time.Time{}, 0, false
}
