package boulder

import "time"

// Profile is how long things live that are ordered by it
// (letsencrypt.org/docs/profiles, 2026-07-14).
type Profile struct {
	Names       int           // most names an order may have
	Order       time.Duration // until an order expires, if its authorizations do not sooner
	Pending     time.Duration // until an authorization that nobody answers expires
	Valid       time.Duration // for which one that was won may be used again
	Certificate time.Duration
}

// Profiles are those of Let's Encrypt; an order that names none gets "".
func Profiles() map[string]Profile {
	classic := Profile{Names: 100, Order: 7 * day, Pending: 7 * day, Valid: 30 * day, Certificate: 90 * day}
	return map[string]Profile{
		"": classic, "classic": classic,
		"tlsserver":  {Names: 25, Order: 8 * time.Hour, Pending: time.Hour, Valid: 7 * time.Hour, Certificate: 45 * day},
		"shortlived": {Names: 25, Order: 8 * time.Hour, Pending: time.Hour, Valid: 7 * time.Hour, Certificate: 160 * time.Hour},
	}
}

// reusable is how long a valid authorization must still live to be used again:
// an order is to have some time. It is an eighth of the order's own, between
// an hour and a day.
func (p Profile) reusable() time.Duration {
	return min(max(p.Order/8, time.Hour), day)
}
