package reports

import (
	"fmt"
	"strconv"
	"strings"
)

// CancelOutcome is how a plan to cancel authorizations ended, as the audit keeps
// it.
type CancelOutcome struct {
	Stopped                            bool // somebody stopped it
	Deactivated, Skipped, Failed, Left int
	Price                              int      // number of failed validations it may count as
	Confirmed                          []string // ids of the others who confirmed
}

// counts are the numbers with their names, in stored order.
func (o *CancelOutcome) counts() []struct {
	name string
	n    *int
} {
	return []struct {
		name string
		n    *int
	}{{"deactivated", &o.Deactivated}, {"skipped", &o.Skipped}, {"failed", &o.Failed}, {"left", &o.Left}, {"price", &o.Price}}
}

// String is the line that the audit stores. Its format must not change: the
// audit's entries are chained by hashes.
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

// ParseCancelOutcome parses a stored line; false: it is something else.
func ParseCancelOutcome(line string) (o CancelOutcome, ok bool) {
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
