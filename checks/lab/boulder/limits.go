package boulder

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/net/publicsuffix"
)

// LimitName names one of the CA's limits.
type LimitName string

// The limits of letsencrypt.org/docs/rate-limits.
const (
	NewRegistrations      LimitName = "new_registrations"       // by address
	NewOrders             LimitName = "new_orders"              // by account
	CertificatesPerDomain LimitName = "certificates_per_domain" // by registered domain, over all accounts
	CertificatesPerSet    LimitName = "certificates_per_set"    // by exact set of names, over all accounts
	FailedAuthorizations  LimitName = "failed_authorizations"   // by account, by name
	ConsecutiveFailures   LimitName = "consecutive_failures"    // by account, by name; an empty one pauses the pair
)

// Limits are all limits of a CA; one that is missing limits nothing.
type Limits map[LimitName]Limit

const day = 24 * time.Hour

// Production are the limits of 2026-08-05.
func Production() Limits {
	return Limits{
		NewRegistrations:      {Count: 10, Burst: 10, Period: 3 * time.Hour},
		NewOrders:             {Count: 300, Burst: 300, Period: 3 * time.Hour},
		CertificatesPerDomain: {Count: 50, Burst: 50, Period: 7 * day},
		CertificatesPerSet:    {Count: 5, Burst: 5, Period: 7 * day},
		FailedAuthorizations:  {Count: 5, Burst: 5, Period: time.Hour},
		ConsecutiveFailures:   {Count: 1, Burst: 1152, Period: day},
	}
}

// RenewalWindow is for how long after a certificate an order for the same set
// of names, by whichever account, is a renewal.
const RenewalWindow = 120 * day

// limitText is what is said of a limit, and where its rules stand on the page.
var limitText = map[LimitName][2]string{
	NewRegistrations:      {"too many new registrations (%d) from this IP address in the last %s", "new-registrations-per-ip-address"},
	NewOrders:             {"too many new orders (%d) from this account in the last %s", "new-orders-per-account"},
	CertificatesPerDomain: {"too many certificates (%d) already issued for %q in the last %s", "new-certificates-per-registered-domain"},
	CertificatesPerSet:    {"too many certificates (%d) already issued for this exact set of identifiers in the last %s", "new-certificates-per-exact-set-of-identifiers"},
	FailedAuthorizations:  {"too many failed authorizations (%d) for %q in the last %s", "authorization-failures-per-identifier-per-account"},
}

// refused is the problem that a verdict makes. A Retry-After is up to 3 % too
// long, so that not all clients come back at once.
func (m *model) refused(v verdict, now time.Time) *Problem {
	limit, text := m.opts.Limits[v.key.limit], limitText[v.key.limit]
	args := []any{limit.Burst, limit.Period}
	if strings.Contains(text[0], "%q") {
		args = []any{limit.Burst, v.key.subject, limit.Period}
	}
	wait := v.wait
	if m.opts.Jitter != nil {
		wait += time.Duration(float64(v.wait) * 0.03 * m.opts.Jitter())
	}
	detail := fmt.Sprintf(text[0], args...) + ", retry after " + now.UTC().Add(wait).Format("2006-01-02 15:04:05 MST") +
		": see https://letsencrypt.org/docs/rate-limits/#" + text[1]
	p := NewProblem(http.StatusTooManyRequests, "rateLimited", detail)
	p.RetryAfter = wait
	return p
}

// spendOrder takes what a new order costs, if all limits allow it: the one
// that takes longest to allow it is told of. Only "new orders" is spent here;
// the others are asked whether they could be.
func (m *model) spendOrder(account int64, names []string, renewal bool, now time.Time) *Problem {
	var keys []bucketKey
	order := bucketKey{limit: NewOrders, account: account}
	if !renewal {
		keys = append(keys, order)
	}
	for _, name := range names {
		keys = append(keys, bucketKey{FailedAuthorizations, account, name})
	}
	if !renewal {
		for _, domain := range registeredDomains(names) {
			keys = append(keys, bucketKey{limit: CertificatesPerDomain, subject: domain})
		}
	}
	keys = append(keys, bucketKey{limit: CertificatesPerSet, subject: setOf(names)})
	worst := verdict{allowed: true}
	for _, key := range keys {
		v := m.buckets.ask(m.opts.Limits[key.limit], key, now)
		if !v.allowed && (worst.allowed || v.wait > worst.wait) {
			worst = v
		}
	}
	if !worst.allowed {
		return m.refused(worst, now)
	}
	if !renewal {
		m.buckets.take(m.opts.Limits[NewOrders], order, now)
		m.spent[order]++
	}
	return nil
}

