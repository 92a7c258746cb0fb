package reports

import (
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// Step is what happens where nobody takes a critical problem.
type Step struct {
	After    time.Duration // since it was told
	To       string        // an address: telegram:…, slack:…, email:…, webhook:NAME
	Language string        // empty: the default of that address
}

// escalate takes the steps that are due because nobody took a critical problem.
func (d *decider) escalate(pr *Problem, audible []*Incident, severity checks.Severity) {
	life, now := &pr.Life, d.s.Now
	if severity < checks.Critical || pr.Baseline || pr.IsTaken(now) || !pr.OfSites() && !life.Flapping.Since.IsZero() || pr.Told.At.IsZero() {
		life.calm()
		return
	}
	if life.Waiting.IsZero() {
		life.Waiting = now
	}
	for _, s := range d.StepsLeft(*life) {
		if now.Sub(life.Waiting) >= s.After {
			d.out.Tellings = append(d.out.Tellings, Telling{Reason: Escalated, Problem: *pr, Incidents: values(audible), Step: s})
			life.Call(s, d.Policy)
		}
	}
}

// StepsLeft are the steps of the escalation that were not taken since somebody had to
// be called, in their order. Steps are told apart by their addresses, so that the
// configuration may change meanwhile: a new step is left, and one that was taken is
// not taken again at another time.
func (p Policy) StepsLeft(life Life) (left []Step) {
	called := life.called(p)
	for _, s := range p.Escalation {
		if n := slices.Index(called, s.To); n >= 0 {
			called = slices.Delete(called, n, n+1)
		} else {
			left = append(left, s)
		}
	}
	return left
}

// Call records that a step was taken.
func (l *Life) Call(s Step, p Policy) {
	l.Called, l.Step = strings.Join(append(l.called(p), s.To), " "), 0
}

// calm records that nobody has to be called any more.
func (l *Life) calm() { l.Waiting, l.Called, l.Step = time.Time{}, "", 0 }

// called are the addresses of the steps that were taken. An earlier version only
// counted them.
func (l Life) called(p Policy) []string {
	called := strings.Fields(l.Called)
	for _, s := range p.Escalation[:min(l.Step, len(p.Escalation))] {
		called = append(called, s.To)
	}
	return called
}

// nextStep is when the next step is due if nobody takes the problem; zero: none is.
func (p Policy) nextStep(life Life, now time.Time) (next time.Time) {
	if life.Waiting.IsZero() {
		return time.Time{}
	}
	for _, s := range p.StepsLeft(life) {
		if at := life.Waiting.Add(s.After); at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}
