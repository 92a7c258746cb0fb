package compose

import (
	"strings"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// actResult says what became of an act. What no version of ours is known to
// have written is shown as it is.
func (w Writer) actResult(kept string) string {
	if key := "audit.result." + kept; w.Locale.Has(key) {
		return w.Locale.Say(key)
	}
	if o, ok := reports.ParseCancelOutcome(kept); ok {
		return w.cancelOutcome(o)
	}
	return checks.Clean(checks.WithoutSecrets(kept), checks.WordLength)
}

// cancelOutcome says what was cancelled and what was not, then the price and
// who else agreed to it.
func (w Writer) cancelOutcome(o reports.CancelOutcome) string {
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
