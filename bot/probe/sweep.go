// Package probe looks at sites from outside: at one while somebody waits, or at
// all of them in a sweep.
package probe

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"domovoy/bot/internal/work"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// Prober probes the sites of the watched panels.
type Prober struct {
	journal  *journal.Journal
	watch    *watch.Watch
	sweeping chan struct{} // holds one element while a sweep is under way

	mu    sync.Mutex
	alike map[string]time.Time // when a sweep began that saw many sites of a panel turn to one code; guarded by mu
}

// New makes a prober; it probes nothing yet.
func New(j *journal.Journal, w *watch.Watch) *Prober {
	return &Prober{journal: j, watch: w, sweeping: make(chan struct{}, 1), alike: map[string]time.Time{}}
}

// Sweep is one probe of every site of every panel.
type Sweep struct {
	Since    time.Time             // sites probed since then are left out: a sweep that was cut short goes on
	Progress func(done, total int) // called after each site, from one goroutine at a time; may be nil
	Recheck  time.Duration         // from a doubtful result to the second probe; 0: each result is believed at once
}

// ErrOffline is the error of Source.Online, wrapped, when no resolver answers: the
// cause is then our own network.
var ErrOffline = errors.New("the resolvers do not answer")

// Done is called after each panel of a sweep, with what concerns the server as a
// whole, for several panels at once.
type Done func(ctx context.Context, p *watch.Panel, server checks.Outcome, now time.Time) error

// Sweep probes every site, of all panels at once, and keeps the results as it
// goes, apart from those that may be a fault of our own: they are judged at its
// end. Without a network of our own it changes nothing and fails with ErrOffline.
// looked is called with what it says about our own sight of a panel, also if it
// fails for that; done only if it does not. A second sweep waits for the end of
// the first.
func (p *Prober) Sweep(ctx context.Context, s Sweep, done, looked Done) error {
	select {
	case p.sweeping <- struct{}{}:
		defer func() { <-p.sweeping }()
	case <-ctx.Done():
		return ctx.Err()
	}
	rounds, err := p.rounds(ctx, s, looked)
	if err != nil {
		return err
	}
	c, workers := &crew{rounds: rounds}, 1
	failed := make([]error, len(rounds))
	var all sync.WaitGroup
	for i, r := range rounds {
		defer r.begin(ctx)()
		workers = max(workers, r.workers())
		all.Go(func() { failed[i] = r.run(ctx, done, looked) })
	}
	c.work(ctx, workers)
	all.Wait()
	return errors.Join(failed...)
}

// rounds are what there is to probe, by panel.
func (p *Prober) rounds(ctx context.Context, s Sweep, looked Done) ([]*round, error) {
	steps := &steps{tell: s.Progress}
	var rounds []*round
	for _, panel := range p.watch.Panels() {
		if panel.Prober == nil {
			continue
		}
		known := panel.State()
		if known.Read.IsZero() {
			continue // its sites are not known: that none has a problem would be no news
		}
		r := &round{prober: p, panel: panel, steps: steps, recheck: s.Recheck, todo: Due(known, s.Since), before: known.Probes,
			fresh: map[string]checks.Probe{}, all: map[string]checks.Probe{}, ran: map[string][]string{}, began: time.Now(), good: time.Now()}
		if err := r.control(ctx); err != nil {
			if r.blind != nil {
				err = errors.Join(err, looked(ctx, panel, r.looked(), time.Now()))
			}
			return nil, err
		}
		steps.total += len(r.todo)
		rounds = append(rounds, r)
	}
	return rounds, nil
}

// Due are the sites that a sweep probes: those that are switched on and were
// not probed since a moment.
func Due(s reports.Server, since time.Time) []*checks.Subject {
	var due []*checks.Subject
	for i := range s.Subjects { // nobody changes them
		if x := &s.Subjects[i]; x.Site.Active != checks.Off && s.Probes[x.Site.Name].At.Before(since) {
			due = append(due, x)
		}
	}
	return due
}

// steps counts the sites of a sweep over all its panels.
type steps struct {
	tell func(done, total int) // may be nil

	mu          sync.Mutex
	done, total int // guarded by mu once the sweep is under way
}

func (s *steps) one() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done++; s.tell != nil {
		s.tell(s.done, s.total)
	}
}

// more adds sites that will be probed once more.
func (s *steps) more(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total += n
}

