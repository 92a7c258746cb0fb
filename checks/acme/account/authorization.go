package account

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"domovoy/checks"
)

// wireAuthorization is RFC 8555 section 7.1.4.
type wireAuthorization struct {
	Identifier identifier                 `json:"identifier"`
	Status     checks.AuthorizationStatus `json:"status"`
	Expires    string                     `json:"expires"` // RFC 3339; read by hand, for a bad date must not hide the rest
	Wildcard   bool                       `json:"wildcard"`
}

// Read asks the CA what has become of an authorization. That it is gone,
// expired or another account's is an answer, not an error; an error means that
// nothing is known, and is a *Problem where the CA answered at all.
func (c *Client) Read(ctx context.Context, u string) (checks.Authorization, error) {
	a, err := c.read(ctx, u)
	if status := absent(err); status != "" {
		return checks.Authorization{URL: u, Status: status}, nil
	}
	if err != nil {
		return checks.Authorization{}, fmt.Errorf("reading authorization %s: %w", u, err)
	}
	found, err := a.authorization(u)
	if err != nil {
		return checks.Authorization{}, fmt.Errorf("reading authorization %s: %w", u, err)
	}
	return found, nil
}

// Deactivate cancels an authorization (RFC 8555 section 7.5.2), and gives what
// the CA answers. That answer is not the truth: Boulder says "deactivated" of
// one that stays invalid, and may answer 500 after it did its work. So read
// again, after an error first of all.
func (c *Client) Deactivate(ctx context.Context, u string) (checks.Authorization, error) {
	a, err := c.post(ctx, u, payload(map[string]string{"status": string(checks.AuthorizationDeactivated)}))
	if status := absent(err); status != "" {
		return checks.Authorization{URL: u, Status: status}, nil
	}
	if err != nil {
		return checks.Authorization{}, fmt.Errorf("deactivating authorization %s: %w", u, err)
	}
	found, err := a.authorization(u)
	if err != nil {
		return checks.Authorization{}, fmt.Errorf("deactivating authorization %s: %w", u, err)
	}
	return found, nil
}

// authorization reads a good answer. One without a status of RFC 8555 section
// 7.1.6 is none of a CA's.
func (a *answer) authorization(u string) (checks.Authorization, error) {
	var wire wireAuthorization
	if err := a.decode(&wire); err != nil {
		return checks.Authorization{}, err
	}
	switch wire.Status {
	case checks.AuthorizationPending, checks.AuthorizationValid, checks.AuthorizationInvalid,
		checks.AuthorizationDeactivated, checks.AuthorizationExpired, checks.AuthorizationRevoked:
	default:
		return checks.Authorization{}, a.problem()
	}
	found := checks.Authorization{URL: u, Wildcard: wire.Wildcard, Status: wire.Status, Expires: moment(wire.Expires)}
	found.Name = bareName(wire.Identifier.Value)
	return found, nil
}

// longestName is that of a domain name in letters (RFC 1035 section 2.3.4).
const longestName = 253

// bareName is a name as authorizations have it, from a text of others.
func bareName(text string) string {
	return strings.TrimPrefix(strings.ToLower(checks.Clean(text, longestName)), "*.")
}

// moment is zero for what is no date.
func moment(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// absent tells an authorization that is not there, or not ours, from trouble.
// Boulder writes "Expired authorization" and "No such authorization" with 404,
// "Account ID doesn't match ID for authorization" with 403; others answer
// without a body. A page comes from a balancer and proves nothing, and 403 is
// also what a deactivated account gets for everything.
func absent(err error) checks.AuthorizationStatus {
	var p *Problem
	if !errors.As(err, &p) || p.Type == "" && p.Detail != "" {
		return ""
	}
	detail := strings.ToLower(p.Detail)
	switch {
	case p.Status == http.StatusNotFound && strings.Contains(detail, "expired"):
		return checks.AuthorizationExpired
	case p.Status == http.StatusNotFound && (p.Type == "" || p.Type == typeMalformed):
		return checks.AuthorizationGone
	case p.Status == http.StatusForbidden && (p.Type == "" || p.Type == typeUnauthorized) && !aboutAccount(detail):
		return checks.AuthorizationForeign
	}
	return ""
}

// aboutAccount tells Boulder's "Unable to validate JWS :: Account is not
// valid, has status …" and Pebble's "… exists but is deactivated".
func aboutAccount(detail string) bool {
	for _, word := range []string{"jws", "account is not valid", "has status", "is deactivated"} {
		if strings.Contains(detail, word) {
			return true
		}
	}
	return false
}
