package boulder

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// authorizationDocument is what a client sees of an authorization. A
// wildcard's star is no part of its name here, though limits count it.
type authorizationDocument struct {
	Identifier identifier          `json:"identifier"`
	Status     Status              `json:"status"`
	Expires    time.Time           `json:"expires"`
	Challenges []challengeDocument `json:"challenges"`
	Wildcard   bool                `json:"wildcard,omitempty"`
}

func (ca *CA) authorizationDocument(a *authorization) authorizationDocument {
	bare, wildcard := strings.CutPrefix(a.name, "*.")
	d := authorizationDocument{Identifier: identifier{"dns", bare}, Status: a.status, Expires: a.expires, Wildcard: wildcard}
	for _, kind := range a.challenges() {
		d.Challenges = append(d.Challenges, ca.challengeDocument(a, kind))
	}
	return d
}

// serveAuthorization reads an authorization, for which nobody has to sign, or
// deactivates it (RFC 8555 sections 7.5 and 7.5.2).
func (ca *CA) serveAuthorization(c *call) *reply {
	m, now := ca.model, ca.opts.Clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	a, p := ca.authorizationAt(c.below)
	if p != nil {
		return refusal(p, c.header)
	}
	if c.account != nil && c.account.id != a.account {
		return refusal(unauthorized("Account ID doesn't match ID for authorization"), c.header)
	}
	shown := ca.authorizationDocument(a)
	if len(c.payload) > 0 {
		var update struct{ Status Status }
		if !decode(c.payload, &update) {
			return refusal(malformed("Error unmarshaling JSON"), c.header)
		}
		if update.Status != Deactivated {
			return refusal(malformed("Invalid status value"), c.header)
		}
		m.deactivate(a, now)
		shown.Status = Deactivated // whether or not it became so
	}
	return found(http.StatusOK, shown)
}

// authorizationAt finds the authorization that a path names: an account, which
// is not looked at, and a number.
func (ca *CA) authorizationAt(path []string) (*authorization, *Problem) {
	if len(path) != 2 {
		return nil, notFound("No such authorization")
	}
	id, err := strconv.ParseInt(path[1], 10, 64)
	if err != nil {
		return nil, malformed("Invalid authorization ID")
	}
	a := ca.model.authorizations[id]
	switch {
	case a == nil:
		return nil, notFound("No such authorization")
	case a.expires.Before(ca.opts.Clock()):
		return nil, notFound("Expired authorization")
	}
	return a, nil
}
