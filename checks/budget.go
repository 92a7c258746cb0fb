package checks

import "time"

// Order is one try to get a certificate, as the CA's limits count it.
type Order struct {
	Time        time.Time
	Names       []string // A-label form, sorted; what the certificate is for
	Outcome     AttemptOutcome
	Refused     bool     // by a limit or a pause, before it was an order: it spent nothing
	FailedNames []string // whose validation failed; empty for a failed order: not known which
	Renewal     bool     // the same names were issued before: see Budget
}

// Budget is how much of one of the CA's limits is used, by token bucket.
// Where the log cannot hold all that counts (a limit over all accounts, an
// order without its names) the true rest may be smaller: AtMost.
type Budget struct {
	Code    string // the limit's name in the data file, such as new_orders
	Server  string
	Subject string    // the account, a registered domain, a set of names, or a name
	Used    int       // tokens gone just now
	Limit   int       // the bucket's size
	Left    int       // whole tokens there are now
	AtMost  bool      // Left is a bound from above, for others may spend too
	Why     string    // key of the reason for AtMost: "accounts", "names"; empty: exact
	Refill  time.Time // when the next token comes; zero: the bucket is full
	Full    time.Time // when it is full again, if nothing more is spent; zero: it is
}

// Forecast is what will happen if things go on as they do.
type Forecast struct {
	Code    Code // ca.budget, ca.pausing or ca.zombie
	Server  string
	Subject string
	At      time.Time // when; zero: it is so already
	Args    Args
}
