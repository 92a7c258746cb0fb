package suite

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/checks/cert"
	"domovoy/checks/registry"
)

// Live runs those checks of its list that look from outside, on sites and
// servers. It is safe for concurrent use if the checks are.
type Live struct {
	Checks []checks.Check
	From   string // the vantage point; empty: this host
}

// Server runs the checks of the server as a whole.
func (l *Live) Server(ctx context.Context, server string, now time.Time) checks.Outcome {
	out := Server(ctx, l.Checks, true, &checks.Target{Server: server, Now: now})
	for i := range out.Findings {
		out.Findings[i].From = l.From
	}
	return out
}

// Probe checks a site: its own name first, then its aliases, then the site as a
// whole. A name that the CA refuses whatever DNS says is not looked up. asked says that a person waits for an exact answer. What could not be
// checked is returned as failures together with the findings. later are the
// names whose registry must be asked by Register, because its rate limit was
// reached.
func (l *Live) Probe(ctx context.Context, x checks.Subject, asked bool, now time.Time) (seen checks.Probe, later []string) {
	p := l.probe(x, asked, now)
	names := append([]string{x.Site.Name}, x.Site.Aliases...)
	for _, name := range names[:min(len(names), checks.MostNames)] {
		if ctx.Err() != nil {
			p.fail(checks.NamesCheck, name, ctx.Err())
			break
		}
		if _, refused := checks.Refused(name); refused && x.Issues() {
			continue
		}
		p.name(ctx, name)
	}
	p.site(ctx)
	return p.seen, p.later
}

// Beside completes a look at a site that was taken from elsewhere: it runs the checks of
// the site as a whole that were not made there, because they need the panel's host or
// what is known of it. It connects to no address of the site.
func (l *Live) Beside(ctx context.Context, x checks.Subject, seen checks.Probe, now time.Time) checks.Probe {
	p := l.probe(x, false, now)
	points, _ := seen.Points()
	p.proxied, p.made = points == checks.PointsProxied, seen.Checks
	p.site(ctx)
	seen.Checks = slices.Concat(seen.Checks, p.seen.Checks)
	seen.Findings = slices.Concat(seen.Findings, p.seen.Findings)
	seen.Failures = slices.Concat(seen.Failures, p.seen.Failures)
	return seen
}

// Register asks the registries of names that Probe left for later, and waits
// for their rate limits.
func (l *Live) Register(ctx context.Context, x checks.Subject, names []string, now time.Time) checks.Probe {
	p := l.probe(x, true, now)
	p.seen.Terms = map[string]checks.Term{}
	for _, c := range l.Checks {
		if !sees(c, true, checks.ScopeName) || !c.Needs.Registry {
			continue
		}
		for _, name := range names {
			p.target.DNS = checks.NameInfo{Name: name, Register: true}
			_, _ = p.run(ctx, c, name) // the result is in p.seen
			if term := p.target.DNS.Term; !term.PaidTill.IsZero() {
				p.seen.Terms[p.alias(name)] = term
			}
		}
	}
	return p.seen
}

// siteProbe is one probe of one site.
type siteProbe struct {
	live    *Live
	target  checks.Target
	proxied bool         // the site's own name may point to a proxy, whose requests are in its log
	blind   bool         // the site's own name could not be looked up
	silent  []netip.Addr // addresses that accept no connection, whatever name is requested
	seen    checks.Probe
	later   []string // names whose registry's rate limit was reached
	made    []string // checks that were made elsewhere
}

func (l *Live) probe(x checks.Subject, asked bool, now time.Time) *siteProbe {
	return &siteProbe{live: l, seen: checks.Probe{At: now}, target: checks.Target{Server: x.Site.Server, Now: now, Asked: asked, Subject: x}}
}

// site checks the site as a whole, and its server if somebody asked.
func (p *siteProbe) site(ctx context.Context) {
	for _, c := range p.live.Checks {
		site := sees(c, true, checks.ScopeSite) && (!c.Needs.Direct || !p.proxied) && !slices.Contains(p.made, c.Name)
		if site || sees(c, true, checks.ScopeServer) && c.Asked && p.target.Asked {
			_, _ = p.run(ctx, c, p.target.Site.Name) // the result is in p.seen
		}
	}
}

// errSilent is why a sweep did not check what is served.
var errSilent = errors.New("the addresses answered nothing on port 80, so nobody waited for the other port")

// errSameSilence is why an alias was not requested: its addresses are those at
// which another name of the site got no connection, which is found there.
var errSameSilence = fmt.Errorf("not requested: no connection to the same addresses under another name (%w)", checks.ErrSeen)

