package watch

import (
	"context"
	"time"

	"domovoy/checks"
	"domovoy/checks/acme/account"
	"domovoy/checks/budget"
	"domovoy/checks/cert"
	"domovoy/checks/panel"
)

// Source is where the facts of one panel come from. Its parts may be on this
// host or elsewhere; a nil part is one that this panel does not have.
type Source struct {
	Name   string // of the server
	Reader Reader
	Files  Files  // nil: certificate files are not read
	Prober Prober // nil: sites are not probed from outside
	CA     *CA    // nil: the account at the CA is not known
	Places panel.Places

	// Registrations is what is known of the registration of domains; nil: registries
	// are not asked. Nobody may change it.
	Registrations func() map[string]*checks.Registration
	// AskRegistry asks the registry of a domain if what is known of it is due; nil:
	// registries are not asked. What it learns is in Registrations.
	AskRegistry func(ctx context.Context, domain string) error

	Workers int                         // sites that a sweep probes together; at least one
	Online  func(context.Context) error // whether our own network works, asked before a sweep; may be nil
}

// Unreadable is the error of a Reader whose panel cannot be read.
type Unreadable interface {
	error
	Why() string // a word of the catalogs, under "trouble."
}

// Reader reads a panel's database. If the panel cannot be read, the error is or
// wraps an Unreadable; any other is the end of the context, or of a function
// that it was given.
type Reader interface {
	// Poll returns the sites and certificates, and whether anything changed
	// since the last call.
	Poll(ctx context.Context) (checks.Snapshot, bool, error)
	// Attempts passes the rows of the issuance log from a row on, in batches.
	Attempts(ctx context.Context, from int64, each func([]checks.Attempt) error) error
	// Newest is the number of the log's last row; 0: it is empty.
	Newest(ctx context.Context) (int64, error)
}

// Files reads the certificate files of sites.
type Files interface {
	Read(sites []checks.Site) (map[int64]cert.Result, error) // by the site's ID
}

// Prober looks at sites from outside.
type Prober interface {
	// Probe looks at a site. asked: somebody waits for it, so that nothing is
	// left for later. later are the names that Register is to ask about.
	Probe(ctx context.Context, x checks.Subject, asked bool, now time.Time) (result checks.Probe, later []string)
	// Register asks the registries of names that Probe left for later.
	Register(ctx context.Context, x checks.Subject, names []string, now time.Time) checks.Probe
	// Server looks at what concerns the server as a whole.
	Server(ctx context.Context, server string, now time.Time) checks.Outcome
}

// CA is the CA at which a panel has its account.
type CA struct {
	Directory string     // URL (RFC 8555 section 7.1.1)
	Rules     *budget.CA // its limits; nil: they are not known
	Cap       int        // cancellations above it need a second person
	Account   Account
}

// Account is a panel's account at its CA. Its key never leaves its host.
type Account interface {
	// KeyTrouble says why the account's key cannot be used.
	KeyTrouble() KeyTrouble
	// Open connects to the CA, with the account's key where it can be used.
	Open(ctx context.Context) (Authorizations, KeyTrouble, error)
}

// Authorizations are those of an account (RFC 8555 section 7.1.4). Errors of
// the CA are *account.Problem.
type Authorizations interface {
	AccountURL() string // empty: there is no key to find the account by
	Belongs(url string) bool
	Discover(ctx context.Context) (account.Found, error)
	Read(ctx context.Context, url string) (checks.Authorization, error)
	Deactivate(ctx context.Context, url string) (checks.Authorization, error)
	ProbeOrder(ctx context.Context, names []string) (account.Order, error)
}

// KeyTrouble says why an account's key cannot be used; empty: it can.
type KeyTrouble string

// The troubles of a key.
const (
	KeyNone     KeyTrouble = "none"     // none is configured
	KeyMissing  KeyTrouble = "missing"  // the file does not exist
	KeyDenied   KeyTrouble = "denied"   // we may not read it
	KeyOpen     KeyTrouble = "open"     // others may read it, too
	KeyUnusable KeyTrouble = "unusable" // it is not the key of an account
)
