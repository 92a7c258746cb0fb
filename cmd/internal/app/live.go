package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"domovoy/bot/fleet"
	"domovoy/bot/fleet/remote"
	"domovoy/bot/watch"
	"domovoy/checks/acme"
	"domovoy/checks/acme/account"
	"domovoy/checks/cert"
	"domovoy/checks/dns"
	"domovoy/checks/pace"
	"domovoy/checks/registry"
	"domovoy/checks/suite"
	"domovoy/checks/web"
	"domovoy/cmd/internal/config"
	"domovoy/reports/journal"
)

// userAgent is the User-Agent of our requests to sites and CAs.
const userAgent = "Mozilla/5.0 (compatible; Domovoy certificate check)"

// outside is what the checks from outside of all panels share.
type outside struct {
	cfg      *config.Config
	lab      Laboratory
	log      *slog.Logger
	resolver *dns.Resolver
	names    *dns.Inspector
	registry *registry.Registry
	pace     *pace.Keyed[netip.Addr] // shared, because panels may have an address in common

	blocklists *dns.Blocklists
	listings   *web.Listings // nil: no blocklist is asked
}

// ranges reads whose networks are of CDNs and proxies.
func ranges(cfg *config.Config) (*dns.Ranges, error) {
	if file := cfg.Lookups.CDNRangesFile; file != "" {
		return dns.LoadRanges(file)
	}
	return dns.BuiltinRanges()
}

// openOutside prepares the checks from outside without connecting to anything. It
// returns nil if the configuration has no resolvers, which turns them off. Without
// a journal nothing is known of earlier questions to registries.
func openOutside(ctx context.Context, cfg *config.Config, lab Laboratory, ranges *dns.Ranges, j *journal.Journal, log *slog.Logger) (*outside, error) {
	if len(cfg.Resolvers) == 0 {
		return nil, nil
	}
	resolver, err := dns.Open(dns.Options{Servers: cfg.Resolvers})
	if err != nil {
		return nil, fmt.Errorf("preparing the resolvers: %w", err)
	}
	registries := registry.Options{Whois: cfg.Lookups.Whois, RDAP: cfg.Lookups.RDAP, Rate: lab.RegistryRate, Parking: ranges.Parking}
	if j != nil {
		registries.Keeper = j
		if registries.Past, err = j.RegistryPast(ctx, time.Now()); err != nil {
			return nil, errors.Join(err, resolver.Close())
		}
	}
	blocklists, listings := dns.NewBlocklists(resolver, cfg.Lookups.Blocklists), (*web.Listings)(nil)
	if len(cfg.Lookups.Blocklists) > 0 {
		listings = web.NewListings(blocklists.Listed)
	}
	var roots []netip.Addr
	if lab.NameServers == 0 {
		roots = dns.RootServers()
	}
	return &outside{
		cfg: cfg, lab: lab, log: log, resolver: resolver, blocklists: blocklists, listings: listings,
		names:    dns.NewInspector(resolver, dns.InspectorOptions{Ranges: ranges, Port: lab.NameServers, Reserved: lab.NameServers != 0, Roots: roots}),
		registry: registry.New(registries),
		pace:     pace.New[netip.Addr](rate.Limit(cfg.Probe.PerAddress), 1),
	}, nil
}

// live returns the checks from outside for the sites of a panel.
func (o *outside) live(p config.Panel) (*suite.Live, error) {
	roots, err := cert.Roots(p.ACME.CAFile)
	if err != nil {
		return nil, err
	}
	checks, err := ofHost(p, roots, o.listings, o.own())
	if err != nil {
		return nil, err
	}
	checks.Addresses, checks.AccountURI = p.Addresses, storedAccount(p.ACME)
	return o.liveOf(checks, roots, web.Folder(p.Challenges)), nil
}

// ofHost are those of the checks from outside that need the panel's own host, which is
// this one. own are the addresses of all panels.
func ofHost(p config.Panel, roots *x509.CertPool, listings *web.Listings, own []netip.Addr) (o suite.Outside, err error) {
	if ca := p.ACME; ca.Directory != "" { // connects to the CA in the way that the panel does
		o.Egress, err = acme.NewEgress(acme.EgressOptions{Directory: ca.Directory, Proxy: ca.Proxy.Reveal(), Hidden: ca.Proxy.IsSet() && ca.Proxy.Reveal() == "", Roots: roots})
		if err != nil {
			return o, err
		}
	}
	if p.CompareKeys {
		o.Keys = p.Certificates
	}
	o.AccessLogs = web.NewAccessLogs(web.LogOptions{Paths: p.AccessLogs, Listings: listings, Own: own})
	o.Vhosts = cert.NewVhosts(p.Vhosts, nil)
	return o, nil
}

// liveAt returns the checks from outside for the sites of a panel behind an agent. What
// needs the panel's host is left out if host is nil.
func (o *outside) liveAt(about fleet.About, host *remote.Host) (*suite.Live, error) {
	roots, err := cert.RootsWith([]byte(about.Roots))
	if err != nil {
		return nil, err
	}
	checks := suite.Outside{Addresses: about.Addresses, AccountURI: about.Account}
	var challenges web.Challenges
	if host != nil {
		checks.Host = host.Check
		if about.Challenges {
			challenges = host
		}
	}
	return o.liveOf(checks, roots, challenges), nil
}

// serve completes a source of a panel with a prober.
func (o *outside) serve(s *watch.Source, cfg *config.Config) {
	s.Workers, s.Online, s.Registrations = cfg.Probe.Workers, o.online, o.registry.All
	s.AskRegistry = o.registry.Freshen
}

// liveOf completes the checks from outside for the sites of a panel. Its account at the
// CA may be empty: a CAA record may allow only this account (RFC 8657, section 3).
func (o *outside) liveOf(checks suite.Outside, roots *x509.CertPool, challenges web.Challenges) *suite.Live {
	probe := o.cfg.Probe
	checks.Names, checks.Registry, checks.Blocklists = o.names, o.registry, o.blocklists
	checks.Way = web.New(web.Options{
		Ports: web.Ports{HTTP: probe.HTTPPort, HTTPS: probe.HTTPSPort}, Timeout: probe.Timeout, Attempts: probe.Attempts,
		Pace: o.pace, Resolve: o.names.Addresses, Challenges: challenges, Own: slices.Concat(checks.Addresses, o.lab.Hosts), UserAgent: userAgent,
	})
	checks.Served = cert.NewServed(cert.ServedOptions{
		HTTPSPort: probe.HTTPSPort, Timeout: probe.Timeout, Pace: o.pace, Own: checks.Addresses, Roots: roots, LifeLeft: o.cfg.Thresholds.Overdue.LifeLeft, Every: sweepEvery(o.cfg),
	})
	return &suite.Live{Checks: suite.Logged(o.log, suite.Checks(suite.Reading{}, checks))}
}

// storedAccount is the URL of a panel's account that is stored beside its key; empty:
// none is.
func storedAccount(a config.ACME) string {
	return account.StoredAccountURL(a.AccountKeyFile, a.Directory)
}

// own returns the addresses of all panels.
func (o *outside) own() []netip.Addr {
	var all []netip.Addr
	for _, p := range o.cfg.Panels {
		all = append(all, p.Addresses...)
	}
	return all
}
