package reports

import (
	"domovoy/checks"
)

// Told is a message with the incident it speaks of.
type Told struct {
	Kind     ChangeKind
	Incident string // the key of its finding; empty: of several
	Message  Message
}

// storm is when so many of a server's sites break at once that the cause is
// hardly theirs: a tenth of them, and not just a handful. So many that recover
// at once are no storm.
const (
	stormShare = 0.10
	stormLeast = 20
)

// Alerts composes what changes are to be told: the server's own one by one,
// the sites' together, by code and kind.
func (w Writer) Alerts(s Server, changes []Change, baseline bool) []Told {
	if baseline {
		return []Told{{Kind: Baseline, Message: w.Baseline(s, troubles(changes))}}
	}
	var told []Told
	names := map[ChangeKind]map[checks.Code][]Incident{}
	broken := 0
	for _, c := range changes {
		f := c.Incident.Finding
		switch {
		case c.Kind == "":
		case f.Site == "":
			told = append(told, Told{Kind: c.Kind, Incident: f.Key(), Message: w.Alert(c, s)})
		default:
			if names[c.Kind] == nil {
				names[c.Kind] = map[checks.Code][]Incident{}
			}
			names[c.Kind][f.Code] = append(names[c.Kind][f.Code], c.Incident)
			if c.Kind != Resolved {
				broken++
			}
		}
	}
	if broken >= stormLeast && float64(broken) > stormShare*float64(len(s.Subjects)) {
		told = append(told, Told{Kind: Opened, Message: w.Storm(s.Name, broken, len(s.Subjects))})
		delete(names, Opened)
		delete(names, Worsened)
	}
	for _, kind := range []ChangeKind{Opened, Worsened, Resolved} {
		for _, code := range checks.Codes() {
			if incidents := names[kind][code]; len(incidents) > 0 {
				told = append(told, Told{Kind: kind, Message: w.Names(kind, incidents)})
			}
		}
	}
	return told
}

// troubles are the codes of the sites that the baseline found in trouble.
func troubles(changes []Change) []checks.Code {
	var codes []checks.Code
	for _, c := range changes {
		if troubled(c.Incident) {
			codes = append(codes, c.Incident.Finding.Code)
		}
	}
	return codes
}

// Closed is an alert that is over, as it stands from then on: what happened
// under how it ended, without buttons.
func (w Writer) Closed(alert Message, i Incident) Message {
	m := w.over(i)
	m.Silent = true
	m.Sections = []Section{{Text: alert.Title}}
	return m
}
