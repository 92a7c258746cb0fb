package suite

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/checks/web"
)

// Names of the checks that look from outside, in outcomes and failures.
const (
	NamesCheck    = checks.NamesCheck
	RegistryCheck = "registry"
	WayCheck      = checks.WayCheck
	ServedCheck   = "served"
	CameCheck     = "access log"
	KeysCheck     = "keys"
	VhostsCheck   = "vhosts"
	EgressCheck   = "egress"
	ListedCheck   = "blocklists"
)

// LiveChecks lists the checks that look from outside.
func LiveChecks() []string {
	return []string{NamesCheck, RegistryCheck, WayCheck, ServedCheck, CameCheck, KeysCheck, VhostsCheck}
}

// Live looks at sites from outside: at their names, at the way to the
// challenge, at what is served. A part that is nil is not looked at. It is
// safe for concurrent use if its parts are.
type Live struct {
	Names    func(ctx context.Context, name string, x checks.Subject) (checks.Sight, []checks.Finding, error)
	Registry func(ctx context.Context, name string) ([]checks.Finding, error)
	Way      func(ctx context.Context, s checks.Sight, ask web.Ask) ([]checks.Finding, error)
	Served   func(ctx context.Context, s checks.Sight, x checks.Subject, now time.Time) (checks.Validity, []checks.Finding, error)
	Came     func(ctx context.Context, x checks.Subject) ([]checks.Finding, error) // not asked of names behind a proxy
	Keys     func(ctx context.Context, x checks.Subject) ([]checks.Finding, error) // nil: private keys are not read
	Vhosts   func(ctx context.Context, x checks.Subject) ([]checks.Finding, error) // nil: the web server's settings are not read
	Egress   func(ctx context.Context) ([]checks.Finding, error)                   // our own way to the CA
	Listed   func(ctx context.Context) ([]checks.Finding, error)                   // our addresses on blocklists; nil: no list is asked
	Attempts int                                                                   // connections to a name that fails in the panel or was asked for
	From     string                                                                // the vantage point
}

// Server looks at what concerns the server as a whole.
func (l *Live) Server(ctx context.Context, server string) checks.Outcome {
	out := checks.Outcome{Server: server}
	for _, part := range []struct {
		name string
		look func(context.Context) ([]checks.Finding, error)
	}{{EgressCheck, l.Egress}, {ListedCheck, l.Listed}} {
		if part.look == nil {
			continue
		}
		out.Checks = append(out.Checks, part.name)
		found, err := guarded(func() ([]checks.Finding, error) { return part.look(ctx) })
		for _, f := range found {
			f.Check, f.Server, f.From = part.name, server, l.From
			out.Findings = append(out.Findings, f)
		}
		if err != nil {
			out.Failures = append(out.Failures, checks.Failure{Check: part.name, Server: server, Err: words(err)})
		}
	}
	return out
}

// errSilent is why a sweep did not look at what is served.
var errSilent = errors.New("the addresses answered nothing on port 80, so nobody waited for the other port")

// mostNames bounds what one site costs: its own name and so many aliases.
const mostNames = 20

// Seen is what one look at a site gave.
type Seen struct {
	Checks   []string // the checks that ran, or tried to, in their order
	Findings []checks.Finding
	Failures []checks.Failure
	Served   checks.Validity // of the certificate served under the site's own name; zero: none was seen
}

// Look looks at a site: its own name first, then its aliases. asked tells
// that a person waits for it and wants to know exactly. What could not be
// looked at is a failure beside what was found.
func (l *Live) Look(ctx context.Context, x checks.Subject, asked bool, now time.Time) Seen {
	v := &visit{live: l, subject: x, asked: asked, now: now}
	names := append([]string{x.Site.Name}, x.Site.Aliases...)
	for _, name := range names[:min(len(names), mostNames)] {
		if ctx.Err() != nil {
			v.fail(NamesCheck, ctx.Err())
			break
		}
		v.name(ctx, name)
	}
	if l.Came != nil && !v.proxied {
		found, err := guarded(func() ([]checks.Finding, error) { return l.Came(ctx, x) })
		v.take(CameCheck, x.Site.Name, found, err)
	}
	if l.Egress != nil && asked {
		found, err := guarded(func() ([]checks.Finding, error) { return l.Egress(ctx) })
		v.take(EgressCheck, x.Site.Name, found, err)
	}
	if l.Keys != nil {
		found, err := guarded(func() ([]checks.Finding, error) { return l.Keys(ctx, x) })
		v.take(KeysCheck, x.Site.Name, found, err)
		v.explain(found)
	}
	if l.Vhosts != nil {
		found, err := guarded(func() ([]checks.Finding, error) { return l.Vhosts(ctx, x) })
		v.take(VhostsCheck, x.Site.Name, found, err)
	}
	return Seen{v.ran, v.found, v.failed, v.served}
}

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
		found, err := guarded(func() ([]checks.Finding, error) { return l.Registry(ctx, name) })
		v.take(RegistryCheck, name, found, err)
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
