package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"

	"domovoy/checks"
)

// How many of the CA's validators came for a file, in the argument "pattern"
// of web.blocked.
const (
	camePrimary = "primary" // one: the others are dropped on the way
	cameHalf    = "half"    // about half of the requests met a dead backend
	cameSome    = "some"    // more than one, but not all
	cameAll     = "all"
	cameFailed  = "failed" // the first one was refused, so the CA sent no others
)

// shown is how many sources a finding names.
const shown = 20

// came is who fetched one file.
type came struct {
	Token   string
	Sources []netip.Addr // distinct, in order of coming
	Served  int          // requests answered with 200
	Broken  int          // requests answered with 5xx
	Refused int          // requests answered with 4xx
	Local   bool         // all sources are private: a proxy of ours stands in front
}

// gather sorts visits by file, in order of coming.
func gather(visits []Visit) []came {
	byToken := map[string]*came{}
	var order []string
	for _, v := range visits {
		c := byToken[v.Token]
		if c == nil {
			c = &came{Token: v.Token, Local: true}
			byToken[v.Token] = c
			order = append(order, v.Token)
		}
		if !slices.Contains(c.Sources, v.Source) {
			c.Sources = append(c.Sources, v.Source)
			c.Local = c.Local && (v.Source.IsPrivate() || v.Source.IsLoopback() || v.Source.IsLinkLocalUnicast())
		}
		switch {
		case v.Status == 200:
			c.Served++
		case v.Status >= 500:
			c.Broken++
		case v.Status >= 400:
			c.Refused++
		}
	}
	all := make([]came, len(order))
	for i, token := range order {
		all[i] = *byToken[token]
	}
	return all
}

// pattern tells how many of so many validators came. Only what was served
// well proves that others were kept away: the CA sends its remote validators
// only after its primary one was content.
func (c came) pattern(validators int) string {
	switch {
	case c.Broken > 0 && c.Served > 0:
		return cameHalf
	case c.Served == 0 || c.Refused > 0 || c.Broken > 0:
		return cameFailed
	case len(c.Sources) >= validators:
		return cameAll
	case len(c.Sources) == 1:
		return camePrimary
	}
	return cameSome
}

// LogCheck is the name of the check in outcomes and failures.
const LogCheck = "access log"

// Check finds out from a site's access log who fetched the files of its last
// order, if that failed. l may be nil: no log is read.
func (l *AccessLogs) Check() checks.Check {
	c := checks.Check{
		Name:  LogCheck,
		Scope: checks.ScopeSite,
		Live:  true,
		Codes: []checks.Code{checks.WebBlocked, checks.WebFlapping},
		Needs: checks.Needs{Direct: true}, // the visitors of a proxied name are the proxy's
	}
	if l == nil || len(l.opts.Paths) == 0 {
		return c
	}
	c.Run = func(ctx context.Context, t *checks.Target) ([]checks.Finding, error) {
		if t.History == nil || t.History.Last.Outcome != checks.OutcomeFailed || t.History.Last.Time.IsZero() {
			return nil, nil
		}
		found, err := l.Look(ctx, t.Site.Name, Order{Time: t.History.Last.Time})
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil // a site without a log
		}
		return found, err
	}
	return c
}

// Look tells from the log why an order failed: web.blocked where fewer came
// than the CA has validators, web.flapping where a part of them met a dead
// backend. Nobody at all proves nothing: the name may lead elsewhere, or the
// web server may not log such requests. Names behind a proxy must not be
// asked about, for their visitors are the proxy's.
func (l *AccessLogs) Look(ctx context.Context, name string, o Order) ([]checks.Finding, error) {
	visits, err := l.Visits(ctx, name, o)
	if err != nil {
		return nil, fmt.Errorf("reading the access log of %s: %w", name, err)
	}
	patterns := map[string]came{}
	for _, c := range gather(visits) {
		p := c.pattern(l.opts.Validators)
		if worst, ok := patterns[p]; !c.Local && (!ok || len(c.Sources) < len(worst.Sources)) {
			patterns[p] = c
		}
	}
	if _, passed := patterns[cameAll]; passed {
		return nil, nil // whoever lets all through to one file blocks nobody
	}
	for _, p := range []string{cameHalf, camePrimary, cameSome} {
		if c, ok := patterns[p]; ok {
			return []checks.Finding{l.finding(ctx, c, p)}, nil
		}
	}
	return nil, nil
}

func (l *AccessLogs) finding(ctx context.Context, c came, pattern string) checks.Finding {
	var sources []string
	named := c.Sources[:min(len(c.Sources), shown)]
	for _, a := range named {
		sources = append(sources, a.String())
	}
	code, args := checks.WebBlocked, checks.Args{
		"pattern":   pattern,
		"token":     c.Token,
		"sources":   len(c.Sources),
		"expected":  l.opts.Validators,
		"addresses": sources,
	}
	if pattern == cameHalf {
		code = checks.WebFlapping
		args["attempts"], args["failed"], args["ok"] = c.Served+c.Broken, c.Broken, c.Served
		args["cause"] = string(checks.WebError)
	}
	detail := fmt.Sprintf("%s: %d x 200, %d x 4xx, %d x 5xx from %v", c.Token, c.Served, c.Refused, c.Broken, sources)
	if l.opts.Listings != nil && code == checks.WebBlocked {
		on, err := l.opts.Listings.of(ctx, named)
		if len(on) > 0 {
			args["listed"] = on
		}
		if err != nil {
			detail += "\n" + checks.Clean(err.Error(), 2*checks.WordLength)
		}
	}
	return checks.Finding{Code: code, Severity: code.Severity(), Args: args, Detail: detail}
}
