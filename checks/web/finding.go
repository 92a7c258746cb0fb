package web

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// plain reports a series by the fault of its failures; one that fails only
// now and then is flapping.
func (l *look) plain(s series) checks.Finding {
	if s.mixed() {
		return l.flapping(s, s.pattern())
	}
	bad := s.failure()
	f := l.finding(bad.fault.code, s, bad, bad.last())
	f.Args["pattern"] = s.pattern()
	return f
}

// flapping reports that some succeed and some do not.
func (l *look) flapping(s series, pattern string) checks.Finding {
	bad := s.failure()
	f := l.finding(checks.WebFlapping, s, bad, bad.last())
	f.Args["pattern"] = pattern
	f.Args["alternating"] = pattern == patternAlternating
	f.Args["cause"] = string(bad.fault.code)
	f.Args["share"] = 100 * s.failures() / len(s.tries) // of failures, per cent
	f.Args["sequence"] = s.sequence()
	f.Args["latency"] = int(s.latency().Milliseconds()) // of a failure, the middle one
	return f
}

// ipv6 reports that the site is worse over IPv6. The hop is where.
func (l *look) ipv6(s series, a attempt, at Hop, fallback bool) checks.Finding {
	f := l.finding(checks.WebIPv6, s, a, at)
	f.Args["pattern"] = patternFamily
	f.Args["fallback"] = fallback
	if a.fault != nil {
		f.Args["cause"] = string(a.fault.code)
	}
	return f
}

// finding has what every finding tells.
func (l *look) finding(code checks.Code, s series, a attempt, at Hop) checks.Finding {
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

// words are the hops of an attempt, one a line, for an expert.
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

// detail is the walk, the beginning of its answer, and how every series went.
func (l *look) detail(a attempt) string {
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

// sequence draws the attempts in order: "+-+-+-", and "?" for one that could
// not look.
func (s series) sequence() string {
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

// latency is how long the failures took, the middle one of them.
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
