package reports

import (
	"time"

	"domovoy/checks"
)

// Facts are what a program is told about a problem, beside the words of the
// message: a receiver that is no person decides by them.
type Facts struct {
	Event    Reason          `json:"event"`             // why the message is sent
	Problem  int64           `json:"problem,omitempty"` // its number, given by the journal; 0: not stored yet
	Server   string          `json:"server"`            // the panel's name
	Sites    []string        `json:"sites,omitempty"`   // the sites it is about, in A-label form; none: the server as a whole
	Code     checks.Code     `json:"code,omitempty"`    // empty: many at once
	Severity checks.Severity `json:"severity"`          // of what has ended, the highest that it had
	Opened   time.Time       `json:"opened,omitzero"`   // when the problem was first found
	Resolved time.Time       `json:"resolved,omitzero"` // when it ended; zero: it has not
	Count    *Count          `json:"count,omitempty"`   // nil: the problem is no count
	Next     *NextStep       `json:"next,omitempty"`    // nil: there is nothing to do
}

// Over reports whether the problem has ended; of no facts that is not known.
func (f *Facts) Over() bool { return f != nil && (f.Event == Resolved || !f.Resolved.IsZero()) }

// Count is a count that became a problem.
type Count struct {
	Value     int `json:"value"`
	Threshold int `json:"threshold,omitempty"` // from which it is a problem; 0: there is none
}

// NextStep is what to do about a problem, and who does it.
type NextStep struct {
	Who  checks.Who `json:"who"`
	Text string     `json:"text"` // in the message's language
}
