package reports

import (
	"path"
	"strconv"
	"strings"
	"time"

	"domovoy/checks"
)

// HoldKind is what keeps messages about a problem back. Checks run on.
type HoldKind string

// What holds messages back.
const (
	HeldBySilence  HoldKind = "silence"  // somebody asked for it, from now on
	HeldByWindow   HoldKind = "window"   // the same, planned before it began: maintenance
	HeldByQuiet    HoldKind = "quiet"    // quiet hours
	HeldByParent   HoldKind = "parent"   // another problem explains it
	HeldByFlapping HoldKind = "flapping" // it comes and goes
	HeldByNode     HoldKind = "node"     // the node of a cluster is in maintenance, as the panel says
)

// Hold is one reason to hold back. The zero Hold holds nothing.
type Hold struct {
	Kind   HoldKind
	ID     int64     // of a silence
	Until  time.Time // zero: not known beforehand
	Reason string    // of a silence, in the words of who asked for it
	By     string    // the name of who did
	Parent Problem   // of HeldByParent
	Node   string    // of HeldByNode: isp1/node2
}

// Name identifies a hold in the journal: of a parent by its key, which may have
// no number yet.
func (h Hold) Name() string {
	switch h.Kind {
	case HeldBySilence, HeldByWindow: // one word: a silence stays itself
		return string(HeldBySilence) + " " + strconv.FormatInt(h.ID, 10)
	case HeldByParent:
		return string(h.Kind) + " " + h.Parent.Key
	case HeldByNode:
		return string(h.Kind) + " " + h.Node
	}
	return string(h.Kind)
}

// parseHold is the kind in what Name wrote, and which of that kind.
func parseHold(name string) (kind HoldKind, which string) {
	word, which, _ := strings.Cut(name, " ")
	return HoldKind(word), which
}

// Silence keeps messages back between two moments. Every condition that is set
// must hold; a silence without any matches nothing.
type Silence struct {
	ID      int64 // given by the journal
	Match   Match
	Reason  string
	Person  string // who asked for it: immutable id
	Name    string // as it was shown then
	Created time.Time
	Start   time.Time
	End     time.Time // moved to the moment at which somebody ended it early
}

// Match says what a silence is about.
type Match struct {
	Problem int64  `json:"problem,omitzero"` // number of a problem
	Site    string `json:"site,omitzero"`    // pattern of path.Match over names in A-label form
	Owner   string `json:"owner,omitzero"`   // pattern of path.Match
	Cause   string `json:"cause,omitzero"`   // codes, separated by commas, or their part before the dot
	Server  string `json:"server,omitzero"`  // a server, or a node of one: isp1/node2
}

// Active reports whether a silence holds at a moment.
func (s Silence) Active(now time.Time) bool { return !now.Before(s.Start) && now.Before(s.End) }

// Planned reports whether it was asked for before it began: a maintenance
// window.
func (s Silence) Planned() bool { return s.Start.After(s.Created) }

// hold is what a silence holds by.
func (s Silence) hold() Hold {
	h := Hold{Kind: HeldBySilence, ID: s.ID, Until: s.End, Reason: s.Reason, By: s.Name}
	if h.By == "" {
		h.By = s.Person
	}
	if s.Planned() {
		h.Kind = HeldByWindow
	}
	return h
}

// Covers reports whether a match is about an incident of a problem; owner is
// that of its site, and node that of a cluster which it is about, empty if there
// is none.
func (m Match) Covers(problem int64, f checks.Finding, owner, node string) bool {
	if m == (Match{}) {
		return false
	}
	return (m.Problem == 0 || m.Problem == problem && problem != 0) &&
		(m.Site == "" || f.Site != "" && (glob(m.Site, f.Site) || f.Name != "" && glob(m.Site, f.Name))) &&
		(m.Owner == "" || owner != "" && glob(m.Owner, owner)) &&
		(m.Cause == "" || Filter{Cause: m.Cause}.keeps(Row{Code: f.Code})) &&
		(m.Server == "" || m.Server == f.Server || m.Server == checks.Place(f.Server, node))
}

// Valid reports whether the patterns of a match can be read.
func (m Match) Valid() bool {
	_, site := path.Match(m.Site, "")
	_, owner := path.Match(m.Owner, "")
	return m != (Match{}) && site == nil && owner == nil
}

// Quiet are hours of the day in which only critical problems speak. The zero
// Quiet has none.
type Quiet struct {
	From, To int // minutes after midnight; To may be before From: over midnight
	Zone     *time.Location
}

// Active reports whether a moment is in the quiet hours, by the clocks of the
// zone: where they are put forward over an end, the hours end with the gap.
func (q Quiet) Active(now time.Time) bool {
	if q.Zone == nil || q.From == q.To {
		return false
	}
	local := now.In(q.Zone)
	at := local.Hour()*60 + local.Minute()
	if q.From < q.To {
		return q.From <= at && at < q.To
	}
	return at >= q.From || at < q.To
}

// Next is the next moment at which quiet hours may begin or end, changes of the
// clocks included; zero: there are none.
func (q Quiet) Next(now time.Time) time.Time {
	if q.Zone == nil || q.From == q.To {
		return time.Time{}
	}
	local := now.In(q.Zone)
	_, next := local.ZoneBounds() // zero: the clocks never change again
	for day := range 3 {
		for _, minutes := range []int{q.From, q.To} {
			at := time.Date(local.Year(), local.Month(), local.Day()+day, minutes/60, minutes%60, 0, 0, q.Zone)
			if at.After(now) && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
	}
	return next
}
