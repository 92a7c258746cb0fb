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
	forbidsMethods  = "methods"  // our CA, but with a malformed list of validation methods
	forbidsForm     = "form"     // our CA in a form that it does not accept: a dot at the end, malformed or repeated parameters
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
			l.findCAA(labels[i], set)
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
	_, err := l.hierarchy().confirmed(ctx, label, mdns.TypeCAA, a)
	return err
}

// findCAA reports that a set forbids issuing. If it allows one account only and
// ours is not known, that is information, unless the CA said that CAA forbids
// issuing.
func (l *nameLookup) findCAA(at string, set []*mdns.CAA) {
	why, uri := l.question.forbids(set)
	if why == "" {
		return
	}
	args := checks.Args{
		"at": at, "why": why, "ca": l.question.CA, "issuers": issuers(set, l.question.Wildcard),
		"records": recordList(set), "wildcard": l.question.Wildcard,
	}
	unsure := why == forbidsAccount && l.question.AccountURI == ""
	if why == forbidsAccount {
		args["account"], args["uri"], args["ours"] = accountNumber(uri), checks.Clean(uri, maxText), l.question.AccountURI
		args["unsure"], args["refused"] = unsure, unsure && l.question.Refused
	}
	before := len(l.found)
	l.find(checks.DNSCAA, args)
	if unsure && !l.question.Refused {
		args[checks.WhoArg] = string(checks.Us)
		l.makeInfo(before)
	}
}

// accountNumber returns the last part of an account's URI, by which people know
// it: 123456 of …/acme/acct/123456.
func accountNumber(uri string) string {
	return checks.Clean(uri[strings.LastIndexByte(uri, '/')+1:], maxText)
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

// forbids judges one set of records for the requested certificate. It returns
// why they forbid it, empty if they do not, and for forbidsAccount the account
// that they allow. Of several reasons it returns that of the record which comes
// closest to allowing it. If our account is not known, every account but ours
// may be meant.
func (q Question) forbids(set []*mdns.CAA) (why, account string) {
	for _, c := range set {
		// Bit 0 of the flags is 128; some zones have 1 instead, and the CA
		// accepts both.
		if !known(c.Tag) && c.Flag&(128|1) != 0 {
			return forbidsCritical, ""
		}
	}
	relevant := relevantSet(set, q.Wildcard)
	if len(relevant) == 0 {
		return "", "" // only iodef and the like, or only issuewild while no wildcard is requested
	}
	closest := []string{forbidsIssuer, forbidsForm, forbidsMethod, forbidsMethods, forbidsAccount}
	why = forbidsIssuer
	for _, c := range relevant {
		reason, uri := q.forbidden(c.Value)
		if reason == "" {
			return "", ""
		}
		if slices.Index(closest, reason) > slices.Index(closest, why) {
			why, account = reason, uri
		}
	}
	return why, account
}

// forbidden judges the value of one record, as forbids does.
func (q Question) forbidden(value string) (why, account string) {
	v, ok := parseIssue(value)
	if !ok || v.issuer != q.CA {
		if plainIssuer(value) == q.CA {
			return forbidsForm, ""
		}
		return forbidsIssuer, ""
	}
	uris := v.values("accounturi")
	if len(uris) > 1 || len(v.values("validationmethods")) > 1 {
		return forbidsForm, "" // Boulder: one of each, or nobody satisfies the record
	}
	if why := v.forbidsMethod(q.Method); why != "" {
		return why, ""
	}
	if len(uris) == 1 && !sameAccount(uris[0], q.AccountURI) {
		return forbidsAccount, uris[0]
	}
	return "", ""
}

// plainIssuer returns the CA that a value means, without what the CA does not
// accept: capitals, dots and quotes around it, a scheme, www, parameters.
func plainIssuer(value string) string {
	domain, _, _ := strings.Cut(value, ";")
	domain, _, _ = strings.Cut(strings.TrimLeft(domain, " \t\"'\\"), " ")
	domain = strings.ToLower(domain)
	for _, prefix := range []string{"https://", "http://", "www."} {
		domain = strings.TrimPrefix(domain, prefix)
	}
	return strings.Trim(domain, " \t\"'\\`./,:")
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

// sameAccount compares the account of a record with ours, byte by byte, as the
// CA does. Let's Encrypt also accepts the form that accounts had under ACMEv1.
func sameAccount(uri, ours string) bool {
	const v1, v2 = "https://acme-v01.api.letsencrypt.org/acme/reg/", "https://acme-v02.api.letsencrypt.org/acme/acct/"
	if number, old := strings.CutPrefix(uri, v1); old {
		uri = v2 + number
	}
	return uri == ours
}

// forbidsMethod returns why the record forbids a method; empty: it allows it.
// The CA rejects a whole list in which one word before the wanted one is empty
// or has other characters than letters, digits and hyphens.
func (v issueValue) forbidsMethod(method string) string {
	lists := v.values("validationmethods")
	if len(lists) == 0 {
		return ""
	}
	for word := range strings.SplitSeq(lists[0], ",") {
		odd := func(r rune) bool {
			return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '-'
		}
		if word == "" || strings.ContainsFunc(word, odd) {
			return forbidsMethods
		}
		if word == method {
			return ""
		}
	}
	return forbidsMethod
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
