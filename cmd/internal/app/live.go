package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"time"

	"golang.org/x/time/rate"

	"domovoy/checks"
	"domovoy/checks/acme"
	"domovoy/checks/acme/account"
	"domovoy/checks/cert"
	"domovoy/checks/dns"
	"domovoy/checks/pace"
	"domovoy/checks/registry"
	"domovoy/checks/suite"
	"domovoy/checks/web"
	"domovoy/cmd/internal/config"
)

// agent says who asks, and where to read what for.
const agent = "Mozilla/5.0 (compatible; Domovoy certificate check)"

// outside is what all panels' looks from outside share.
type outside struct {
	cfg      *config.Config
	resolver *dns.Resolver
	names    *dns.Inspector
	registry *registry.Registry
	pace     *pace.Keyed[netip.Addr] // of all panels: they may share an address, and http-01 and TLS do
	listings *web.Listings           // nil: no blocklists
}

// openOutside prepares the looks from outside; nobody is asked yet. A
// configuration without resolvers wants none: nil.
func openOutside(cfg *config.Config) (*outside, error) {
	if len(cfg.Resolvers) == 0 {
		return nil, nil
	}
	ranges, err := dns.BuiltinRanges()
	if file := cfg.Lookups.CDNRangesFile; err == nil && file != "" {
		ranges, err = dns.LoadRanges(file)
	}
	if err != nil {
		return nil, err
	}
	resolver, err := dns.Open(dns.Options{Servers: cfg.Resolvers})
	if err != nil {
		return nil, fmt.Errorf("preparing the resolvers: %w", err)
	}
	var listings *web.Listings
	if len(cfg.Lookups.Blocklists) > 0 {
		listings = web.NewListings(dns.NewBlocklists(resolver, cfg.Lookups.Blocklists).Look)
	}
	return &outside{
		cfg: cfg, resolver: resolver, listings: listings,
		names:    dns.NewInspector(resolver, dns.InspectorOptions{Ranges: ranges}),
		registry: registry.New(registry.Options{Whois: cfg.Lookups.Whois, RDAP: cfg.Lookups.RDAP}),
		pace:     pace.New[netip.Addr](rate.Limit(cfg.Probe.PerAddress), 1),
	}, nil
}

// live is the look from outside at one panel's sites.
func (o *outside) live(p config.Panel) (*suite.Live, error) {
	roots, err := cert.Roots(p.ACME.CAFile)
	if err != nil {
		return nil, err
	}
	egress, err := egress(p.ACME, roots)
	if err != nil {
		return nil, err
	}
	probe := o.cfg.Probe
	prober := web.New(web.Options{
		Ports: web.Ports{HTTP: probe.HTTPPort, HTTPS: probe.HTTPSPort}, Timeout: probe.Timeout, Attempts: probe.Attempts,
		Pace: o.pace, Resolve: o.names.Addresses, Folder: p.Challenges, Own: p.Addresses, UserAgent: agent,
	})
	accountURI := account.Noted(p.ACME.AccountKeyFile, p.ACME.Directory) // CAA may be for it alone (RFC 8657 section 3)
	return &suite.Live{
		Names: func(ctx context.Context, name string, x checks.Subject) (checks.Sight, []checks.Finding, error) {
			ours := p.Addresses
			if len(ours) == 0 {
				ours = x.Site.Addresses // where the panel has the site listen
			}
			return o.names.Look(ctx, dns.Question{Name: name, Ours: ours, AccountURI: accountURI})
		},
		Registry: o.registry.Look,
		Glance:   o.registry.Glance,
		Way:      prober.Look,
		Served:   o.served(p, roots),
		Came:     came(p, o.listings),
		Keys:     keys(p),
		Vhosts:   vhosts(p),
		Egress:   egress,
		Listed:   o.listed(p),
		Attempts: probe.Attempts,
	}, nil
}

// served looks at the certificates that visitors get.
func (o *outside) served(p config.Panel, roots *x509.CertPool) func(context.Context, checks.Sight, checks.Subject, time.Time) (checks.Validity, []checks.Finding, error) {
	probe, late := o.cfg.Probe, o.cfg.Thresholds.Overdue.LifeLeft
	s := cert.NewServed(cert.ServedOptions{HTTPSPort: probe.HTTPSPort, Timeout: probe.Timeout,
		Pace: o.pace, Own: p.Addresses, Roots: roots})
	return func(ctx context.Context, sight checks.Sight, x checks.Subject, now time.Time) (checks.Validity, []checks.Finding, error) {
		return s.Look(ctx, sight, x, cert.Rules{Now: now, LifeLeft: late})
	}
}

// egress is the way from here to the CA, as the panel goes.
func egress(ca config.ACME, roots *x509.CertPool) (func(context.Context) ([]checks.Finding, error), error) {
	if ca.Directory == "" {
		return nil, nil
	}
	if ca.Proxy.IsSet() && ca.Proxy.Reveal() == "" {
		return func(context.Context) ([]checks.Finding, error) {
			return nil, errors.New("the panel's proxy is not known to this user")
		}, nil
	}
	e, err := acme.NewEgress(acme.EgressOptions{Directory: ca.Directory, Proxy: ca.Proxy.Reveal(), Roots: roots})
	if err != nil {
		return nil, err
	}
	return e.Look, nil
}

// listed looks for the panel's addresses on blocklists.
func (o *outside) listed(p config.Panel) func(context.Context) ([]checks.Finding, error) {
	if len(o.cfg.Lookups.Blocklists) == 0 || len(p.Addresses) == 0 {
		return nil
	}
	lists := dns.NewBlocklists(o.resolver, o.cfg.Lookups.Blocklists)
	return func(ctx context.Context) ([]checks.Finding, error) { return lists.Look(ctx, p.Addresses...) }
}

// keys compares the private keys of a panel's certificates, where the
// configuration lets them be read.
func keys(p config.Panel) func(context.Context, checks.Subject) ([]checks.Finding, error) {
	if !p.CompareKeys || p.Certificates == "" {
		return nil
	}
	return func(_ context.Context, x checks.Subject) ([]checks.Finding, error) {
		root, err := os.OpenRoot(p.Certificates)
		if err != nil {
			return nil, err
		}
		defer root.Close()
		return cert.CompareKeys(root, x.Site.Owner, x.Site.Certificate)
	}
}

// vhosts looks for the files that a web server's settings name.
func vhosts(p config.Panel) func(context.Context, checks.Subject) ([]checks.Finding, error) {
	if len(p.Vhosts) == 0 {
		return nil
	}
	v := cert.NewVhosts(p.Vhosts, nil)
	return func(ctx context.Context, x checks.Subject) ([]checks.Finding, error) { return v.Look(ctx, *x.Site) }
}

// came looks in a site's access log who fetched the files of a failed order.
func came(p config.Panel, listings *web.Listings) func(context.Context, checks.Subject) ([]checks.Finding, error) {
	if len(p.AccessLogs) == 0 {
		return nil
	}
	logs := web.NewAccessLogs(web.LogOptions{Paths: p.AccessLogs, Listings: listings})
	return func(ctx context.Context, x checks.Subject) ([]checks.Finding, error) {
		if x.History == nil || x.History.Last.Outcome != checks.OutcomeFailed || x.History.Last.Time.IsZero() {
			return nil, nil
		}
		found, err := logs.Look(ctx, x.Site.Name, web.Order{Time: x.History.Last.Time})
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil // a site without a log
		}
		return found, err
	}
}
