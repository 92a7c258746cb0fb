package reports

import (
	"slices"

	"domovoy/checks"
	"domovoy/i18n"
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

// Stormy reports whether so many sites of all changed at once.
func Stormy(changed, all int) bool {
	return changed >= stormLeast && float64(changed) > stormShare*float64(all)
}

// Beginning is what a run looked at for the first time.
type Beginning struct {
	Server bool     // the panel itself
	Checks []string // checks that could not look before
}

// Begins reports whether what the check found is its baseline.
func (b Beginning) Begins(check string) bool { return b.Server || slices.Contains(b.Checks, check) }

// Alerts composes what changes are to be told: a beginning in one summary, the
// server's own one by one, the sites' together, by code and kind.
func (w Writer) Alerts(s Server, changes []Change, begin Beginning) []Told {
	var told []Told
	if codes := troubles(changes); begin.Server {
		told = append(told, Told{Kind: Baseline, Message: w.Baseline(s, codes)})
	} else if len(codes) > 0 {
		told = append(told, Told{Kind: Baseline, Message: w.begins(s, begin, codes)})
	}
	names := map[ChangeKind]map[checks.Code][]Incident{}
	sites := map[string]bool{}
	for _, c := range changes {
		f := c.Incident.Finding
		switch {
		case c.Kind == "" || c.Kind == Baseline:
		case f.Site == "":
			told = append(told, Told{Kind: c.Kind, Incident: f.Key(), Message: w.Alert(c, s)})
		default:
			if names[c.Kind] == nil {
				names[c.Kind] = map[checks.Code][]Incident{}
			}
			names[c.Kind][f.Code] = append(names[c.Kind][f.Code], c.Incident)
			if c.Kind != Resolved {
				sites[f.Site] = true
			}
		}
	}
	if broken := len(sites); Stormy(broken, len(s.Subjects)) {
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
		if c.Kind == Baseline && troubled(c.Incident) && !ends(c.Incident.Finding) {
			codes = append(codes, c.Incident.Finding.Code)
		}
	}
	return codes
}

// begins is the summary of checks that look for the first time at a panel
// that is known already.
func (w Writer) begins(s Server, begin Beginning, codes []checks.Code) Message {
	var what []string
	for _, check := range begin.Checks {
		if key := "looked." + check; w.Locale.Has(key) {
			what = append(what, w.Locale.Say(key))
		}
	}
	m := w.message(Plain, w.Locale.Say("baseline.more", i18n.Args{"Server": s.Name, "What": what}))
	m.Silent = true
	m.Sections = []Section{{Heading: w.Locale.Count("baseline.causes", len(codes)), Items: w.causeItems(causes(codes), 6)}}
	return m
}

// Closed is an alert that is over, as it stands from then on: what happened
// under how it ended, without buttons.
func (w Writer) Closed(alert Message, i Incident) Message {
	m := w.over(i)
	m.Silent = true
	m.Sections = []Section{{Text: alert.Title}}
	return m
}
