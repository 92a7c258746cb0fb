package checks

import (
	"slices"
	"strings"
	"time"
)

// RegistryState is the state of a registration.
type RegistryState string

// The states.
const (
	RegistryFree        RegistryState = "free"        // anyone may register it
	RegistryDelegated   RegistryState = "delegated"   // registered, with name servers
	RegistryUndelegated RegistryState = "undelegated" // registered, but without name servers: unpaid, or never set up
)

// RegistryAnswer is what a registry said about a domain. Times may be zero. Its
// JSON is stored.
type RegistryAnswer struct {
	Domain    string        `json:"domain"`
	State     RegistryState `json:"state"`
	PaidTill  time.Time     `json:"paid_till,omitzero"` // end of the registration; zero: the registry does not publish it
	FreeDate  time.Time     `json:"free_date,omitzero"` // when anyone may register it unless it is paid for
	Registrar string        `json:"registrar,omitzero"`
	Source    string        `json:"source,omitzero"` // the server that answered

	NameServers []string `json:"name_servers,omitempty"`

	Unverified bool `json:"unverified,omitzero"` // the registry says that the owner is not identified; for .ru, .рф and .su required since September 2026
	Verified   bool `json:"verified,omitzero"`   // the registry says that the owner is identified
	Servers    bool `json:"servers,omitzero"`    // name servers are set, also if the registry does not publish them
	Held       bool `json:"held,omitzero"`       // the registrar or the registry has stopped delegation (RFC 8056: clientHold, serverHold)
	Unpaid     bool `json:"unpaid,omitzero"`     // the registry says that it is to be deleted unless it is paid for
}

// RegistryFailure is why a question to a registry had no answer: a stable word
// with a text in the catalogs, under "registration.failure.".
type RegistryFailure string

// The failures.
const (
	RegistryNone        RegistryFailure = "none"        // no registry is known that could be asked
	RegistryQuota       RegistryFailure = "quota"       // the registry refuses further questions
	RegistryUnclear     RegistryFailure = "unclear"     // its answer makes no sense
	RegistryUnreachable RegistryFailure = "unreachable" // it cannot be reached, or does not answer
	RegistryInterrupted RegistryFailure = "interrupted" // the program ended while it waited
)

// RegistryFailures lists them.
func RegistryFailures() []RegistryFailure {
	return []RegistryFailure{RegistryNone, RegistryQuota, RegistryUnclear, RegistryUnreachable, RegistryInterrupted}
}

// Registration is what is known of a domain's registration, and when its registry
// will be asked again. The zero value is a domain that was never asked about.
type Registration struct {
	Domain   string          // A-label form
	Registry string          // the server that was asked; empty: none was
	Asked    time.Time       // the last question, answered or not; zero: never
	Due      time.Time       // the registry is not asked again before
	Failure  RegistryFailure // why the last question had no answer; empty: it had one
	Failures int             // how many questions in a row had none
	Looked   time.Time       // the last answer; zero: there is none
	Answer   RegistryAnswer  // zero: there is none
	Parking  string          // the registrar on whose name servers for unpaid domains it stands; empty: on others
}

// EndingWithin is how long before the end of a registration dns.ending becomes a
// warning.
const EndingWithin = 30 * 24 * time.Hour

// freshRegistration is how long an answer stands for the present while its
// registry cannot be asked: a week, in which it need not be asked, and a day.
const freshRegistration = 8 * 24 * time.Hour

// Ends is when the registration ends, or ended; zero: that is not known. A
// registration that is to be deleted has ended, whatever its date says: the
// registries of generic domains move the date a year ahead by themselves.
func (r Registration) Ends() time.Time {
	if r.Answer.State == RegistryFree {
		return time.Time{}
	}
	if a := r.Answer; a.Unpaid && a.State == RegistryUndelegated && (a.PaidTill.IsZero() || a.PaidTill.After(r.Looked)) {
		return r.Looked
	}
	return r.Answer.PaidTill
}

