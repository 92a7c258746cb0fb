package compose

import (
	"strings"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// Announce tells what will change at a CA on a day, a while before.
func (w Writer) Announce(changes []reports.Novelty) reports.Message {
	m := w.message(reports.Plain, w.Locale.Say("calendar.title", i18n.Args{"CA": changes[0].CA, "Date": w.Locale.Date(changes[0].Date, w.Now)}))
	m.Silent = true
	for _, c := range changes {
		m.Sections = append(m.Sections, reports.Section{Text: sentence(c.In(w.Locale.Language()))})
	}
	m.Actions = []reports.Action{{Label: w.Locale.Say("action.limits"), Command: "limits"}}
	return m
}

// atCA is the digest's lines about the accounts at the CA, and what changes
// there soon.
func (w Writer) atCA(d reports.Day) []reports.Section {
	var sections []reports.Section
	for _, s := range d.Servers {
		if s.Trouble == "" && s.Quota.CA != "" {
			sections = append(sections, reports.Section{Text: w.account(s)})
		}
	}
	return append(sections, w.coming(d.Coming)...)
}

// account is one line about a server's account: what it spent, which names it
// wears out.
func (w Writer) account(s reports.Server) string {
	var parts []string
	for _, b := range s.Quota.Account {
		parts = append(parts, w.Locale.Say("daily.limit", i18n.Args{"What": w.limitName(b.Code), "Used": b.Used, "Limit": b.Limit}))
	}
	counts := map[checks.Code]int{}
	for _, f := range s.Outcome.Findings {
		counts[f.Code]++
	}
	for _, code := range []checks.Code{checks.CAPaused, checks.CAPausing, checks.CAZombie} {
		if n := counts[code]; n > 0 {
			parts = append(parts, w.Locale.Count("daily."+string(code), n))
		}
	}
	return w.Locale.Say("limits.account", i18n.Args{"CA": s.Quota.CA, "Server": s.Name}) + " — " + strings.Join(parts, "; ") + "."
}

// coming is what changes at a CA within a month.
func (w Writer) coming(changes []reports.Novelty) []reports.Section {
	var sections []reports.Section
	for _, c := range changes {
		sections = append(sections, reports.Section{Text: w.Locale.Say("limits.next", i18n.Args{"Date": w.Locale.Date(c.Date, w.Now), "Text": c.In(w.Locale.Language())})})
	}
	return sections
}
