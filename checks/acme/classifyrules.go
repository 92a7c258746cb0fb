package acme

import (
	"regexp"
	"strings"

	"domovoy/checks"
)

// seen matches the address that a validator connected to, which Boulder puts
// before the error (va.go, ipError).
const seen = `(?:(?:^|[\s"«“>(:])(?P<address>[0-9a-f.:]+): )?`

// fetching matches the URL that a validator requested.
const fetching = `fetching https?://(?P<host>[^\s/:"]+)\S*: `

// fileRules are for responses that are not the requested file (va/http.go,
// va/tlsalpn.go).
func fileRules() []phrase {
	unauthorized := func(problem, pattern string, says ...string) phrase {
		return phrase{code: checks.CAUnauthorized, says: says, pattern: pattern, args: checks.Args{"problem": problem, "challenge": "http-01"}}
	}
	alpn := checks.Args{"challenge": "tls-alpn-01"}
	return []phrase{
		unauthorized("status", seen+`invalid response from https?://(?P<host>[^\s/:"]+)[^\s"]*?(?: \[(?P<address>[0-9a-f.:]+)\])?: (?P<status>\d{3})\b`, "invalid response from"),
		unauthorized("page", seen+`invalid response from "?https?://(?P<host>[^\s/:"]+)[^\s"]*"?(?: \[(?P<address>[0-9a-f.:]+)\])?:? "`, "invalid response from"),
		unauthorized("page", seen+`the key authorization file from the server did not match this challenge`, "key authorization file from the server did not match"),
		unauthorized("page", seen+`error reading http response body`, "error reading http response body"),
		unauthorized("status", seen+`non-200 status code from http: https?://(?P<host>[^\s/:"]+)\S* returned (?P<status>\d{3})\b`, "non-200 status code from http"), // Pebble
		{code: checks.CAUnauthorized, args: alpn, says: []string{"incorrect validation certificate"}, pattern: seen + `incorrect validation certificate for tls-\S+ challenge(?:\. requested (?P<name>\S+) from)?`},
		{code: checks.CAUnauthorized, args: alpn, says: []string{"cannot negotiate alpn protocol", "no certs presented for tls"}, pattern: seen + `(?:cannot negotiate alpn protocol|no certs presented for tls)`},
	}
}

// recordRules are for TXT records other than the expected ones (va/dns.go,
// va/dns_persist.go).
func recordRules() []phrase {
	record := func(problem, pattern string, says ...string) phrase {
		return phrase{code: checks.CAUnauthorized, says: says, pattern: pattern, args: checks.Args{"problem": problem, "challenge": "dns-01"}}
	}
	persist := func(problem string, says ...string) phrase {
		return phrase{code: checks.CAUnauthorized, says: says, args: checks.Args{"problem": problem, "challenge": "dns-persist-01"}}
	}
	const owner = `_acme-challenge(?:_\w+)?\.(?P<name>[^\s"<]+)`
	return []phrase{
		record("missing", `no txt record found at (?P<record>(?:_\w+\.)?`+owner+`)`, "no txt record found at"),
		record("wrong", `incorrect txt record "[^"]*"?(?: \(and (?P<others>\d+) more\))? found at (?P<record>(?:_\w+\.)?`+owner+`)`, "incorrect txt record"),
		record("wrong", `incorrect txt record`, "incorrect txt record"),
		record("wrong", `correct value not found for dns challenge`, "correct value not found for dns challenge"),
		record("missing", `no txt records? found for dns challenge`, "found for dns challenge"),
		persist("missing", "no txt record found for dns-persist-01", "no valid txt record found for dns-persist-01"),
		persist("wrong", "accounturi mismatch: expected", "policy mismatch: expected", "missing mandatory accounturi", "for mandatory accounturi", "malformed issuer-domain-name", "empty issuer-domain-name", "malformed persistuntil",
			"should be tag=value pair", "parameter not formatted as tag=value"),
		persist("over", "is after persistuntil"),
	}
}

