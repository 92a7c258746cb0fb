package checks

import "fmt"

// Code names the cause of a problem, or its absence. Codes are a contract:
// scripts and stored history rely on them, so codes are added and never
// renamed.
type Code string

// Codes of a panel as a whole.
const (
	PanelProcessing  Code = "panel.processing"  // many certificates being issued at once
	PanelFailed      Code = "panel.failed"      // many certificates given up
	PanelFailing     Code = "panel.failing"     // certificates that failed repeatedly within hours
	PanelOverdue     Code = "panel.overdue"     // sites whose certificate was not renewed in time
	PanelStale       Code = "panel.stale"       // the panel's issuance log stopped growing
	PanelUnreadable  Code = "panel.unreadable"  // rows with invalid dates, flags or names
	PanelUnavailable Code = "panel.unavailable" // database locked, missing, of another shape, or not to be believed
	PanelMissing     Code = "panel.missing"     // a table or column that the panel had is gone
)

// Codes of a panel that is known through an agent.
const (
	FleetSilent Code = "fleet.silent" // its agent has been silent for long
	FleetSkew   Code = "fleet.skew"   // its agent's clock or version does not fit
)

// Codes of a site by its flags in the panel, and of the count of such sites
// on a server.
const (
	PanelNoCertificate Code = "panel.nocertificate" // an active site without TLS
	PanelNoRedirect    Code = "panel.noredirect"    // an active site without http→https
)

// Codes of a name in DNS.
const (
	DNSUnregistered Code = "dns.unregistered" // not registered
	DNSUndelegated  Code = "dns.undelegated"  // registered, but without name servers: unpaid, or never set up
	DNSLame         Code = "dns.lame"         // delegated to servers that do not answer for it
	DNSDNSSEC       Code = "dns.dnssec"       // invalid signatures
	DNSServFail     Code = "dns.servfail"
	DNSNXDomain     Code = "dns.nxdomain"
	DNSNoAddress    Code = "dns.noaddress"
	DNSElsewhere    Code = "dns.elsewhere"
	DNSPartly       Code = "dns.partly"    // some addresses ours, some not
	DNSIPv6         Code = "dns.ipv6"      // AAAA not ours while A is
	DNSCAA          Code = "dns.caa"       // CAA forbids the CA
	DNSCAABroken    Code = "dns.caabroken" // the CAA question fails
	DNSLookalike    Code = "dns.lookalike" // letters of two alphabets that look alike: never a cause
	DNSProxied      Code = "dns.proxied"   // behind a CDN or a proxy: a cause only if requests through it fail
	DNSEnding       Code = "dns.ending"    // the registration ends on a date: never a cause

	DNSBLListed Code = "dnsbl.listed" // an address is on a blocklist
)

// Codes of requests for the challenge: port 80, or 443 after a redirect.
const (
	WebBlocked   Code = "web.blocked" // the access log shows requests of fewer validators than the CA has, or some vantage points do not get through
	WebRefused   Code = "web.refused"
	WebTimeout   Code = "web.timeout"
	WebReset     Code = "web.reset" // the connection was cut after it was established
	WebForbidden Code = "web.forbidden"
	WebError     Code = "web.error"
	WebNotFound  Code = "web.notfound"
	WebRedirect  Code = "web.redirect" // a redirect that the CA does not follow
	WebLoop      Code = "web.loop"
	WebBody      Code = "web.body" // not the requested file
	WebFlapping  Code = "web.flapping"
	WebIPv6      Code = "web.ipv6" // IPv6 fails, IPv4 works
)

// Codes of a certificate, by its own dates if its file can be read.
const (
	CertExpired   Code = "cert.expired"
	CertExpiring  Code = "cert.expiring"
	CertNotYet    Code = "cert.notyet"  // not valid before a later moment
	CertOverdue   Code = "cert.overdue" // late for renewal, by its share of lifetime left
	CertMissing   Code = "cert.missing" // the file that the panel names does not exist
	CertUntrusted Code = "cert.untrusted"

	CertKeyMismatch  Code = "cert.keymismatch"  // the private key does not match the certificate
	CertNotInstalled Code = "cert.notinstalled" // issued, but an older one is served
	CertName         Code = "cert.name"         // the certificate is for other names
)

// Codes of the CA's own messages, as in the issuance log.
const (
	CAUnauthorized Code = "ca.unauthorized"
	CAConnection   Code = "ca.connection"
	CADNS          Code = "ca.dns"
	CACAA          Code = "ca.caa"
	CATLS          Code = "ca.tls"
	CARemote       Code = "ca.remote" // failed "During secondary validation" only
	CARateLimited  Code = "ca.ratelimited"
	CAPaused       Code = "ca.paused"
	CABlocked      Code = "ca.blocked"
	CARejected     Code = "ca.rejected"
	CAInternal     Code = "ca.internal"
	CAUnreachable  Code = "ca.unreachable"
	CAClient       Code = "ca.client"
	CAFlaky        Code = "ca.flaky" // failed, then succeeded by itself

	CADown Code = "ca.down" // the CA itself fails for many owners at once

	CABudget  Code = "ca.budget"  // an account's orders will run out
	CAPausing Code = "ca.pausing" // the CA will pause the name
	CAZombie  Code = "ca.zombie"  // failing for a long time without a success: stop trying
)

// Codes of a fleet.
const (
	FleetSplit Code = "fleet.split" // a vantage point sees other things than all others
)

// The two verdicts that do not name a problem.
const (
	OK      Code = "ok"
	Unknown Code = "unknown" // could not be determined
)

// Who is the party that must take the next step.
type Who string

// The four parties.
const (
	Us       Who = "us"
	Customer Who = "customer"
	CA       Who = "ca"
	Nobody   Who = "nobody"
)

