package acme

import "domovoy/checks"

// seen is the address that a validator went to, as Boulder puts it before what
// happened there (va.go, ipError).
const seen = `(?:(?:^|[\s">(])(?P<address>[0-9a-f.:]+): )?`

// fetching is the page that a validator asked for.
const fetching = `fetching https?://(?P<host>[^\s/:"]+)\S*: `

// fileRules are answers that are not the file that was asked for (va/http.go,
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
		{code: checks.CAUnauthorized, args: alpn, says: []string{"incorrect validation certificate"}, pattern: seen + `incorrect validation certificate for tls-\S+ challenge\. requested (?P<name>\S+) from`},
		{code: checks.CAUnauthorized, args: alpn, says: []string{"cannot negotiate alpn protocol", "no certs presented for tls"}, pattern: seen + `(?:cannot negotiate alpn protocol|no certs presented for tls)`},
	}
}

// recordRules are TXT records that are not the ones asked for (va/dns.go).
func recordRules() []phrase {
	record := func(problem, pattern string, says ...string) phrase {
		return phrase{code: checks.CAUnauthorized, says: says, pattern: pattern, args: checks.Args{"problem": problem, "challenge": "dns-01"}}
	}
	const owner = `_acme-challenge(?:_\w+)?\.(?P<name>[^\s"<]+)`
	return []phrase{
		record("missing", `no txt record found at (?P<record>(?:_\w+\.)?`+owner+`)`, "no txt record found at"),
		record("wrong", `incorrect txt record "[^"]*"?(?: \(and (?P<others>\d+) more\))? found at (?P<record>(?:_\w+\.)?`+owner+`)`, "incorrect txt record"),
		record("wrong", `incorrect txt record`, "incorrect txt record"),
		record("wrong", `correct value not found for dns challenge`, "correct value not found for dns challenge"),
		record("missing", `dns problem: nxdomain looking up txt for (?P<record>`+owner+`)`, "nxdomain looking up txt for _acme-challenge"),
	}
}

// connectionRules are connections that did not come about, or ended too soon
// (va/va.go, va/http.go).
func connectionRules() []phrase {
	connection := func(problem, words string, says ...string) phrase {
		return phrase{code: checks.CAConnection, says: says, pattern: seen + `(?:` + fetching + `)?(?:` + words + `)`, args: checks.Args{"problem": problem}}
	}
	// met are words that our own way to the CA may bring too: only a
	// validator puts an address before them.
	met := func(problem, words string, says ...string) phrase {
		return phrase{code: checks.CAConnection, says: says, pattern: `(?:(?:^|[\s">(])(?P<address>[0-9a-f.:]+): )` + `(?:` + fetching + `)?(?:` + words + `)|` +
			fetching + `(?:` + words + `)`, args: checks.Args{"problem": problem}}
	}
	tls := func(says ...string) phrase {
		return phrase{code: checks.CATLS, says: says, pattern: seen + `(?:` + fetching + `)?(?:` + alternatives(says) + `)`}
	}
	return []phrase{
		connection("timeout", `timeout during connect`, "timeout during connect"),
		connection("slow", `timeout (?:during \w+|after connect) \(your server`, "timeout during", "timeout after connect"),
		connection("http2", `server is speaking http/2 over http`, "speaking http/2 over http"),
		connection("broken", `error getting validation data`, "error getting validation data"),
		connection("loop", `redirect loop detected`, "redirect loop detected"),
		connection("redirect", `too many redirects|invalid (?:port|host|protocol scheme|empty host|hostname) in redirect|redirect target too long|received disallowed redirect status code|unable to determine redirect`,
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

// nameRules are what resolvers said to the CA: of addresses, of CAA records
// (bdns/problem.go, va/caa.go).
func nameRules() []phrase {
	const asked = ` looking up (?P<type>\w+) for (?P<name>[^\s;:,"<]+)`
	lookup := func(problem, detail string) phrase {
		return phrase{code: checks.CADNS, says: []string{"dns problem: " + detail}, pattern: `dns problem: ` + detail + `(?: \(and was canceled\))?(?:` + asked + `)?`, args: checks.Args{"problem": problem}}
	}
	none := checks.Args{"problem": "noaddress"}
	return []phrase{
		lookup("NXDOMAIN", `nxdomain`), lookup("SERVFAIL", `servfail`), lookup("REFUSED", `refused`),
		lookup("timeout", `query timed out`), lookup("network", `networking error`),
		lookup("resolver", `server failure at resolver`), lookup("truncated", `response was truncated`),
		lookup("FORMERR", `formerr`), lookup("NOTIMP", `notimp`),
		{code: checks.CADNS, says: []string{"dnssec"}, pattern: `dns problem:` + asked + `: dnssec`, args: checks.Args{"problem": "dnssec"}},
		{code: checks.CADNS, says: []string{"no reachable authority", "network error between resolver"}, pattern: `dns problem:` + asked + `: (?:no reachable authority|network error)`, args: checks.Args{"problem": "network"}},
		{code: checks.CADNS, says: []string{"dns problem: looking up"}, pattern: `dns problem:` + asked},
		{code: checks.CADNS, says: []string{"no valid a records found"}, pattern: `no valid a records found for (?P<name>[^\s;"<]+)`, args: none},
		{code: checks.CADNS, says: []string{"no valid ip addresses found for", "no ip addresses found for"}, pattern: `no (?:valid )?ip addresses found for "?(?P<name>[^\s"<]+)`, args: none},
		{code: checks.CADNS, says: []string{"has no ipv4 or ipv6 addresses"}, pattern: `host "(?P<name>[^"]+)" has no ipv4 or ipv6`, args: none},
		{code: checks.CACAA, says: []string{"prevents issuance"}, pattern: `(?:while processing caa for (?P<name>[^\s:]+): )?caa record for (?P<record>[^\s"]+) prevents issuance`},
	}
}
