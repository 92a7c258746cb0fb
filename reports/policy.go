package reports

import (
	"time"

	"domovoy/checks"
)

// Threshold is where a count becomes a trouble. Zero means that there is no
// such level.
type Threshold struct {
	Warn     int
	Critical int
}

// Enter is the value at which the count becomes that severe.
func (t Threshold) Enter(s checks.Severity) int {
	switch s {
	case checks.Critical:
		return t.Critical
	case checks.Warning:
		return t.Warn
	}
	return 0
}

// Level is how severe a value is for a count that was as severe as was. A
// level is left a tenth below where it is entered, so that a count that
// trembles around its threshold speaks once.
func (t Threshold) Level(value int, was checks.Severity) checks.Severity {
	for _, s := range []checks.Severity{checks.Critical, checks.Warning} {
		enter := t.Enter(s)
		if enter == 0 {
			continue
		}
		if value >= enter || was >= s && value >= leave(enter) {
			return s
		}
	}
	return checks.Healthy
}

// leave is the lowest value at which a level is kept.
func leave(enter int) int { return max(1, enter-max(1, enter/10)) }

// Policy is what decides when to speak.
type Policy struct {
	Thresholds   map[checks.Code]Threshold
	Remind       time.Duration // an open critical count is told again after it; 0: never
	ResolveAfter int           // runs in a row without it before it is over; at least 1
}

// CountCheck is the name of the check that holds counts against thresholds.
const CountCheck = "counts"

// Measure holds a server's counts against the thresholds, in the light of the
// incidents that are open. A count that could not be had is a failure: it
// opens nothing and resolves nothing.
func (p Policy) Measure(metrics []checks.Metric, open []Incident) ([]checks.Finding, []checks.Failure) {
	was := map[string]checks.Severity{}
	for _, i := range open {
		was[i.Finding.Key()] = i.Finding.Severity
	}
	var findings []checks.Finding
	var failures []checks.Failure
	for _, m := range metrics {
		threshold, watched := p.Thresholds[m.Code]
		if !watched {
			continue
		}
		f := countFinding(m)
		if !m.Known() {
			failures = append(failures, checks.Failure{Check: f.Check, Server: m.Server, Err: m.Err})
			continue
		}
		f.Severity = threshold.Level(m.Value, was[f.Key()])
		if f.Severity > checks.Healthy {
			f.Args = checks.Args{"value": m.Value, "threshold": threshold.Enter(f.Severity)}
			findings = append(findings, f)
		}
	}
	return findings, failures
}

// Key of the finding that a count above its threshold becomes.
func (p Policy) Key(m checks.Metric) string { return countFinding(m).Key() }

func countFinding(m checks.Metric) checks.Finding {
	return checks.Finding{Check: CountCheck + "." + string(m.Code), Server: m.Server, Code: m.Code}
}

// Alarm is the level that a count is shown against: the critical one, or the
// warning where there is no other; 0 when there is none.
func (t Threshold) Alarm() int {
	if t.Critical > 0 {
		return t.Critical
	}
	return t.Warn
}
