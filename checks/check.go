package checks

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"time"
)

// Scope is the kind of thing that a check examines.
type Scope int8

// The scopes of a check.
const (
	ScopeServer Scope = iota + 1 // a panel's server as a whole
	ScopeSite                    // one site of a panel
	ScopeName                    // one name of a site: its own, or an alias
)

// Check examines one kind of thing. Every check is a row of suite.Checks.
type Check struct {
	Name  string // in findings, failures and the journal; never renamed
	Scope Scope
	Live  bool   // uses the network or files of the host; else only the data of a panel's reading
	Asked bool   // of a server and live: also run when a person asks about one of its sites
	Codes []Code // all codes that it may find
	Needs Needs

	// Due reports whether there is anything to look at; if not, nothing is found. Nil:
	// there always is.
	Due func(t *Target) bool

	// Run returns what is wrong with the target, and an error when it could not
	// look; findings returned with an error are valid. It leaves Check, Server
	// and From of its findings empty, and Site unless the check is of a server.
	// A nil Run is a check that the configuration of this panel switches off.
	Run func(ctx context.Context, t *Target) ([]Finding, error)
}

// ErrNothing is returned by Run if there is nothing to check for the target:
// the check has then neither looked nor failed.
var ErrNothing = errors.New("nothing to look at")

// ErrSeen is in the error of a Run that could not look because of what it saw: a
// closed port, a connection cut or not answered. Such a failure is among the
// findings too, and makes no verdict unknown.
var ErrSeen = errors.New("seen")

// Away is the error of a look that needs a host which could not be asked. What was
// known before still counts.
type Away interface {
	error
	Why() string // a word of the catalogs, under "trouble."
}

// Needs are the preconditions of a check. On a panel that lacks a table or
// column the check counts as failed for the whole server (see suite.Blind); for
// a name or a site that does not meet the other needs it is not run.
type Needs struct {
	Panel    []Missing // tables and columns of the panel
	Registry bool      // a name about which only its registry can say more: see NameInfo.Register
	Address  bool      // a name whose addresses DNS returned
	Direct   bool      // a site whose own name is known not to point to a proxy
}

// Target is what a check examines. Server and Now are always set.
type Target struct {
	Server string    // the panel's name in the configuration
	Now    time.Time // when the run began
	Asked  bool      // a person waits for an exact answer: no shortcuts

	Subject          // the site; zero in a check of a server
	DNS     NameInfo // of a name: the DNS check fills in all but its Name
	Served  Validity // of a name: filled in by the check of the served certificate
	Reading *Reading // of a server, not live: the data that was read; else nil
}

// Reading is one reading of a panel, as checks of the server as a whole see it.
type Reading struct {
	Trouble  string // why the panel could not be read; empty: it could, and the other fields are set
	Snapshot Snapshot
	Lost     []Missing // of what the snapshot lacks: what the panel had before
	Subjects []Subject // its sites
	Findings []Finding // of its sites
}

// Probe is the result of checking one site from outside.
type Probe struct {
	At       time.Time // when the probe began; zero: the site was never probed
	Checks   []string  // that ran or failed to run, in their order
	Findings []Finding
	Failures []Failure
	Served   Validity // of the certificate served under the site's own name; zero: not known
	Own      string   // names of the zone's servers that are on our addresses; looked up only if the CA's last text is about DNS; empty: none, or not known

	Alone string // name of the vantage point that looked alone, because the site is fine; empty: all looked, or there is one

	Sights []Sight // who saw what of the site's own name; nil: there is one vantage point; never stored, and shared by probes

	Terms map[string]Term // what Register learned of parked domains, by the name of their findings; never stored
}

// Term is what the registry says of a domain that is delegated and, as far as
// the registry says, paid for.
type Term struct {
	PaidTill   time.Time // zero: not said
	Unverified bool      // the owner is not identified
}

// Parked adds what the registry says to the findings about a name that stands on
// a registrar's name servers for unpaid domains. Nothing that the findings refer
// to is modified.
func Parked(found []Finding, name string, t Term) {
	if t.PaidTill.IsZero() {
		return
	}
	for i := range found {
		if f := &found[i]; f.Name == name && f.Check == NamesCheck && f.Args["parking"] != nil {
			f.Args = maps.Clone(f.Args)
			f.Args["paid_till"] = t.PaidTill
			if t.Unverified {
				f.Args["unverified"] = true
			}
		}
	}
}

// Verdict is the root cause of the site's state as seen from outside.
func (p Probe) Verdict() Verdict { return Judge(p.Findings, p.Failures) }

// Pointing is how a name's addresses compare with the expected ones.
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

// NameInfo is the result of looking up one name in DNS.
type NameInfo struct {
	Name     string       // A-label form
	V4, V6   []netip.Addr // in the order of the answer: the CA uses the first (RFC 8555 leaves it open; Boulder's choice)
	Points   Pointing
	Proxy    string // whose proxy it is, if PointsProxied
	Parking  string // whose name servers for unpaid domains it stands on; empty: none that is known
	Register bool   // only the registry can say more: the name does not exist, its servers do not answer, or they are those for unpaid domains

	Own       string // names of the zone's servers that are on our addresses; empty: none, or nobody asked
	Delegated bool   // the servers of the top-level domain refer to name servers of the domain, so it is registered
	Term      Term   // filled in by the check of the registry
}