// Finding is dns.ending about a site of the domain; false: it is not known when
// the registration ends.
func (r Registration) Finding(site *Site, now time.Time) (Finding, bool) {
	ends := r.Ends()
	if ends.IsZero() {
		return Finding{}, false
	}
	f := Finding{Check: RegistrationCheck, Server: site.Server, Site: site.Name, Code: DNSEnding, Severity: Info,
		Args: Args{"domain": r.Domain, "paid_till": ends, "looked": r.Looked, "source": r.Answer.Source}}
	if !ends.After(now.Add(EndingWithin)) && site.Active != Off {
		f.Severity = Warning
	}
	if !r.Answer.FreeDate.IsZero() {
		f.Args["free_date"] = r.Answer.FreeDate
	}
	for key, word := range map[string]string{"registrar": r.Answer.Registrar, "parking": r.Parking} {
		if word != "" {
			f.Args[key] = word
		}
	}
	for key, holds := range map[string]bool{"unverified": r.Answer.Unverified, "over": !ends.After(now)} {
		if holds {
			f.Args[key] = true
		}
	}
	if site.Owner == "" {
		f.Args[WhoArg] = string(Us) // there is nobody else who would pay
	}
	return f, true
}

// RegistrationCheck is the name of the check in findings of when registrations
// end.
const RegistrationCheck = "registration"

// RegistrationStanding says how far it is known when a registration ends.
type RegistrationStanding string

// The standings.
const (
	RegistrationDated    RegistrationStanding = "dated"    // it is
	RegistrationUndated  RegistrationStanding = "undated"  // the registry answers and does not publish it
	RegistrationFailing  RegistrationStanding = "failing"  // the registry could not be asked of late
	RegistrationNone     RegistrationStanding = "none"     // no registry is known that could be asked
	RegistrationWaiting  RegistrationStanding = "waiting"  // its turn has not come yet
	RegistrationVanished RegistrationStanding = "vanished" // the registry says that nobody has registered it
)

// Standing is that of the registration at a moment.
func (r Registration) Standing(now time.Time) RegistrationStanding {
	switch {
	case r.Failure == RegistryNone:
		return RegistrationNone
	case r.Asked.IsZero() && r.Looked.IsZero() && r.Failure == "":
		return RegistrationWaiting
	case r.Failure != "" && now.Sub(r.Looked) > freshRegistration:
		return RegistrationFailing
	case r.Answer.State == RegistryFree:
		return RegistrationVanished
	case r.Ends().IsZero():
		return RegistrationUndated
	}
	return RegistrationDated
}

// RegistryUse is a question to a registry, or that it refuses further ones.
type RegistryUse struct {
	Registry string
	Asked    time.Time     // of the question; zero: it is none
	Shut     time.Time     // no question before this time; zero: it does not refuse
	Patience time.Duration // the next backoff
}

// RegistryPast is what an earlier process asked the registries, and learned.
type RegistryPast struct {
	Known []Registration
	Uses  []RegistryUse // of the last day, the oldest first
}

// Domains are the registered domains of a site's names, each once, that of its
// own name first. Names that nobody registers are left out: those of a private
// network, and public suffixes themselves.
func (s Site) Domains() []string {
	var domains []string
	add := func(name string) {
		if domain, ok := Registrable(name); ok && !slices.Contains(domains, domain) {
			domains = append(domains, domain)
		}
	}
	add(s.Name)
	for _, alias := range s.Aliases {
		add(alias)
	}
	return domains
}

// Registrable returns the registered domain of a name; false: there is none,
// because its last label is no top-level domain or because it is a public suffix.
func Registrable(name string) (domain string, ok bool) {
	name = strings.TrimPrefix(name, "*.")
	suffix, icann := PublicSuffix(name)
	if !icann && !strings.Contains(suffix, ".") {
		return "", false
	}
	domain = RegisteredDomain(name)
	return domain, domain != suffix && strings.HasSuffix(domain, "."+suffix)
}
