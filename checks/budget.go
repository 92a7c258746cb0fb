package checks

import "time"

// Order is one attempt to get a certificate, as the CA's limits count it.
type Order struct {
	Time        time.Time
	Names       []string // A-label form, sorted; the names of the certificate; empty: not known
	Set         string   // Names as one, as budget.SetOf makes it; empty: it was not made
	Outcome     AttemptOutcome
	Refused     *Refusal // by the CA, before it became an order: it spent nothing; nil: it was accepted
	FailedNames []string // whose validation failed, all of them; empty for a failed order: not known
	Renewal     bool     // a certificate for the same names is known: see the CA's renewal window
}

// Refusal is the CA's answer to an order that it did not accept. If it names a
// limit and a time, it shows how much of that limit is used, including what
// other clients used.
type Refusal struct {
	Limit   string    // the limit's name in the data file; empty: another reason, such as a pause
	Subject string    // a name or a registered domain; empty: that of the order
	Until   time.Time // zero: not stated
}

// Budget is how much of one of the CA's limits is used, as a token bucket.
// AtMost is set if the log cannot contain everything that counts (a limit over
// all accounts, an order whose names are not known): fewer tokens may be left.
// AtLeast is set if the log does not say whose validation failed, so that all
// names of the order are charged: more tokens may be left.
type Budget struct {
	Code    string // the limit's name in the data file, such as new_orders
	Server  string
	Subject string        // empty for the account; a registered domain, a name, or a set of names with commas
	Used    int           // tokens spent and not yet regained
	Limit   int           // the bucket's size
	Left    int           // whole tokens left
	AtMost  bool          // Left is an upper bound, because others may spend too
	AtLeast bool          // Left is a lower bound
	Why     string        // key of the reason: "accounts", "names", "sum", "failures"; empty: exact
	Refill  time.Time     // when the next token is regained; zero: the bucket is full
	Window  time.Duration // how long an empty bucket takes to refill

	// Renewals are the orders of the last Window that the CA does not count because
	// they renew a certificate; of the account's limits only.
	Renewals int
	Full     time.Time // when it will be full if nothing more is spent; zero: it is full
}

// Forecast is what happens if orders and failures continue at the present rate.
type Forecast struct {
	Code    Code // ca.budget, ca.pausing or ca.zombie
	Server  string
	Subject string    // a site; empty: the account
	At      time.Time // zero: it has happened already
	Args    Args
}

// Price is what ordering certificates for some sets of names costs.
type Price struct {
	Orders   int           // all of them
	Renewals int           // of these, those that spend no new order
	Spend    int           // tokens of the limit of new orders
	Domains  []DomainPrice // registered domains whose orders must wait, longest wait first
	Waiting  []Budget      // budgets of sets and names that are empty now
	Takes    time.Duration // from now until the last can be ordered; 0: at once
	Known    bool          // the CA's limits are known; else only Orders is set
}

// DomainPrice is how many orders for one registered domain a Price contains.
type DomainPrice struct {
	Domain       string
	Orders, Left int
}

// AuthorizationStatus is the state of an authorization (RFC 8555 section
// 7.1.6), or the reason why its state is not known.
type AuthorizationStatus string

// The states of RFC 8555 section 7.1.6, followed by two of our own.
const (
	AuthorizationPending     AuthorizationStatus = "pending"
	AuthorizationValid       AuthorizationStatus = "valid"
	AuthorizationInvalid     AuthorizationStatus = "invalid"
	AuthorizationDeactivated AuthorizationStatus = "deactivated"
	AuthorizationExpired     AuthorizationStatus = "expired"
	AuthorizationRevoked     AuthorizationStatus = "revoked"

	AuthorizationGone    AuthorizationStatus = "gone"    // the CA does not know the authorization, or no longer
	AuthorizationForeign AuthorizationStatus = "foreign" // it is another account's
)

// Final reports whether the state can no longer change, or cannot be changed by
// this account.
func (s AuthorizationStatus) Final() bool {
	return s != AuthorizationPending && s != AuthorizationValid
}

// Authorization is an account's permission to issue for a name, or a request
// for that permission (RFC 8555 section 7.1.4), as of the CA's last answer.
type Authorization struct {
	URL      string
	Name     string // A-label form, without the wildcard's "*."; empty if the CA did not say
	Wildcard bool
	Status   AuthorizationStatus
	Expires  time.Time // zero: not stated
}
