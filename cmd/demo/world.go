package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"domovoy/checks"
	"domovoy/checks/lab"
	"domovoy/checks/lab/internet"
	"domovoy/cmd/internal/app"
	"domovoy/cmd/internal/config"
)

// The addresses of the sample's server. Nothing listens on the last one: a site
// moved there by mistake.
const (
	firstAddress  = "127.80.0.10"
	secondAddress = "127.80.0.11"
	deadAddress   = "127.80.0.12"
)

// The address of sites with a proxy in front, and its network in the form of a
// configuration's cdn_ranges_file.
const (
	proxyAddress = "127.90.0.1"
	proxies      = "net 127.90.0.0/16 Cloudflare 2026-11-01 sample\n"
)

// world is a laboratory's internet in which all that the sample's panel says
// about its sites is true.
type world struct {
	dns        *internet.DNS
	registry   *internet.Registry
	web        *internet.Web
	challenges string                // the panel's folder for challenge files
	ranges     string                // the file with proxies
	registered []checks.Registration // what was asked of the registry an hour before the demo
}

// newWorld starts the internet of the sample's sites; its files are in dir.
func newWorld(dir string, sample *lab.Sample, now time.Time) (w *world, err error) {
	w = &world{challenges: filepath.Join(dir, "challenges"), ranges: filepath.Join(dir, "proxies.txt")}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Close())
		}
	}()
	if err := os.Mkdir(w.challenges, 0o755); err != nil {
		return w, err
	}
	if err := os.WriteFile(w.ranges, []byte(proxies), 0o600); err != nil {
		return w, err
	}
	if w.registry, err = internet.StartRegistry(); err != nil {
		return w, err
	}
	if w.dns, err = internet.StartDNS(); err != nil {
		return w, err
	}
	for _, d := range domainsOf(sample.Truths()) {
		if err := w.add(d, now); err != nil {
			return w, err
		}
	}
	if err := w.nameHosts(sample.Truths()); err != nil {
		return w, err
	}
	if w.web, err = internet.StartWeb(); err != nil {
		return w, err
	}
	return w, w.open(sample)
}

// Close stops all servers.
func (w *world) Close() error {
	var all error
	if w.web != nil {
		all = w.web.Close()
	}
	if w.registry != nil {
		all = errors.Join(all, w.registry.Close())
	}
	if w.dns != nil {
		all = errors.Join(all, w.dns.Close())
	}
	return all
}

// configure writes the part of the configuration that leads into this internet.
func (w *world) configure(cfg *config.Config) error {
	resolver, err := netip.ParseAddrPort(w.dns.Addr())
	if err != nil {
		return err
	}
	cfg.Resolvers = []netip.AddrPort{resolver}
	cfg.Probe = config.Default[config.Probe]()
	cfg.Probe.HTTPPort, cfg.Probe.HTTPSPort = uint16(w.web.HTTPPort()), uint16(w.web.HTTPSPort())
	cfg.Probe.Workers, cfg.Probe.PerAddress = workers, 0
	whois := w.registry.WHOIS()
	cfg.Lookups.Whois = map[string]string{"ru": whois, "su": whois, "xn--p1ai": whois}
	cfg.Lookups.RDAP, cfg.Lookups.CDNRangesFile = w.registry.RDAP(), w.ranges
	panel := &cfg.Panels[0]
	panel.Challenges, panel.CompareKeys = w.challenges, true
	for _, address := range []string{firstAddress, secondAddress, deadAddress} {
		panel.Addresses = append(panel.Addresses, netip.MustParseAddr(address))
	}
	return nil
}

// workers is how many sites are checked at the same time: the servers that answer
// are in this process.
const workers = 32

// laboratory is how the program finds the name servers and treats the registries.
func (w *world) laboratory() app.Laboratory {
	return app.Laboratory{NameServers: uint16(w.dns.Port()), RegistryRate: 60_000, Hosts: []netip.Addr{netip.MustParseAddr(proxyAddress)}}
}

