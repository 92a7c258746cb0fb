package suite

import (
	"context"
	"errors"
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
	Registry func(ctx context.Context, name string) ([]checks.Finding, error) // waits for its turn, for minutes maybe
	Glance   func(ctx context.Context, name string) ([]checks.Finding, error) // Registry without waiting: registry.ErrTurn
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
	Later    []string        // names whose registry is to be asked by Register, for it was not their turn
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
	return v.seen()
}

// Register asks registries about names of a site that Look left for later, and
// waits for their turn.
func (l *Live) Register(ctx context.Context, x checks.Subject, names []string) Seen {
	v := &visit{live: l, subject: x}
	for _, name := range names {
		found, err := guarded(func() ([]checks.Finding, error) { return l.Registry(ctx, name) })
		v.take(RegistryCheck, name, found, err)
	}
	return v.seen()
}
