package reports

import (
	"time"

	"domovoy/checks"
)

// Incident is a finding over time: from the run that first saw it to the run
// that saw it gone.
type Incident struct {
	ID       int64 // the journal's; zero until stored
	Finding  checks.Finding
	Peak     int             // highest value of a metric; 0 for a finding without one
	Worst    checks.Severity // highest severity it had
	Told     checks.Severity // severity of the last message about it; Healthy: never told
	ToldPeak int             // value that the last message gave
	Clear    int             // runs in a row that looked and did not see it
	Times    IncidentTimes
	Baseline bool // it was there when the watch began
}

// IncidentTimes are the moments of an incident; any but Opened may be zero.
type IncidentTimes struct {
	Opened, Seen, ToldAt, Resolved time.Time
}

// ChangeKind is the reason to speak. There is no other.
type ChangeKind string

// The reasons.
const (
	Opened   ChangeKind = "opened"
	Worsened ChangeKind = "worsened"
	Reminded ChangeKind = "reminded"
	Resolved ChangeKind = "resolved"
	Baseline ChangeKind = "baseline" // recorded at the first complete run, told in one summary
)

// Change is an incident that has something to say, or that must be stored.
type Change struct {
	Kind     ChangeKind // empty: nothing to say, only to store
	Incident Incident
}
