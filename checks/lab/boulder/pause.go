package boulder

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// pause is since when an account gets no orders for a name.
type pause struct {
	at     time.Time
	lifted time.Time // zero: it lasts
}

// grace is for how long after its owner has lifted it a pause does not come back.
const grace = 14 * day

// unpausePath is where a person lifts pauses. The link is a key: whoever has it can use it.
const unpausePath = "/sfe/v1/unpause"

// ChargeReason is why a failure was counted.
type ChargeReason string

// What counts as a failed validation.
const (
	ChargedFailure      ChargeReason = "validation failed"
	ChargedDeactivation ChargeReason = "pending authorization deactivated"
)

// charge counts a failed validation against an account's name: five an hour,
// and the one that finds the long bucket empty pauses the pair.
func (m *model) charge(p pair, why ChargeReason, now time.Time) {
	m.ledger.charges = append(m.ledger.charges, Charge{Account: p.account, Name: p.name, Reason: why, At: now})
	for _, limit := range []LimitName{FailedAuthorizations, ConsecutiveFailures} {
		key := bucketKey{limit, p.account, p.name}
		m.spent[key]++
		if !m.buckets.take(m.opts.Limits[limit], key, now) && limit == ConsecutiveFailures {
			m.pause(p, now)
		}
	}
}

// pause stops a pair, unless that is so or was lifted within the grace.
func (m *model) pause(p pair, now time.Time) {
	was, before := m.pauses[p]
	if before && (was.lifted.IsZero() || was.lifted.After(now.Add(-grace))) {
		return
	}
	m.pauses[p] = pause{at: now}
}

// lift ends all pauses of an account; it says how many.
func (m *model) lift(account int64, now time.Time) int {
	n := 0
	for p, is := range m.pauses {
		if p.account == account && is.lifted.IsZero() {
			is.lifted = now
			m.pauses[p] = is
			n++
		}
	}
	return n
}

// paused is the problem of an order for names that are paused; it has no
// Retry-After, for no time helps. Nil: none is.
func (m *model) paused(account int64, names []string, now time.Time) *Problem {
	var stopped []string
	for _, name := range names {
		if is, ok := m.pauses[pair{account, name}]; ok && is.lifted.IsZero() {
			stopped = append(stopped, name)
		}
	}
	if len(stopped) == 0 {
		return nil
	}
	return NewProblem(http.StatusTooManyRequests, "rateLimited", fmt.Sprintf(
		"Your account is temporarily prevented from requesting certificates for %s and possibly others. Please visit: %s?jwt=%s",
		strings.Join(stopped, ", "), m.sfe+unpausePath, unpauseToken(account, stopped, now)))
}

// unpauseKey signs the links; it protects nothing but this lab.
const unpauseKey = "a key that protects nothing at all"

// unpauseClaims are what a link says (Boulder's unpause package).
type unpauseClaims struct {
	jwt.Claims
	Version     string `json:"version"`
	Identifiers string `json:"identifiers"`
}

// unpauseToken is the secret part of a link, good for two weeks.
func unpauseToken(account int64, names []string, now time.Time) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(unpauseKey)}, nil)
	if err != nil {
		return ""
	}
	token, err := jwt.Signed(signer).Claims(unpauseClaims{
		Claims: jwt.Claims{Issuer: "WFE", Audience: jwt.Audience{"SFE Unpause"}, Subject: fmt.Sprint(account),
			IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(2 * 7 * day))},
		Version: "v1", Identifiers: strings.Join(names, ","),
	}).Serialize()
	if err != nil {
		return ""
	}
	return token
}

// redeem reads a link's token: whose it is; 0 when it is not good (any more).
func redeem(token string, now time.Time) int64 {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		return 0
	}
	var claims unpauseClaims
	if parsed.Claims([]byte(unpauseKey), &claims) != nil || claims.ValidateWithLeeway(jwt.Expected{Issuer: "WFE", Time: now}, time.Minute) != nil {
		return 0
	}
	var account int64
	if _, err := fmt.Sscan(claims.Subject, &account); err != nil {
		return 0
	}
	return account
}
