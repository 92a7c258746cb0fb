package compose

import (
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// Probe is a plan to look for authorizations by ordering anew.
type Probe struct {
	ID     string
	Names  []string // that would be ordered, in A-label form
	Orders int
	CA     string // empty: unknown, and so are its limits
	Limit  int    // of new orders of the account in Window; 0: not known
	Window time.Duration
	Lives  time.Duration
}

// Probe says what ordering anew costs and does, with the button that does it.
func (w Writer) Probe(p Probe) reports.Message {
	m := w.message(reports.Plain, w.Locale.Count("probe.title", p.Orders))
	price := w.Locale.Say("probe.unknown")
	if p.Limit > 0 {
		price = w.Locale.Say("probe.price", i18n.Args{"CA": p.CA, "N": p.Orders, "Limit": p.Limit, "Window": p.Window})
	}
	shown := make([]string, 0, mostNames)
	for _, n := range p.Names[:min(mostNames, len(p.Names))] {
		shown = append(shown, checks.Show(n))
	}
	if len(p.Names) > mostNames {
		shown = append(shown, "…")
	}
	m.Sections = []reports.Section{{Text: strings.Join(shown, ", ")}, {Text: price + "\n" + w.Locale.Say("probe.effect")},
		{Text: w.Locale.Say("cancel.button", i18n.Args{"Age": p.Lives})}}
	m.Actions = []reports.Action{{Label: w.Locale.Say("action.probe"), Command: "confirm " + p.ID, Danger: true}}
	return m
}