// connectionRules are for connections that failed or ended too soon (va/va.go,
// va/http.go).
func connectionRules() []phrase {
	connection := func(problem, words string, says ...string) phrase {
		return phrase{code: checks.CAConnection, says: says, pattern: seen + `(?:` + fetching + `)?(?:` + words + `)`, args: checks.Args{"problem": problem}}
	}
	// met makes a rule for words that an error on our own way to the CA may
	// contain too. Only a validator puts an address before them.
	met := func(problem, words string, says ...string) phrase {
		return phrase{code: checks.CAConnection, says: says, pattern: `(?:(?:^|[\s"«“>(:])(?P<address>[0-9a-f.:]+): )` + `(?:` + fetching + `)?(?:` + words + `)|` +
			fetching + `(?:` + words + `)`, args: checks.Args{"problem": problem}}
	}
	tls := func(says ...string) phrase {
		return phrase{code: checks.CATLS, says: says, pattern: seen + `(?:` + fetching + `)?(?:` + alternatives(says) + `)`}
	}
	return []phrase{
		connection("timeout", `timeout during connect`, "timeout during connect"),
		{code: checks.CAConnection, says: []string{": timeout"}, pattern: seen + fetching + `timeout(?:["'.,;)}<\\]| (?:[^da]|d[^u]|a[^f])|$)`, args: checks.Args{"problem": "timeout"}}, // until 2017
		{code: checks.CAConnection, says: []string{"for tls-sni"}, pattern: `failed to connect to (?P<address>[0-9a-f.:]+?):\d+ for tls-sni`},
		connection("slow", `timeout (?:during \w+|after connect) \(your server`, "timeout during", "timeout after connect"),
		connection("http2", `server is speaking http/2 over http`, "speaking http/2 over http"),
		connection("broken", `error getting validation data`, "error getting validation data"),
		connection("loop", `redirect loop detected`, "redirect loop detected"),
		connection("redirect", `too many redirects|invalid (?:port|host|protocol scheme|empty host(?:name)?|hostname) in redirect|redirect target too long|received disallowed redirect status code|unable to determine redirect`,
			"redirect"),
		met("refused", `connection refused`, "connection refused"),
		met("reset", `connection reset by peer`, "connection reset by peer"),
		met("unreachable", `network unreachable|no route to host`, "network unreachable", "no route to host"),
		connection("ipv6", `unable to contact "(?P<name>[^"]+)" at "(?P<address>[^"]+)", no ipv4 addresses to try`, "no ipv4 addresses to try as fallback"),
		tls("server only speaks http, not tls"),
		tls("remote error: tls"),
		tls("validation attempt was redirected to an https server that doesn't support tls"),
		{code: checks.CATLS, says: []string{"tls: "}, pattern: seen + fetching + `.{0,80}?tls: `},
	}
}

// nameRules are for DNS errors that the CA reports, for addresses and CAA
// records (bdns/problem.go, va/caa.go).
func nameRules() []phrase {
	const asked = ` looking up (?P<type>\w+) for (?P<name>[^\s;:,"<]+)`
	lookup := func(problem, detail string) phrase {
		return phrase{code: checks.CADNS, says: []string{"dns problem: " + detail}, pattern: `dns problem: ` + detail + `(?: \(and was canceled\))?(?:` + asked + `)?`, args: checks.Args{"problem": problem}}
	}
	// blind are failures between the CA's validator and its own resolver: the
	// zone was not asked (bdns/problem.go, errors of the exchange itself).
	blind := func(problem, detail, rest string) phrase {
		return phrase{code: checks.CAInternal, says: []string{"dns problem: " + detail}, pattern: `dns problem: ` + detail + rest + `(?:` + asked + `)?`, args: checks.Args{"problem": problem}}
	}
	none := checks.Args{"problem": "noaddress"}
	return []phrase{
		lookup("NXDOMAIN", `nxdomain`), lookup("SERVFAIL", `servfail`), lookup("REFUSED", `refused`),
		lookup("timeout", `query timed out`), lookup("truncated", `response was truncated`),
		blind("network", "networking", `(?: error)?`), blind("resolver", "server failure at", `(?: resolver)?`),
		lookup("FORMERR", `formerr`), lookup("NOTIMP", `notimp`),
		{code: checks.CADNS, says: []string{"dnssec"}, pattern: `dns problem:` + asked + `: dnssec`, args: checks.Args{"problem": "dnssec"}},
		{code: checks.CADNS, says: []string{"no reachable authority", "network error between resolver"}, pattern: `dns problem:` + asked + `: (?:no reachable authority|network error)`, args: checks.Args{"problem": "network"}},
		{code: checks.CADNS, says: []string{"dns problem: looking up"}, pattern: `dns problem:` + asked},
		{code: checks.CADNS, says: []string{"no valid a records found"}, pattern: `no valid a records found for (?P<name>[^\s;"<]+)`, args: none},
		{code: checks.CADNS, says: []string{"no valid ip addresses found for", "no ip addresses found for"}, pattern: `no (?:valid )?ip addresses found for "?(?P<name>[^\s"<]+)`, args: none},
		{code: checks.CADNS, says: []string{"has no ipv4 or ipv6 addresses"}, pattern: `host "(?P<name>[^"]+)" has no ipv4 or ipv6`, args: none},
		{code: checks.CACAA, says: []string{"malformed"}, pattern: `(?:while processing caa for (?P<name>[^\s:]+): )?caa records?\b[^"{}]{0,100}?malformed|malformed caa|(?:while processing caa for (?P<name>[^\s:]+): )malformed`, args: checks.Args{"problem": "malformed"}},
		{code: checks.CACAA, says: []string{"prevents issuance"}, pattern: `(?:while processing caa for (?P<name>[^\s:]+): )?caa record for (?P<record>[^\s"]+) prevents issuance`},
	}
}

