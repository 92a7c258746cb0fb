package reports

import (
	"time"

	"domovoy/checks"
)

// Flapping is that a problem comes and goes. It is said once; then the problem
// is hushed until it stayed for a while as it is, whichever way that is.
type Flapping struct {
	Since   time.Time `json:"since"`   // the first of the openings that were counted; zero: it does not flap
	Times   int       `json:"times"`   // openings since then
	Changed time.Time `json:"changed"` // when it last came or went
	Told    bool      `json:"told"`
}

// When something flaps: it opened for the sixth time within six hours. Two good
// readings end an incident and a count must fall a tenth below its threshold for
// that, so that five real openings deserve their messages.
const (
	flapTimes  = 6
	flapSteady = time.Hour
)

// FlapWithin is how far back openings are counted.
const FlapWithin = 6 * time.Hour

// steady reports whether what flapped stayed as it is for long enough.
func (f Flapping) steady(now time.Time) bool {
	return !f.Since.IsZero() && now.Sub(f.Changed) >= flapSteady
}

// flap counts the opening of an incident. A single site that flaps does not
// hush the others of its problem: see hushed.
func (d *decider) flap(i *Incident) {
	pr := d.byKey[i.Joins]
	if pr == nil || pr.OfSites() {
		return
	}
	opens := d.recent(i.Finding)
	f := &pr.Life.Flapping
	switch {
	case !f.Since.IsZero():
		f.Times, f.Changed = f.Times+1, d.s.Now
	case len(opens)+1 >= flapTimes:
		*f = Flapping{Since: opens[0], Times: len(opens) + 1, Changed: d.s.Now}
	}
}

// recent are the earlier openings of a finding that count, oldest first.
func (d *decider) recent(f checks.Finding) []time.Time {
	var recent []time.Time
	for _, at := range d.s.Opens[f.Key()] {
		if d.s.Now.Sub(at) < FlapWithin {
			recent = append(recent, at)
		}
	}
	return recent
}

// flapsAlone reports whether a problem is news only because one site came back
// once too often: that is said, and from the next time on it is hushed.
func (d *decider) flapsAlone(pr *Problem, fresh []*Incident) bool {
	if !pr.OfSites() || len(fresh) != 1 {
		return false
	}
	opens := d.recent(fresh[0].Finding)
	if len(opens)+1 != flapTimes {
		return false
	}
	pr.Life.Flapping = Flapping{Since: opens[0], Times: flapTimes, Changed: d.s.Now, Told: true}
	return true
}

// hushed reports whether a site came back so often that it is told only once
// it stays.
func (d *decider) hushed(i Incident) bool {
	return len(d.recent(i.Finding))+1 > flapTimes && d.s.Now.Sub(i.Times.Opened) < flapSteady
}