// domain is a registered domain with the records of the names below it.
type domain struct {
	name    string
	records []string
	broken  []string // names for which the servers fail when asked for CAA
	trouble lab.Trouble
	since   time.Time // of that trouble
	paid    time.Time // end of the term that was paid for; zero: far ahead
}

// domainsOf makes the zones of all names of the sample, in the order of its sites.
func domainsOf(truths []lab.Truth) []*domain {
	var all []*domain
	byName := map[string]*domain{}
	for _, t := range truths {
		for _, name := range append([]string{t.Site.Name}, t.Site.Aliases...) {
			name = ascii(name)
			origin := registered(name)
			d := byName[origin]
			if d == nil {
				d = &domain{name: origin}
				byName[origin], all = d, append(all, d)
			}
			d.add(name, t)
		}
	}
	return all
}

// add adds the records of a site's name.
func (d *domain) add(name string, t lab.Truth) {
	record := func(words string) { d.records = append(d.records, name+". "+words) }
	address := firstAddress
	if t.Site.Addresses[0] == secondAddress {
		address = secondAddress
	}
	// A trouble of the site's own name is one of the whole site; one of www is
	// not one of the name without it.
	troubled := name == t.Name || ascii(t.Site.Name) == t.Name
	switch {
	case !troubled:
		record("A " + address)
	case t.Trouble == lab.Elsewhere:
		record("A " + t.Theirs)
	case t.Trouble == lab.Proxied:
		record("A " + proxyAddress)
	case t.Trouble == lab.Gone && t.Name == d.name:
		d.trouble, d.since, d.paid = lab.Gone, t.Since, t.Since
	case t.Trouble == lab.Gone:
	case t.Trouble == lab.NoAddress:
		record("TXT \"v=spf1 -all\"")
	case t.Trouble == lab.Refused:
		record("A " + deadAddress)
	default:
		record("A " + address)
	}
	if !troubled {
		return
	}
	switch t.Trouble {
	case lab.IPv6:
		record("AAAA 2d00:bad::1") // not allocated to anybody, and never connected to
	case lab.CAA:
		record("CAA 0 issue \"globalsign.com\"")
	case lab.CAABroken:
		d.broken = append(d.broken, name)
	case lab.ServFail, lab.DNSSEC:
		d.trouble, d.since = t.Trouble, t.Since
	}
}

// paidTill is when the registration of a domain ends: each within a year, on a day
// of its own.
func paidTill(name string, now time.Time) time.Time {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return now.AddDate(0, 0, 2+int(h.Sum32()%363))
}

// unpaidFor is how long a registry keeps a name that is not paid for.
const unpaidFor = 31 * 24 * time.Hour

// Types and codes of the DNS (RFC 8659, RFC 1035, RFC 8914).
const (
	typeCAA          = 257
	serverFailure    = 2
	signatureExpired = 7
)

