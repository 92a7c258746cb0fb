package boulder

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"
)

// LimitName names one of the CA's limits.
type LimitName string

// The limits of letsencrypt.org/docs/rate-limits, without that of new accounts,
// because accounts cannot be created by requests.
const (
	NewOrders             LimitName = "new_orders"              // for each account
	CertificatesPerDomain LimitName = "certificates_per_domain" // for each registered domain, over all accounts
	CertificatesPerSet    LimitName = "certificates_per_set"    // for each exact set of names, over all accounts
	FailedAuthorizations  LimitName = "failed_authorizations"   // for each account and name
	ConsecutiveFailures   LimitName = "consecutive_failures"    // for each account and name; an empty one pauses the pair
)

// Limits are all limits of a CA; a missing one is unlimited.
type Limits map[LimitName]Limit

// Production returns the limits of 2026-08-05.
func Production() Limits {
	return Limits{
		NewOrders:             {Count: 300, Burst: 300, Period: 3 * time.Hour},
		CertificatesPerDomain: {Count: 50, Burst: 50, Period: 7 * day},
		CertificatesPerSet:    {Count: 5, Burst: 5, Period: 7 * day},
		FailedAuthorizations:  {Count: 5, Burst: 5, Period: time.Hour},
		ConsecutiveFailures:   {Count: 1, Burst: 1152, Period: day},
	}
}

// renewalWindow is how long after a certificate an order for the same set of
// names, by any account, is a renewal.
const renewalWindow = 120 * day

// limitText is how a refusal describes a limit, and the anchor of its rules on
// the page.
var limitText = map[LimitName][2]string{
	NewOrders:             {"too many new orders (%d) from this account in the last %s", "new-orders-per-account"},
	CertificatesPerDomain: {"too many certificates (%d) already issued for %q in the last %s", "new-certificates-per-registered-domain"},
	CertificatesPerSet:    {"too many certificates (%d) already issued for this exact set of identifiers in the last %s", "new-certificates-per-exact-set-of-identifiers"},
	FailedAuthorizations:  {"too many failed authorizations (%d) for %q in the last %s", "authorization-failures-per-identifier-per-account"},
}

// refused returns the problem for a verdict. Boulder adds up to 3 % to
// Retry-After, at random.
func (m *model) refused(v verdict, now time.Time) *Problem {
	limit, text := m.limits[v.key.limit], limitText[v.key.limit]
	args := []any{limit.Burst, limit.Period}
	if strings.Contains(text[0], "%q") {
		args = []any{limit.Burst, v.key.subject, limit.Period}
	}
	detail := fmt.Sprintf(text[0], args...) + ", retry after " + now.UTC().Add(v.wait).Format("2006-01-02 15:04:05 MST") +
		": see https://letsencrypt.org/docs/rate-limits/#" + text[1]
	p := NewProblem(http.StatusTooManyRequests, "rateLimited", detail)
	p.RetryAfter = v.wait
	return p
}

// spendOrder spends the tokens of a new order, if all limits allow it;
// otherwise the problem names the limit with the longest wait. Only "new
// orders" is spent here; for the others it only checks that there are tokens.
func (m *model) spendOrder(account int64, names []string, now time.Time) *Problem {
	renewal := m.renewal(names, now)
	order := bucketKey{limit: NewOrders, account: account}
	var keys []bucketKey
	if !renewal {
		keys = append(keys, order)
	}
	for _, name := range names {
		keys = append(keys, bucketKey{FailedAuthorizations, account, name})
	}
	worst := verdict{allowed: true}
	for _, key := range append(keys, certificateKeys(names, renewal)...) {
		v := m.buckets.ask(m.limits[key.limit], key, now)
		if !v.allowed && (worst.allowed || v.wait > worst.wait) {
			worst = v
		}
	}
	if !worst.allowed {
		return m.refused(worst, now)
	}
	if !renewal {
		m.buckets.take(m.limits[NewOrders], order, now)
	}
	return nil
}

// spendIssued spends the tokens of a certificate. It has been issued, so
// buckets that are empty by now stay unchanged.
func (m *model) spendIssued(names []string, now time.Time) {
	for _, key := range certificateKeys(names, m.renewal(names, now)) {
		m.buckets.take(m.limits[key.limit], key, now)
	}
}

// certificateKeys returns the buckets of which a certificate spends a token.
func certificateKeys(names []string, renewal bool) (keys []bucketKey) {
	if !renewal {
		for _, domain := range registeredDomains(names) {
			keys = append(keys, bucketKey{limit: CertificatesPerDomain, subject: domain})
		}
	}
	return append(keys, bucketKey{limit: CertificatesPerSet, subject: setOf(names)})
}

// renewal reports whether a certificate for the same set of names was issued
// within the renewal window.
func (m *model) renewal(names []string, now time.Time) bool {
	issued, ok := m.issued[setOf(names)]
	return ok && now.Sub(issued) <= renewalWindow
}

// registeredDomains returns the names' registered domains, each once, sorted;
// for a name that is a public suffix, the name itself. The list's private
// section is included.
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

// charge counts a failed validation of an account's name: five an hour, and the
// one for which the consecutive-failures bucket has no token pauses the pair.
func (m *model) charge(p pair, now time.Time) {
	m.charged[p]++
	m.buckets.take(m.limits[FailedAuthorizations], bucketKey{FailedAuthorizations, p.account, p.name}, now)
	if !m.buckets.take(m.limits[ConsecutiveFailures], bucketKey{ConsecutiveFailures, p.account, p.name}, now) {
		m.paused[p] = true
	}
}

// pauseOf is the problem of an order for names that are paused; it has no
// Retry-After, because waiting does not help: a person has to open its link.
// Here the link's page does not exist, and pauses never end. Nil: no name is
// paused.
func (m *model) pauseOf(account int64, names []string) *Problem {
	var paused []string
	for _, name := range names {
		if m.paused[pair{account, name}] {
			paused = append(paused, name)
		}
	}
	if len(paused) == 0 {
		return nil
	}
	return NewProblem(http.StatusTooManyRequests, "rateLimited", fmt.Sprintf(
		"Your account is temporarily prevented from requesting certificates for %s and possibly others. Please visit: %s/sfe/v1/unpause?jwt=%s",
		strings.Join(paused, ", "), m.url, newToken()))
}

// Limit is a token bucket: at most Burst tokens, of which Count are regained in
// every Period. The zero Limit is unlimited.
type Limit struct {
	Count, Burst int
	Period       time.Duration
}

// interval returns the time in which one token is regained.
func (l Limit) interval() time.Duration { return l.Period / time.Duration(l.Count) }

// span returns how long an empty bucket takes to refill.
func (l Limit) span() time.Duration { return l.interval() * time.Duration(l.Burst) }

// bucketKey identifies one bucket.
type bucketKey struct {
	limit   LimitName
	account int64  // 0: counted over all accounts
	subject string // a name, a registered domain, or a set of names; empty: the account itself
}

// verdict is whether a bucket allows spending one token.
type verdict struct {
	allowed bool
	left    int           // before it is spent
	wait    time.Duration // time until it would be allowed
	key     bucketKey
}

// buckets are the times at which each bucket will be full again. This is the
// generic cell rate algorithm: that time is the complete state of a bucket, and
// one without an entry is full.
type buckets map[bucketKey]time.Time

// ask reports whether a bucket has a token, and spends none.
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

// take spends a token if there is one; an empty bucket stays unchanged.
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

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
