package alerts

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// run is what is to be decided: what a reading or a sweep found, or that time
// has passed.
type run struct {
	now     time.Time
	server  string // empty: no run looked
	out     checks.Outcome
	begin   reports.Beginning
	changes []reports.Change                            // in place of what Reconcile makes of out
	narrow  func([]reports.Incident) []reports.Incident // leaves the incidents that the outcome is about; nil: all
	policy  reports.Policy
	entry   journal.Entry // what else is to be stored
}

// scene is what a decision is told of.
type scene struct {
	now     time.Time
	of      string // the server of the run; may be empty
	begin   reports.Beginning
	open    []reports.Incident // of problems, once the decision is made
	servers map[string]reports.Server
}

// retries is how often a decision is made again because somebody changed a
// problem meanwhile, such as by a command of another process.
const retries = 20

// settle decides about a run and stores the decision with its messages, all or
// nothing. A decision that rests on problems which changed meanwhile is made
// again. It returns what was stored.
func (r *Recorder) settle(ctx context.Context, found run) (journal.Entry, error) {
	r.deciding.Lock()
	defer r.deciding.Unlock()
	for range retries {
		entry, err := r.decide(ctx, found)
		if err != nil {
			return entry, err
		}
		err = r.journal.Record(ctx, entry)
		if errors.Is(err, journal.ErrStale) {
			continue
		}
		if err == nil && len(entry.Deliveries) > 0 {
			r.send.Wake() // only then: the outbox looks into the journal
		}
		if err == nil && len(entry.Problems) > 0 {
			r.review.Wake()
		}
		return entry, err
	}
	return journal.Entry{}, journal.ErrStale
}

// ending reports whether an incident needs another reading without it to end.
func ending(e journal.Entry) bool {
	return slices.ContainsFunc(e.Changes, func(c reports.Change) bool { return c.Incident.Clear > 0 && c.Incident.Times.Resolved.IsZero() })
}

// decide makes the entry of a run.
func (r *Recorder) decide(ctx context.Context, found run) (journal.Entry, error) {
	entry := found.entry
	entry.At = found.now
	standing, err := r.journal.Standing(ctx, found.now)
	if err != nil {
		return entry, err
	}
	open, err := r.journal.OpenIncidents(ctx)
	if err != nil {
		return entry, err
	}
	changes := slices.Clone(found.changes)
	if found.server != "" {
		compared := open
		if found.narrow != nil {
			compared = found.narrow(open)
		}
		changes = found.policy.Reconcile(found.now, compared, found.out, found.begin.Begins)
	}
	situation := reports.Situation{Now: found.now, Open: ofProblems(open), Changes: changes, Problems: standing.Problems,
		Silences: standing.Silences, Passed: standing.Passed, Owner: r.owners(), Sites: r.sites(), Node: r.nodes(), Resting: r.resting()}
	if found.server != "" {
		situation.Looked = found.out.LookedAt
	}
	if situation.Opens, err = r.opens(ctx, situation); err != nil {
		return entry, err
	}
	d := found.policy.Decide(situation)
	entry.Revision, entry.Changes, entry.Problems = standing.Revision, d.Changes, d.Problems
	if len(d.Tellings)+len(d.Redraw) == 0 && !found.begin.Server && len(found.begin.Checks) == 0 {
		return entry, nil
	}
	s, err := r.scene(ctx, found, open, d)
	if err != nil {
		return entry, err
	}
	entry.Deliveries, err = r.tell(ctx, s, d)
	return entry, err
}

// opens are the earlier openings of what is or was news, to know what flaps.
func (r *Recorder) opens(ctx context.Context, s reports.Situation) (map[string][]time.Time, error) {
	var keys []string
	for _, c := range s.Changes {
		if c.Kind == reports.Opened {
			keys = append(keys, c.Incident.Finding.Key())
		}
	}
	for _, i := range s.Open {
		if i.Finding.Site != "" && i.Notified < i.Finding.Severity {
			keys = append(keys, i.Finding.Key())
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	return r.journal.Opens(ctx, keys, s.Now.Add(-reports.FlapWithin))
}

// scene gathers what messages are composed of.
func (r *Recorder) scene(ctx context.Context, found run, open []reports.Incident, d reports.Decision) (scene, error) {
	s := scene{now: found.now, of: found.server, begin: found.begin, servers: map[string]reports.Server{}}
	now := slices.Collect(after(open, d.Changes))
	by := watch.ByServer(now)
	for _, p := range r.watch.Panels() {
		state, err := r.watch.WithTrends(ctx, p.State(), by.Of(p.Name), found.now)
		if err != nil {
			return s, err
		}
		s.servers[p.Name] = state
	}
	for _, i := range now {
		if i.Problem != 0 || i.Joins != "" {
			s.open = append(s.open, i)
		}
	}
	return s, nil
}

// ofProblems are the incidents that belong to problems: few of thousands.
func ofProblems(open []reports.Incident) []reports.Incident {
	var some []reports.Incident
	for _, i := range open {
		if i.Problem != 0 {
			some = append(some, i)
		}
	}
	return some
}

// owners returns the owner of a site, as last read; empty: not known. It gathers
// them at its first call: few decisions need any.
func (r *Recorder) owners() func(server, site string) string {
	owners := sync.OnceValue(func() map[[2]string]string {
		all := map[[2]string]string{}
		for _, p := range r.watch.Panels() {
			for _, x := range p.State().Subjects {
				all[[2]string{p.Name, x.Site.Name}] = x.Site.Owner
			}
		}
		return all
	})
	return func(server, site string) string { return owners()[[2]string{server, site}] }
}

// sites is how many sites there are, by server and by node.
func (r *Recorder) sites() map[string]int {
	sites := map[string]int{}
	for _, p := range r.watch.Panels() {
		s := p.State()
		sites[p.Name] = len(s.Subjects)
		if len(s.Snapshot.Nodes) == 0 {
			continue
		}
		for _, x := range s.Subjects {
			if x.Site.Node != "" {
				sites[checks.Place(p.Name, x.Site.Node)]++
			}
		}
	}
	return sites
}

// nodes returns the node of a cluster that a finding is about, as last read;
// empty: there is none, or it is not known. Sites are gathered at the first call
// that asks for one.
func (r *Recorder) nodes() func(checks.Finding) string {
	servers := map[string]reports.Server{}
	for _, p := range r.watch.Panels() {
		if s := p.State(); len(s.Snapshot.Nodes) > 0 {
			servers[p.Name] = s
		}
	}
	sites := sync.OnceValue(func() map[[2]string]string {
		all := map[[2]string]string{}
		for name, s := range servers {
			for _, x := range s.Subjects {
				all[[2]string{name, x.Site.Name}] = x.Site.Node
			}
		}
		return all
	})
	return func(f checks.Finding) string {
		s, cluster := servers[f.Server]
		switch {
		case !cluster:
			return ""
		case f.Site == "":
			return s.NodeOf(f)
		}
		return sites()[[2]string{f.Server, f.Site}]
	}
}

// resting are the nodes in maintenance, as last read, by server; one that was
// not read yet is left out.
func (r *Recorder) resting() map[string][]string {
	all := map[string][]string{}
	for _, p := range r.watch.Panels() {
		if s := p.State(); !s.Read.IsZero() {
			all[p.Name] = s.Resting()
		}
	}
	return all
}