// round is the part of a sweep that goes over one panel's sites.
type round struct {
	prober  *Prober
	panel   *watch.Panel
	steps   *steps
	recheck time.Duration // from a doubtful result to the second probe; 0: each result is believed at once

	todo   []*checks.Subject
	before map[string]checks.Probe // the last results

	storing sync.Mutex // held while results are stored
	mu      sync.Mutex
	fresh   map[string]checks.Probe // not stored yet; guarded by mu
	all     map[string]checks.Probe // guarded by mu
	ran     map[string][]string     // the checks of results: they are the same for thousands; guarded by mu
	doubts  []doubt                 // not believed yet; guarded by mu
	later   []postponed             // guarded by mu

	// Of the first probes, guarded by the crew's lock.
	taken, under int             // sites that were taken, and those that are being probed
	failed       error           // that of the first probe that failed
	ended        bool            // probed is closed
	probing      context.Context // ends with the first that fails
	stop         context.CancelFunc
	probed       chan struct{} // closed when none is under way and none is left

	began  time.Time
	held   []held            // not judged yet; guarded by mu while sites are probed
	unseen int               // of held, those whose names could not be looked up; guarded by mu
	good   time.Time         // of the last control that did not fail, or the beginning; guarded by mu
	blind  *checks.Blindness // what kept us from looking; nil: nothing did; guarded by mu

	odd      []checks.Finding // vantage points that disagree with all others
	compared bool             // whether there are any is known

	spots []checks.Finding // addresses of ours at which many sites fail alike
	whole bool             // the sweep saw enough of the panel to say so
}

// begin prepares the first probes. The caller calls end after the round.
func (r *round) begin(ctx context.Context) (end func()) {
	if c, several := r.panel.Prober.(comparer); several {
		c.Begin()
	}
	r.probing, r.stop = context.WithCancel(ctx)
	r.probed = make(chan struct{})
	return r.stop
}

// workers is how many sites may be under way at the same time. Where several places look
// at different sites, some always wait at each, so that none is idle: every place has
// bounds of its own.
func (r *round) workers() int {
	if c, several := r.panel.Prober.(comparer); several && c.Places() > 1 {
		return 2 * c.Places() * r.panel.Workers
	}
	return r.panel.Workers
}

// run waits for the first probes of the panel's sites, and has the end of the round
// recorded.
func (r *round) run(ctx context.Context, done, looked Done) error {
	err := r.probe(ctx)
	if err == nil && 2*len(r.todo) > len(r.panel.State().Subjects) { // the rest of a sweep that was cut short shows too little
		err = r.alikeOnTheWay(ctx)
		r.whole = err == nil
	}
	if err == nil || errors.Is(err, ErrOffline) && ctx.Err() == nil {
		err = errors.Join(err, looked(ctx, r.panel, r.looked(), time.Now()))
	}
	if err != nil {
		return err
	}
	return done(ctx, r.panel, r.panel.Prober.Server(ctx, r.panel.Name, time.Now()), time.Now())
}

// probe waits until a crew has probed the sites, then probes the doubtful ones again. A
// site that panics costs only itself; what was seen before the end of the
// context is kept.
func (r *round) probe(ctx context.Context) error {
	<-r.probed
	err := cmp.Or(r.failed, ctx.Err())
	if err == nil {
		err = r.settle(ctx)
	}
	if err == nil {
		err = r.judge(ctx)
	}
	if err == nil {
		err = errors.Join(r.probeAgain(ctx), r.askRegistries(ctx))
	}
	r.panel.Keep(r.all) // once: it copies what is known of every site
	return err
}

// probeOne probes a site. What was seen is kept even if probing, which ends with the
// first failure, has ended meanwhile.
func (r *round) probeOne(ctx, probing context.Context, x *checks.Subject) error {
	if probing.Err() != nil {
		return probing.Err()
	}
	result, later := r.panel.Prober.Probe(probing, *x, false, time.Now())
	if probing.Err() != nil {
		return probing.Err()
	}
	defer r.steps.one()
	h := held{*x, result, later}
	if r.suspicious(x.Site.Name, result) {
		return r.hold(probing, h)
	}
	return r.release(ctx, h)
}

// doubted sets a result aside that is not believed before a second probe.
func (r *round) doubted(x checks.Subject, l checks.Probe) bool {
	if r.recheck == 0 || !doubtful(r.before[x.Site.Name], l) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doubts = append(r.doubts, doubt{x, l})
	return true
}

// keep stores a result before its worker goes to another site, so that a sweep
// that is killed repeats only what was under way. Results that come while
// others are being stored are stored together.
func (r *round) keep(ctx context.Context, site string, l checks.Probe) error {
	r.mu.Lock()
	key := strings.Join(l.Checks, " ")
	if same, known := r.ran[key]; known {
		l.Checks = same
	} else {
		r.ran[key] = l.Checks
	}
	r.fresh[site], r.all[site] = l, l
	r.mu.Unlock()
	return r.store(ctx)
}

func (r *round) store(ctx context.Context) error {
	r.storing.Lock()
	defer r.storing.Unlock()
	r.mu.Lock()
	batch := r.fresh
	r.fresh = map[string]checks.Probe{}
	r.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	keeping, cancel := work.WithGrace(ctx)
	defer cancel()
	return r.prober.journal.KeepProbes(keeping, r.panel.Name, batch)
}
