package budget

import (
	"context"
	"time"

	"domovoy/checks"
)

// CheckName is the name of the check in outcomes and failures.
const CheckName = "budget"

// Check finds what will become of a panel's account at its CA, and of the names
// that use its budgets up. prospects brings the account up to date first; nil:
// no account is counted.
func Check(prospects func(ctx context.Context, t *checks.Target) ([]checks.Finding, error)) checks.Check {
	return checks.Check{
		Name:  CheckName,
		Scope: checks.ScopeServer,
		Codes: []checks.Code{checks.CABudget, checks.CAPausing, checks.CAZombie},
		Run:   prospects,
	}
}

// pausingSoon is how far off a pause may be to be reported.
const pausingSoon = 30 * 24 * time.Hour

// Outlook is what the prospects of a panel's account are worked out from.
type Outlook struct {
	Meter  *Meter         // nil: the CA's limits are not known
	Lately map[string]int // failures of the last day, by certificate
	Zombie time.Duration  // how long a name may fail with no success
}

// Findings are what will become of the account and of its sites' names if
// things go on as they do.
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
	return found
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
	horizon = 6 * time.Hour // what runs out later than that will be seen again before
	share   = 4             // a quarter must be used up: a busy hour is not a mass re-issue
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
		surplus := rate - float64(time.Hour)/float64(l.Refill) // tokens an hour that are spent beyond those that come back
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

// rate is how many tokens of new orders an account spends in an hour.
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

// Daily is how many tokens of new orders an account spent in the last day.
func (m *Meter) Daily(now time.Time) int {
	n := 0
	for _, t := range m.spends {
		if now.Sub(t) <= 24*time.Hour {
			n++
		}
	}
	return n
}

// still is how old a certificate's last failure may be for the panel to be
// still trying: it tries at least daily.
const still = 72 * time.Hour

// hopeless is the part of the zombie's age for which the failures must have
// gone on: a site that failed twice today after a year without attempts is not
// a zombie.
const hopeless = 6

// Zombie reports whether a certificate fails for long, is still tried, and was
// not issued for that long; without a success in the log the failures
// themselves must be that old. It is false where after is 0.
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
// often it failed in the last day; where that is not more than the bucket
// regains, the name will not be paused. Earlier failures are taken as evenly
// spread.
func (ca *CA) Pausing(h *checks.History, lately int, now time.Time) (at time.Time, used int, ok bool) {
	if h == nil || h.Failures == 0 || h.Since.IsZero() || now.Sub(h.Last.Time) > still {
		return time.Time{}, 0, false
	}
	for _, l := range ca.LimitsAt(now) {
		refill := time.Duration(l.Refill)
		back := float64(24*time.Hour) / float64(refill) // tokens that come back in a day
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
