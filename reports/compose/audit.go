package compose

import (
	"strings"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// Audit is who did what, or tried to.
type AuditTrail struct {
	Name    string        // of a site, in A-label form; empty: all
	Acts    []reports.Act // newest first
	Entries int           // that there are, of all sites
	Head    string        // the last hash; may be empty
	Broken  int           // the entry that was changed, or lacks one before it; 0: none
}

// headShown is how much of a hash people compare.
const headShown = 16

// Audit shows acts, and whether they can be believed.
func Audit(w Writer, a AuditTrail) reports.Message {
	m := w.message(reports.Plain, w.Locale.Say("audit.title"))
	if a.Name != "" {
		m.Title = w.Locale.Say("audit.of", i18n.Args{"Name": checks.Show(a.Name)})
	}
	section := reports.Section{}
	for _, act := range a.Acts {
		section.Items = append(section.Items, reports.Item{
			Text: w.Locale.DateTime(act.At, w.Now) + " · " + act.Who + ": " + act.Command,
			Note: actResult(w, act.Result),
		})
	}
	if len(a.Acts) == 0 {
		section.Text = w.Locale.Say("audit.none")
	}
	m.Sections = []reports.Section{section}
	chain := reports.Section{Text: w.Locale.Count("audit.whole", a.Entries, i18n.Args{"Head": a.Head[:min(headShown, len(a.Head))]})}
	switch {
	case a.Broken > 0:
		m.Tone = reports.ToneBad
		chain = reports.Section{Text: w.Locale.Say("audit.broken", i18n.Args{"Entry": a.Broken})}
	case a.Entries == 0:
		return m
	}
	m.Sections = append(m.Sections, chain)
	return m
}

// actResult says what became of an act. What no version of ours is known to
// have written is shown as it is.
func actResult(w Writer, kept string) string {
	if key := "audit.result." + kept; w.Locale.Has(key) {
		return w.Locale.Say(key)
	}
	if o, ok := reports.ParseCancelOutcome(kept); ok {
		return cancelOutcome(w, o)
	}
	return checks.Clean(checks.WithoutSecrets(kept), checks.WordLength)
}

// cancelOutcome says what was cancelled and what was not, then the price and
// who else agreed to it.
func cancelOutcome(w Writer, o reports.CancelOutcome) string {
	key := "audit.done"
	if o.Stopped {
		key = "audit.stopped"
	}
	parts := []string{w.Locale.Count(key, o.Deactivated)}
	for _, c := range []struct {
		key string
		n   int
	}{{"audit.failed", o.Failed}, {"audit.skipped", o.Skipped}, {"audit.left", o.Left}} {
		if c.n > 0 {
			parts = append(parts, w.Locale.Say(c.key, i18n.Args{"N": c.n}))
		}
	}
	text := strings.Join(parts, ", ")
	if o.Price > 0 {
		text += "; " + w.Locale.Count("audit.price", o.Price)
	}
	if len(o.Confirmed) > 0 {
		text += "; " + w.Locale.Say("audit.confirmed", i18n.Args{"Who": o.Confirmed})
	}
	return text
}
