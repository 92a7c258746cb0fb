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

// identifier is RFC 8555 section 9.7.7.
type identifier struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// authorizationJSON is an authorization as RFC 8555 section 7.1.4 has it.
type authorizationJSON struct {
	Identifier identifier                 `json:"identifier"`
	Status     checks.AuthorizationStatus `json:"status"`
	Expires    string                     `json:"expires"` // RFC 3339; a text, because a bad date must not hide the rest
	Wildcard   bool                       `json:"wildcard"`
}

// Read fetches an authorization from the CA. If it is gone, expired or another
// account's, that is a status, not an error. An error means that its status is
// not known; it is a *Problem if the CA answered.
func (c *Client) Read(ctx context.Context, u string) (checks.Authorization, error) {
	a, err := c.read(ctx, u)
	found, err := authorization(u, a, err)
	if err != nil {
		return found, fmt.Errorf("reading authorization %s: %w", u, err)
	}
	return found, nil
}

// Deactivate cancels an authorization (RFC 8555 section 7.5.2) and returns the
// CA's answer. The answer is not proof: Boulder returns "deactivated" for one
// that stays invalid, and may return 500 after it has deactivated one. So read
// the authorization again, above all after an error.
func (c *Client) Deactivate(ctx context.Context, u string) (checks.Authorization, error) {
	a, err := c.post(ctx, u, payload(map[string]string{"status": string(checks.AuthorizationDeactivated)}))
	found, err := authorization(u, a, err)
	if err != nil {
		return found, fmt.Errorf("deactivating authorization %s: %w", u, err)
	}
	return found, nil
}

// authorization decodes the CA's answer for a URL. An answer without a status
// of RFC 8555 section 7.1.6 is not from a CA.
func authorization(u string, a *answer, err error) (checks.Authorization, error) {
	if status := impliedStatus(err); status != "" {
		return checks.Authorization{URL: u, Status: status}, nil
	}
	if err != nil {
		return checks.Authorization{}, err
	}
	var wire authorizationJSON
	if err := a.decode(&wire); err != nil {
		return checks.Authorization{}, err
	}
	switch wire.Status {
	case checks.AuthorizationPending, checks.AuthorizationValid, checks.AuthorizationInvalid,
		checks.AuthorizationDeactivated, checks.AuthorizationExpired, checks.AuthorizationRevoked:
	default:
		return checks.Authorization{}, a.problem()
	}
	return checks.Authorization{URL: u, Name: bareName(wire.Identifier.Value), Wildcard: wire.Wildcard, Status: wire.Status,
		Expires: parseTime(wire.Expires)}, nil
}

// maxName is the longest domain name in text form (RFC 1035 section 2.3.4).
const maxName = 253

// bareName returns a name as authorizations have it: in lower case, without
// "*.".
func bareName(text string) string {
	return strings.TrimPrefix(strings.ToLower(checks.Clean(text, maxName)), "*.")
}

// parseTime reads a date of RFC 3339; it returns zero for an invalid one.
func parseTime(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// impliedStatus is the status that a refusal implies: the authorization is
// expired, gone or another account's. Empty: the refusal is about something
// else. Boulder writes "Expired authorization" and "No such authorization" with
// 404, "Account ID doesn't match ID for authorization" with 403; other CAs send
// no body. An HTML page is from a load balancer and proves nothing, and a
// deactivated account gets 403 for every request.
func impliedStatus(err error) checks.AuthorizationStatus {
	p, ok := errors.AsType[*Problem](err)
	if !ok || p.Type == "" && p.Detail != "" {
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

// aboutAccount reports whether a 403 is about the account as a whole: Boulder's
// "Unable to validate JWS :: Account is not valid, has status …" and Pebble's
// "… exists but is deactivated".
func aboutAccount(detail string) bool {
	for _, word := range []string{"jws", "account is not valid", "has status", "is deactivated"} {
		if strings.Contains(detail, word) {
			return true
		}
	}
	return false
}
