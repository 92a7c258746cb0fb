package boulder

import (
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// accountDocument is what a client sees of an account. It has no orders: Boulder never had such a list.
type accountDocument struct {
	Key       *jose.JSONWebKey `json:"key"`
	CreatedAt time.Time        `json:"createdAt"`
	Status    Status           `json:"status"`
}

func (a *account) document() accountDocument { return accountDocument{a.key, a.created, a.status} }

// serveNewAccount finds the account of a key, or makes one (RFC 8555 section 7.3).
func (ca *CA) serveNewAccount(c *call) *reply {
	var asked struct {
		Agreed   bool `json:"termsOfServiceAgreed"`
		Existing bool `json:"onlyReturnExisting"`
	}
	if !decode(c.payload, &asked) {
		return refusal(malformed("Error unmarshaling JSON"), c.header)
	}
	m, now := ca.model, ca.opts.Clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if known := m.keys[thumbprint(c.key)]; known != nil {
		if known.status != Valid {
			return refusal(unauthorized("An account with the provided public key exists but is %s", known.status), c.header)
		}
		return ca.gave(c, http.StatusOK, known)
	}
	if asked.Existing {
		return refusal(NewProblem(http.StatusBadRequest, "accountDoesNotExist", "No account exists with the provided key"), c.header)
	}
	if !asked.Agreed {
		return refusal(malformed("must agree to terms of service"), c.header)
	}
	host, _, _ := net.SplitHostPort(c.RemoteAddr) // an address that is none is one address
	key := bucketKey{limit: NewRegistrations, subject: host}
	if v := m.buckets.ask(ca.opts.Limits[NewRegistrations], key, now); !v.allowed {
		return refusal(m.refused(v, now), c.header)
	}
	m.buckets.take(ca.opts.Limits[NewRegistrations], key, now)
	return ca.gave(c, http.StatusCreated, m.register(c.key.Key, now))
}

// gave answers with an account and its URL.
func (ca *CA) gave(c *call, status int, a *account) *reply {
	c.header.Set("Location", ca.accountURL(a.id))
	c.header.Set("Boulder-Requester", strconv.FormatInt(a.id, 10))
	return found(status, a.document())
}

// serveAccount reads an account, or deactivates it (RFC 8555 section 7.3.6).
func (ca *CA) serveAccount(c *call) *reply {
	id, ok := c.number(0)
	switch {
	case !ok:
		return refusal(malformed("Account ID must be an integer, was %q", c.below[0]), c.header)
	case id != c.account.id:
		return refusal(unauthorized("Request signing key did not match account key"), c.header)
	}
	var update struct {
		Status Status `json:"status"`
	}
	if len(c.payload) > 0 && !decode(c.payload, &update) {
		return refusal(malformed("parsing account update request").under("Unable to update account"), c.header)
	}
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	switch update.Status {
	case "", Valid:
	case Deactivated:
		c.account.status = Deactivated
	default:
		return refusal(malformed("invalid status %q for account update request, must be %q or %q", update.Status, Valid, Deactivated).
			under("Unable to update account"), c.header)
	}
	return found(http.StatusOK, c.account.document())
}
