package acme

import (
	"regexp"
	"strings"

	"domovoy/checks"
)

// alternatives are words as one pattern.
func alternatives(says []string) string {
	quoted := make([]string, len(says))
	for i, s := range says {
		quoted[i] = regexp.QuoteMeta(s)
	}
	return strings.Join(quoted, "|")
}

// theCA are hosts of CAs as clients name them.
const theCA = `\S*(?:acme|letsencrypt|zerossl|pki\.goog|sslcom)\S*`

// wayRules are what clients say when they do not reach the CA: they name it,
// which tells them from what the CA says of a site.
func wayRules() []phrase {
	way := func(pattern string, says ...string) phrase {
		return phrase{code: checks.CAUnreachable, says: says, pattern: pattern}
	}
	return []phrase{
		way("", "httpsconnectionpool(host=", "httpconnectionpool(host=", "cannot init api", "can not init api"),
		way(`(?:could not resolve host|couldn't resolve host(?: name)?|could not resolve proxy):? `+theCA, "resolve host", "resolve proxy"),
		way(`(?:failed to connect|couldn't connect|cannot connect) to (?:ca directory: )?`+theCA, "connect to"),
		way(`connection to `+theCA+` (?:timed out|failed|refused)`, "connection to"),
		way(`(?:requesting|could not reach|unable to (?:access|connect to)|cannot fetch acme directory:?) '?(?:https?://)?`+theCA, "requesting", "could not reach", "unable to", "cannot fetch acme directory"),
	}
}

// internalRules are the CA's own faults.
func internalRules() []phrase {
	internal := func(says ...string) phrase { return phrase{code: checks.CAInternal, says: says} }
	return []phrase{
		internal("could not communicate with va", "secondary validation rpc", "insufficient remote perspectives"),
		internal("unable to meet ca sct embedding requirements", "failed to get scts"),
		internal("the service is down for maintenance", "service is temporarily unavailable"),
		{code: checks.CAInternal, says: []string{"internal server error", "bad gateway", "service unavailable", "service temporarily unavailable", "gateway time"},
			pattern: `(?P<status>50[0234]):? (?:internal server error|bad gateway|service (?:temporarily )?unavailable|gateway time-?out)`},
		internal("acme:error:serverinternal", "the server experienced an internal error"),
		internal("stopped retrying after reaching the retry limit", "all authorizations were not finalized by the ca"),
	}
}

// clientRules are faults of the panel's own client, of this host, or of the web
// server that the client reloads. What kind is the argument "problem".
func clientRules() []phrase {
	client := func(problem string, says ...string) phrase {
		return phrase{code: checks.CAClient, says: says, args: checks.Args{"problem": problem}}
	}
	return []phrase{
		client("key", "key values mismatch", "key_values_mismatch", "private key does not match", "ssl_ctx_use_privatekey"),
		client("webserver", "cannot load certificate", "pem_read_bio", "ssl_ctx_use_certificate", "nginx: configuration file", "nginx config is not correct",
			"problem with the nginx config", "while reloading nginx", "nginx restart failed", "nginx configuration test failed",
			"apache config file has errors", "apachectl graceful error", "error while running apache2ctl", "error while running nginx"),
		client("disk", "no space left on device", "disk quota exceeded", "не осталось свободного места", "нет места на устройстве"),
		client("lock", "another instance of certbot", "resource temporarily unavailable: '/var/lib/letsencrypt"),
		client("port", "is already used by", "could not bind tcp port", "address already in use"),
		client("dnsapi", "error adding txt record to domain", "cannot find dns api hook", "dns manual mode", "error removing txt for domain", "please add the txt records to the domains"),
		{code: checks.CAClient, says: []string{"order cannot contain more than"}, pattern: `order cannot contain more than (?P<count>\d+) (?:identifiers|dns names)`, args: checks.Args{"problem": "names"}},
		{code: checks.CAClient, says: []string{"is redundant with a wildcard domain"}, pattern: `"(?P<name>[^"]+)" is redundant with a wildcard domain`, args: checks.Args{"problem": "names"}},
		client("names", "cumulative length of all identifier values", "did not specify any identifiers", "incorrect number of identifiers", "csr does not specify same identifiers"),
		client("account", "acme:error:accountdoesnotexist", "no account exists with the provided key", "account that does not exist", "account key not found at", "account url is empty",
			"external account binding", "acme:error:externalaccountrequired", "eab credentials", "account registration error", "cannot find account id url"),
		{code: checks.CAClient, says: []string{"account "}, pattern: `account "[^"]*" not found|account id doesn't match|doesn't match account id in authorization`, args: checks.Args{"problem": "account"}},
		client("contact", "acme:error:invalidcontact", "acme:error:invalidemail", "acme:error:unsupportedcontact", "error validating contact", "contact email has"),
		client("terms", "acme:error:useractionrequired", "must agree to terms of service"),
		client("nonce", "acme:error:badnonce", "anti-replay nonce"),
		client("order", "is not acceptable for finalization", "acme:error:ordernotready", "no such authorization", "expired authorization", "no order for id", "no order found for account",
			"no such challenge", "authorization must be pending", "authorization is already being validated", "authorizations for these", "acme:error:conflict",
			"acme:error:alreadyreplaced", "already has a replacement order", "could not validate ari", "do not match any identifiers in the certificate being replaced"),
		client("request", "acme:error:badcsr", "acme:error:badpublickey", "acme:error:badsignaturealgorithm", "acme:error:badrevocationreason", "acme:error:alreadyrevoked", "acme:error:invalidprofile",
			"profile name", "unable to validate jws", "jws verification error", "error parsing certificate request", "is not permitted to use certificate profile", "request body too large"),
		client("file", "permission denied", "no such file or directory", "read-only file system", "cannot write token to file", "error creating csr", "error creating domain key",
			"ошибка при работе с файлами", "отказано в доступе", "нет такого файла или каталога"),
	}
}