// accountRules are for the CA's answers about the account as a whole. A paused
// account is reported both as a rate limit and as a refusal, so that rule comes
// first.
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

// The CA's limits, as Boulder names them (ratelimits/names.go), and a former
// one.
const (
	newOrders             = "new_orders"
	certificatesPerDomain = "certificates_per_domain"
	certificatesPerSet    = "certificates_per_set"
	failedAuthorizations  = "failed_authorizations"
	newRegistrations      = "new_registrations"
	pendingAuthorizations = "pending_authorizations" // until November 2024
	requests              = "requests"               // of the load balancer: requests per client address
)

// limitRules find which limit is used up. The words in parentheses are
// optional: until 2024 Boulder's messages had none, and ended differently.
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
		{code: checks.CARateLimited, says: []string{"rate limit exceeded, next attempt in"}, pattern: `next attempt in (?P<wait>\d{1,7})(?:\.\d+)?s`}, // nginx-acme
		{code: checks.CARateLimited, says: []string{"let's encrypt "}, pattern: `let's encrypt [a-z ]{3,40} status 429\b`},                            // Hestia, Vesta
		{code: checks.CARateLimited, says: []string{"acme:error:ratelimited", "too many requests of a given type"}},
	}
}

// policyRules are refusals of names for which the CA never issues.
func policyRules() []phrase {
	reason := func(name string, says ...string) phrase {
		return phrase{code: checks.CARejected, says: says, args: checks.Args{"reason": name},
			pattern: `(?:cannot issue for|policy forbids issuing for:?) "?(?P<name>[^\s",]+?)"?:? .*?(?:` + alternatives(says) + `)(?:.*?\(and (?P<more>\d+) more problems)?`}
	}
	bare := func(name string, says ...string) phrase {
		return phrase{code: checks.CARejected, says: says, args: checks.Args{"reason": name}}
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
		reason("wildcard", "wildcard domain names are not supported"),
		{code: checks.CARejected, says: []string{"cannot issue for"}, pattern: `cannot issue for "(?P<name>[^"]+)"`},
		{code: checks.CARejected, says: []string{"wildcard domain names are not supported"}, args: checks.Args{"reason": "wildcard"}},
		{code: checks.CARejected, says: []string{"forbidden by policy", "policy forbids issuing for"}, args: checks.Args{"reason": "policy"}},
		bare("suffix", "does not end with a valid public suffix", "name does not end in a public suffix", "domain name is an icann tld", "is a wildcard for an icann tld"),
		bare("labels", "domain name has more than 10 labels", "dns name has too many labels"),
		bare("address", "identifier type is dns but value is an ip address", "ip address is in a reserved address block", "will not issue certificates for a bare ip address"),
		bare("wildcard", "wildcard names not supported"),
		bare("policy", "name is blacklisted"),
		// Subproblems, and the texts until 2018, do not repeat the name.
		bare("spelling", "domain name contains an invalid", "domain name contains malformed punycode", "domain name needs at least one dot", "domain name can not have two dots", "domain name ends in a dot", "domain name is longer than",
			"domain has a label (component", "domain name has more than one wildcard", "identifier value (name) is empty", "dns name does not have enough labels", "invalid character in dns name", "dns label is too long",
			"dns name ends in a period", "dns label contains malformed punycode"),
		{code: checks.CARejected, says: []string{"is not a fqdn"}, pattern: `requested (?:domain|name) (?P<name>\S+) is not a fqdn`, args: checks.Args{"reason": "spelling"}}, // certbot
		{code: checks.CARejected, says: []string{"does not qualify for a public certificate", "does not qualify for certificate"},
			pattern: `(?:subject '(?P<name>[^'\s]+)' does not qualify|does not qualify for a public certificate: (?P<name>[^\s"]+))|does not qualify for`}, // certmagic
		{code: checks.CARejected, says: []string{"the acme server has disabled this identifier type", "included unsupported identifier"}},
		{code: checks.CARejected, says: []string{"acme:error:rejectedidentifier", "acme:error:unsupportedidentifier", "server will not issue certificates for the identifier"}},
	}
}

