package compose

import (
	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// Told is a message with the incident it speaks of.
type Told struct {
	Kind     reports.ChangeKind
	Incident string // the key of its finding; empty: of several
	Message  reports.Message
}

// Alerts composes what changes are to be told: a beginning in one summary, the
// server's own one by one, the sites' together, by code and kind.
func (w Writer) Alerts(s reports.Server, changes []reports.Change, begin reports.Beginning) []Told {
	var told []Told
	if codes := reports.Troubles(changes); begin.Server {
		told = append(told, Told{Kind: reports.Baseline, Message: w.Baseline(s, codes)})
	} else if len(codes) > 0 {
		told = append(told, Told{Kind: reports.Baseline, Message: w.begins(s, begin, codes)})
	}
	names := map[reports.ChangeKind]map[checks.Code][]reports.Incident{}
	sites := map[string]bool{}
	for _, c := range changes {
		f := c.Incident.Finding
		switch {
		case c.Kind == "" || c.Kind == reports.Baseline:
		case f.Site == "":
			told = append(told, Told{Kind: c.Kind, Incident: f.Key(), Message: w.Alert(c, s)})
		default:
			if names[c.Kind] == nil {
				names[c.Kind] = map[checks.Code][]reports.Incident{}
			}
			names[c.Kind][f.Code] = append(names[c.Kind][f.Code], c.Incident)
			if c.Kind != reports.Resolved {
				sites[f.Site] = true
			}
		}
	}
	if broken := len(sites); reports.Stormy(broken, len(s.Subjects)) {
		told = append(told, Told{Kind: reports.Opened, Message: w.Storm(s.Name, broken, len(s.Subjects))})
		delete(names, reports.Opened)
		delete(names, reports.Worsened)
	}
	for _, kind := range []reports.ChangeKind{reports.Opened, reports.Worsened, reports.Resolved} {
		for _, code := range checks.Codes() {
			if incidents := names[kind][code]; len(incidents) > 0 {
				told = append(told, Told{Kind: kind, Message: w.Names(kind, incidents)})
			}
		}
	}
	return told
}

// begins is the summary of checks that look for the first time at a panel
// that is known already.
func (w Writer) begins(s reports.Server, begin reports.Beginning, codes []checks.Code) reports.Message {
	var what []string
	for _, check := range begin.Checks {
		if key := "looked." + check; w.Locale.Has(key) {
			what = append(what, w.Locale.Say(key))
		}
	}
	m := w.message(reports.Plain, w.Locale.Say("baseline.more", i18n.Args{"Server": s.Name, "What": what}))
	m.Silent = true
	m.Sections = []reports.Section{{Heading: w.Locale.Count("baseline.causes", len(codes)), Items: w.causeItems(causes(codes), 6)}}
	return m
}

// Closed is an alert that is over, as it stands from then on: what happened
// under how it ended, without buttons.
func (w Writer) Closed(alert reports.Message, i reports.Incident) reports.Message {
	m := w.over(i)
	m.Silent = true
	m.Sections = []reports.Section{{Text: alert.Title}}
	return m
}
