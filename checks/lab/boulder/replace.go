package boulder

import (
	"encoding/base64"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"
)

// authorityKey is the issuer's key identifier in the names of certificates.
const authorityKey = "boulder lab"

// ariID names a certificate to ARI (RFC 9773 section 4.1).
func ariID(serial int64) string {
	b64 := base64.RawURLEncoding
	return b64.EncodeToString([]byte(authorityKey)) + "." + b64.EncodeToString(big.NewInt(serial).Bytes())
}

// fromARI finds a certificate by such a name; 0: it is no name.
func fromARI(id string) int64 {
	_, number, _ := strings.Cut(id, ".")
	raw, err := base64.RawURLEncoding.DecodeString(number)
	if err != nil || len(raw) > 8 {
		return 0
	}
	return new(big.Int).SetBytes(raw).Int64()
}

// window is when a certificate is best renewed: around two thirds of its life,
// half of a short one, give or take a hundredth.
func (c *certificate) window() (start, end time.Time) {
	life := c.to.Add(time.Second).Sub(c.from)
	rest := life / 3
	if life < 10*day {
		rest = life / 2
	}
	ideal := c.to.Add(-rest)
	return ideal.Add(-life / 100).Truncate(time.Second), ideal.Add(life / 100).Truncate(time.Second)
}

// replacement finds the certificate that an order is to replace, and whether
// that makes it exempt from all limits: it must be the same account's, share a
// name, and the time must be right. Nil: none was named.
func (m *model) replacement(account int64, names []string, id string, now time.Time) (*certificate, bool, *Problem) {
	if id == "" {
		return nil, false, nil
	}
	c := m.certificates[fromARI(id)]
	switch {
	case c == nil:
		return nil, false, notFound("while checking that this order is a replacement: request included `replaces` field, but no current certificate with serial %q exists", id)
	case c.replaced:
		p := NewProblem(http.StatusConflict, "alreadyReplaced", "")
		p.Detail = "cannot indicate an order replaces certificate with serial \"" + serialText(c.serial) + "\", which already has a replacement order"
		return nil, false, p
	case c.account != account:
		return nil, false, unauthorized("while checking that this order is a replacement: requester account did not request the certificate being replaced by this order")
	case !slices.ContainsFunc(names, func(n string) bool { return slices.Contains(c.names, n) }):
		return nil, false, malformed("while checking that this order is a replacement: identifiers in this order do not match any identifiers in the certificate being replaced")
	}
	start, end := c.window()
	return c, !now.Before(start) && now.Before(end), nil
}
