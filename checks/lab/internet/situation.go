package internet

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"
)

// Situation is a site with one or two faults, and the correct verdict.
type Situation struct {
	Name  string   // describes the faults
	Rule  string   // source: a table of the CA's behaviour, or a kind of cause
	Want  string   // the root cause
	Also  []string // codes that must be reported beside it
	Who   string   // who must act; empty: as the code says
	steps []step
}

// step changes the healthy lab before its servers start.
type step func(*Lab) error

// Situations returns all situations with which the diagnosis is tested. In
// each, a person asks, so that names are checked as thoroughly as possible.
func Situations() []Situation {
	return slices.Concat(registrationSituations(), delegationSituations(), addressSituations(), caaSituations(),
		doorSituations(), answerSituations(), redirectSituations(), familySituations(), unevenSituations(), proxySituations(),
		certificateSituations(), authoritySituations(), policySituations(), blindSituations(), doubleSituations(), ruleSituations())
}

// Start starts the situation; its files are below dir.
func (s Situation) Start(dir string) (*Lab, error) {
	l, err := newLab(dir)
	if err == nil {
		for _, change := range s.steps {
			if err = change(l); err != nil {
				break
			}
		}
	}
	if err == nil {
		err = l.open()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting %q: %w", s.Name, err), l.Close())
	}
	return l, nil
}

// row makes a situation; it keeps the tables readable.
func row(name, rule, want string, steps ...step) Situation {
	return Situation{Name: name, Rule: rule, Want: want, steps: steps}
}

// also adds codes that must be reported beside the root cause.
func (s Situation) also(codes ...string) Situation {
	s.Also = append(slices.Clone(s.Also), codes...)
	return s
}

// by sets who must act.
func (s Situation) by(who string) Situation {
	s.Who = who
	return s
}

// about asks about another name, in a zone of its own that points to us.
func about(name string) step {
	return func(l *Lab) error {
		l.Domain, l.Panel.Aliases = name, nil
		c, err := l.CA.Issue(Leaf{Names: []string{name}})
		l.draft.served, l.draft.file, l.draft.key = c, c, c
		return err
	}
}

// delegate replaces a zone; if it names none, the domain's own.
func delegate(z Zone) step {
	return func(l *Lab) error {
		z := z // the same situation may be started several times concurrently
		if z.Origin == "" {
			z.Origin = l.Domain
		}
		return l.DNS.AddZone(z)
	}
}

// records replaces the content of the domain's zone; %us is our address.
func records(lines ...string) step {
	return delegate(Zone{Text: strings.ReplaceAll(strings.Join(lines, "\n"), "%us", ownAddr)})
}

// withRecords adds records to a zone that points to us.
func withRecords(lines ...string) step {
	return records(append([]string{"@ A %us", "www A %us"}, lines...)...)
}

// undelegated removes the domain from the DNS.
func undelegated(l *Lab) error {
	l.DNS.RemoveZone(l.Domain)
	return nil
}

// registered adds the domain, after a change, to its registry.
func registered(change func(*Registration)) step {
	return func(l *Lab) error {
		r := registration(l.Domain, true)
		change(&r)
		l.Registry.Register(r)
		return nil
	}
}

// unregistered removes the domain from its registry and the DNS.
func unregistered(l *Lab) error {
	l.Registry.Forget(l.Domain)
	return undelegated(l)
}

// serves sets how the domain's own servers answer one type of question.
func serves(qtype uint16, b Behaviour) step {
	return func(l *Lab) error {
		l.DNS.Serve(l.Domain, qtype, b)
		return nil
	}
}

// resolves sets how the resolver answers one type of question.
func resolves(qtype uint16, b Behaviour) step {
	return func(l *Lab) error {
		l.DNS.Resolve(l.Domain, qtype, b)
		return nil
	}
}

// asking uses another resolver.
func asking(t Temper) step {
	return func(l *Lab) error {
		l.Resolver = l.DNS.Resolver(t)
		return nil
	}
}

// host changes the host at an address of ours, and adds the address to the
// panel.
func host(addr string, change func(*Lab, *Host)) step {
	return func(l *Lab) error {
		at := netip.MustParseAddr(addr)
		h, there := l.draft.hosts[at]
		if !there {
			l.Panel.Addresses = append(l.Panel.Addresses, at)
			h.Sites = map[string]http.Handler{"": l.site()}
		}
		change(l, &h)
		l.draft.hosts[at] = h
		return nil
	}
}

