package bot

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/checks/acme/account"
	"domovoy/checks/budget"
)

// CA is a panel's account at its CA.
type CA struct {
	Directory string       // URL (RFC 8555 section 7.1.1)
	HTTP      *http.Client // the way to it
	UserAgent string
	KeyFile   string     // the account's key; empty: cancelling is only planned
	Logs      []string   // of ACME clients, where authorizations are found
	Cap       int        // cancellations above it need a second person
	Rules     *budget.CA // its limits; nil: they are not known
}

// keyTrouble says why an account's key cannot be used; empty: it can.
type keyTrouble string

// The troubles of a key.
const (
	keyNone     keyTrouble = "none"     // none is configured
	keyMissing  keyTrouble = "missing"  // the file is not there
	keyDenied   keyTrouble = "denied"   // we may not read it
	keyOpen     keyTrouble = "open"     // others may, too
	keyUnusable keyTrouble = "unusable" // it is no key of an account
)

// open goes to the CA, with the account's key where it can be used.
func (ca *CA) open(ctx context.Context) (*account.Client, keyTrouble, error) {
	key, trouble := ca.key()
	client, err := account.Open(ctx, account.Options{Directory: ca.Directory, HTTP: ca.HTTP, UserAgent: ca.UserAgent, Key: key})
	return client, trouble, err
}

// credentials is where systemd puts a service's secrets; who may read them is
// in their ACL, and not in the mode (systemd.exec(5), LoadCredential=).
const credentials = "/run/credentials/"

// key is read anew each time: it may be replaced, and is not to lie about.
func (ca *CA) key() (*account.Key, keyTrouble) {
	if ca.KeyFile == "" {
		return nil, keyNone
	}
	load := account.LoadKey
	if strings.HasPrefix(ca.KeyFile, credentials) {
		load = account.LoadGuardedKey
	}
	key, err := load(ca.KeyFile)
	if err == nil {
		return key, ""
	}
	if _, open := errors.AsType[*account.OpenKeyError](err); open {
		return nil, keyOpen
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, keyMissing
	case errors.Is(err, fs.ErrPermission):
		return nil, keyDenied
	}
	return nil, keyUnusable
}

// leads reports whether a URL has the CA's host: it is then one of the CA's,
// and not a site's.
func (ca *CA) leads(rawURL string) bool {
	own, err := url.Parse(ca.Directory)
	there, bad := url.Parse(rawURL)
	return err == nil && bad == nil && strings.EqualFold(own.Host, there.Host)
}

// charge is what cancelling a pending authorization spends: of which limit on
// a name, and whether that is known. An unknown CA is taken for one that
// charges, as the strictest one does.
func (ca *CA) charge(now time.Time) (limit budget.Limit, known, charged bool) {
	if ca.Rules == nil {
		return budget.Limit{}, false, true
	}
	if ca.Rules.Deactivation == "" {
		return budget.Limit{}, true, false
	}
	for _, l := range ca.Rules.LimitsAt(now) {
		if l.Spent == ca.Rules.Deactivation && l.Scope == budget.Name && !l.Pauses {
			return l, true, true
		}
	}
	return budget.Limit{}, true, true
}

// cost of cancelling an authorization, in tokens of the limit on its name.
func (ca *CA) cost(status checks.AuthorizationStatus, now time.Time) int {
	if _, _, charged := ca.charge(now); charged && status == checks.AuthorizationPending {
		return 1
	}
	return 0
}

// reads is how many authorizations a second are read. Let's Encrypt takes 250
// requests a second from one address, its staging environment 20
// (https://letsencrypt.org/docs/rate-limits/, staging-environment).
func (ca *CA) reads() float64 {
	if strings.Contains(ca.Directory, "staging") {
		return 15
	}
	return 150
}
