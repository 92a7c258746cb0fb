package compose

import (
	"domovoy/checks"
	"domovoy/reports"
)

// facts are what programs are told of a change of one incident.
func (w Writer) facts(event reports.ChangeKind, i reports.Incident) *reports.Facts {
	f := i.Finding
	facts := &reports.Facts{
		Event: event, Problem: i.ID, Server: f.Server, Code: f.Code, Severity: f.Severity,
		Opened: i.Times.Opened, Resolved: i.Times.Resolved,
	}
	if f.Site != "" {
		facts.Sites = []string{f.Site}
	}
	if value, ok := f.Args["value"].(int); ok {
		threshold, _ := f.Args["threshold"].(int)
		facts.Count = &reports.Count{Value: value, Threshold: threshold}
	}
	if event == reports.Resolved {
		facts.Severity = max(f.Severity, i.Worst)
	} else {
		facts.Next = &reports.NextStep{Who: f.Who(), Text: w.Step(f)}
	}
	return facts
}

// factsOfNames are what programs are told of a change of several sites that share
// a code; incidents has at least one.
func (w Writer) factsOfNames(event reports.ChangeKind, incidents []reports.Incident, worst checks.Severity) *reports.Facts {
	facts := w.facts(event, incidents[0])
	if len(incidents) == 1 {
		return facts
	}
	facts.Problem, facts.Severity, facts.Count = 0, worst, nil
	for _, i := range incidents[1:] {
		facts.Sites = append(facts.Sites, i.Finding.Site)
		if i.Times.Opened.Before(facts.Opened) {
			facts.Opened = i.Times.Opened
		}
	}
	return facts
}
