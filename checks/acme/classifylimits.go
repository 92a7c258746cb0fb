package acme

import "domovoy/checks"

// accountRules are the CA's answers about the account as a whole. The pause
// comes under the types of a limit and of a refusal, so it stands first.
func accountRules() []phrase {
	return []phrase{
		{code: checks.CAPaused, says: []string{"temporarily prevented from requesting certificates"},
			pattern: `temporarily prevented from requesting certificates(?: for (?P<names>[^\s,]+(?:, [^\s,]+)*))?`},
		{code: checks.CAPaused, says: []string{"/unpause?jwt="}, pattern: `/sfe/v\d+/unpause\?jwt=`},
		{code: checks.CABlocked, says: []string{"account blocked"}, args: checks.Args{"reason": "blocked"}},
		{code: checks.CABlocked, says: []string{"account is not valid, has status", "account with the provided public key exists but is"},
			pattern: `(?:has status|exists but is) "?(?P<reason>deactivated|revoked)`},
		{code: checks.CABlocked, says: []string{"account is not valid, has status", "account with the provided public key exists but is"}},
		{code: checks.CABlocked, says: []string{"account key has been deactivated"}, args: checks.Args{"reason": "deactivated"}},
	}
}

// The CA's limits, as Boulder names them (ratelimits/names.go), and one of old.
const (
	newOrders             = "new_orders"
	certificatesPerDomain = "certificates_per_domain"
	certificatesPerSet    = "certificates_per_set"
	failedAuthorizations  = "failed_authorizations"
	newRegistrations      = "new_registrations"
	pendingAuthorizations = "pending_authorizations" // until November 2024
	requests              = "requests"               // of the balancer: each address may ask so often
)

// limitRules say which limit is used up. The words in parentheses are
// optional: Boulder had none until 2024, and other ends of the sentence.
func limitRules() []phrase {
	limit := func(name string, says string, pattern string) phrase {
		return phrase{code: checks.CARateLimited, says: []string{says}, pattern: pattern, args: checks.Args{"limit": name}}
	}
	const last = `(?: in the last (?P<window>\d+ hours|[\dhms.]+))?`
	return []phrase{
		limit(newOrders, "too many new orders", `too many new orders(?: recently)?(?: \((?P<count>\d+)\))?(?: from this account)?`+last),
		limit(certificatesPerSet, "too many certificates", `too many certificates(?: \((?P<count>\d+)\))? already issued for (?:this )?exact set of (?:domains|identifiers)`+last+`(?:: (?P<names>[^\s,]+(?:,[^\s,]+)*))?`),
		limit(certificatesPerDomain, "too many certificates already issued for multiple names", `too many certificates already issued for multiple names \("(?P<name>[^"]+)" and (?P<more>\d+) others\)`),
		limit(certificatesPerDomain, "too many certificates", `too many certificates(?: \((?P<count>\d+)\))? already issued for:? "?(?P<name>[^\s",]+)"?`+last),
		limit(certificatesPerDomain, "too many certificates", `too many certificates already issued`),
		limit(failedAuthorizations, "too many failed authorizations", `too many failed authorizations(?: recently)?(?: \((?P<count>\d+)\))?(?: for "(?P<name>[^"]+)")?`+last),
		limit(failedAuthorizations, "too many invalid authorizations", `too many invalid authorizations recently`),
		limit(newRegistrations, "too many new registrations", `too many new registrations \((?P<count>\d+)\) from this (?:ip address|/48 subnet of ipv6 addresses)`+last),
		limit(newRegistrations, "too many registrations for this ip", `too many registrations for this ip(?: range)?`),
		limit(pendingAuthorizations, "too many currently pending authorizations", `too many currently pending authorizations(?:: (?P<count>\d+))?`),
		limit(requests, "429 too many requests", `429 too many requests`),
		limit(requests, "service busy; retry later", `service busy; retry later`),
		{code: checks.CARateLimited, says: []string{"acme:error:ratelimited", "too many requests of a given type"}},
	}
}

// policyRules are names that the CA does not issue for, whoever asks.
func policyRules() []phrase {
	reason := func(name string, says ...string) phrase {
		return phrase{code: checks.CARejected, says: says, args: checks.Args{"reason": name},
			pattern: `(?:cannot issue for|policy forbids issuing for:?) "?(?P<name>[^\s",]+?)"?:? .*?(?:` + alternatives(says) + `)(?:.*?\(and (?P<more>\d+) more problems)?`}
	}
	return []phrase{
		{code: checks.CARejected, says: []string{"was considered an unsafe domain"}, pattern: `"(?P<name>[^"]+)" was considered an unsafe domain`, args: checks.Args{"reason": "policy"}},
		reason("policy", "forbidden by policy", "policy forbids issuing"),
		reason("recursive", "recursive on-demand issuance"),
		reason("suffix", "valid public suffix", "is an icann tld", "is a wildcard for an icann tld"),
		reason("spelling", "contains an invalid character", "needs at least one dot", "two dots in a row", "ends in a dot", "malformed punycode",
			"reserved format (r-ldh", "name is longer than", "longer than 63 bytes", "is empty", "more than one wildcard", "contains an invalid wildcard"),
		reason("labels", "has more than 10 labels"),
		reason("address", "value is an ip address", "ip address is invalid"),
		{code: checks.CARejected, says: []string{"cannot issue for"}, pattern: `cannot issue for "(?P<name>[^"]+)"`},
		{code: checks.CARejected, says: []string{"forbidden by policy", "policy forbids issuing for"}, args: checks.Args{"reason": "policy"}},
		{code: checks.CARejected, says: []string{"does not end with a valid public suffix", "name does not end in a public suffix"}, args: checks.Args{"reason": "suffix"}},
		{code: checks.CARejected, says: []string{"acme:error:rejectedidentifier", "acme:error:unsupportedidentifier", "server will not issue certificates for the identifier"}},
	}
}
