package reports

import (
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
)

// Novelty is something that changes at a CA on a day.
type Novelty struct {
	CA     string
	Date   time.Time
	Source string
	Text   map[string]string // by language
}

// in the reader's language; in English where nobody translated it.
func (n Novelty) in(language string) string {
	if text, ok := n.Text[language]; ok {
		return text
	}
	return n.Text["en"]
}

// Announce tells what will change at a CA on a day, a while before.
func (w Writer) Announce(changes []Novelty) Message {
	m := w.message(Plain, w.Locale.Say("calendar.title", i18n.Args{"CA": changes[0].CA, "Date": w.Locale.Date(changes[0].Date, w.Now)}))
	m.Silent = true
	for _, c := range changes {
		m.Sections = append(m.Sections, Section{Text: sentence(c.in(w.Locale.Language()))})
	}
	m.Actions = []Action{{Label: w.Locale.Say("action.limits"), Command: "limits"}}
	return m
}

// atCA is the digest's lines about the accounts at the CA, and what changes
// there soon.
func (w Writer) atCA(d Day) []Section {
	var sections []Section
	for _, s := range d.Servers {
		if s.Trouble == "" && s.Quota.CA != "" {
			sections = append(sections, Section{Text: w.account(s)})
		}
	}
	return append(sections, w.coming(d.Coming)...)
}

// account is one line about a server's account: what it spent, which names it
// wears out.
func (w Writer) account(s Server) string {
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
func (w Writer) coming(changes []Novelty) []Section {
	var sections []Section
	for _, c := range changes {
		sections = append(sections, Section{Text: w.Locale.Say("limits.next", i18n.Args{"Date": w.Locale.Date(c.Date, w.Now), "Text": c.in(w.Locale.Language())})})
	}
	return sections
}
