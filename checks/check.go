package checks

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// Scope is what a check looks at.
type Scope int8

// The scopes of a check.
const (
	ScopeServer Scope = iota + 1 // a panel's server as a whole
	ScopeSite                    // one site of a panel
	ScopeName                    // one name of a site: its own, or an alias
)

// Check looks at one kind of thing. Every check is a row of suite.Checks.
type Check struct {
	Name  string // in findings, failures and the journal: it is never renamed
	Scope Scope
	Live  bool   // looks at the network or at files of the host now; else only at what a reading of the panel gave
	Asked bool   // of a server, live: run as well when a person asks about one of its sites
	Codes []Code // all that it may find
	Needs Needs

	// Run returns what is wrong with the target, and an error when it could not
	// look; findings beside an error hold. It leaves Check, Server and From of
	// its findings empty, and Site unless the check is of a server. A nil Run
	// is a check that the configuration of this panel switches off.
	Run func(ctx context.Context, t *Target) ([]Finding, error)
}

// ErrNothing is what Run returns where there is nothing for it to look at: the
// check has then neither looked nor failed.
var ErrNothing = errors.New("nothing to look at")

// Needs are what a check cannot look without. On a panel that lacks a table or
// column the check counts as failed for the whole server (see suite.Blind); for
// a name or a site that does not meet the other needs it is not run.
type Needs struct {
	Panel    []Missing // tables and columns of the panel
	Registry bool      // a name that only its registry can explain: see NameInfo.Register
	Address  bool      // a name of which DNS could tell where it leads
	Direct   bool      // a site whose own name is known not to lead to a proxy
}

// Target is what a check looks at. Server and Now are always set.
type Target struct {
	Server string    // the panel's name in the configuration
	Now    time.Time // when the look began
	Asked  bool      // a person waits for an exact answer: no short cuts

	Subject          // the site; zero in a check of a server
	DNS     NameInfo // of a name: the check of DNS fills in all but its Name
	Served  Validity // of a name: the check of what is served fills it in
	Reading *Reading // of a server, not live: what the reading gave; else nil
}

// Reading is what one reading of a panel gave, as checks of the server as a
// whole see it.
type Reading struct {
	Trouble  string // why the panel could not be read; empty: it was, and the rest is set
	Snapshot Snapshot
	Subjects []Subject // its sites
	Findings []Finding // of its sites
}

// Probe is the result of looking at one site from outside.
type Probe struct {
	At       time.Time // when the look began; zero: the site was never looked at
	Checks   []string  // that ran or failed to run, in their order
	Findings []Finding
	Failures []Failure
	Served   Validity // of the certificate that visitors of the site's own name get; zero: none was seen
}

// Verdict is the root cause of the site's state as seen from outside.
func (p Probe) Verdict() Verdict { return Judge(p.Findings, p.Failures) }

// Pointing is where a name's addresses lead, against where they should.
type Pointing int8

// The ways a name can point; the zero value is that it could not be determined.
const (
	PointsUnknown   Pointing = iota
	PointsNowhere            // no address at all, or no such name
	PointsOurs               // every address is ours
	PointsPartly             // some are, some are not
	PointsProxied            // to a CDN or a proxy that may stand in front of us
	PointsElsewhere          // to others
)

// NameInfo is what DNS says of one name.
type NameInfo struct {
	Name     string       // A-label form
	V4, V6   []netip.Addr // in the order of the answer: the CA uses the first (RFC 8555 leaves it open; Boulder's choice)
	Points   Pointing
	Proxy    string // whose proxy it is, when PointsProxied
	Register bool   // only the registry can say more: the name does not exist, or its servers do not answer
}
