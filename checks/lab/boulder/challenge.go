package boulder

import (
	"net/http"
	"strings"
	"time"
)

// challengeDocument is what a client sees of a challenge.
type challengeDocument struct {
	Type      string     `json:"type"`
	URL       string     `json:"url"`
	Status    Status     `json:"status"`
	Validated *time.Time `json:"validated,omitempty"`
	Error     *Problem   `json:"error,omitempty"`
	Token     string     `json:"token"`
}

// challenges are the ways in which an authorization can be won; a wildcard has one.
func (a *authorization) challenges() []string {
	if strings.HasPrefix(a.name, "*.") {
		return []string{"dns-01"}
	}
	return []string{"http-01", "dns-01", "tls-alpn-01"}
}

// challengeDocument tells of one way; all validation is by the first. A
// deactivated authorization keeps its challenges.
func (ca *CA) challengeDocument(a *authorization, kind string) challengeDocument {
	d := challengeDocument{Type: kind, Status: Pending, Token: a.token, URL: ca.numbered("/acme/chall/", a.account, a.id) + "/" + challengeID(kind)}
	if a.status == Invalid {
		d.Status = Invalid
	}
	if !a.solved.IsZero() && kind == a.challenges()[0] {
		d.Validated, d.Error = &a.solved, a.failure
		if d.Status = Valid; a.failure != nil {
			d.Status = Invalid
		}
	}
	return d
}

// challengeID tells the challenges of an authorization apart.
func challengeID(kind string) string { return strings.ReplaceAll(kind, "-", "")[:4] }

// serveChallenge reads a challenge, or lets the CA validate (RFC 8555 section
// 7.5.1). The answer still says pending, for Boulder looks afterwards; here
// the result is there as soon as the answer.
func (ca *CA) serveChallenge(c *call) *reply {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	if len(c.below) != 3 {
		return refusal(notFound("No such challenge"), c.header)
	}
	id := c.below[2]
	a, p := ca.authorizationAt(c.below[:2])
	if p != nil {
		return refusal(p, c.header)
	}
	for _, kind := range a.challenges() {
		if challengeID(kind) == id {
			return ca.answerChallenge(c, a, kind)
		}
	}
	return refusal(notFound("No such challenge"), c.header)
}

func (ca *CA) answerChallenge(c *call, a *authorization, kind string) *reply {
	if c.account != nil && c.account.id != a.account {
		return refusal(unauthorized("User account ID doesn't match account ID in authorization"), c.header)
	}
	shown := ca.challengeDocument(a, kind)
	c.header.Set("Location", shown.URL)
	c.header.Add("Link", "<"+ca.authorizationURL(a.account, a.id)+">;rel=\"up\"")
	if len(c.payload) > 0 && a.status != Valid {
		if a.status != Pending {
			return refusal(malformed("Unable to update challenge :: authorization must be pending"), c.header)
		}
		ca.model.conclude(a, ca.model.scripts[a.name].Validation, ca.opts.Clock())
	}
	return found(http.StatusOK, shown)
}