// refundOrder gives back what spendOrder took for an order that was not made.
func (m *model) refundOrder(account int64, now time.Time) {
	key := bucketKey{limit: NewOrders, account: account}
	m.buckets.giveBack(m.opts.Limits[NewOrders], key, now)
	m.spent[key]--
}

// spendIssued takes what a certificate costs. It was issued, so buckets that
// are empty by now are left alone.
func (m *model) spendIssued(names []string, renewal bool, now time.Time) {
	keys := []bucketKey{{limit: CertificatesPerSet, subject: setOf(names)}}
	if !renewal {
		for _, domain := range registeredDomains(names) {
			keys = append(keys, bucketKey{limit: CertificatesPerDomain, subject: domain})
		}
	}
	for _, key := range keys {
		m.buckets.take(m.opts.Limits[key.limit], key, now)
		m.spent[key]++
	}
}

// renewal reports whether the same set of names was issued lately.
func (m *model) renewal(names []string, now time.Time) bool {
	issued, ok := m.issued[setOf(names)]
	return ok && now.Sub(issued) <= RenewalWindow
}

// registeredDomains are the names' registered domains, each once, sorted; a
// name that is a public suffix stands for itself. The list's private section
// counts.
func registeredDomains(names []string) []string {
	var domains []string
	for _, name := range names {
		domain, err := publicsuffix.EffectiveTLDPlusOne(strings.TrimPrefix(name, "*."))
		if err != nil {
			domain = strings.TrimPrefix(name, "*.")
		}
		domains = append(domains, domain)
	}
	slices.Sort(domains)
	return slices.Compact(domains)
}

// setOf is the key of a set of names, which are sorted already.
func setOf(names []string) string { return strings.Join(names, ",") }

// Limit is a token bucket: at most Burst tokens, of which Count come back in
// every Period. The zero Limit limits nothing.
type Limit struct {
	Count, Burst int
	Period       time.Duration
}

// interval is after how long the next token comes.
func (l Limit) interval() time.Duration { return l.Period / time.Duration(l.Count) }

// span is how long an empty bucket takes to fill.
func (l Limit) span() time.Duration { return l.interval() * time.Duration(l.Burst) }

// bucketKey names one bucket.
type bucketKey struct {
	limit   LimitName
	account int64  // 0: counted over all accounts
	subject string // a name, a registered domain, or a set of names; empty: the account itself
}

// verdict is what a bucket says of spending one token.
type verdict struct {
	allowed bool
	left    int           // before it is spent
	wait    time.Duration // until it would be allowed
	key     bucketKey
}

// buckets are the times at which each bucket will be full again. This is the
// generic cell rate algorithm: that time is all there is to know of a bucket,
// and one that is not there is full.
type buckets map[bucketKey]time.Time

// ask looks whether a bucket has a token, and takes none.
func (b buckets) ask(l Limit, key bucketKey, now time.Time) verdict {
	if l == (Limit{}) {
		return verdict{allowed: true, left: 1, key: key}
	}
	full := later(b[key], now)
	room := l.span() - full.Sub(now)
	v := verdict{left: int(room / l.interval()), key: key}
	v.wait = max(0, l.interval()-room)
	v.allowed = v.wait == 0
	return v
}

// take spends a token if there is one; an empty bucket stays as it is.
func (b buckets) take(l Limit, key bucketKey, now time.Time) bool {
	if l == (Limit{}) {
		return true
	}
	if !b.ask(l, key, now).allowed {
		return false
	}
	b[key] = later(b[key], now).Add(l.interval())
	return true
}

// giveBack undoes a take, never beyond a full bucket.
func (b buckets) giveBack(l Limit, key bucketKey, now time.Time) {
	if l == (Limit{}) || !b[key].After(now) {
		return
	}
	b[key] = later(b[key].Add(-l.interval()), now)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

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
