package suite

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/checks/registry"
	"domovoy/checks/web"
)

// visit is one look at one site.
type visit struct {
	live    *Live
	subject checks.Subject
	asked   bool
	now     time.Time
	proxied bool         // the site's own name leads to a proxy, whose visits its log shows
	silent  []netip.Addr // nobody there takes a connection, whatever is asked for
	found   []checks.Finding
	failed  []checks.Failure
	ran     []string
	served  checks.Validity
	later   []string
}

func (v *visit) seen() Seen {
	return Seen{Checks: v.ran, Findings: v.found, Failures: v.failed, Served: v.served, Later: v.later}
}

// name looks at one of the site's names, as far as what was seen makes sense
// of going on.
func (v *visit) name(ctx context.Context, name string) {
	l := v.live
	var sight checks.Sight
	found, err := guarded(func() (found []checks.Finding, err error) {
		sight, found, err = l.Names(ctx, name, v.subject)
		return found, err
	})
	v.take(NamesCheck, name, found, err)
	if name == v.subject.Site.Name {
		// Where it leads is not known: the log may show a proxy's visits.
		v.proxied = sight.Points == checks.PointsProxied || err != nil
	}
	if sight.Register && l.Registry != nil {
		v.registry(ctx, name)
	}
	if err != nil {
		return // what a name leads to is not known
	}
	at := slices.Concat(sight.V4, sight.V6)
	if len(at) > 0 && slices.Equal(at, v.silent) {
		return // the same silence again would tell nothing, and costs timeouts
	}
	if l.Way != nil {
		found, err := guarded(func() ([]checks.Finding, error) { return l.Way(ctx, sight, v.ask()) })
		v.take(WayCheck, name, found, err)
		if slices.ContainsFunc(found, dropped) {
			v.silent = at
		}
		if sight.Points == checks.PointsProxied {
			v.blame(name, found)
		}
	}
	if l.Served != nil && !strings.HasPrefix(name, "*.") {
		if len(v.silent) > 0 && slices.Equal(at, v.silent) && !v.asked {
			// Among thousands nobody waits as long again for the other port.
			v.take(ServedCheck, name, nil, errSilent)
			return
		}
		v.visitors(ctx, name, sight)
	}
}

// registry asks about a name: at once, unless a person waits for the answer.
func (v *visit) registry(ctx context.Context, name string) {
	ask := v.live.Registry
	if !v.asked && v.live.Glance != nil {
		ask = v.live.Glance
	}
	found, err := guarded(func() ([]checks.Finding, error) { return ask(ctx, name) })
	if errors.Is(err, registry.ErrTurn) {
		v.later = append(v.later, name)
	}
	v.take(RegistryCheck, name, found, err)
}

// visitors looks at the certificate that they get. Where nobody is asked, for
// the name leads to others, nothing was looked at.
func (v *visit) visitors(ctx context.Context, name string, sight checks.Sight) {
	var dates checks.Validity
	found, err := guarded(func() (found []checks.Finding, err error) {
		dates, found, err = v.live.Served(ctx, sight, v.subject, v.now)
		return found, err
	})
	if err == nil && len(found) == 0 && !dates.Known() {
		return
	}
	v.take(ServedCheck, name, found, err)
	v.explain(found)
	if name == v.subject.Site.Name && err == nil {
		v.served = dates
	}
}

// dropped reports whether every connection was dropped, at the name's own
// addresses and not behind a redirect.
func dropped(f checks.Finding) bool {
	hops, _ := f.Args["hops"].([]string)
	says, _ := f.Args["says"].(string)
	return f.Code == checks.WebTimeout && f.Args["pattern"] == "all" && len(hops) == 1 && strings.HasPrefix(says, "Timeout during connect")
}

// blame makes the proxy the cause where the way through it fails: we see what
// it answers, and not why.
func (v *visit) blame(name string, way []checks.Finding) {
	if !slices.ContainsFunc(way, func(f checks.Finding) bool { return f.Severity > checks.Info }) {
		return
	}
	for i := range v.found {
		f := &v.found[i]
		if f.Code == checks.DNSProxied && (f.Name == name || f.Name == "" && name == v.subject.Site.Name) && f.Severity == checks.Info {
			f.Severity = checks.Warning
		}
	}
}

// explain makes light of a redirect to https that breaks over a key that does
// not fit its certificate: the key is the cause.
func (v *visit) explain(served []checks.Finding) {
	if !slices.ContainsFunc(served, func(f checks.Finding) bool { return f.Code == checks.CertKeyMismatch }) {
		return
	}
	for i := range v.found {
		if f := &v.found[i]; f.Code == checks.WebRedirect && f.Args["rule"] == "tls" {
			f.Severity = checks.Info
		}
	}
}

// ask is how closely to look: six connections where the panel's log shows
// failures or a person asked, one otherwise.
func (v *visit) ask() web.Ask {
	failing := v.subject.History != nil && v.subject.History.Failures > 0
	if v.asked || failing {
		return web.Ask{Attempts: v.live.Attempts, Deep: v.asked}
	}
	return web.Ask{}
}

// take adds what a check found at a name, and that it could not look.
func (v *visit) take(check, name string, found []checks.Finding, err error) {
	if !slices.Contains(v.ran, check) {
		v.ran = append(v.ran, check)
	}
	site := v.subject.Site
	for _, f := range found {
		f.Check, f.Server, f.Site, f.From = check, site.Server, site.Name, v.live.From
		if name != site.Name {
			f.Name = name
		}
		if site.Active == checks.Off {
			f.Severity = min(f.Severity, checks.Info) // a site that is switched off troubles nobody
		}
		v.found = append(v.found, f)
	}
	if err != nil {
		v.fail(check, err)
	}
}

func (v *visit) fail(check string, err error) {
	site := v.subject.Site
	v.failed = append(v.failed, checks.Failure{Check: check, Server: site.Server, Site: site.Name, Err: words(err)})
}

// words are an error's, which may quote what came from outside.
func words(err error) string { return checks.Clean(err.Error(), 4*checks.WordLength) }

// guarded turns a panic of a check into "could not look".
func guarded(look func() ([]checks.Finding, error)) (found []checks.Finding, err error) {
	defer func() {
		if p := recover(); p != nil {
			found, err = nil, errors.New("the check broke")
		}
	}()
	return look()
}
