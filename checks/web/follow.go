package web

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"domovoy/checks"
	"domovoy/checks/guard"
)

// nameProbe is one probe of one name.
type nameProbe struct {
	prober    *Prober
	host      string
	challenge challenge
	proxied   bool
	ca        series   // what the CA would see
	rest      []series // each other address and the other family alone
}

// Follow requests the name's challenge file as the CA would, and at each of its
// addresses by itself. It does nothing for names that do not point to us, and
// for wildcards. The error means that some request could not be made; findings
// returned with it are valid.
func (p *Prober) Follow(ctx context.Context, s checks.NameInfo, ask Ask) ([]checks.Finding, error) {
	switch s.Points {
	case checks.PointsOurs, checks.PointsPartly, checks.PointsProxied:
	default:
		return nil, nil
	}
	if strings.HasPrefix(s.Name, "*") {
		return nil, nil // a wildcard can only be validated by dns-01
	}
	v4, v6 := p.usable(s, s.V4, ask.Deep), p.usable(s, s.V6, ask.Deep)
	if len(v4)+len(v6) == 0 {
		return nil, fmt.Errorf("looking at %s: %w", s.Name, ErrNoAddress)
	}
	l := &nameProbe{prober: p, host: s.Name, challenge: newChallenge(), proxied: s.Points == checks.PointsProxied}
	var away checks.Away
	if p.opts.Challenges != nil {
		// If the file cannot be placed, responses are judged by reachability.
		if err := l.challenge.place(ctx, p.opts.Challenges); err == nil {
			defer p.opts.Challenges.Remove(context.WithoutCancel(ctx), l.challenge.token) //nolint:errcheck // a file that is left over is harmless: its name is random and never requested again
		} else {
			away, _ = errors.AsType[checks.Away](err)
		}
	}
	l.all(ctx, v4, v6, ask)
	found := l.findings()
	if err := l.err(); err != nil {
		return found, fmt.Errorf("looking at %s: %w", s.Name, err)
	}
	if foreign, ok := l.foreign(ctx); ok && len(found) == 0 {
		found = append(found, foreign)
	}
	if away != nil && !slices.ContainsFunc(found, func(f checks.Finding) bool { return f.Severity > checks.Info }) {
		// With the file there may be more to see, as there may have been before.
		return found, fmt.Errorf("looking at %s without a challenge file: %w", s.Name, away)
	}
	return found, nil
}

// ErrNoAddress means that the CA would use none of the name's addresses, or
// that none may be connected to.
var ErrNoAddress = errors.New("no address to ask at")

// all runs every series: as the CA would, then each other address of the first
// family, then IPv4 alone. They run one after the other: two at once would
// disturb the order in which a load balancer distributes connections.
func (l *nameProbe) all(ctx context.Context, v4, v6 []netip.Addr, ask Ask) {
	first := max(ask.Attempts, 1)
	others := 1
	if ask.Deep {
		others = first
	}
	var fallback netip.Addr
	if len(v4) > 0 {
		fallback = v4[0]
	}
	if len(v6) == 0 {
		l.ca = l.run(ctx, route{first: v4[0]}, first)
		for _, a := range v4[1:] {
			l.rest = append(l.rest, l.run(ctx, route{first: a}, others))
		}
	} else {
		l.ca = l.run(ctx, route{first: v6[0], fallback: fallback}, first)
		for _, a := range v6[1:] {
			l.rest = append(l.rest, l.run(ctx, route{first: a, fallback: fallback}, others))
		}
	}
	l.byItself(ctx, v4, len(v6) > 0, first, others)
}

// byItself checks IPv4 alone, unless the CA's attempt already covers it.
func (l *nameProbe) byItself(ctx context.Context, v4 []netip.Addr, startsV6 bool, first, others int) {
	if len(v4) > 0 && l.needsV4(startsV6) {
		l.rest = append(l.rest, l.run(ctx, route{first: v4[0], family: onlyV4}, first))
	}
	if !startsV6 {
		return
	}
	for _, a := range v4[min(1, len(v4)):] {
		l.rest = append(l.rest, l.run(ctx, route{first: a, family: onlyV4}, others))
	}
}

// needsV4 reports whether a series of the first IPv4 address alone adds
// anything: if the CA's attempt began with IPv6 and did not already fail to
// connect to that address, or if a redirect led the CA's attempt to IPv6.
func (l *nameProbe) needsV4(startsV6 bool) bool {
	last := l.ca.failure().last()
	if startsV6 {
		dead := l.ca.failed() && l.ca.fellBack() != nil && l.ca.failure().fault != nil && l.ca.failure().fault.dial &&
			last.Address.Addr() == l.ca.route.fallback
		return !dead
	}
	return l.ca.failed() && last.Address.Addr().Is6()
}

// err joins the errors of requests that could not be made.
func (l *nameProbe) err() error {
	errs := []error{l.ca.err()}
	for _, s := range l.rest {
		errs = append(errs, s.err())
	}
	return errors.Join(errs...)
}