// name checks one of the site's names, as far as the results so far make
// further checks useful.
func (p *siteProbe) name(ctx context.Context, name string) {
	t := &p.target
	t.DNS, t.Served = checks.NameInfo{Name: name}, checks.Validity{}
	var at []netip.Addr        // addresses of the name
	leads, fell := true, false // leads: DNS has the answer; fell: no connection was accepted there
	for _, c := range p.live.Checks {
		switch {
		case !sees(c, true, checks.ScopeName) || c.Needs.Registry && !t.DNS.Register:
			continue
		case c.Needs.Address && (!leads || len(at) > 0 && !fell && slices.Equal(at, p.silent)):
			if c.Name == checks.WayCheck && leads {
				p.fail(c.Name, name, errSameSilence)
			}
			continue // another timeout would show nothing new
		case c.Needs.Address && fell && !t.Asked:
			// A sweep does not wait for another timeout at the other port.
			p.take(c.Name, name, nil, errSilent)
			continue
		}
		found, err := p.run(ctx, c, name)
		switch c.Name {
		case checks.NamesCheck:
			leads, at = err == nil, slices.Concat(t.DNS.V4, t.DNS.V6)
			if name == t.Site.Name {
				p.seen.Own = t.DNS.Own
				p.proxied, p.blind = t.DNS.Points == checks.PointsProxied || err != nil, err != nil
			}
		case checks.WayCheck:
			if fell = slices.ContainsFunc(found, dropped); fell {
				p.silent = at
			}
			p.blameProxy(name, found)
		case registry.Name:
			if errors.Is(err, registry.ErrTurn) {
				p.later = append(p.later, name)
			}
			checks.Parked(p.seen.Findings, p.alias(name), t.DNS.Term)
		case cert.ServedCheck:
			if name == t.Site.Name && err == nil {
				p.seen.Served = t.Served
			}
		}
	}
}

// dropped reports whether every connection was dropped, at the name's own
// addresses and not after a redirect.
func dropped(f checks.Finding) bool {
	hops, _ := f.Args["hops"].([]string)
	says, _ := f.Args["says"].(string)
	return f.Code == checks.WebTimeout && f.Args["pattern"] == "all" && len(hops) == 1 && strings.HasPrefix(says, "Timeout during connect")
}

// blameProxy makes the proxy the cause if requests through it fail: its answer is
// visible, the reason is not, unless the status itself says it.
func (p *siteProbe) blameProxy(name string, way []checks.Finding) {
	i := slices.IndexFunc(way, func(f checks.Finding) bool { return f.Severity > checks.Info })
	if p.target.DNS.Points != checks.PointsProxied || i < 0 {
		return
	}
	status, _ := way[i].Args["status"].(int)
	for i := range p.seen.Findings {
		f := &p.seen.Findings[i]
		if f.Code == checks.DNSProxied && (f.Name == name || f.Name == "" && name == p.target.Site.Name) && f.Severity == checks.Info {
			f.Severity = checks.Warning
			if checks.OfCloudflare(status) || status == http.StatusForbidden {
				f.Args["status"], f.Args[checks.WhoArg] = status, string(checks.BehindProxy(status))
			}
		}
	}
}

// explain lowers the severity of a redirect to https that fails because a key
// does not match its certificate: the key is the cause.
func (p *siteProbe) explain(found []checks.Finding) {
	if !slices.ContainsFunc(found, func(f checks.Finding) bool { return f.Code == checks.CertKeyMismatch }) {
		return
	}
	for i := range p.seen.Findings {
		if f := &p.seen.Findings[i]; f.Code == checks.WebRedirect && f.Args["rule"] == "tls" {
			f.Severity = checks.Info
		}
	}
}

// run runs a check on one of the site's names, or on the site if name is its
// own.
func (p *siteProbe) run(ctx context.Context, c checks.Check, name string) ([]checks.Finding, error) {
	found, err := run(ctx, c, &p.target)
	if !errors.Is(err, checks.ErrNothing) {
		p.take(c.Name, name, found, err)
	}
	return found, err
}

// take adds what a check found at a name, and the error if it could not look.
func (p *siteProbe) take(check, name string, found []checks.Finding, err error) {
	if !slices.Contains(p.seen.Checks, check) {
		p.seen.Checks = append(p.seen.Checks, check)
	}
	site := p.target.Site
	for _, f := range found {
		f.Check, f.From = check, p.live.From
		if check == cert.ServedCheck && p.said(name, f) {
			continue
		}
		if name != site.Name {
			f.Name = name
			if p.blind && check == checks.NamesCheck {
				f.Severity = min(f.Severity, checks.Info) // the own name comes first, and may have another cause
			}
		}
		p.seen.Findings = append(p.seen.Findings, ofSite(f, site.Server, site))
	}
	p.explain(found)
	if err != nil {
		p.fail(check, name, err)
	}
}

// alias returns the name as findings have it: empty for the site's own.
func (p *siteProbe) alias(name string) string {
	if name == p.target.Site.Name {
		return ""
	}
	return name
}

// said reports whether the way to a name already has this fault of a connection.
func (p *siteProbe) said(name string, f checks.Finding) bool {
	name = p.alias(name)
	return slices.ContainsFunc(p.seen.Findings, func(other checks.Finding) bool {
		return other.Check == checks.WayCheck && other.Name == name && (other.Code == f.Code || other.Code == checks.WebIPv6 && f.Args["family"] == "IPv6" && f.Args["port"] != nil)
	})
}

func (p *siteProbe) fail(check, name string, err error) {
	site := p.target.Site
	p.seen.Failures = append(p.seen.Failures, checks.Failure{Check: check, Server: site.Server, Site: site.Name, Name: p.alias(name), Err: clean(err), Seen: errors.Is(err, checks.ErrSeen), Why: why(err)})
}

// ofSite returns a finding as one of a site. For a site that is switched off,
// its severity is Info.
func ofSite(f checks.Finding, server string, site *checks.Site) checks.Finding {
	f.Server, f.Site = server, site.Name
	if site.Active == checks.Off {
		f.Severity = min(f.Severity, checks.Info)
	}
	return f
}
