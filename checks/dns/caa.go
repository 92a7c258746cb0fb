package dns

import (
	"context"
	"fmt"
	"slices"
	"strings"

	mdns "github.com/miekg/dns"

	"domovoy/checks"
)

// Why records forbid issuing, as an argument of the finding.
const (
	forbidsIssuer   = "issuer"   // only other CAs are allowed, or none
	forbidsAccount  = "account"  // our CA, but only another account (RFC 8657 section 3)
	forbidsMethod   = "method"   // our CA, but only another validation method (RFC 8657 section 4)
	forbidsCritical = "critical" // an unknown critical property (RFC 8659 section 4.5)
)

// caa judges the CAA answers for the names from the full one up to the top
// level: the first non-empty set counts, and an error before it is a failure
// (RFC 8659 section 3, as implemented by Boulder). A failure is the customer's
// only below the registry and only if the servers themselves fail.
func (l *nameLookup) caa(ctx context.Context, labels []string, said []Result) {
	for i, r := range said {
		if err := r.looked(); err != nil {
			l.fail(err)
			return
		}
		if r.Answer.Rcode == mdns.RcodeServerFailure {
			if err := l.caaFails(ctx, labels[i], r.Answer); err != nil {
				l.fail(err)
				return
			}
			l.find(checks.DNSCAABroken, checks.Args{"at": labels[i], "reason": r.Answer.reason()})
			return
		}
		// An NXDOMAIN answer has no records either.
		if set := r.Answer.caa(); len(set) > 0 {
			if why, forbids := l.forbids(set); forbids {
				l.find(checks.DNSCAA, checks.Args{
					"at": labels[i], "why": why, "ca": l.question.CA, "issuers": issuers(set, l.question.Wildcard),
					"records": recordList(set), "wildcard": l.question.Wildcard,
				})
			}
			return
		}
	}
}

// caaFails returns nil if it is the registered domain itself that fails for
// CAA: its servers do, or its signatures are broken. An empty answer is signed
// by other records than an address, so this can be so for CAA alone.
func (l *nameLookup) caaFails(ctx context.Context, label string, a Answer) error {
	if !within(label, l.name.registered) {
		return fmt.Errorf("the resolver %s fails for CAA of %s: that is the registry's", a.Server, label)
	}
	if slices.ContainsFunc(a.Errors, signature) {
		return nil
	}
	_, err := l.confirmed(ctx, label, mdns.TypeCAA, a)
	return err
}

func (a Answer) caa() []*mdns.CAA {
	var set []*mdns.CAA
	for _, rr := range a.Records {
		if c, ok := rr.(*mdns.CAA); ok {
			set = append(set, c)
		}
	}
	return set
}

// forbids judges one set of records for the requested certificate.
func (l *nameLookup) forbids(set []*mdns.CAA) (why string, forbids bool) {
	for _, c := range set {
		// Bit 0 of the flags is 128; some zones have 1 instead, and the CA
		// accepts both.
		if !known(c.Tag) && c.Flag&(128|1) != 0 {
			return forbidsCritical, true
		}
	}
	relevant := relevantSet(set, l.question.Wildcard)
	if len(relevant) == 0 {
		return "", false // only iodef and the like, or only issuewild while no wildcard is requested
	}
	why = forbidsIssuer
	for _, c := range relevant {
		v, ok := parseIssue(c.Value)
		switch {
		case !ok || v.issuer != l.question.CA:
		case !v.allowsAccount(l.question.AccountURI):
			why = forbidsAccount
		case !v.allowsMethod(l.question.Method):
			why = forbidsMethod
		default:
			return "", false
		}
	}
	return why, true
}

// known reports whether the CA understands the tag, whether or not it acts on
// it.
func known(tag string) bool {
	switch strings.ToLower(tag) {
	case "issue", "issuewild", "iodef", "issuemail", "issuevmc":
		return true
	}
	return false
}

// relevantSet returns the records that apply to the kind of certificate: for
// wildcards issuewild takes precedence over issue (RFC 8659 section 4.3).
func relevantSet(set []*mdns.CAA, wildcard bool) []*mdns.CAA {
	var issue, issuewild []*mdns.CAA
	for _, c := range set {
		switch strings.ToLower(c.Tag) {
		case "issue":
			issue = append(issue, c)
		case "issuewild":
			issuewild = append(issuewild, c)
		}
	}
	if wildcard && len(issuewild) > 0 {
		return issuewild
	}
	return issue
}

// issueValue is the value of an issue or issuewild property.
type issueValue struct {
	issuer     string // empty: no CA may issue
	parameters []parameter
}

type parameter struct{ tag, value string }

// parseIssue parses a value by the grammar of RFC 8659 section 4.2. A malformed
// value allows no CA.
func parseIssue(value string) (issueValue, bool) {
	domain, rest, more := strings.Cut(value, ";")
	v := issueValue{issuer: strings.Trim(domain, " \t")}
	if !more || strings.Trim(rest, " \t") == "" {
		return v, true
	}
	for p := range strings.SplitSeq(rest, ";") {
		tag, val, ok := strings.Cut(p, "=")
		tag, val = strings.Trim(tag, " \t"), strings.Trim(val, " \t")
		notAlnum := func(r rune) bool {
			return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
		}
		notVisible := func(r rune) bool { return r < 0x21 || r > 0x7e }
		if !ok || strings.ContainsFunc(tag, notAlnum) || strings.ContainsFunc(val, notVisible) {
			return issueValue{}, false
		}
		v.parameters = append(v.parameters, parameter{tag, val})
	}
	return v, true
}

// values returns the values of all parameters with a tag.
func (v issueValue) values(tag string) []string {
	var found []string
	for _, p := range v.parameters {
		if p.tag == tag {
			found = append(found, p.value)
		}
	}
	return found
}

// allowsAccount compares accounturi with ours, byte by byte. If a record has
// two different ones, no account satisfies both.
func (v issueValue) allowsAccount(ours string) bool {
	uris := v.values("accounturi")
	switch len(uris) {
	case 0:
		return true
	case 1:
		return ours == "" || uris[0] == ours
	}
	return false
}

func (v issueValue) allowsMethod(method string) bool {
	lists := v.values("validationmethods")
	switch len(lists) {
	case 0:
		return true
	case 1:
		return slices.Contains(strings.Split(lists[0], ","), method)
	}
	return false
}

// issuers returns the CAs that a set allows.
func issuers(set []*mdns.CAA, wildcard bool) string {
	var names []string
	for _, c := range relevantSet(set, wildcard) {
		if v, ok := parseIssue(c.Value); ok && v.issuer != "" && !slices.Contains(names, v.issuer) {
			names = append(names, v.issuer)
		}
	}
	return nameList(names)
}

// recordList formats the records as in a zone file.
func recordList(set []*mdns.CAA) string {
	words := make([]string, 0, maxListed)
	for _, c := range set[:min(len(set), maxListed)] {
		_, data, _ := strings.Cut(c.String(), "CAA\t")
		words = append(words, checks.Clean(data, maxText))
	}
	return checks.Clean(strings.Join(words, ", "), maxText)
}
