package compose

import (
	"strings"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// AuditTrail is a part of the audit: who did what, or tried to.
type AuditTrail struct {
	Name    string        // of a site, in A-label form; empty: all
	Acts    []reports.Act // newest first
	Entries int           // that there are, of all sites
	Head    string        // hash of the last entry; may be empty
	Broken  int           // number of the entry that was changed or follows a missing one; 0: none
	Kept    int           // number of the last entry that there was, where the end was cut off; else 0
	Last    int           // then: of the last one that is left
	Next    int           // then: of the one that was made after that; 0: there is none
}

// intact reports whether nothing was changed or removed.
func (a AuditTrail) intact() bool { return a.Broken == 0 && a.Kept == 0 }

// fault says what was changed or removed.
func (a AuditTrail) fault(w Writer) string {
	if a.Broken > 0 {
		return w.Say("audit.broken", i18n.Args{"Entry": a.Broken})
	}
	if a.Next > 0 {
		return w.Say("audit.gap", i18n.Args{"Last": a.Last, "Next": a.Next})
	}
	return w.Say("audit.cut", i18n.Args{"Kept": a.Kept, "Last": a.Last})
}

func (a AuditTrail) whole(w Writer) string {
	return w.Say("audit.whole", i18n.Args{"N": a.Entries, "Head": a.Head[:min(headShown, len(a.Head))]})
}

// AuditVerified says whether the audit is whole.
func AuditVerified(w Writer, a AuditTrail) reports.Message {
	if !a.intact() {
		m := w.message(reports.ToneBad, w.Say("audit.verify.bad"))
		m.Sections = []reports.Section{{Text: a.fault(w)}, {Text: w.Say("audit.verify.next")}}
		return m
	}
	m := w.message(reports.ToneOver, w.Say("audit.verify.good"))
	if a.Entries == 0 {
		m.Sections = []reports.Section{{Text: w.Say("audit.none", i18n.Args{"Name": ""})}}
		return m
	}
	m.Sections = []reports.Section{{Text: a.whole(w)}}
	return m
}

// headShown is how many characters of a hash are shown.
const headShown = 16

// Audit shows acts, and whether the chain of hashes is intact.
func Audit(w Writer, a AuditTrail) reports.Message {
	name := i18n.Args{"Name": checks.Show(a.Name)}
	m := w.message(reports.Plain, w.Say("audit.title"))
	if a.Name != "" {
		m.Title = w.Say("audit.of", name)
	}
	section := reports.Section{}
	for _, act := range a.Acts {
		section.Items = append(section.Items, reports.Item{
			Text: w.dateTime(act.At) + " · " + act.Who + ": " + act.Command,
			Note: actResult(w, act.Result),
		})
	}
	if len(a.Acts) == 0 {
		section.Text = w.Say("audit.none", name)
	}
	m.Sections = []reports.Section{section}
	switch {
	case !a.intact():
		m.Tone = reports.ToneBad
		m.Sections = append(m.Sections, reports.Section{Text: a.fault(w)})
	case a.Entries > 0:
		m.Sections = append(m.Sections, reports.Section{Text: a.whole(w)})
	}
	return m
}

// actResult says how an act ended. A stored word without a text is shown as it
// is.
func actResult(w Writer, kept string) string {
	if key := "audit.result." + kept; w.Has(key) {
		return w.Say(key)
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
	parts := []string{w.Count(key, o.Deactivated)}
	for _, c := range []struct {
		key string
		n   int
	}{{"audit.failed", o.Failed}, {"audit.skipped", o.Skipped}, {"audit.left", o.Left}} {
		if c.n > 0 {
			parts = append(parts, w.Say(c.key, i18n.Args{"N": c.n}))
		}
	}
	text := strings.Join(parts, ", ")
	if o.Price > 0 {
		text += "; " + w.Count("audit.price", o.Price)
	}
	if len(o.Confirmed) > 0 {
		text += "; " + w.Say("audit.confirmed", i18n.Args{"Who": o.Confirmed})
	}
	return text
}
