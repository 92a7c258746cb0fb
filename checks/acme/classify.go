// Package acme understands what a CA and its clients say.
package acme

import (
	"regexp"
	"strings"
	"time"

	"domovoy/checks"
)

// secondary is the prefix that Boulder puts before the first failure of a
// remote validator when its own check passed (va.go).
const secondary = "During secondary validation:"

// rule is one known phrase. Rules are tried in order, so the particular
// stands before the general.
type rule struct {
	code    checks.Code
	pattern *regexp.Regexp // named groups become arguments
}

// Classifier turns texts of an issuing log into codes. It is safe for
// concurrent use; make one and keep it.
type Classifier struct{ rules []rule }

// NewClassifier compiles the rules. The phrases are Boulder's (problem texts
// of wfe2, ra, va and ratelimits), with what certbot, acme.sh and nginx say
// around them. The problem's type comes last: public logs show the same
// phrase under several types, a phrase never under two meanings.
func NewClassifier() *Classifier {
	table := []struct {
		code    checks.Code
		pattern string
	}{
		{checks.CAPaused, `temporarily prevented from requesting certificates|/sfe/v\d+/unpause\?jwt=`},
		{checks.CABlocked, `Account blocked|[Aa]ccount is not valid, has status|account with the provided public key exists but is (?:deactivated|revoked)`},
		{checks.CARateLimited, `too many (?P<limit>new orders|certificates|failed authorizations|new registrations|currently pending authorizations)(?: recently)?(?: \((?P<count>\d+)\))?(?:.*? for "(?P<name>[^"]+)")?`},
		{checks.CARateLimited, `acme:error:rateLimited|too many requests of a given type|Service busy; retry later`},
		{checks.CARejected, `rejectedIdentifier|Cannot issue for "(?P<name>[^"]+)"|forbidden by policy|does not end with a valid public suffix|Policy forbids issuing`},
		{checks.CACAA, `CAA record for (?P<name>\S+) prevents issuance|acme:error:caa|[Rr]echecking [Cc][Aa][Aa]`},
		{checks.CADNS, `DNS problem: (?P<problem>NXDOMAIN|SERVFAIL|REFUSED|query timed out|networking error)|DNS problem:|no valid A(?:AAA)? records found|acme:error:dns\b`},
		{checks.CAUnauthorized, `Invalid response from .*?: (?P<status>\d{3})|Invalid response from|key authorization file from the server did not match|No TXT record found|Incorrect TXT record`},
		// Our own way to the CA, before anything that a site's port could say too.
		{checks.CAUnreachable, `Could not resolve host|Could ?n[o']t connect to server|[Ff]ailed to connect to \S*(?:acme|letsencrypt)|[Cc]onnection to \S*(?:acme|letsencrypt)\S* (?:timed out|failed|refused)|HTTPS?ConnectionPool\(host=|Failed to establish a new connection|Max retries exceeded|curl: \((?:5|6|7|28|35|56|60|97)\)|Please refer to https://curl\.haxx\.se/libcurl/c/libcurl-errors\.html|Can not init api|getaddrinfo failed|Temporary failure in name resolution|Proxy Error|407 Proxy|CONNECT tunnel failed`},
		{checks.CAConnection, `Timeout (?:during connect|during read|after connect)|Connection refused|Connection reset by peer|Network unreachable|No route to host|Redirect loop detected|Too many redirects|Invalid (?:port|host) in redirect|Error getting validation data|speaking HTTP/2 over HTTP`},
		{checks.CATLS, `acme:error:tls\b|only speaks HTTP, not TLS|remote error: tls|tls: `},
		{checks.CAInternal, `acme:error:serverInternal|Could not communicate with VA|Unable to meet CA SCT|50[0234] (?:Internal Server Error|Bad Gateway|Service (?:Temporarily )?Unavailable|Gateway Time-?out)|The service is down for maintenance`},
		{checks.CAClient, `badNonce|anti-replay nonce|accountDoesNotExist|No account exists with the provided key|Account ".*" not found|acme:error:(?:malformed|badCSR|badPublicKey|badSignatureAlgorithm|invalidProfile|alreadyReplaced|conflict|orderNotReady|userActionRequired)|is not acceptable for finalization|No such authorization|Expired authorization|No order for ID|key values mismatch|Another instance of Certbot|[Nn]o space left on device|[Pp]ermission denied|ошибка при работе с файлами`},
		{checks.CAUnauthorized, `acme:error:unauthorized`},
		{checks.CAConnection, `acme:error:connection`},
	}
	c := &Classifier{rules: make([]rule, len(table))}
	for i, r := range table {
		c.rules[i] = rule{r.code, regexp.MustCompile(r.pattern)}
	}
	return c
}

// Classify gives the code of an error text with its arguments, or "" for a
// text that no rule knows: an unknown text is shown raw, never guessed. A
// failure of the CA's remote validators only is CARemote, its inner code the
// argument "inner".
func (c *Classifier) Classify(text string) (checks.Code, checks.Args) {
	for _, r := range c.rules {
		groups := r.pattern.FindStringSubmatch(text)
		if groups == nil {
			continue
		}
		args := checks.Args{}
		for i, name := range r.pattern.SubexpNames() {
			if name != "" && groups[i] != "" {
				args[name] = groups[i]
			}
		}
		if after, ok := retryAfter(text); ok {
			args["until"] = after
		}
		if strings.Contains(text, secondary) {
			args["inner"] = string(r.code)
			return checks.CARemote, args
		}
		return r.code, args
	}
	return "", nil
}

// retryAfter reads the moment that every rateLimited text of Boulder ends
// with: "retry after 2026-11-21 10:00:00 UTC".
func retryAfter(text string) (time.Time, bool) {
	_, rest, ok := strings.Cut(text, "retry after ")
	if !ok || len(rest) < len("2006-01-02 15:04:05 UTC") {
		return time.Time{}, false
	}
	t, err := time.Parse("2006-01-02 15:04:05 MST", rest[:len("2006-01-02 15:04:05 UTC")])
	return t, err == nil
}
