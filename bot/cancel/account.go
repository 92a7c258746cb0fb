package cancel

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/acme/account"
	"domovoy/checks/budget"
)

// LocalAccount is an account whose key and logs are on this host.
type LocalAccount struct {
	Directory string       // URL (RFC 8555 section 7.1.1)
	HTTP      *http.Client // the way to it
	UserAgent string
	KeyFile   string   // the account's key; empty: cancelling is only planned
	Logs      []string // of ACME clients, where authorizations are found
}

// localAuthorizations are those of a LocalAccount.
type localAuthorizations struct {
	*account.Client
	sources account.Sources
}

// Discover finds authorizations in the logs and files of this host, and at the
// CA.
func (l localAuthorizations) Discover(ctx context.Context) (account.Found, error) {
	return l.Client.Discover(ctx, l.sources)
}

// Open connects to the CA, with the account's key where it can be used.
func (a LocalAccount) Open(ctx context.Context) (watch.Authorizations, watch.KeyTrouble, error) {
	key, trouble := a.key()
	client, err := account.Open(ctx, account.Options{Directory: a.Directory, HTTP: a.HTTP, UserAgent: a.UserAgent, Key: key})
	if err != nil {
		return nil, trouble, err
	}
	return localAuthorizations{client, account.Sources{Logs: a.Logs, KeyFile: a.KeyFile}}, trouble, nil
}

// KeyTrouble says why the account's key cannot be used.
func (a LocalAccount) KeyTrouble() watch.KeyTrouble {
	_, trouble := a.key()
	return trouble
}

// credentials is where systemd puts a service's secrets; who may read them is
// in their ACL, and not in the mode (systemd.exec(5), LoadCredential=).
const credentials = "/run/credentials/"

// key is read each time: it may be replaced, and is not kept in memory.
func (a LocalAccount) key() (*account.Key, watch.KeyTrouble) {
	if a.KeyFile == "" {
		return nil, watch.KeyNone
	}
	load := account.LoadKey
	if strings.HasPrefix(a.KeyFile, credentials) {
		load = account.LoadGuardedKey
	}
	key, err := load(a.KeyFile)
	if err == nil {
		return key, ""
	}
	if _, open := errors.AsType[*account.OpenKeyError](err); open {
		return nil, watch.KeyOpen
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, watch.KeyMissing
	case errors.Is(err, fs.ErrPermission):
		return nil, watch.KeyDenied
	}
	return nil, watch.KeyUnusable
}

// hasHost reports whether a URL has the CA's host: it is then one of the CA's,
// and not a site's.
func hasHost(ca *watch.CA, rawURL string) bool {
	own, err := url.Parse(ca.Directory)
	there, bad := url.Parse(rawURL)
	return err == nil && bad == nil && strings.EqualFold(own.Host, there.Host)
}

// charge is what cancelling a pending authorization spends: of which limit on
// a name, and whether that is known. An unknown CA is assumed to charge, as
// the strictest one does.
func charge(ca *watch.CA, now time.Time) (limit budget.Limit, known, charged bool) {
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
func cost(ca *watch.CA, status checks.AuthorizationStatus, now time.Time) int {
	if _, _, charged := charge(ca, now); charged && status == checks.AuthorizationPending {
		return 1
	}
	return 0
}

// readRate is how many authorizations a second are read. Let's Encrypt allows
// 250 requests a second from one address, its staging environment 20
// (https://letsencrypt.org/docs/rate-limits/, staging-environment).
func readRate(ca *watch.CA) float64 {
	if strings.Contains(ca.Directory, "staging") {
		return 15
	}
	return 150
}
