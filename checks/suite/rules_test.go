package suite_test

import (
	"strings"
	"sync"
	"testing"

	"domovoy/checks/lab/internet"
)

// definite returns what a correct verdict means for the CA's validation; known
// is false if it says nothing of it. Verdicts about certificates, the panel and
// the CA's last text do not speak against a validation now; a name that the CA
// refuses does.
func definite(verdict string) (passes, known bool) {
	switch {
	case verdict == "unknown":
		return false, false
	case verdict == "ca.rejected", strings.HasPrefix(verdict, "dns."), strings.HasPrefix(verdict, "web."):
		return false, true
	}
	return true, true
}

// TestValidation compares the verdict of each situation, which TestSituations
// holds ours to, with a validation by the CA's rules: who would not pass has a
// cause in DNS, on the way or in the name, and who passes has none. It also
// checks that each rule decides the situations that its row names.
func TestValidation(t *testing.T) {
	var mu sync.Mutex
	results := map[string]*refusal{}
	compared := 0
	t.Run("all", func(t *testing.T) {
		for _, s := range internet.Situations() {
			passes, known := definite(s.Want)
			if !known {
				continue
			}
			t.Run(s.Name, func(t *testing.T) {
				t.Parallel()
				lab, err := s.Start(t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				defer func() {
					if err := lab.Close(); err != nil {
						t.Error(err)
					}
				}()
				r := newValidator(t, lab).order(t.Context())
				mu.Lock()
				defer mu.Unlock()
				results[s.Name] = r
				switch {
				case r != nil && r.rule == notTried:
					return
				case passes && r != nil:
					t.Errorf("the verdict is %s, but the CA refuses (%s): %s", s.Want, r.rule, r.because)
				case !passes && r == nil:
					t.Errorf("the verdict is %s, but the CA's rules let it pass", s.Want)
				}
				compared++
			})
		}
	})
	t.Logf("%d situations compared", compared)
	if t.Failed() {
		return
	}
	for _, rule := range rulesOfTheCA() {
		t.Run(rule.name, func(t *testing.T) { rule.check(t, results) })
	}
}

// check checks that the validator decided the rule's situations as its row
// says.
func (r ruleOfTheCA) check(t *testing.T, results map[string]*refusal) {
	t.Logf("%s [%s]", r.says, r.source)
	if len(r.pass) == 0 || len(r.fail) == 0 {
		t.Error("a rule needs a situation on each side")
	}
	for _, name := range r.pass {
		if result, there := results[name]; !there || result != nil {
			t.Errorf("%q (run: %t) does not pass: %v", name, there, result)
		}
	}
	for _, name := range r.fail {
		switch result := results[name]; {
		case result == nil:
			t.Errorf("%q is missing, or passes", name)
		case r.other == "" && result.rule != r.name, r.other != "" && result.rule != r.other:
			t.Errorf("%q fails by another rule, %s: %s", name, result.rule, result.because)
		}
	}
}

// TestAllowedMisses checks how many remotes may fail (Boulder, va/va.go).
func TestAllowedMisses(t *testing.T) {
	for remotes, want := range map[int]int{0: 0, 1: 0, 2: 1, 3: 1, 4: 1, 5: 1, 6: 2, 10: 2} {
		if got := mayMiss(remotes); got != want {
			t.Errorf("of %d remotes %d may fail, want %d", remotes, got, want)
		}
	}
}

// ruleOfTheCA is one rule by which Let's Encrypt validates http-01.
type ruleOfTheCA struct {
	name   string // as in refusal.rule
	says   string
	source string   // a file of Boulder (github.com/letsencrypt/boulder), a document of the CA, an RFC; "tried": measured with Boulder's VA
	pass   []string // situations that keep the rule
	fail   []string // situations that break it
	other  string   // the rule that refuses those; empty: this one
}

// rulesOfTheCA returns all rules. Wildcards are not among them: http-01 does not
// validate any.
func rulesOfTheCA() []ruleOfTheCA {
	return append(rulesBefore(), append(rulesOfRedirects(), rulesOfCAA()...)...)
}

// rulesBefore are about names, addresses, connections and the file.
func rulesBefore() []ruleOfTheCA {
	return []ruleOfTheCA{
		{name: "names", says: "at most 253 bytes and ten labels; letters, digits and hyphens; punycode where hyphens are third and fourth; below a suffix of ICANN's list, and none itself; not on the CA's own list",
			source: "policy/pa.go",
			pass:   []string{"ten labels", "a name below a private suffix", "a site of .рф with all well"},
			fail: []string{"eleven labels", "an underscore", "a label of 64 characters", "a hyphen begins a label", "a hyphen ends a label", "hyphens of an IDN in a label that is none",
				"punycode that is none", "not below a public suffix", "a public suffix", "one label", "an address in place of a name", "an alias of the office", "a name against the policy"}},
		{name: "addresses", says: "A and AAAA are looked up at the same time; an error of one family does not matter if the other has an address; with none the validation fails",
			source: "va/dns.go; tried",
			pass:   []string{"an error for AAAA alone", "an error for A alone, and IPv6 is well", "IPv6 alone is well", "one lame server of two", "answers cut to be asked over TCP"},
			fail: []string{"servers that fail for addresses only", "no address", "no such name in a living zone", "an alias does not exist", "a signature that is over",
				"servers that do not answer", "an error for A alone, and a private AAAA"}},
		{name: "reserved addresses", says: "private and other reserved addresses are dropped before anything is dialed", source: "va/dns.go, iana/ip.go",
			pass: []string{"a private AAAA beside our A", "the unspecified AAAA beside our A", "a link-local AAAA beside our A", "a private A before ours"},
			fail: []string{"only a private address", "only an address of a carrier's network"}, other: "addresses"},
		{name: "connection", says: "the first AAAA, else the first A, is the one that is tried: other addresses of the family are not", source: "va/http.go; tried",
			pass: []string{"two addresses of ours, both well", "both families are well"},
			fail: []string{"port 80 is closed", "IPv6 alone refuses", "two A, the first closed"}},
		{name: "fallback", says: "if the first AAAA cannot be connected to, the first URL is requested once more at the first A", source: "va/http.go; tried",
			pass: []string{"IPv6 refuses, and the CA falls back", "IPv6 is dead on both ports, and the CA falls back", "IPv6 refuses, and IPv4 leads to a name of IPv4"},
			fail: []string{"both families refuse"}, other: "connection"},
		{name: "no fallback after a response", says: "there is none for 404 over IPv6", source: "va/http.go; tried",
			pass: []string{"both families are well"},
			fail: []string{"IPv6 answers 404"}, other: "status"},
		{name: "no fallback after a connection", says: "there is none for a reset or an end over IPv6", source: "va/http.go; tried",
			pass: []string{"both families are well"},
			fail: []string{"IPv6 resets", "IPv6 hangs up"}, other: "response"},
		{name: "no fallback after silence", says: "there is none for silence over IPv6, and no time for one after a dial that hangs", source: "va/http.go; tried",
			pass: []string{"both families are well"},
			fail: []string{"IPv6 says nothing", "both families are dropped", "IPv6 is dropped, and the CA falls back too late"}, other: "deadline"},
		{name: "no fallback of a redirect's host", says: "the host of a redirect has no fallback of its own", source: "va/http.go; tried",
			pass: []string{"to www"},
			fail: []string{"to www, which has a dead AAAA", "to https, and IPv6 is dead on both ports"}, other: "connection"},
		{name: "visited before the fallback", says: "URLs visited before the fallback stay visited: the same redirect is a loop then", source: "va/http.go; tried",
			pass: []string{"to https over both families"},
			fail: []string{"to https, which only IPv4 has"}, other: "redirect loop"},
		{name: "deadline", says: "each perspective has about ten seconds for everything, and one dial may use all of them", source: "va/va.go, va/http.go; tried",
			pass: []string{"a slow answer, but in time", "ten redirects"},
			fail: []string{"a firewall drops port 80", "accepted, never answered", "an answer that never comes", "to https, which a firewall drops", "the file comes after ten seconds"}},
		{name: "response", says: "the connection lasts until a response of HTTP/1.1 has come", source: "va/va.go (detailedError); tried",
			pass: []string{"all is well"},
			fail: []string{"a reset after the request", "hung up after the request", "HTTP/2 on port 80", "to https, which resets"}},
		{name: "status", says: "the status is exactly 200", source: "va/http.go; tried",
			pass: []string{"all is well", "our own 404, and no folder to place a file in"}, // a 404 is right where no file was placed
			fail: []string{"the right words with status 203", "the right words with status 206", "no content, 204", "nginx forbids", "another folder than the panel's", "overloaded, 503"}},
		{name: "body", says: "fewer than 128 bytes; the key authorization, with white space behind it at most", source: "va/http.go; RFC 8555 section 8.3; tried",
			pass: []string{"a new line behind the words", "a few spaces and tabs behind the words"},
			fail: []string{"an application answers every path", "the wrong words in the file", "a byte order mark before the words", "a page of spaces behind the words", "a space before the words"}},
		{name: "quorum", says: "one of two to five remotes may fail, two of six and more, none of fewer", source: "va/va.go; Baseline Requirements section 3.2.2.9",
			pass: []string{"four validators of five came", "all is well"},
			fail: []string{"one validator of six came", "two came, one more stands on a blocklist", "a balancer with a dead server"}},
	}
}

// rulesOfRedirects are about where a redirect may lead.
func rulesOfRedirects() []ruleOfTheCA {
	const source = "va/http.go"
	return []ruleOfTheCA{
		{name: "redirect codes", says: "301, 302, 307 and 308", source: source,
			pass: []string{"to https by 301", "to https by 302", "to https by 307", "to https by 308"}, fail: []string{"to https by 303"}},
		{name: "redirect count", says: "eleven are followed; the document says ten", source: source + "; letsencrypt.org/docs/challenge-types; tried",
			pass: []string{"ten redirects", "eleven redirects"}, fail: []string{"twelve redirects"}},
		{name: "redirect protocol", says: "http and https", source: source,
			pass: []string{"to https by 301", "to www"}, fail: []string{"to another protocol"}},
		{name: "redirect port", says: "80 and 443", source: source + "; letsencrypt.org/docs/challenge-types",
			pass: []string{"to port 443 by name", "to port 80 by name"}, fail: []string{"to port 8080"}},
		{name: "redirect host", says: "not empty, not ending in .well-known, below a suffix of ICANN's list", source: source,
			pass: []string{"to www"}, fail: []string{"to a host without its slash", "to a name of the local network"}},
		{name: "redirect to a reserved address", says: "an address in place of a host is a public one", source: source + ", iana/ip.go",
			pass: []string{"to www"}, fail: []string{"to a private address"}},
		{name: "redirect path", says: "at most 2000 bytes", source: source,
			pass: []string{"to a path of 1900 bytes"}, fail: []string{"to a path of 2001 bytes"}},
		{name: "redirect loop", says: "no URL is visited twice", source: source,
			pass: []string{"to https by 301", "ten redirects"}, fail: []string{"to itself", "to https and back", "a cookie is wanted"}},
		{name: "redirect to TLS", says: "TLS 1.2 or later; the certificate is not verified", source: source + "; letsencrypt.org/docs/challenge-types",
			pass: []string{"to https, where the certificate is over", "to https, where the certificate is signed by itself"},
			fail: []string{"to https with TLS 1.1", "to https, which is plain HTTP"}},
	}
}

// rulesOfCAA are about CAA records.
func rulesOfCAA() []ruleOfTheCA {
	const source = "va/caa.go"
	return []ruleOfTheCA{
		{name: "CAA issuer", says: "a set with issue records has one that names exactly letsencrypt.org; sets without any exclude nobody", source: source + "; RFC 8659 section 4.2",
			pass: []string{"CAA names our CA", "CAA names our CA among others", "CAA in capitals", "CAA for wildcards only", "CAA with a report address only"},
			fail: []string{"CAA names another CA", "CAA forbids all", "CAA with a dot behind our CA's name", "the CAA of an alias forbids", "the CAA at a CNAME's end forbids"}},
		{name: "CAA tree", says: "the set of the name counts, or of its closest parent that has one, up to the top level", source: source + "; RFC 8659 section 3",
			pass: []string{"CAA of the name overrules its parent's"},
			fail: []string{"the parent's CAA forbids", "the top level's CAA forbids"}, other: "CAA issuer"},
		{name: "CAA errors", says: "an error before the first set excludes, one behind it does not; a name that does not exist is no error", source: source + ", bdns/dns.go; tried",
			pass: []string{"CAA of the name stands before its parent's error", "no such name, for CAA alone"},
			fail: []string{"CAA fails", "CAA not implemented", "CAA refused", "CAA taken for an ill-formed question", "the parent's CAA fails"}},
		{name: "CAA critical", says: "an unknown tag with flag 128, or 1, excludes", source: source + "; RFC 8659 section 4.1",
			pass: []string{"an unknown tag that is not critical", "a known critical tag"},
			fail: []string{"an unknown critical tag, bit 128", "an unknown critical tag, flag 1"}},
		{name: "CAA account", says: "accounturi, at most one in a record, is the URL of the account", source: source + "; RFC 8657 section 3",
			pass: []string{"CAA binds to our account", "CAA binds to another account, and another record does not"},
			fail: []string{"CAA binds to another account", "CAA names two accounts in one record"}},
		{name: "CAA method", says: "validationmethods, at most one in a record, contains http-01, with nothing ill-formed before it", source: source + "; RFC 8657 section 4",
			pass: []string{"CAA allows http-01 among others"},
			fail: []string{"CAA allows dns-01 only", "CAA with two lists of methods", "CAA with an empty method before http-01"}},
	}
}
