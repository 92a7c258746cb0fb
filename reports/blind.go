package reports

import (
	"slices"
	"time"

	"domovoy/checks"
)

// Blindness is a time in which sweeps could see nothing.
type Blindness struct {
	Cause    checks.BlindCause
	TLD      string    // of a registry, as an A-label; else empty
	From, To time.Time // To is zero while it lasts
}

// Blind are the times of the day in which sweeps could see nothing, as the
// incidents of their control check tell.
func (d Day) Blind() []Blindness {
	var all []Blindness
	for _, i := range slices.Concat(d.Resolved, d.Open) {
		cause, ok := i.Finding.Args["blind"].(string)
		if i.Finding.Site != "" || i.Finding.Code != checks.Unknown || !ok {
			continue
		}
		b := Blindness{Cause: checks.BlindCause(cause), From: i.Times.Opened, To: i.Times.Resolved}
		b.TLD, _ = i.Finding.Args["tld"].(string)
		if since, ok := i.Finding.Args["since"].(time.Time); ok && since.Before(b.From) {
			b.From = since
		}
		all = append(all, b)
	}
	slices.SortFunc(all, func(a, b Blindness) int { return a.From.Compare(b.From) })
	return all
}