// vagueRules are words that more than one kind of trouble brings.
func vagueRules() []phrase {
	return []phrase{
		{code: checks.CACAA, says: []string{"rechecking caa", "acme:error:caa"}, pattern: `(?:rechecking caa for "(?P<name>[^"]+)"(?: and (?P<more>\d+) more)?)|rechecking caa|acme:error:caa`},
		{code: checks.CACAA, says: []string{"(caa) records forbid the ca"}},
		{code: checks.CADNS, says: []string{"no valid aaaa records found"}, pattern: `no valid aaaa records found for (?P<name>[^\s;"<]+)`, args: checks.Args{"problem": "noaddress"}},
		{code: checks.CADNS, says: []string{"dns problem:"}},
		{code: checks.CAUnauthorized, says: []string{"invalid response from"}, args: checks.Args{"problem": "page", "challenge": "http-01"}},
		{code: checks.CAUnreachable, says: []string{"could not resolve host", "couldn't resolve host", "couldn't connect to server", "failed to connect to", "failed to establish a new connection",
			"max retries exceeded", "please refer to https://curl.haxx.se/libcurl/c/libcurl-errors.html", "please refer to https://www.gnu.org/software/wget/manual/html_node/exit-status.html",
			"getaddrinfo failed", "temporary failure in name resolution", "proxy error", "407 proxy", "connect tunnel failed", "cannot make post request to", "to get nonce."}},
		{code: checks.CAUnreachable, says: []string{"curl: ("}, pattern: `curl: \((?:5|6|7|28|35|52|56|60|97)\)`},
		{code: checks.CAConnection, says: []string{"connection refused"}, args: checks.Args{"problem": "refused"}},
		{code: checks.CAConnection, says: []string{"connection reset by peer"}, args: checks.Args{"problem": "reset"}},
		{code: checks.CAConnection, says: []string{"network unreachable", "no route to host"}, args: checks.Args{"problem": "unreachable"}},
	}
}

// typeRules are the types of problem documents (RFC 8555 section 6.7) and
// certbot's words for them, where nothing more is said.
func typeRules() []phrase {
	typed := func(code checks.Code, says ...string) phrase { return phrase{code: code, says: says} }
	return []phrase{
		typed(checks.CAConnection, "acme:error:connection", "could not connect to the client to verify the domain"),
		typed(checks.CADNS, "acme:error:dns", "acme:error:unknownhost", "problem with a dns query during identifier validation", "could not resolve a domain name"),
		typed(checks.CATLS, "acme:error:tls", "server experienced a tls error during domain verification"),
		typed(checks.CAUnauthorized, "acme:error:unauthorized", "acme:error:incorrectresponse", "client lacks sufficient authorization"),
		{code: checks.CAClient, says: []string{"acme:error:malformed", "the request message was malformed"}, args: checks.Args{"problem": "request"}},
	}
}
