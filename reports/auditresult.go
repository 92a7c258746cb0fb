package reports

import (
	"fmt"
	"strconv"
	"strings"

	"domovoy/checks"
	"domovoy/i18n"
)

// CancelOutcome is what became of a plan to cancel authorizations, as the
// audit keeps it.
type CancelOutcome struct {
	Stopped                            bool // somebody ended it early
	Deactivated, Skipped, Failed, Left int
	Price                              int      // in failed validations, at worst
	Confirmed                          []string // who else confirmed; ids
}

// counts are the numbers by their names, in the order they are kept.
func (o *CancelOutcome) counts() []struct {
	name string
	n    *int
} {
	return []struct {
		name string
		n    *int
	}{{"deactivated", &o.Deactivated}, {"skipped", &o.Skipped}, {"failed", &o.Failed}, {"left", &o.Left}, {"price", &o.Price}}
}

// String is the line that is stored. Its words never change: the audit is
// chained.
func (o CancelOutcome) String() string {
	line := "done"
	if o.Stopped {
		line = "stopped"
	}
	for _, c := range o.counts() {
		line += fmt.Sprintf(" %s=%d", c.name, *c.n)
	}
	if len(o.Confirmed) > 0 {
		line += " confirmed=" + strings.Join(o.Confirmed, ",")
	}
	return line
}

// parseCancelOutcome reads a stored line; false: it is of another kind.
func parseCancelOutcome(line string) (o CancelOutcome, ok bool) {
	words := strings.Fields(line)
	counts := o.counts()
	if len(words) <= len(counts) || words[0] != "done" && words[0] != "stopped" {
		return o, false
	}
	o.Stopped = words[0] == "stopped"
	for i, c := range counts {
		name, value, _ := strings.Cut(words[i+1], "=")
		n, err := strconv.Atoi(value)
		if err != nil || name != c.name {
			return o, false
		}
		*c.n = n
	}
	switch rest := words[len(counts)+1:]; {
	case len(rest) == 1 && strings.HasPrefix(rest[0], "confirmed="):
		o.Confirmed = strings.Split(strings.TrimPrefix(rest[0], "confirmed="), ",")
	case len(rest) > 0:
		return o, false
	}
	return o, true
}

// actResult says what became of an act. What no version of ours is known to
// have written is shown as it is.
func (w Writer) actResult(kept string) string {
	if key := "audit.result." + kept; w.Locale.Has(key) {
		return w.Locale.Say(key)
	}
	if o, ok := parseCancelOutcome(kept); ok {
		return w.cancelOutcome(o)
	}
	return checks.Clean(checks.WithoutSecrets(kept), checks.WordLength)
}

// cancelOutcome says what was cancelled and what was not, then the price and
// who else agreed to it.
func (w Writer) cancelOutcome(o CancelOutcome) string {
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
