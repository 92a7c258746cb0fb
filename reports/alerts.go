package reports

import (
	"slices"

	"domovoy/checks"
)

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

// Troubles are the codes of the sites that the baseline found in trouble.
func Troubles(changes []Change) []checks.Code {
	var codes []checks.Code
	for _, c := range changes {
		if c.Kind == Baseline && troubled(c.Incident) && !ends(c.Incident.Finding) {
			codes = append(codes, c.Incident.Finding.Code)
		}
	}
	return codes
}