// Patterns of a series, in the argument "pattern".
const (
	patternAll         = "all"         // every attempt failed
	patternAlternating = "alternating" // exactly every other one failed: a round-robin balancer
	patternRandom      = "random"      // some failed
	patternFamily      = "family"      // one of IPv4 and IPv6 fails
	patternAddress     = "address"     // one of several addresses of a family fails
)

// fewest is the number of attempts from which a series counts as alternating.
const fewest = 4

// series is the same attempt repeated, in order of starting.
type series struct {
	route    route
	tries    []attempt
	stranger *attempt // differs from the others, which look as the CA's; nil: no difference
	limited  *attempt // refused because we ask too fast; nil: none
	said     string   // the sequence with the limited attempts; empty: there is none
}

// err is the error of the first attempt that could not be made.
func (s series) err() error {
	for _, a := range s.tries {
		if a.err != nil {
			return a.err
		}
	}
	return nil
}

func (s series) failures() int {
	n := 0
	for _, a := range s.tries {
		if !a.passed() {
			n++
		}
	}
	return n
}

func (s series) passed() bool { return s.failures() == 0 }
func (s series) failed() bool { return s.failures() == len(s.tries) }
func (s series) mixed() bool  { return !s.passed() && !s.failed() }

// pattern says how the failures of a series are distributed.
func (s series) pattern() string {
	if s.failed() {
		return patternAll
	}
	if len(s.tries) < fewest {
		return patternRandom
	}
	for i := 1; i < len(s.tries); i++ {
		if s.tries[i].passed() == s.tries[i-1].passed() {
			return patternRandom
		}
	}
	return patternAlternating
}

// failure returns the attempt that represents the failed ones: the first with
// the most frequent code.
func (s series) failure() attempt {
	count := map[checks.Code]int{}
	var best attempt
	most := 0
	for _, a := range s.tries {
		if !a.passed() && a.fault != nil {
			count[a.fault.code]++
			most = max(most, count[a.fault.code])
		}
	}
	for _, a := range s.tries {
		if !a.passed() && a.fault != nil && count[a.fault.code] == most {
			return a
		}
	}
	return best
}

// fellBack returns the first attempt that fell back to IPv4; nil: none.
func (s series) fellBack() *attempt {
	for i := range s.tries {
		if s.tries[i].fellBack != nil {
			return &s.tries[i]
		}
	}
	return nil
}

// trial is an attempt in progress.
type trial struct {
	attempt
	dialing, connected, done chan struct{}
}

func (l *nameProbe) start(ctx context.Context, r route) *trial {
	t := &trial{dialing: make(chan struct{}), connected: make(chan struct{}), done: make(chan struct{})}
	s := signs{
		dialing:   sync.OnceFunc(func() { close(t.dialing) }),
		connected: sync.OnceFunc(func() { close(t.connected) }),
	}
	go func() {
		defer close(t.done)
		// The guard must be in this goroutine: a bug met at one site must not end
		// the program.
		err := guard.Run(func() error {
			t.attempt = l.prober.attempt(ctx, l.host, l.challenge, r, s)
			return nil
		})
		if p, broke := errors.AsType[*guard.Panic](err); broke {
			t.attempt = attempt{err: fmt.Errorf("the attempt broke: %v", p.Value)}
		}
	}()
	return t
}

// over waits until the attempt has ended or the next one may begin. Attempts
// overlap because unreachable addresses and hung backends would take minutes
// one after the other; they start in order because a load balancer distributes
// connections in their order. A single attempt gets more time once the
// connection is established.
func (t *trial) over(patience time.Duration, only bool) bool {
	select {
	case <-t.done:
		return true
	case <-t.dialing:
	}
	if t.within(patience) {
		return true
	}
	select {
	case <-t.connected:
		return only && t.within(3*patience)
	default:
		return false
	}
}

func (t *trial) within(patience time.Duration) bool {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-t.done:
		return true
	case <-late.C:
		return false
	}
}

// run makes the given number of attempts, or as many as are allowed once one
// has failed or gets no answer. It stops at an attempt that could not be made.
// The attempts look as the CA's do, except the last of several.
func (l *nameProbe) run(ctx context.Context, r route, tries int) series {
	patience := l.prober.opts.Timeout / 10
	goal := max(tries, 1)
	var trials []*trial
	haste := false // the site may limit how fast we ask
	over := false
	for i := 0; i < goal; i++ {
		// An attempt that got no answer has taken longer than any rest.
		if over && !l.prober.rest(ctx, haste) {
			break
		}
		r.stranger = i > 0 && i == goal-1
		t := l.start(ctx, r)
		trials = append(trials, t)
		over = t.over(patience, i == 0 && goal == 1)
		if over && t.err != nil {
			break
		}
		if !over || !t.passed() {
			goal = max(goal, l.prober.opts.Attempts)
		}
		haste = haste || over && t.hasty()
	}
	r.stranger = false
	s := series{route: r}
	for _, t := range trials {
		<-t.done
		s.tries = append(s.tries, t.attempt)
	}
	l.compare(ctx, &s)
	s.forgive()
	return s
}