// alternatives joins words into one pattern.
func alternatives(says []string) string {
	quoted := make([]string, len(says))
	for i, s := range says {
		quoted[i] = regexp.QuoteMeta(s)
	}
	return strings.Join(quoted, "|")
}

// theCA matches host names and URLs of CAs as clients write them, but not the
// URL of a challenge's file, whose host is the site's.
const theCA = `(?:[^\s/"']*(?:acme|letsencrypt|zerossl|sslcom|buypass|actalis)[^\s/"']*\.\w+|[^\s/"']*pki\.goog|[^\s/"']+/(?:acme|directory))[^\s"']*`

// selfRules are for clients that fetch the challenge's file themselves before
// they ask the CA. What that fetch met is no way to the CA, so these come before
// the rules for that.
func selfRules() []phrase {
	return []phrase{
		{code: checks.CAClient, says: []string{"wrote file to "}, pattern: `wrote file to .{1,300}?, but couldn't download`, args: checks.Args{"problem": "selfcheck"}},
		{code: checks.CAClient, says: []string{"failed to perform self check get request", "for some reason could not reach", "self check failed", "self-check failed"}, args: checks.Args{"problem": "selfcheck"}},
		{code: checks.CAClient, says: []string{"wrong status code '"}, pattern: `wrong status code '\d+', expected '200'`, args: checks.Args{"problem": "selfcheck"}},
	}
}

// wayRules are for errors of clients that could not reach the CA. They name the
// CA's host, which distinguishes them from errors that the CA reports about a
// site.
func wayRules() []phrase {
	way := func(pattern string, says ...string) phrase {
		return phrase{code: checks.CAUnreachable, says: says, pattern: pattern}
	}
	return []phrase{
		way("", "cannot init api", "can not init api"),
		way(`connectionpool\(host='`+theCA, "connectionpool(host='"),
		way(`(?:could not resolve host|couldn't resolve host(?: name)?|could not resolve proxy):? `+theCA, "resolve host", "resolve proxy"),
		way(`unable to resolve host address '?`+theCA, "unable to resolve host address"),
		way(`(?:failed to connect|couldn't connect|cannot connect) to (?:ca directory: )?`+theCA, "connect to"),
		way(`\b(?:get|post|head) "?https?://`+theCA+`"?: (?:dial |read |write |tls: |net/http: |context deadline|x509: |proxyconnect |eof|remote error: )`, "get \"http", "post \"http", "head \"http", "get http", "post http", "head http"),
		way(`problem connecting to server \(\w+ for https?://`+theCA, "problem connecting to server"),
		way("", "unsuccessful in contacting acme server at", "directory update failed (", "unable to connect to acme server"),
		way(`(?:no such host is known|connection attempt failed|actively refused it|host has failed to respond).{0,300}?\(`+theCA+`\)`, "no such host is known", "connection attempt failed", "actively refused it", "has failed to respond"), // .NET
		way(`(?:подключиться|соединиться|соединение|обратиться) (?:к|с) (?:хостом |сервером |серверу |узлу )?['"«]?(?:https?://)?`+theCA, "подключиться", "соединиться", "соединение", "обратиться"),
		way(`connection to `+theCA+` (?:timed out|failed|refused)`, "connection to"),
		way(`(?:requesting|could not reach|unable to (?:access|connect to)|cannot fetch acme directory:?) '?(?:https?://)?`+theCA, "requesting", "could not reach", "unable to", "cannot fetch acme directory"),
	}
}

