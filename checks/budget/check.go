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
