package suite

import (
	"context"
	"time"

	"domovoy/checks"
)

// Live looks at sites and servers from outside, by those of its checks that do
// so. It is safe for concurrent use if they are.
type Live struct {
	Checks []checks.Check
	From   string // the vantage point; empty: this host
}

// Seen is what one look at a site gave.
type Seen struct {
	Checks   []string // the checks that ran, or tried to, in their order
	Findings []checks.Finding
	Failures []checks.Failure
	Served   checks.Validity // of the certificate served under the site's own name; zero: none was seen
	Later    []string        // names whose registry is to be asked by Register, because it was not their turn
}

// Server looks at what concerns the server as a whole.
func (l *Live) Server(ctx context.Context, server string, now time.Time) checks.Outcome {
	out := Server(ctx, l.Checks, true, &checks.Target{Server: server, Now: now})
	for i := range out.Findings {
		out.Findings[i].From = l.From
	}
	return out
}

// mostNames bounds what one site costs: its own name and so many aliases.
const mostNames = 20

// Look looks at a site: its own name first, then its aliases, then the site as
// a whole. asked tells that a person waits for it and wants to know exactly.
// What could not be looked at is a failure beside what was found.
func (l *Live) Look(ctx context.Context, x checks.Subject, asked bool, now time.Time) Seen {
	p := l.probe(x, asked, now)
	names := append([]string{x.Site.Name}, x.Site.Aliases...)
	for _, name := range names[:min(len(names), mostNames)] {
		if ctx.Err() != nil {
			p.fail(checks.NamesCheck, ctx.Err())
			break
		}
		p.name(ctx, name)
	}
	for _, c := range l.Checks {
		if sees(c, true, checks.ScopeSite) && !(c.Needs.Direct && p.proxied) || sees(c, true, checks.ScopeServer) && c.Asked && asked {
			p.run(ctx, c, x.Site.Name)
		}
	}
	return p.seen
}

// Register asks registries about names of a site that Look left for later, and
// waits for their turn.
func (l *Live) Register(ctx context.Context, x checks.Subject, names []string, now time.Time) Seen {
	p := l.probe(x, true, now)
	for _, c := range l.Checks {
		if !sees(c, true, checks.ScopeName) || !c.Needs.Registry {
			continue
		}
		for _, name := range names {
			p.target.DNS = checks.NameInfo{Name: name, Register: true}
			p.run(ctx, c, name)
		}
	}
	return p.seen
}