// vagueRules are for words that several kinds of problem share.
func vagueRules() []phrase {
	return []phrase{
		{code: checks.CACAA, says: []string{"rechecking caa", "acme:error:caa"}, pattern: `(?:rechecking caa for "(?P<name>[^"]+)"(?: and (?P<more>\d+) more)?)|rechecking caa|acme:error:caa`},
		{code: checks.CACAA, says: []string{"processing caa for"}, pattern: `processing caa for (?P<name>[^\s:]+):`},
		{code: checks.CACAA, says: []string{"(caa) records forbid the ca"}},
		{code: checks.CAClient, says: []string{"error finalizing order ::", "error creating new order ::"}, args: checks.Args{"problem": "refused"}},
		{code: checks.CAInternal, says: []string{"order status is 'processing'", "order status is processing", "the ca is processing your order"}, args: checks.Args{"problem": "processing"}},
		{code: checks.CADNS, says: []string{"no valid aaaa records found"}, pattern: `no valid aaaa records found for (?P<name>[^\s;"<]+)`, args: checks.Args{"problem": "noaddress"}},
		{code: checks.CADNS, says: []string{"dns problem:"}},
		{code: checks.CAUnauthorized, says: []string{"invalid response from"}, args: checks.Args{"problem": "page", "challenge": "http-01"}},
		{code: checks.CAUnreachable, says: []string{"curl_get ", "curl_post "}, pattern: `curl_(?:get|post) \S+ failed`}, // uacme
		// Python's requests: certbot asks nobody else over HTTP.
		{code: checks.CAUnreachable, says: []string{"('connection aborted.'", "requests.exceptions.connectionerror", "requests.exceptions.sslerror", "requests.exceptions.readtimeout", "requests.exceptions.connecttimeout", "requests.exceptions.proxyerror"}},
		{code: checks.CAUnreachable, says: []string{"could not download cert", "could not make post request to le_linkorder", "error making get request for authz"}},
		{code: checks.CAUnreachable, says: []string{"could not resolve host", "couldn't resolve host", "couldn't connect to server", "failed to connect to", "failed to establish a new connection",
			"max retries exceeded", "please refer to https://curl.haxx.se/libcurl/c/libcurl-errors.html", "please refer to https://www.gnu.org/software/wget/manual/html_node/exit-status.html",
			"getaddrinfo failed", "temporary failure in name resolution", "proxy error", "407 proxy", "connect tunnel failed", "cannot make post request to", "to get nonce."}},
		{code: checks.CAUnreachable, says: []string{"curl: ("}, pattern: `curl: \((?:5|6|7|28|35|52|56|60|97)\)`},
		{code: checks.CAConnection, says: []string{"connection refused"}, args: checks.Args{"problem": "refused"}},
		{code: checks.CAConnection, says: []string{"connection reset by peer"}, args: checks.Args{"problem": "reset"}},
		{code: checks.CAConnection, says: []string{"network unreachable", "no route to host"}, args: checks.Args{"problem": "unreachable"}},
	}
}

// typeRules are for the types of problem documents (RFC 8555 section 6.7) and
// certbot's words for them, used when the text says nothing more specific.
func typeRules() []phrase {
	typed := func(code checks.Code, says ...string) phrase { return phrase{code: code, says: says} }
	return []phrase{
		typed(checks.CAConnection, "acme:error:connection", "could not connect to the client to verify the domain"),
		typed(checks.CADNS, "acme:error:dns", "acme:error:unknownhost", "problem with a dns query during identifier validation", "could not resolve a domain name"),
		typed(checks.CATLS, "acme:error:tls", "server experienced a tls error during domain verification"),
		typed(checks.CAUnauthorized, "acme:error:incorrectresponse"),
		// The type alone proves no validation: requests are refused with it too
		// (wfe2/wfe.go, ra/ra.go).
		{code: checks.CAUnauthorized, says: []string{"acme:error:unauthorized", "client lacks sufficient authorization"}, args: checks.Args{"problem": "unproven"}},
		{code: checks.CAClient, says: []string{"acme:error:malformed", "the request message was malformed"}, args: checks.Args{"problem": "request"}},
	}
}
