package compose

import (
	"domovoy/checks"
	"domovoy/reports"
)

// facts are what programs are told beside the words of a telling.
func (w Writer) facts(t reports.Telling) *reports.Facts {
	p := t.Problem
	facts := &reports.Facts{Event: t.Reason, Problem: p.ID, Server: p.Server, Code: p.Cause, Opened: p.Opened, Resolved: p.Resolved}
	if len(t.Incidents) > 0 {
		facts.Severity = worst(t.Incidents)
	}
	if p.Cause == reports.StormCause {
		facts.Code, facts.Severity, facts.Count = "", checks.Critical, &reports.Count{Value: p.Told.Value}
		return facts
	}
	if len(t.Incidents) == 0 {
		return facts
	}
	f := t.Incidents[0].Finding
	for _, i := range t.Incidents {
		if i.Finding.Site != "" {
			facts.Sites = append(facts.Sites, i.Finding.Site)
		}
	}
	if value, ok := f.Args["value"].(int); ok {
		threshold, _ := f.Args["threshold"].(int)
		facts.Count = &reports.Count{Value: value, Threshold: threshold}
	}
	if t.Reason == reports.Resolved {
		facts.Severity = max(facts.Severity, p.Worst)
	} else {
		facts.Next = &reports.NextStep{Who: f.Who(), Text: w.Step(f)}
	}
	return facts
}

func worst(incidents []reports.Incident) checks.Severity {
	worst := checks.Healthy
	for _, i := range incidents {
		worst = max(worst, i.Finding.Severity)
	}
	return worst
}
