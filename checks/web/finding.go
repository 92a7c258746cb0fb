package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// findings interprets the series. At most one finding is what stops the CA; the
// others are of severity Info.
func (l *nameProbe) findings() []checks.Finding { return l.remarks(l.judged()) }

// judged are the findings about the way.
func (l *nameProbe) judged() []checks.Finding {
	if l.ca.err() != nil {
		return l.withoutCA()
	}
	var found []checks.Finding
	if f, ok := l.stops(); ok {
		found = append(found, f)
	}
	for _, s := range append([]series{l.ca}, l.rest...) {
		if fell := s.fellBack(); fell != nil && s.err() == nil && !has(found, checks.WebIPv6) {
			found = append(found, asInfo(l.ipv6(s, *fell, *fell.fellBack, s.passed())))
		}
	}
	if len(found) > 0 {
		return found
	}
	for _, s := range l.rest {
		if s.err() == nil && !s.passed() {
			return []checks.Finding{asInfo(l.plain(s))}
		}
	}
	return nil
}

// withoutCA is for a probe that could not request the file as the CA would. A
// failure over IPv4 is a finding if this host only lacks IPv6; it is only
// evidence if a name could not be resolved.
func (l *nameProbe) withoutCA() []checks.Finding {
	for _, s := range l.rest {
		switch {
		case s.err() != nil || !s.failed():
		case errors.Is(l.ca.err(), ErrNoNetwork):
			return []checks.Finding{l.plain(s)}
		default:
			return []checks.Finding{asInfo(l.plain(s))}
		}
	}
	return nil
}

// stops returns the finding that keeps the CA from the file, with its real
// cause.
func (l *nameProbe) stops() (checks.Finding, bool) {
	if l.ca.mixed() {
		return l.flapping(l.ca, l.ca.pattern()), true
	}
	if s, ok := l.partlyFailing(); ok {
		return l.flapping(s, patternAddress), true
	}
	if l.ca.passed() {
		return checks.Finding{}, false
	}
	bad := l.ca.failure()
	hop, overV6 := brokenV6(bad)
	v4, asked := l.byV4()
	looked := len(v4.tries) > 0
	switch {
	case asked && !looked && overV6: // whether it is IPv6 alone is not known
		return asInfo(l.plain(l.ca)), true
	case looked && v4.passed() && overV6:
		return l.ipv6(l.ca, bad, hop, false), true
	case looked && v4.failed() && bad.fault.code == checks.WebLoop && bad.fellBack != nil:
		// The CA reports a loop only because it remembers the URLs of the
		// attempt that failed over IPv6.
		return l.plain(v4), true
	}
	return l.plain(l.ca), true
}

// byV4 returns the series that used only the first IPv4 address, without the
// attempts that could not be made; false: there was no such series.
func (l *nameProbe) byV4() (series, bool) {
	for _, s := range l.rest {
		if s.route.family == onlyV4 {
			s.tries = slices.DeleteFunc(slices.Clone(s.tries), func(a attempt) bool { return a.err != nil })
			return s, true
		}
	}
	return series{}, false
}

// brokenV6 returns the hop at which an attempt failed because of IPv6: the dial
// before the fallback, or else the last hop over IPv6.
func brokenV6(a attempt) (Hop, bool) {
	if a.fellBack != nil && a.fault.code == checks.WebLoop {
		return *a.fellBack, true
	}
	for i := len(a.hops) - 1; i >= 0; i-- {
		if a.hops[i].Address.Addr().Is6() {
			return a.hops[i], true
		}
	}
	return Hop{}, false
}

// partlyFailing finds an address family in which some addresses fail and others do
// not. The CA connects to a random one of them. It returns the series that
// fails.
func (l *nameProbe) partlyFailing() (series, bool) {
	family := []series{l.ca}
	for _, s := range l.rest {
		if s.err() == nil && s.route.family == anyFamily {
			family = append(family, s)
		}
	}
	var bad *series
	good := false
	for i, s := range family {
		good = good || s.passed()
		if bad == nil && !s.passed() {
			bad = &family[i]
		}
	}
	if bad == nil || !good {
		return series{}, false
	}
	return *bad, true
}

func has(found []checks.Finding, code checks.Code) bool {
	for _, f := range found {
		if f.Code == code {
			return true
		}
	}
	return false
}

// asInfo changes a finding into one that does not stop the CA.
func asInfo(f checks.Finding) checks.Finding {
	f.Severity = checks.Info
	return f
}

// plain reports a series by the fault of its failures; if only some attempts
// fail, the finding is flapping.
func (l *nameProbe) plain(s series) checks.Finding {
	if s.mixed() {
		return l.flapping(s, s.pattern())
	}
	bad := s.failure()
	f := l.finding(bad.fault.code, s, bad, bad.last())
	f.Args["pattern"] = s.pattern()
	if s.stranger != nil && s.stranger.passed() {
		f.Args["agent"] = agentCA
	}
	return f
}

// flapping reports that some attempts succeed and some do not.
func (l *nameProbe) flapping(s series, pattern string) checks.Finding {
	bad := s.failure()
	f := l.finding(checks.WebFlapping, s, bad, bad.last())
	f.Args["pattern"] = pattern
	f.Args["alternating"] = pattern == patternAlternating
	f.Args["cause"] = string(bad.fault.code)
	f.Args["share"] = 100 * s.failures() / len(s.tries) // of failures, percent
	f.Args["sequence"] = s.sequence()
	f.Args["latency"] = int(s.latency().Milliseconds()) // of failures, median
	return f
}

