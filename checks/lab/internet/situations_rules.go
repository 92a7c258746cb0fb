package internet

import (
	"net/http"
	"strings"

	"github.com/miekg/dns"
)

// ruleSituations are the other side of rules of the CA that the situations
// elsewhere show from one side only.
func ruleSituations() []Situation {
	return append(addressRules(), append(answerRules(), caaRules()...)...)
}

// addressRules are about reserved addresses and the choice of one.
func addressRules() []Situation {
	const dropped, one, falls = "2.1 reserved addresses dropped", "2.1 address choice", "2.1 v6 fails to connect, v4 good"
	fails := serves(dns.TypeA, Behaviour{Rcode: dns.RcodeServerFailure})
	dual := withRecords("@ AAAA ::1", "www AAAA ::1")
	return []Situation{
		row("a private AAAA beside our A", dropped, "ok", withRecords("@ AAAA fd00::5")),
		row("the unspecified AAAA beside our A", dropped, "ok", withRecords("@ AAAA ::")),
		row("a link-local AAAA beside our A", dropped, "ok", withRecords("@ AAAA fe80::5")),
		row("a private A before ours", dropped, "ok", records("@ A 10.1.2.3", "@ A %us", "www A %us")),
		row("only an address of a carrier's network", dropped, "dns.noaddress", records("@ A 100.64.3.4", "www A %us")),
		row("an error for A alone, and IPv6 is well", "2.1 A lookup error, AAAA good", "ok", records("@ AAAA ::1", "www AAAA ::1"), fails, doors(six, Open, Open)),
		row("an error for A alone, and a private AAAA", "2.1 both lookups fail", "dns.servfail", records("@ AAAA fd00::5", "www A %us"), fails),
		row("two A, the first closed", one, "web.flapping", records("@ A "+secondAddr, "@ A "+ownAddr, "www A %us"), doors(secondAddr, Refused, Refused)),
		row("both families refuse", falls, "web.refused", dual, doors(six, Refused, Refused), doors(ownAddr, Refused, Refused)),
		row("IPv6 refuses, and IPv4 leads to a name of IPv4", falls, "ok", withRecords("@ AAAA ::1"), doors(six, Refused, Refused), toWWW),
		row("to https over both families", "2.1 visited before the fallback", "ok", dual, doors(six, Open, Open), page(six, toHTTPS), page(ownAddr, toHTTPS)),
	}
}

// toWWW redirects from our address to www over HTTP.
func toWWW(l *Lab) error {
	return page(ownAddr, func(usual http.Handler) http.Handler {
		return byHost(map[string]http.Handler{domain: Redirect(http.StatusMovedPermanently, "http://www.$host$request_uri")}, usual)
	})(l)
}

// answerRules are about redirects and the file.
func answerRules() []Situation {
	const target, secure, body = "2.1 redirect targets", "2.1 redirecting HTTPS server", "2.1 body"
	tokens := func(before, after string, code int) step {
		return page(ownAddr, func(usual http.Handler) http.Handler {
			c, _ := usual.(Challenges)
			c.Before, c.After, c.Code = before, after, code
			return c
		})
	}
	long := "/" + strings.Repeat("a", 1800)
	return []Situation{
		row("to https, where the certificate is over", secure, "cert.expired", page(ownAddr, toHTTPS), sameCertificate(lasting(-3), nil)),
		row("to https, where the certificate is signed by itself", secure, "cert.untrusted", page(ownAddr, toHTTPS), sameCertificate(Leaf{SelfSigned: true}, nil)),
		row("to port 80 by name", target, "ok", page(ownAddr, func(usual http.Handler) http.Handler {
			return byHost(map[string]http.Handler{domain: Redirect(301, "http://www.$host:80$request_uri")}, usual)
		})),
		row("to a path of 1900 bytes", target, "ok", page(ownAddr, func(usual http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, long) {
					http.StripPrefix(long, usual).ServeHTTP(w, r)
					return
				}
				Redirect(http.StatusFound, long+"$request_uri").ServeHTTP(w, r)
			})
		})),
		row("the right words with status 206", "2.1 status", "web.body", tokens("", "", http.StatusPartialContent)),
		row("a space before the words", body, "web.body", tokens(" ", "", 0)),
		row("a few spaces and tabs behind the words", body, "ok", tokens("", "  \t\r\n", 0)),
	}
}

// caaRules are about parameters and flags of CAA records.
func caaRules() []Situation {
	const us, other = ourAccount, "accounturi=https://acme-v02.api.letsencrypt.org/acme/acct/2002"
	return []Situation{
		row("a known critical tag", caaRule, "ok", caa(`128 issue "letsencrypt.org"`)),
		row("CAA binds to another account, and another record does not", caaRule, "ok", caa(`0 issue "letsencrypt.org; `+other+`"`, `0 issue "letsencrypt.org; `+us+`"`)),
		row("CAA with two lists of methods", caaRule, "dns.caa", caa(`0 issue "letsencrypt.org; validationmethods=http-01; validationmethods=http-01"`)),
		row("CAA with an empty method before http-01", caaRule, "dns.caa", caa(`0 issue "letsencrypt.org; validationmethods=,http-01"`)),
	}
}