// Parties lists the four.
func Parties() []Who { return []Who{Us, Customer, CA, Nobody} }

// firstVerdict is the first code of codeFacts that can be the root cause of a
// site; codes before it cannot.
const firstVerdict = DNSUnregistered

// codeFact is what is true of a code in any finding.
type codeFact struct {
	code     Code
	severity Severity
	who      Who
}

// codeFacts lists every code this build can emit. From firstVerdict on, each
// can be the verdict of a site and wins over the ones below it (see Judge).
var codeFacts = [...]codeFact{
	// A server as a whole.
	{PanelUnavailable, Critical, Us},
	{PanelMissing, Warning, Us},
	{PanelProcessing, Critical, Us},
	{PanelFailed, Critical, Us},
	{PanelFailing, Critical, Us},
	{PanelOverdue, Critical, Us},
	{PanelStale, Warning, Us},
	{PanelUnreadable, Info, Us},
	{PanelNoRedirect, Info, Us}, // also of a site; it is here because the order is part of a stored version (bot/digest, rules)
	{DNSBLListed, Warning, Us},
	{CADown, Critical, CA},
	{CABudget, Critical, Us},
	{FleetSplit, Warning, Us},
	{FleetSilent, Critical, Us},
	{FleetSkew, Warning, Us},
	// A site, but never its root cause.
	{CAPausing, Info, Us},
	{CAZombie, Info, Us},
	{DNSEnding, Info, Customer},
	// A site's root cause. First its name.
	{DNSUnregistered, Warning, Us},
	{DNSUndelegated, Warning, Customer},
	{DNSLame, Warning, Customer},
	{DNSDNSSEC, Warning, Customer},
	{DNSServFail, Warning, Customer},
	{DNSNXDomain, Warning, Customer},
	{DNSNoAddress, Warning, Customer},
	{DNSElsewhere, Warning, Customer},
	{DNSPartly, Warning, Customer},
	{DNSIPv6, Warning, Customer},
	{DNSCAA, Warning, Customer},
	{DNSCAABroken, Warning, Customer},
	{DNSLookalike, Info, Customer},
	{DNSProxied, Info, Customer},
	// Then requests for the challenge.
	{WebBlocked, Warning, Us},
	{WebFlapping, Warning, Us},
	{WebRefused, Warning, Us},
	{WebTimeout, Warning, Us},
	{WebReset, Warning, Us},
	{WebForbidden, Warning, Us},
	{WebError, Warning, Us},
	{WebNotFound, Warning, Us},
	{WebLoop, Warning, Customer},
	{WebRedirect, Warning, Customer},
	{WebBody, Warning, Us},
	{WebIPv6, Warning, Us},
	// Then the account.
	{CAUnreachable, Critical, Us},
	{CABlocked, Critical, Us},
	{CAPaused, Critical, Us},
	{CARejected, Warning, Customer},
	{CARateLimited, Critical, Nobody},
	// Then the certificate's installation.
	{CertKeyMismatch, Critical, Us},
	{CertMissing, Critical, Us},
	{CertNotInstalled, Warning, Us},
	{CertName, Warning, Us},
	{CertUntrusted, Warning, Us},
	{CertNotYet, Critical, Us},
	// Then the CA's last message.
	{CARemote, Warning, Us},
	{CACAA, Warning, Customer},
	{CADNS, Warning, Customer},
	{CAUnauthorized, Warning, Customer},
	{CAConnection, Warning, Customer},
	{CATLS, Warning, Us},
	{CAClient, Warning, Us},
	{CAInternal, Info, CA},
	{CAFlaky, Info, Nobody},
	// Then symptoms.
	{CertExpired, Critical, Us},
	{CertOverdue, Warning, Us},
	{CertExpiring, Warning, Us},
	{PanelNoCertificate, Info, Us},
	// No problem.
	{Unknown, Warning, Us},
	{OK, Healthy, Nobody},
}

// Codes lists every code that a finding, a metric or a verdict may carry.
func Codes() []Code {
	codes := make([]Code, len(codeFacts))
	for i, f := range codeFacts {
		codes[i] = f.code
	}
	return codes
}

// rank is the code's index in Codes; -1: it is not listed.
func (c Code) rank() int {
	for i := range codeFacts {
		if codeFacts[i].code == c {
			return i
		}
	}
	return -1
}

// Severity is the severity of a code without further information. That of an
// unlisted code is Warning: it must be visible, but must not alert anyone at
// night.
func (c Code) Severity() Severity {
	if i := c.rank(); i >= 0 {
		return codeFacts[i].severity
	}
	return Warning
}

// Who returns the party that must take the next step if nothing more is known
// than the code; see Finding.Who. An unlisted code is ours.
func (c Code) Who() Who {
	if i := c.rank(); i >= 0 {
		return codeFacts[i].who
	}
	return Us
}

// Severity is how bad a problem is; a larger value is worse. Its text form is
// part of the JSON contract.
type Severity int

// Severities, mildest first; the zero value is Healthy.
const (
	Healthy Severity = iota
	Info
	Warning
	Critical
)

// String is "ok", "info", "warning" or "critical".
func (s Severity) String() string {
	switch s {
	case Healthy:
		return "ok"
	case Info:
		return "info"
	case Warning:
		return "warning"
	case Critical:
		return "critical"
	}
	return fmt.Sprintf("severity(%d)", int(s))
}

// MarshalText writes the form of String.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the form of String.
func (s *Severity) UnmarshalText(text []byte) error {
	for _, known := range []Severity{Healthy, Info, Warning, Critical} {
		if known.String() == string(text) {
			*s = known
			return nil
		}
	}
	return fmt.Errorf("unknown severity %q", text)
}
