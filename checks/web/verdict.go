package web

import (
	"errors"

	"domovoy/checks"
)

// findings tells what the series mean. At most one finding is what stops the
// CA; the others are of severity Info.
func (l *look) findings() []checks.Finding {
	if l.ca.err() != nil {
		return l.withoutCA()
	}
	var found []checks.Finding
	if f, ok := l.stops(); ok {
		found = append(found, f)
	}
	for _, s := range append([]series{l.ca}, l.rest...) {
		if fell := s.fellBack(); fell != nil && s.err() == nil && !has(found, checks.WebIPv6) {
			found = append(found, mild(l.ipv6(s, *fell, *fell.fellBack, s.passed())))
		}
	}
	if len(found) > 0 {
		return found
	}
	for _, s := range l.rest {
		if s.err() == nil && !s.passed() {
			return []checks.Finding{mild(l.plain(s))}
		}
	}
	return nil
}

// withoutCA is for the CA's way that could not be walked. What fails over IPv4
// fails all the same where this host only has no IPv6; where something on the
// way could not be looked up it is no more than evidence.
func (l *look) withoutCA() []checks.Finding {
	for _, s := range l.rest {
		switch {
		case s.err() != nil || !s.failed():
		case errors.Is(l.ca.err(), ErrNoNetwork):
			return []checks.Finding{l.plain(s)}
		default:
			return []checks.Finding{mild(l.plain(s))}
		}
	}
	return nil
}

// stops is what keeps the CA from its file, with its real cause.
func (l *look) stops() (checks.Finding, bool) {
	if l.ca.mixed() {
		return l.flapping(l.ca, l.ca.pattern()), true
	}
	if s, ok := l.lottery(); ok {
		return l.flapping(s, patternAddress), true
	}
	if l.ca.passed() {
		return checks.Finding{}, false
	}
	bad := l.ca.failure()
	v4, looked := l.byV4()
	switch {
	case looked && v4.passed():
		if hop, ok := brokenV6(bad); ok {
			return l.ipv6(l.ca, bad, hop, false), true
		}
	case looked && v4.failed() && bad.fault.code == checks.WebLoop && bad.fellBack != nil:
		// The loop is only the CA's memory of a walk that IPv6 broke off.
		return l.plain(v4), true
	}
	return l.plain(l.ca), true
}

// byV4 is the series that used nothing but the first IPv4 address.
func (l *look) byV4() (series, bool) {
	for _, s := range l.rest {
		if s.route.family == onlyV4 {
			return s, s.err() == nil
		}
	}
	return series{}, false
}

// brokenV6 is the hop where IPv6 made an attempt fail: a dial before the
// fallback, else the last hop over IPv6.
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

// lottery finds addresses of the family that the CA begins with of which one
// fails while another does not. It gives the one that fails.
func (l *look) lottery() (series, bool) {
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

// mild makes a finding one that does not stop the CA.
func mild(f checks.Finding) checks.Finding {
	f.Severity = checks.Info
	return f
}