// ipv6 reports that the site fails over IPv6 or works worse than over IPv4, at
// the given hop.
func (l *nameProbe) ipv6(s series, a attempt, at Hop, fallback bool) checks.Finding {
	f := l.finding(checks.WebIPv6, s, a, at)
	f.Args["pattern"] = patternFamily
	f.Args["fallback"] = fallback
	if a.fault != nil {
		f.Args["cause"] = string(a.fault.code)
	}
	return f
}

// finding fills in what all findings have in common.
func (l *nameProbe) finding(code checks.Code, s series, a attempt, at Hop) checks.Finding {
	args := checks.Args{
		"address":  at.Address.Addr().String(),
		"family":   familyName(at.Address.Addr()),
		"port":     int(at.Address.Port()),
		"url":      at.URL,
		"says":     at.Trouble,
		"hops":     a.words(),
		"attempts": len(s.tries),
		"failed":   s.failures(),
		"ok":       len(s.tries) - s.failures(),
		"placed":   l.challenge.want != "",
	}
	if at.Status != 0 {
		args["status"] = at.Status
	}
	for name, value := range map[string]string{"server": at.Server, "location": at.Location} {
		if value != "" {
			args[name] = value
		}
	}
	if a.fault != nil {
		args["says"] = a.fault.says
		if a.fault.rule != "" {
			args["rule"] = a.fault.rule
		}
	}
	return checks.Finding{Code: code, Severity: code.Severity(), Args: args, Detail: l.detail(a)}
}

func familyName(a netip.Addr) string {
	if a.Is4() {
		return "IPv4"
	}
	return "IPv6"
}

// words returns the hops of an attempt for an expert, one a line.
func (a attempt) words() []string {
	var lines []string
	for _, h := range a.hops {
		line := h.URL + " @ " + h.Address.String()
		if h.Status != 0 {
			line += fmt.Sprintf(" %d", h.Status)
		}
		if h.Server != "" {
			line += " [" + h.Server + "]"
		}
		if h.Location != "" {
			line += " -> " + h.Location
		}
		if h.Trouble != "" {
			line += ": " + h.Trouble
		}
		lines = append(lines, line)
	}
	return lines
}

// detail lists the requests of an attempt, the beginning of its last response,
// and the results of every series.
func (l *nameProbe) detail(a attempt) string {
	lines := a.words()
	if len(a.body) > 0 {
		lines = append(lines, fmt.Sprintf("body: %q", checks.Clean(string(a.body), 2*checks.WordLength)))
	}
	for _, s := range append([]series{l.ca}, l.rest...) {
		line := s.route.first.String() + " " + s.sequence()
		if bad := s.failure(); bad.fault != nil {
			line += " " + string(bad.fault.code)
		}
		lines = append(lines, line)
	}
	return checks.Bound(strings.Join(lines, "\n"))
}

// sequence shows the attempts in order as "+-+-+-"; "?" is one that could not
// be made.
func (s series) sequence() string {
	if s.said != "" {
		return s.said
	}
	var b strings.Builder
	for _, a := range s.tries {
		switch {
		case a.err != nil:
			b.WriteByte('?')
		case a.fault != nil:
			b.WriteByte('-')
		default:
			b.WriteByte('+')
		}
	}
	return b.String()
}

// latency returns the median duration of the failures.
func (s series) latency() time.Duration {
	var took []time.Duration
	for _, a := range s.tries {
		if !a.passed() {
			took = append(took, a.took)
		}
	}
	slices.Sort(took)
	return took[len(took)/2]
}

// foreign finds that a proxy forwards to another server than ours: the 404 that
// it returns differs from the one that our own server returns for the same
// request. It is not used when a file was placed: a 404 is a fault then.
func (l *nameProbe) foreign(ctx context.Context) (checks.Finding, bool) {
	if !l.proxied || l.challenge.want != "" || !l.ca.passed() || len(l.ca.tries) == 0 {
		return checks.Finding{}, false
	}
	seen := l.ca.tries[len(l.ca.tries)-1]
	if seen.last().Status != http.StatusNotFound {
		return checks.Finding{}, false
	}
	own, ok := l.ownAnswer(ctx)
	if !ok || bytes.Equal(l.page(own), l.page(seen)) {
		return checks.Finding{}, false
	}
	f := l.finding(checks.WebNotFound, l.ca, seen, seen.last())
	f.Args["pattern"], f.Args["rule"] = patternAll, ruleForeign
	return f, true
}

// ownAsked is how many of our addresses are tried for the comparison.
const ownAsked = 2

// ownAnswer requests the same file from our own server, at the first of our
// addresses that returns 404 too.
func (l *nameProbe) ownAnswer(ctx context.Context) (attempt, bool) {
	own := l.prober.opts.Own
	for _, a := range own[:min(len(own), ownAsked)] {
		r := route{first: a}
		if a.Is4() {
			r.family = onlyV4
		}
		answer := l.prober.attempt(ctx, l.host, l.challenge, r, signs{dialing: func() {}, connected: func() {}})
		if answer.passed() && answer.last().Status == http.StatusNotFound {
			return answer, true
		}
	}
	return attempt{}, false
}

// page is a response's text without what changes with every request.
func (l *nameProbe) page(a attempt) []byte {
	return bytes.TrimSpace(bytes.ReplaceAll(a.body, []byte(l.challenge.token), nil))
}
