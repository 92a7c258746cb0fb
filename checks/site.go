package checks

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Flag is a boolean of the panel, which stores 'on' and 'off'. It is Unset if
// the column is missing, NULL or holds another value: such a flag is neither on
// nor off.
type Flag int8

// The three states of a Flag.
const (
	Unset Flag = iota
	Off
	On
)

// Site is a web domain as the panel knows it.
type Site struct {
	Server      string // the panel's name in the configuration
	Node        string // name of the cluster's node that serves it; empty: not known, or there is no cluster
	ID          int64  // the panel's row
	Name        string // A-label form; as stored if it is not a valid name
	Owner       string // the panel's user; may be empty
	Aliases     []string
	Addresses   []netip.Addr
	Certificate string // the panel's name of the certificate in use; empty: none
	Active      Flag
	Secure      Flag
	Redirect    Flag // http→https
}

// Unicode returns the site's name in Unicode.
func (s Site) Unicode() string { return ToUnicode(s.Name) }

// MostNames is how many names of a site are looked at from outside: its own and
// the first aliases.
const MostNames = 20

// Ordered returns the names that the panel orders a certificate for, if a CA
// could sign them: the site's own first, then its aliases, each once. Those
// without a dot are left out.
func (s Site) Ordered() []string {
	names := make([]string, 0, 1+len(s.Aliases))
	for _, name := range append([]string{s.Name}, s.Aliases...) {
		if strings.Contains(name, ".") && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Certificate is a Let's Encrypt certificate that the panel manages: one row of
// letsencrypt_ssl. It has the state of issuing, not what is served.
type Certificate struct {
	Server     string
	ID         int64
	Name       string // such as example.com_le1; empty if the panel stores no name
	Domain     string // A-label form; may be empty
	Owner      string
	Processing Flag      // issuing is in progress
	Failed     Flag      // the panel gave up
	Started    time.Time // start of the last issuing; zero if missing or unreadable
}

// AttemptOutcome is how one attempt to issue ended.
type AttemptOutcome int8

// Outcomes of an attempt. The panel documents only 'failed', so an unknown
// status is OutcomeOther and counts as neither.
const (
	OutcomeOther AttemptOutcome = iota
	OutcomeFailed
	OutcomeIssued
)

// Attempt is one line of the panel's issuance log.
type Attempt struct {
	Server      string
	Row         int64  // the panel's row, ascending in time of insertion
	Certificate string // the certificate's name in the panel
	Outcome     AttemptOutcome
	Status      string    // as stored
	Time        time.Time // zero if it cannot be read
	Text        string    // as stored: the CA's or the client's text; may be empty
}

// Missing is a table or a column that this panel does not have. What needs it
// is switched off.
type Missing struct {
	Table  string
	Column string // empty: the whole table
	Hidden bool   `json:",omitzero"` // the database's user may not look whether it is there: the panel may have it
}

// Unreadable is a value that could not be parsed. The row still counts if the
// value is not needed.
type Unreadable struct {
	Table  string
	Row    int64
	Column string
	Value  string // as stored, shortened to 100 runes
}

// Snapshot is the result of one reading of a panel's tables. Its slices are
// shared between readings without changes and must not be modified.
type Snapshot struct {
	Server       string
	Taken        time.Time
	Sites        []Site
	Certificates []Certificate
	Addresses    []netip.Addr // the panel's own, and those of its nodes; empty if it has no list
	Nodes        []Node       // of a cluster; nil: there is none
	Options      *Options     // of the panel's program; nil: its configuration file is not there
	NodesBy      string       // the column that ties sites to nodes: see Node; empty: no column does
	Missing      []Missing
	Unreadable   []Unreadable // the first 20,000
	UnreadableN  int          // all of them

	Rows   map[string]int // of each table that was read, but the issuance log; nil: not counted
	Writes int64          // how often the database was written to, as it counts itself; never falls; 0: not known

	Skew time.Duration // how far the clock of the host that read it is off ours; 0: a minute at most, or it is this host
}

// Lacks reports whether the panel has no such table or column, so that nothing
// can be concluded from it.
func (s Snapshot) Lacks(table, column string) bool {
	_, lacks := s.Lack(table, column)
	return lacks
}

// Lack is what is missing because of which the panel Lacks a table or column;
// false: it is there.
func (s Snapshot) Lack(table, column string) (Missing, bool) {
	for _, m := range s.Missing {
		if m.Table == table && (m.Column == "" || m.Column == column) {
			return m, true
		}
	}
	return Missing{}, false
}

// HasAlias reports whether the name is an alias of the site; a wildcard alias
// covers one label.
func (s Site) HasAlias(name string) bool {
	_, parent, _ := strings.Cut(name, ".")
	for _, a := range s.Aliases {
		if a == name || a == "*."+parent {
			return true
		}
	}
	return false
}

// String returns table.column, or the table alone.
func (m Missing) String() string {
	if m.Column == "" {
		return m.Table
	}
	return m.Table + "." + m.Column
}

// String returns "failed", "issued" or "other".
func (o AttemptOutcome) String() string {
	switch o {
	case OutcomeFailed:
		return "failed"
	case OutcomeIssued:
		return "issued"
	}
	return "other"
}

// Subject is a site with all data that exists before it is probed. What could
// not be read is nil.
type Subject struct {
	Site        *Site            // part of the snapshot: never nil, must not be modified
	Certificate *Certificate     // the panel's row of the certificate in use
	Order       *Certificate     // the panel's row of a newer order for it, with the next number
	File        *CertificateFile // nil: certificates are not read on this panel
	FileErr     error            // why the file could not be read; nil if that was not tried
	History     *History         // nil: the log has no attempt for it
	Cluster     *Cluster         // nil: the panel is not of a cluster
}

// Issues reports whether the site's certificate comes from the CA, or would: a
// site with a certificate that the panel did not order has no use for the CA's
// rules.
func (x Subject) Issues() bool {
	return x.Site.Certificate == "" || x.Certificate != nil || x.Order != nil || x.History != nil || ordered(x.Site.Certificate)
}

// ordered reports whether a certificate has the suffix of those that the panel
// orders: example.com_le1.
func ordered(certificate string) bool {
	at := strings.LastIndexByte(certificate, '_')
	return at >= 0 && len(certificate) > at+3 && strings.EqualFold(certificate[at:at+3], "_le") &&
		strings.Trim(certificate[at+3:], "0123456789") == ""
}

// CertificateFile is the content of a certificate's file.
type CertificateFile struct {
	Path                string
	NotBefore, NotAfter time.Time
	Issuer              string // common name of the issuer
	SelfSigned          bool
	Chain               Chain // of the bundle beside it, as far as it was read
}

// Chain is what is wrong with the certificates that are sent along with a
// site's own; the zero value: nothing is known to be.
type Chain struct {
	Distrust string // the argument "reason" of cert.untrusted
	Missing  string // common name of the certificate that is not sent along; may be empty
	Signer   string // the root that has to have signed it; may be empty
}

// Lifetime returns the total validity of the certificate.
func (f CertificateFile) Lifetime() time.Duration { return f.NotAfter.Sub(f.NotBefore) }

// Validity is the time in which a certificate is valid (RFC 5280 section
// 4.1.2.5). The zero value: not known.
type Validity struct{ NotBefore, NotAfter time.Time }

// Known reports whether the dates are known.
func (v Validity) Known() bool { return !v.NotAfter.IsZero() }

// History is the history of issuing a certificate, from the panel's log.
type History struct {
	Last     LastTry
	Failures int       // failed attempts since the last success
	Since    time.Time // the first of these; zero if there is none
	Issued   time.Time // the last success; zero if the log has none
	// Recovered describes the failures that the last success ended; nil if
	// there were none, or if there were failures after it.
	Recovered *Recovery
}

// LastTry is the part of the last attempt that is kept in memory, for each
// certificate.
type LastTry struct {
	Certificate string // its name in the panel
	Outcome     AttemptOutcome
	Time        time.Time // zero if it cannot be read
	Text        string    // of a failed one; may be empty
}

// Recovery is a series of failures that a success ended.
type Recovery struct {
	Failures    int
	First, Last time.Time
	Text        string // of the last of them
}