// add registers and delegates a domain, as far as its trouble allows.
func (w *world) add(d *domain, now time.Time) error {
	reg := internet.Registration{Domain: d.name, Delegated: true, Registrar: "REGRU-RU", Created: now.AddDate(-4, 0, 0),
		PaidTill: paidTill(d.name, now), Servers: []string{"ns1." + d.name}}
	reg.FreeDate = reg.PaidTill.Add(unpaidFor)
	known := checks.Registration{Domain: d.name, Registry: w.registry.WHOIS(), Asked: now.Add(-time.Hour), Looked: now.Add(-time.Hour), Due: now.Add(24 * time.Hour),
		Answer: checks.RegistryAnswer{Domain: d.name, State: checks.RegistryDelegated, PaidTill: reg.PaidTill, FreeDate: reg.FreeDate, Registrar: reg.Registrar, Source: w.registry.WHOIS(), Servers: true}}
	if d.trouble == lab.Gone {
		reg.Delegated, reg.PaidTill, reg.FreeDate = false, d.paid, d.paid.Add(unpaidFor)
		known.Answer.State, known.Answer.PaidTill, known.Answer.FreeDate, known.Answer.Servers = checks.RegistryUndelegated, reg.PaidTill, reg.FreeDate, false
		if reg.FreeDate.After(now) {
			w.registry.Register(reg)
		} else {
			known.Answer = checks.RegistryAnswer{Domain: d.name, State: checks.RegistryFree, Source: known.Registry}
		}
		w.registered = append(w.registered, known)
		return nil
	}
	w.registry.Register(reg)
	w.registered = append(w.registered, known)
	zone := internet.Zone{Origin: d.name, Text: strings.Join(d.records, "\n")}
	switch d.trouble {
	case lab.ServFail:
		zone.Temper = internet.Failing
		if len(d.name)%2 == 0 {
			zone.Temper = internet.Refusing
		}
	case lab.DNSSEC:
		zone.Bogus = signatureExpired
	}
	for _, name := range d.broken {
		w.dns.Serve(name, typeCAA, internet.Behaviour{Rcode: serverFailure})
	}
	return w.dns.AddZone(zone)
}

// nameHosts names the addresses to which customers have moved (PTR).
func (w *world) nameHosts(truths []lab.Truth) error {
	named := map[string]bool{}
	for _, t := range truths {
		if t.Trouble != lab.Elsewhere || named[t.Theirs] {
			continue
		}
		named[t.Theirs] = true
		addr, err := netip.ParseAddr(t.Theirs)
		if err != nil {
			return err
		}
		last := addr.As4()[3]
		hosts := []string{"vps%d.other-hosting.ru", "web%d.big-hoster.com", "s%d.site-builder.ru", "parking%d.registrar.ru"}
		if err := w.dns.Reverse(addr, fmt.Sprintf(hosts[int(last)%len(hosts)], last)); err != nil {
			return err
		}
	}
	return nil
}

// open starts the web servers of the sample's sites.
func (w *world) open(sample *lab.Sample) error {
	usual := internet.Challenges{Dir: w.challenges, Else: internet.BySecurity(
		internet.Redirect(http.StatusMovedPermanently, "https://$host$request_uri"), internet.Status(http.StatusOK, "<html></html>"))}
	sites := map[string]http.Handler{"": usual}
	for _, t := range sample.Truths() {
		answer := map[lab.Trouble]http.Handler{lab.NotFound: internet.NotFound(), lab.Forbidden: internet.Firewall(),
			lab.Error: internet.Status(http.StatusServiceUnavailable, "")}[t.Trouble]
		if answer != nil {
			sites[t.Name] = answer
		}
	}
	host := internet.Host{Sites: sites, Certificate: sample.Served, Certificates: map[string]*tls.Certificate{}}
	for _, t := range sample.Truths() { // as with nginx, the first site's is presented where a name has none
		if first, err := sample.Served(ascii(t.Site.Name)); err == nil {
			host.Certificates[""] = first
			break
		}
	}
	proxy := internet.Host{Sites: map[string]http.Handler{"": internet.Proxy("cloudflare", usual)}, Certificate: sample.Served}
	closed := internet.Host{HTTP: internet.Refused, HTTPS: internet.Refused}
	return errors.Join(w.web.Open(netip.MustParseAddr(firstAddress), host), w.web.Open(netip.MustParseAddr(secondAddress), host),
		w.web.Open(netip.MustParseAddr(proxyAddress), proxy), w.web.Open(netip.MustParseAddr(deadAddress), closed))
}

// registered returns the domain that was registered for a name: the sample has
// none below a public suffix of two labels.
func registered(name string) string {
	labels := strings.Split(name, ".")
	return strings.Join(labels[max(0, len(labels)-2):], ".")
}

// ascii returns the A-label form of a name, or the name itself if it has none.
func ascii(name string) string {
	if form, err := idna.Punycode.ToASCII(name); err == nil {
		return form
	}
	return name
}
