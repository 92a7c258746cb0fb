// Package suite has the list of all checks and runs them: on the sites of a
// panel at each reading, and on single sites and servers from outside.
package suite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"domovoy/checks"
	"domovoy/checks/acme"
	"domovoy/checks/budget"
	"domovoy/checks/cert"
	"domovoy/checks/dns"
	"domovoy/checks/guard"
	"domovoy/checks/panel"
	"domovoy/checks/quorum"
	"domovoy/checks/registry"
	"domovoy/checks/web"
)

// Reading configures the checks of a panel's own data.
type Reading struct {
	Rules      cert.Rules
	Classifier panel.Classifier
	Places     panel.Places                                                          // whose the addresses are that the CA names
	CA         string                                                                // that the panel orders from; empty: not known
	Files      bool                                                                  // the files of certificates are read
	Moved      func(ctx context.Context, server string) (time.Time, error)           // time of the last line of the issuance log; nil: not checked
	Prospects  func(ctx context.Context, t *checks.Target) ([]checks.Finding, error) // of the account at the CA; nil: not checked
}

// Outside configures the checks that look from outside. A nil or empty field
// switches its checks off.
type Outside struct {
	Addresses  []netip.Addr // the panel's own; empty: those on which it lets each site listen
	AccountURI string       // of its ACME account; empty: not known
	Names      *dns.Inspector
	Registry   *registry.Registry
	Way        *web.Prober
	Served     *cert.Served
	AccessLogs *web.AccessLogs
	Egress     *acme.Egress
	Keys       string // the folder of certificates whose private keys may be read
	Vhosts     *cert.Vhosts
	Blocklists *dns.Blocklists

	// Host has a check of OfHost made on the panel's host, where this is another; nil:
	// this is the panel's host.
	Host func(c checks.Check) checks.Check
}

// OfHost returns the checks that need the panel's own host.
func OfHost(o Outside) []checks.Check {
	return []checks.Check{o.AccessLogs.Check(), o.Egress.Check(), cert.Keys(o.Keys), o.Vhosts.Check()}
}

// Checks returns all checks, in the order in which they run. A check that the
// configuration switches off has no Run. A new check is one file and one line
// here.
func Checks(r Reading, o Outside) []checks.Check {
	ofHost := OfHost(o)
	for i, c := range ofHost {
		if o.Host != nil {
			ofHost[i] = o.Host(c)
		}
	}
	return slices.Concat([]checks.Check{
		panel.Flags(),
		panel.Policy(),
		cert.ByRow(r.Rules),
		panel.Issuing(r.Classifier, r.Places),
		cert.ByFile(r.Rules, r.Files),
		panel.Readable(),
		panel.Tables(),
		panel.Stale(r.Moved),
		panel.Unreadable(),
		panel.Account(),
		panel.Down(r.CA),
		budget.Check(r.Prospects),
		o.Names.Check(o.Addresses, o.AccountURI),
		o.Registry.Check(),
		o.Way.Check(),
		o.Served.Check(),
	}, ofHost, []checks.Check{
		o.Blocklists.Check(o.Addresses),
		quorum.Check(),
	})
}

// Logged has the panics of checks logged with their stacks, since they are bugs.
// It changes the list and returns it.
func Logged(log *slog.Logger, list []checks.Check) []checks.Check {
	for i, c := range list {
		if c.Run == nil {
			continue
		}
		list[i].Run = func(ctx context.Context, t *checks.Target) (found []checks.Finding, err error) {
			err = guard.Run(func() (err error) { found, err = c.Run(ctx, t); return err })
			if p, broke := errors.AsType[*guard.Panic](err); broke {
				log.ErrorContext(ctx, "a check panicked", "check", c.Name, "server", t.Server, "panic", p.Value, "stack", p.Trace())
			}
			return found, err
		}
	}
	return list
}

// ProbeChecks returns the names of the checks that a probe of a site from
// outside may run, on any panel.
func ProbeChecks() []string {
	var names []string
	for _, c := range Checks(Reading{}, Outside{}) {
		if c.Live && c.Scope != checks.ScopeServer {
			names = append(names, c.Name)
		}
	}
	return names
}

// sees reports whether a check is switched on and of that kind.
func sees(c checks.Check, live bool, scope checks.Scope) bool {
	return c.Run != nil && c.Live == live && c.Scope == scope
}

// Blind returns the checks that cannot look at this panel because it lacks what
// they need: the absence of findings from them means nothing.
func Blind(list []checks.Check, s checks.Snapshot) []checks.Failure {
	var failures []checks.Failure
	for _, c := range list {
		for _, m := range c.Needs.Panel {
			if lack, lacks := s.Lack(m.Table, m.Column); c.Run != nil && lacks {
				failures = append(failures, checks.Failure{Check: c.Name, Server: s.Server, Err: panel.Lacking(lack, m.Column)})
				break
			}
		}
	}
	return failures
}

// Halved returns the checks that may find less than there is while the panel
// lacks what it had: all that use its data. What they find counts, and what they
// do not find means nothing.
func Halved(list []checks.Check, server string, lost []checks.Missing) []checks.Failure {
	var failures []checks.Failure
	for _, c := range list {
		if c.Run != nil && !c.Live && c.Name != panel.TablesCheck && c.Name != panel.ReadingCheck {
			failures = append(failures, checks.Failure{Check: c.Name, Server: server, Err: panel.Lacking(lost[0], "")})
		}
	}
	return failures
}

// Server runs the checks of a server as a whole, those that look from outside
// or those of a reading.
func Server(ctx context.Context, list []checks.Check, live bool, t *checks.Target) checks.Outcome {
	out := checks.Outcome{Server: t.Server}
	for _, c := range list {
		if !sees(c, live, checks.ScopeServer) {
			continue
		}
		found, err := run(ctx, c, t)
		if errors.Is(err, checks.ErrNothing) {
			continue
		}
		out.Checks = append(out.Checks, c.Name)
		for _, f := range found {
			f.Check, f.Server = c.Name, t.Server
			out.Findings = append(out.Findings, f)
		}
		if err != nil {
			out.Failures = append(out.Failures, checks.Failure{Check: c.Name, Server: t.Server, Err: clean(err), Why: why(err)})
		}
	}
	return out
}

// run runs one check. If it panics, that counts as a check that could not look.
func run(ctx context.Context, c checks.Check, t *checks.Target) (found []checks.Finding, err error) {
	if c.Due != nil && !c.Due(t) {
		return nil, nil
	}
	err = guard.Run(func() (err error) { found, err = c.Run(ctx, t); return err })
	if p, broke := errors.AsType[*guard.Panic](err); broke {
		return nil, fmt.Errorf("the check broke: %v", p.Value)
	}
	return found, err
}

// clean returns the sanitized text of an error, which may contain text from
// outside.
func clean(err error) string { return checks.Clean(err.Error(), 4*checks.WordLength) }

// why returns the word for a host that could not be asked; empty: that is not the
// error.
func why(err error) string {
	if away, ok := errors.AsType[checks.Away](err); ok {
		return away.Why()
	}
	return ""
}
