package bot

import (
	"time"

	"domovoy/checks"
	"domovoy/checks/budget"
)

// pausingSoon is how far off a pause may be to be worth a word.
const pausingSoon = 30 * 24 * time.Hour

// prospects are what will become of the account and of its names if things go
// on as they do.
func (w *Watch) prospects(p *watched, a accounting, all []checks.Subject, now time.Time) []checks.Finding {
	var found []checks.Finding
	if a.meter != nil {
		for _, f := range a.meter.Forecast(now) {
			found = append(found, foreseen(f, now))
		}
	}
	for i := range all {
		found = append(found, w.prospectsOf(p, a, &all[i], now)...)
	}
	return found
}

// foreseen is the finding of a forecast: what is gone within an hour is
// critical.
func foreseen(f checks.Forecast, now time.Time) checks.Finding {
	severity := checks.Warning
	if f.At.IsZero() || f.At.Sub(now) <= time.Hour {
		severity = checks.Critical
	}
	return checks.Finding{Check: budgetsCheck, Server: f.Server, Code: f.Code, Severity: severity, Args: f.Args}
}

func (w *Watch) prospectsOf(p *watched, a accounting, x *checks.Subject, now time.Time) []checks.Finding {
	h := x.History
	if h == nil || h.Failures == 0 {
		return nil
	}
	var found []checks.Finding
	add := func(code checks.Code, args checks.Args) {
		found = append(found, checks.Finding{Check: budgetsCheck, Server: p.Name, Site: x.Site.Name, Code: code, Severity: code.Severity(), Args: args})
	}
	lately := a.lately[h.Last.Certificate]
	if rules := p.rules(); rules != nil {
		if at, _, ok := rules.Pausing(h, lately, now); ok && at.Sub(now) <= pausingSoon {
			add(checks.CAPausing, checks.Args{"at": at.Truncate(24 * time.Hour), "failures": h.Failures, "lately": lately})
		}
	}
	if budget.Zombie(h, now, w.rules.Zombie) {
		args := checks.Args{"failures": h.Failures, "since": h.Since}
		if !h.Issued.IsZero() {
			args["issued"] = h.Issued
		}
		add(checks.CAZombie, args)
	}
	return found
}