// doors sets both doors of an address.
func doors(addr string, http, https Door) step {
	return host(addr, func(_ *Lab, h *Host) { h.HTTP, h.HTTPS = http, https })
}

// page replaces the handler of an address by one that is made from the usual
// one.
func page(addr string, of func(usual http.Handler) http.Handler) step {
	return host(addr, func(l *Lab, h *Host) { h.Sites = map[string]http.Handler{"": of(l.site())} })
}

// instead replaces the handler of our address.
func instead(other http.Handler) step {
	return page(ownAddr, func(http.Handler) http.Handler { return other })
}

// toHTTPS redirects to the same URL over HTTPS, as panels do.
func toHTTPS(usual http.Handler) http.Handler {
	return BySecurity(Redirect(http.StatusMovedPermanently, "https://$host$request_uri"), usual)
}

// certificate sets the certificate in the file and the one that is served, each
// from a leaf.
func certificate(file, served Leaf) step {
	return func(l *Lab) error {
		var err error
		if l.draft.file, err = l.CA.Issue(ofSite(file)); err != nil {
			return err
		}
		l.draft.key = l.draft.file
		l.draft.served, err = l.CA.Issue(ofSite(served))
		return err
	}
}

// sameCertificate sets one certificate, after a change, in the file and as
// served.
func sameCertificate(leaf Leaf, change func(*tls.Certificate) *tls.Certificate) step {
	return func(l *Lab) error {
		c, err := l.CA.Issue(ofSite(leaf))
		if err != nil {
			return err
		}
		if change != nil {
			c = change(c)
		}
		l.draft.file, l.draft.key, l.draft.served = c, c, c
		return nil
	}
}

// ofSite adds the names of the site to a leaf without names.
func ofSite(l Leaf) Leaf {
	if l.Names == nil {
		l.Names = []string{domain, "www." + domain}
	}
	return l
}

// lasting is a leaf of 90 days with the given number of days left; if negative,
// it has expired.
func lasting(days int) Leaf {
	end := time.Now().AddDate(0, 0, days).Add(time.Hour)
	return Leaf{NotBefore: end.AddDate(0, 0, -90), NotAfter: end}
}

// failed adds an attempt that failed half an hour ago; %name and %ip are
// replaced by the site's.
func failed(text string) step {
	return func(l *Lab) error {
		text := strings.NewReplacer("%name", l.Domain, "%ip", ownAddr, "%token", token).Replace(text)
		l.Panel.Attempts = append(l.Panel.Attempts, Attempt{At: time.Now().Add(-30 * time.Minute), Text: text})
		return nil
	}
}

// token is that of the failed order in situations.
const token = "Zk3wLq0Yb2mJd8sTf5uVx7nRc1eHg4aPoI6iKjQpWtE"

// visitors writes an access log in nginx's format "combined" around a failed
// order: ordinary requests, and those of the sources that fetched the token.
func visitors(sources ...string) step {
	return func(l *Lab) error {
		at := time.Now().Add(-30*time.Minute - 10*time.Second)
		var lines strings.Builder
		line := func(from string, shift time.Duration, path, agent string) {
			when := at.Add(shift).Format("02/Jan/2006:15:04:05 -0700")
			fmt.Fprintf(&lines, "%s - - [%s] \"GET %s HTTP/1.1\" 200 87 \"-\" \"%s\"\n", from, when, path, agent)
		}
		line("95.31.18.119", -time.Hour, "/", "Mozilla/5.0")
		for i, from := range sources {
			line(from, time.Duration(i)*time.Second, ChallengePath+token, "Mozilla/5.0 (compatible; Let's Encrypt validation server; +https://www.letsencrypt.org)")
		}
		line("95.31.18.119", 20*time.Minute, "/contacts", "Mozilla/5.0")
		if err := os.WriteFile(l.Panel.AccessLog, []byte(lines.String()), 0o600); err != nil {
			return err
		}
		return os.Chtimes(l.Panel.AccessLog, time.Time{}, time.Now())
	}
}

// blocklist adds a list.
func blocklist(b Blocklist) step {
	return func(l *Lab) error {
		l.Lists = append(l.Lists, b.Origin)
		return l.DNS.AddZone(b.Zone())
	}
}
