package reports

import (
	"slices"
	"time"

	"domovoy/checks"
)

// Day is what a daily digest is composed from.
type Day struct {
	Servers  []Server
	Open     []Incident // now
	Resolved []Incident // since From
	From     time.Time  // a day ago
	Begun    time.Time  // the oldest panel's baseline; after From there is nothing to compare with
	Due      time.Time  // when the digest should have come; zero: it was asked for
	Coming   []Novelty  // what changes at the CAs within a month, soonest first
}

// Movement is how the names in trouble changed over the day.
type Movement struct {
	Now, Before, Opened, Fixed, Old int
}

// Comparable reports whether there is a yesterday to compare with.
func (d Day) Comparable() bool { return !d.Begun.IsZero() && !d.Begun.After(d.From) }

// troubled are the sites that an incident counts as in trouble.
func troubled(i Incident) bool { return i.Finding.Site != "" && i.Finding.Severity >= checks.Warning }

// Movement counts names, not incidents: a name whose cause changed was
// neither fixed nor newly broken.
func (d Day) Movement() Movement {
	now, before := d.troubles(), map[siteKey]bool{}
	for _, i := range d.Open {
		if troubled(i) && (i.Baseline || !i.Times.Opened.After(d.From)) {
			before[keyOf(i)] = true // what a new panel brings along is not new
		}
	}
	for _, i := range d.Resolved {
		if troubled(i) && !i.Times.Opened.After(d.From) {
			before[keyOf(i)] = true
		}
	}
	mv := Movement{Now: len(now), Before: len(before)}
	for key, x := range now {
		if !before[key] {
			mv.Opened++
		}
		if d.From.Sub(x.since) > 29*24*time.Hour {
			mv.Old++
		}
	}
	for key := range before {
		if _, still := now[key]; !still {
			mv.Fixed++
		}
	}
	return mv
}

// Calm reports that nothing is wrong with any panel as a whole: no count
// above its threshold, and every one of them could be read.
func (d Day) Calm() bool {
	return !slices.ContainsFunc(d.Servers, func(s Server) bool { return s.Worst() > checks.Info })
}

// BlindSites counts the sites at which some check could not look.
func (s Server) BlindSites() int {
	sites := map[string]bool{}
	for _, f := range s.Outcome.Failures {
		if f.Site != "" {
			sites[f.Site] = true
		}
	}
	return len(sites)
}
