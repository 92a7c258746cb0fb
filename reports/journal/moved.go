package journal

import (
	"domovoy/checks"
	"domovoy/reports/journal/wording"
)

// Moved is what a batch of attempts made of the state of one certificate.
type Moved struct {
	Certificate string
	New         bool        // no attempt of it was stored before
	Before      LastAttempt // the state that was stored before; of its attempt only the time
	After       LastAttempt // the state that is stored now, unless Stale; its attempt is complete if Changed
	Changed     bool        // After is not Before
	Issued      bool        // a success is among the new attempts
	Passed      bool        // the last success ended failures that Recovered may tell
	Stale       bool        // an attempt changed or came late: LastAttempts tells the state
}

// moved compares a certificate's sum after a batch with its state of before.
func (s *attemptSum) moved(before LastAttempt) Moved {
	m := Moved{Certificate: s.name, New: before.Attempt.Row == noAttempt, Before: before, Stale: s.stale, Changed: s.changed, Issued: s.issued}
	m.After = s.lastAttempt()
	m.Passed = m.After.Failures == 0 && s.passed
	return m
}

// lastAttempt is the state by a sum.
func (s *attemptSum) lastAttempt() LastAttempt {
	a := checks.Attempt{Row: noAttempt, Certificate: s.name, Outcome: s.outcome, Time: moment(s.time)}
	if s.last != noAttempt {
		a.Row = s.last & rowMask
	}
	if s.pattern != "" || s.parts != "" {
		a.Text = wording.Join(s.pattern, s.parts, s.name)
	}
	return LastAttempt{Attempt: a, Failures: s.failures, FirstFailed: moment(s.firstFailed), LastIssued: moment(s.lastIssued)}
}
