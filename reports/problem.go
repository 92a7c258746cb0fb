package reports

import (
	"time"

	"domovoy/checks"
)

// Problem is what people see, take and silence: an incident of a server as a
// whole by itself, or the incidents of one server's sites that share a cause.
// Sites join it while it is open. It has one number and one state for all chats,
// and in each chat one message that follows it.
type Problem struct {
	ID       int64       // given by the journal; zero until stored
	Key      string      // the same problem has the same key; at most one of a key is open
	Server   string      // the panel; of a storm also the node of one: isp1/node2
	Cause    checks.Code // StormCause: many sites at once
	Worst    checks.Severity
	Peak     int  // highest Value it had
	Baseline bool // it was there when its check first ran, and did not improve since
	Opened   time.Time
	Resolved time.Time // zero: it is open
	Told     Told
	Life     Life
}

// StormCause is the cause of a problem that stands for sites of all causes which
// broke at once. It is no code of a finding.
const StormCause checks.Code = "storm"

// ProblemMark is replaced in an action's command, such as "ack {problem}", by
// the number of the problem, which may not be known before both are stored.
const ProblemMark = "{problem}"

// Told is what the last message about a problem said.
type Told struct {
	Reason   Reason
	Severity checks.Severity // lowered when the problem becomes milder, so that a later rise is news
	Value    int
	At       time.Time // zero: nobody was told of it
}

// Life is what people and time made of a problem. Its JSON is stored.
type Life struct {
	Taken    Taking    `json:"taken,omitzero"`
	Handed   Handing   `json:"handed,omitzero"`
	Waiting  time.Time `json:"waiting,omitzero"` // since when it was critical and told, and nobody took it; zero: it is not
	Called   string    `json:"called,omitzero"`  // addresses of the steps of the escalation that were taken since then, one word each
	Step     int       `json:"step,omitzero"`    // the same of an earlier version: how many
	Flapping Flapping  `json:"flapping,omitzero"`
	Held     string    `json:"held,omitzero"` // what holds all of it back, as Hold.Name says; empty: nothing does
}

// Taking is that somebody works on a problem. It ends at Until, or when the
// problem becomes more severe than it was told to be.
type Taking struct {
	Person string    `json:"person"` // immutable id; empty: nobody did
	Name   string    `json:"name"`   // as it was shown then
	At     time.Time `json:"at"`
	Until  time.Time `json:"until"`
}

// By is the name to show.
func (t Taking) By() string {
	if t.Name == "" {
		return t.Person
	}
	return t.Name
}

// Handing is that a problem was offered to somebody, who has yet to take it:
// naming a person does not make them look.
type Handing struct {
	To string    `json:"to"` // as it was typed; empty: it was not
	By string    `json:"by"` // name of who did it
	At time.Time `json:"at"`
}

// Panel is the panel's name, also where the problem is of a node.
func (p Problem) Panel() string {
	server, _ := checks.ParsePlace(p.Server)
	return server
}

// OfSites reports whether the problem is about sites rather than about its
// server as a whole.
func (p Problem) OfSites() bool { return p.Key == sitesKey(p.Server, p.Cause) }

// Open reports whether the problem is not over.
func (p Problem) Open() bool { return p.Resolved.IsZero() }

// IsTaken reports whether somebody works on it at a moment.
func (p Problem) IsTaken(now time.Time) bool {
	return p.Life.Taken.Person != "" && now.Before(p.Life.Taken.Until)
}

// Take records that a person works on the problem until a moment: nobody has to
// be asked or called any more.
func (p *Problem) Take(t Taking) {
	p.Life.Taken, p.Life.Handed = t, Handing{}
	p.Life.calm()
}

// Hand records that the problem was offered to somebody. Nobody works on it
// until they take it, so that the escalation goes on.
func (p *Problem) Hand(h Handing) { p.Life.Handed, p.Life.Taken = h, Taking{} }

// ProblemKey is the key of the problem that an incident of a finding belongs to.
func ProblemKey(f checks.Finding) string {
	if f.Site == "" {
		return f.Key()
	}
	return sitesKey(f.Server, f.Code)
}

// sitesKey cannot be a finding's key: "*" is no name of a site.
func sitesKey(server string, cause checks.Code) string { return server + "/*//" + string(cause) }
