package reports

import (
	"time"

	"domovoy/checks"
)

// Threshold is the values from which a count is a warning or critical; 0: there
// is no such level.
type Threshold struct {
	Warn     int
	Critical int
}

// Enter is the value from which the count has that severity; 0: none.
func (t Threshold) Enter(s checks.Severity) int {
	switch s {
	case checks.Critical:
		return t.Critical
	case checks.Warning:
		return t.Warn
	}
	return 0
}

// Level is the severity of a value, given the count's severity so far. A level
// ends a tenth below its threshold, so that a count that varies around the
// threshold alerts once.
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

// Policy is the rules by which Reconcile and Decide decide.
type Policy struct {
	Thresholds   map[checks.Code]Threshold
	Remind       time.Duration // time between reminders of an open critical problem; 0: none
	ResolveAfter int           // consecutive runs without it that resolve an incident; at least 1
	Quiet        Quiet
	Storm        float64 // share of a server's sites that makes a storm; 0: a tenth
	Escalation   []Step  // in the order of After
}

// CountCheck is the name of the check that compares counts with thresholds; the
// count's code follows it after a dot.
const CountCheck = "counts"

// Measure compares a server's counts with the thresholds, given the open
// incidents. A count without a value is a failure, which opens and resolves
// nothing.
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
		f.Severity = threshold.Level(m.Value-m.Excused, was[f.Key()])
		if f.Severity > checks.Healthy {
			f.Args = checks.Args{"value": m.Value, "threshold": threshold.Enter(f.Severity)}
			findings = append(findings, f)
		}
	}
	return findings, failures
}

// Key is the key of the finding about a count above its threshold.
func (p Policy) Key(m checks.Metric) string { return countFinding(m).Key() }

func countFinding(m checks.Metric) checks.Finding {
	return checks.Finding{Check: CountCheck + "." + string(m.Code), Server: m.Server, Code: m.Code}
}

// Alarm is the threshold to show with a count: the critical one, else the warning;
// 0: there is none.
func (t Threshold) Alarm() int {
	if t.Critical > 0 {
		return t.Critical
	}
	return t.Warn
}
