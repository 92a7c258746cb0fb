package dns

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	mdns "github.com/miekg/dns"

	"domovoy/checks"
)

// controlTLDs returns the top-level domains whose servers the controls ask:
// those of most customers, and of several operators.
func controlTLDs() []string { return []string{"ru", "com", "org"} }

// RootServers returns the addresses of a, k and m.root-servers.net, of three
// operators (https://www.iana.org/domains/root/servers).
func RootServers() []netip.Addr {
	return []netip.Addr{netip.AddrFrom4([4]byte{198, 41, 0, 4}), netip.AddrFrom4([4]byte{193, 0, 14, 129}), netip.AddrFrom4([4]byte{202, 12, 27, 33})}
}

// controlEvery is the shortest time between two controls. A sweep finds
// thousands of sites in trouble, and those that wait share one control.
const controlEvery = 250 * time.Millisecond

// Control returns nil if the resolver proves, after the call began, that it can
// be believed: a random name directly below each of several top-level domains,
// which no cache can know, does not exist, and the top-level domain itself
// does, also when asked for what no cache can know. Otherwise the error wraps a *checks.Blindness. One top-level domain of
// several that fails is an error, too, but only for the names below it: its
// cause is checks.BlindRegistry.
func (in *Inspector) Control(ctx context.Context) error {
	h, err := in.health(ctx)
	if err != nil {
		return err
	}
	if h.all != nil {
		return h.all
	}
	for _, tld := range in.options.Controls {
		if err := h.down[tld]; err != nil {
			return err
		}
	}
	return nil
}

// health is what the controls found.
type health struct {
	all  error            // concerns every name; nil: the resolver can be believed
	down map[string]error // by top-level domain: its servers give no answer
}

// controls lets lookups that end at about the same time share a control.
type controls struct {
	mu      sync.Mutex
	next    *controlRun // has not begun; nil: nobody waits
	running *controlRun // the latest that began; nil: there was none
	began   time.Time
}

// controlRun is one control and those who wait for it.
type controlRun struct {
	done   chan struct{}
	health health
}

// health returns the result of a control that began after the call.
func (in *Inspector) health(ctx context.Context) (health, error) {
	c := &in.controls
	c.mu.Lock()
	run := c.next
	if run == nil {
		run = &controlRun{done: make(chan struct{})}
		c.next = run
		// It is for all who wait, so it does not end with the first of them.
		go in.runControl(run, c.running, time.Until(c.began.Add(controlEvery))) //nolint:contextcheck // see above
	}
	c.mu.Unlock()
	select {
	case <-run.done:
		return run.health, nil
	case <-ctx.Done():
		return health{}, context.Cause(ctx)
	}
}

// runControl runs a control after the one before it, not sooner than after a
// pause.
func (in *Inspector) runControl(run, before *controlRun, pause time.Duration) {
	defer close(run.done)
	if before != nil {
		<-before.done
	}
	time.Sleep(pause)
	c := &in.controls
	c.mu.Lock()
	c.next, c.running, c.began = nil, run, time.Now()
	c.mu.Unlock()
	run.health = in.look()
}

// look asks the control questions. Each try has the resolver's own timeout, so
// it ends without a context.
func (in *Inspector) look() health {
	ctx := context.Background()
	tlds := in.options.Controls
	const each = 3
	queries := make([]Query, 0, each*len(tlds))
	for _, tld := range tlds {
		queries = append(queries, Query{Name: random(tld), Type: mdns.TypeA}, Query{Name: tld, Type: mdns.TypeNS}, Query{Name: tld, Type: unusedType()})
	}
	said := in.resolver.AskAll(ctx, queries)
	h := health{down: map[string]error{}}
	var lies error
	for i, tld := range tlds {
		q, r := queries[each*i:], said[each*i:]
		absent, present := in.again(ctx, q[0], r[0]), in.again(ctx, q[1], r[1])
		lies = errors.Join(lies, falseAnswer(absent, present, tld), denies(r[2], tld)) // not every resolver answers for unused types
		if err := errors.Join(absent.failure(), present.failure()); err != nil {
			h.down[tld] = &checks.Blindness{Cause: checks.BlindRegistry, TLD: tld, Err: err}
		}
	}
	switch {
	case lies != nil:
		h.all = &checks.Blindness{Cause: checks.BlindResolver, Err: lies}
	case len(h.down) == len(tlds) && len(tlds) > 0:
		h.all = &checks.Blindness{Cause: in.whose(ctx), Err: errors.Unwrap(h.down[tlds[0]])}
	}
	return h
}

// again asks a control question once more, of another server if there is one,
// if it failed.
func (in *Inspector) again(ctx context.Context, q Query, r Result) Result {
	if r.failure() == nil || r.Err != nil { // what was not answered was asked five times already
		return r
	}
	return in.resolver.AskOther(ctx, []Query{q}, r.Answer.Server)[0]
}

// failure returns why a question got no answer that says anything: an error, or
// SERVFAIL.
func (r Result) failure() error {
	if r.says(mdns.RcodeServerFailure) {
		return fmt.Errorf("the resolver %s answers SERVFAIL: %s", r.Answer.Server, r.Answer.reason())
	}
	return r.looked()
}

// falseAnswer returns what is false in the answers about a name that cannot
// exist and a top-level domain that must.
func falseAnswer(absent, present Result, tld string) error {
	switch {
	case absent.says(mdns.RcodeSuccess):
		return fmt.Errorf("the resolver %s knows a name below %s that does not exist: %s", absent.Answer.Server, tld, absent.Answer.line())
	case present.says(mdns.RcodeNameError), present.says(mdns.RcodeSuccess) && len(present.Answer.NameServers()) == 0:
		return fmt.Errorf("the resolver %s does not know %s: %s", present.Answer.Server, tld, present.Answer.line())
	}
	return nil
}

// whose says who is at fault if the resolver fails for all names: if a root
// server answers us directly, our network works.
func (in *Inspector) whose(ctx context.Context) checks.BlindCause {
	for _, root := range in.options.Roots {
		if _, err := in.resolver.AskAt(ctx, netip.AddrPortFrom(root, in.options.Port), Query{Type: mdns.TypeNS}); err == nil {
			return checks.BlindResolver
		}
	}
	if len(in.options.Roots) > 0 {
		return checks.BlindNetwork
	}
	return checks.BlindResolver
}

// random returns a name below a top-level domain that nobody has registered and
// that was never asked for.
func random(tld string) string { return strings.ToLower(rand.Text()) + "." + tld }

// believe runs a control if something is wrong with the name. If the control
// fails, nothing that was found is a cause.
func (l *nameLookup) believe(ctx context.Context) {
	wrong := slices.ContainsFunc(l.found, func(f checks.Finding) bool { return f.Severity > checks.Info })
	if !wrong && l.info.Points != checks.PointsNowhere || len(l.options.Controls) == 0 {
		return
	}
	h, err := l.health(ctx)
	if err == nil {
		err = h.all
	}
	if err != nil {
		l.unseen(err)
		l.makeInfo(0)
	}
}
