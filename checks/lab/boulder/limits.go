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
