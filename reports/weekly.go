package reports

import (
	"time"

	"domovoy/checks"
)

// Weekly is everything a weekly report says: facts, not yet words. The same
// history and week give the same Weekly, whenever it is composed.
type Weekly struct {
	Week    Week
	Data    time.Time // the snapshot that the week ended with; zero: there is none
	Before  time.Time // the snapshot it is compared with; zero: there is none, and no change is told
	Rules   string    // version of the rules that judged
	Manager string    // whose customers these are, by the address of their chat; empty: everybody's
	Servers []ServerWeek
	Rows    []WeekRow // worst first, then by age
	Orphans []string  // owners of rows whom no manager has; nil where there are no managers
	Points  []WeekPoint
}

// Week is a week of ISO 8601 in a zone: [From, To).
type Week struct {
	Year, Number int
	From, To     time.Time
}

// ServerWeek is what a panel counted at the end of the week, and what was not
// looked at.
type ServerWeek struct {
	Name    string
	Sites   int  // 0: not known
	Unknown int  // could not be told
	Unread  bool // the panel could not be read at the end of the week
	Days    int  // of the week's seven that have a snapshot
}

// WeekChange is how a site's row compares with the week before.
type WeekChange string

// The changes. Of these, still, cause, new and back are in trouble at the end
// of the week; the others are not.
const (
	WeekNew     WeekChange = "new"
	WeekBack    WeekChange = "back"  // was fixed before, and fails again
	WeekStill   WeekChange = "still" // as a week ago
	WeekCause   WeekChange = "cause" // in trouble then and now, for another reason
	WeekFixed   WeekChange = "fixed"
	WeekLeft    WeekChange = "left"    // no longer on the panel, or no longer this manager's
	WeekPassing WeekChange = "passing" // came and went within the week
)

// Open reports whether the site is in trouble at the end of the week.
func (c WeekChange) Open() bool {
	return c == WeekNew || c == WeekBack || c == WeekStill || c == WeekCause
}

// WeekRow is one site of the report.
type WeekRow struct {
	Server   string
	Standing             // at the end of the week, or the last before it was over
	Was      checks.Code // the cause a week ago; empty: it was not in trouble
	Since    time.Time   // in trouble since
	Until    time.Time   // when it was over; zero: it is not
	Change   WeekChange
}

// WeekPoint is the end of one week of the chart.
type WeekPoint struct {
	At                 time.Time
	Open, Added, Fixed int
	Known              bool // there is a snapshot of that week
}
