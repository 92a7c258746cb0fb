package registry

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Keys of an answer, the most exact one first.
func endKeys() []string {
	return []string{"paid-till", "registry expiry date", "registrar registration expiration date", "expiration date", "expiry date", "expires", "expires on", "expiry", "expire date", "expiration time", "paid till"}
}

func statusKeys() []string { return []string{"state", "domain status", "status"} }

// fill sets the fields of a registered domain.
func fill(a *Registration, r record) {
	a.Registrar = shorten(r.first("registrar", "current registar", "current registrar", "sponsoring registrar"))
	a.PaidTill, a.FreeDate = day(r.first(endKeys()...)), day(r.first("free-date"))
	for key, values := range r {
		if key == "nserver" || key == "name server" || key == "name servers" || key == "nameserver" || strings.HasSuffix(key, "ary server") || strings.HasPrefix(key, "ns ") {
			for _, value := range values {
				if host, _, _ := strings.Cut(strings.ToLower(value), " "); strings.Contains(host, ".") {
					a.NameServers = append(a.NameServers, shorten(strings.TrimRight(host, ".,")))
				}
			}
		}
	}
	a.Servers = len(a.NameServers) > 0
	a.NameServers = few(a.NameServers)
}

// mostServers is how many name servers of a domain are kept: the registries allow
// thirteen.
const mostServers = 16

// few sorts name servers, and drops those beyond mostServers.
func few(servers []string) []string {
	slices.Sort(servers)
	return servers[:min(len(servers), mostServers)]
}

// whole returns the answer with its state, if everything that it must have is
// there.
func whole(a Registration, text []byte, r record, z zone) (Registration, error) {
	if state := strings.ToUpper(r.first("state")); state != "" { // of TCI
		a.Unverified, a.Verified = strings.Contains(state, "UNVERIFIED"), strings.Contains(state, ", VERIFIED")
		switch {
		case strings.Contains(state, "NOT DELEGATED"):
			a.State = Undelegated
		case strings.Contains(state, "DELEGATED"):
			a.State = Delegated
		default:
			return a, fmt.Errorf("%w: state %.80q", ErrUnclear, state)
		}
		return dated(a, text, z)
	}
	var statuses []string
	for _, key := range statusKeys() {
		for _, value := range r[key] {
			statuses = append(statuses, status(value))
		}
	}
	switch {
	case slices.Contains(statuses, "free"), slices.Contains(statuses, "available"):
		return Registration{Domain: a.Domain, State: Free}, nil
	case slices.Contains(statuses, "invalid"):
		return a, fmt.Errorf("%w: the registry calls the name invalid", ErrUnclear)
	case len(statuses) == 0 && !a.Servers && a.PaidTill.IsZero():
		return a, fmt.Errorf("%w: no state of the domain", ErrUnclear)
	}
	stand(&a, statuses)
	if !a.Servers && !slices.Contains(statuses, "connect") {
		a.State = Undelegated
	}
	return dated(a, text, z)
}

// status is the word of a status: of "clientHold https://icann.org/epp#clientHold"
// it is clienthold, as it is of RDAP's "client hold".
func status(value string) string {
	value, _, _ = strings.Cut(strings.ToLower(value), "http")
	value, _, _ = strings.Cut(value, " - ")
	value = strings.TrimRight(strings.TrimSpace(value), " -(")
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' || r == '_' {
			return -1
		}
		return r
	}, value)
}

// stand sets the state by the words of EPP (RFC 5731 section 2.3, RFC 3915), and
// those of registries without it. A domain on hold, or in the days before deletion,
// is not delegated.
func stand(a *Registration, statuses []string) {
	a.State = Delegated
	for _, s := range statuses {
		switch s {
		case "clienthold", "serverhold", "onhold", "suspended":
			a.State, a.Held = Undelegated, true
		case "redemptionperiod", "pendingdelete", "quarantine":
			a.State, a.Unpaid = Undelegated, true
		case "inactive", "failed", "withdrawn":
			a.State = Undelegated
		case "autorenewperiod", "graceperiod":
			a.Unpaid = true
		}
	}
}

// dated returns the answer if it has the end of the registration, or is whole
// without it.
func dated(a Registration, text []byte, z zone) (Registration, error) {
	if a.PaidTill.IsZero() && !z.undated && (z.dated || !complete(text)) {
		return a, fmt.Errorf("%w: it does not say when the registration ends, and may be cut", ErrUnclear)
	}
	return a, nil
}

// day reads a date with or without a time, in one of the forms that registries
// use; it returns zero if the text is none of them. Without a zone it is UTC.
func day(text string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z", time.DateOnly, "2006.01.02", "2006-01-02 15:04:05-07", "2006-01-02 15:04:05-07:00",
		"2006-01-02 15:04:05", "2006-01-02T15:04:05", "02-Jan-2006", "2-Jan-2006", "02.01.2006", "2006/01/02", "20060102", "January 2 2006"} {
		if t, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return t
		}
	}
	return time.Time{}
}
