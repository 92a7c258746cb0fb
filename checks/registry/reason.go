package registry

import (
	"errors"
	"time"

	"domovoy/checks"
)

// Why a registered domain does not work, as the argument "reason" of
// DNSUndelegated. Who pays for what is said only when it is known that nobody
// paid.
const (
	reasonUnpaid     = "unpaid"     // the term is over
	reasonUnverified = "unverified" // paid for, and the owner has not been identified
	reasonStopped    = "stopped"    // paid for and identified: a complaint, a court, a lock
	reasonServers    = "servers"    // paid for, and no name servers are set
)

// found converts an answer about a name that DNS does not know, or that stands
// on name servers where registrars put unpaid domains, into findings. parking is
// the owner of those; empty: other name servers.
func found(answer Registration, err error, parking string, now time.Time) ([]checks.Finding, error) {
	if errors.Is(err, ErrNoRegistry) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	args := checks.Args{"domain": answer.Domain}
	for key, at := range map[string]time.Time{"paid_till": answer.PaidTill, "free_date": answer.FreeDate} {
		if !at.IsZero() {
			args[key] = at
		}
	}
	for key, word := range map[string]string{"parking": parking, "registrar": answer.Registrar, "reason": reason(answer, now)} {
		if word != "" {
			args[key] = word
		}
	}
	switch args["reason"] {
	case reasonUnverified, reasonStopped, reasonServers:
		delete(args, "free_date") // paid for: nobody gives it away
	}
	if answer.Unverified {
		args["unverified"] = true
	}
	switch {
	case answer.State == Free:
		return []checks.Finding{finding(checks.DNSUnregistered, args)}, nil
	case answer.State == Undelegated, args["reason"] == reasonUnpaid:
		return []checks.Finding{finding(checks.DNSUndelegated, args)}, nil
	}
	return nil, nil
}

// reason returns why a registered domain does not work; empty: not known.
// Registries of generic TLDs renew a domain by themselves, so that its term lies
// ahead though nobody paid: there the status counts.
func reason(r Registration, now time.Time) string {
	switch {
	case r.Unpaid, !r.PaidTill.IsZero() && r.PaidTill.Before(now):
		return reasonUnpaid
	case r.State != Undelegated:
		return ""
	case r.Unverified:
		return reasonUnverified
	case r.Held:
		return reasonStopped
	case r.PaidTill.IsZero():
		return ""
	case r.Servers || r.Verified:
		return reasonStopped
	}
	return reasonServers
}
