package reports

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
)

// history runs a panel's outcomes through a policy, as the journal would.
type history struct {
	policy Policy
	now    time.Time
	replay
	stored int // changes that the last run had stored
}

func newHistory() *history {
	return &history{policy: Policy{Remind: 4 * time.Hour, ResolveAfter: 2}, now: noon, replay: replay{opens: map[string][]time.Time{}}}
}

// run advances five minutes and returns what is told: "opened panel.failed",
// "grown cert.expired a.ru b.ru". The baseline is told in one summary.
func (h *history) run(baseline bool, out checks.Outcome) []string {
	h.now = h.now.Add(5 * time.Minute)
	changes := h.policy.Reconcile(h.now, h.open, out, begins(baseline))
	d := h.policy.Decide(Situation{Now: h.now, Open: h.open, Changes: changes, Problems: h.problems, Looked: out.LookedAt, Opens: h.opens,
		Sites: map[string]int{"isp1": 1000}})
	h.stored = len(d.Changes)
	h.keep(d)
	var told []string
	for _, c := range d.Changes {
		if c.Kind == Baseline {
			told = append(told, strings.TrimSpace("baseline "+string(c.Incident.Finding.Code)+" "+c.Incident.Finding.Site))
		}
	}
	for _, t := range d.Tellings {
		told = append(told, line(t))
	}
	return told
}

// line is a telling in one line: its reason, its cause, and the sites that are
// news, or that it is about.
func line(t Telling) string {
	words := []string{string(t.Reason), string(t.Problem.Cause)}
	about := t.Fresh
	if len(about) == 0 {
		about = t.Incidents
	}
	for _, i := range about {
		if i.Finding.Site != "" {
			words = append(words, i.Finding.Site)
		}
	}
	return strings.Join(append(words, strings.Fields(t.Step.To)...), " ")
}

// step is a run in a script.
type step struct {
	name     string
	after    time.Duration // in addition to the five minutes
	found    []checks.Finding
	failures []checks.Failure
	baseline bool
	blind    bool // no check ran
	want     []string
}

func TestDecide(t *testing.T) {
	failing := func(value int) checks.Finding { return count(checks.PanelFailing, checks.Critical, value) }
	warned := count(checks.PanelProcessing, checks.Warning, 70)
	critical := count(checks.PanelProcessing, checks.Critical, 120)
	expired, late, dns := onSite("a.ru", checks.CertExpired), onSite("a.ru", checks.CertOverdue), onSite("a.ru", checks.CADNS)
	off := expired
	off.Severity = checks.Info
	tests := []struct {
		name  string
		steps []step
	}{
		{"a server's trouble opens, and is over after two clean runs", []step{
			{name: "found", found: list(critical), want: []string{"opened panel.processing"}},
			{name: "goes on", found: list(critical)},
			{name: "gone once"},
			{name: "gone twice", want: []string{"resolved panel.processing"}},
			{name: "stays gone"},
		}},
		{"flapping speaks once", []step{
			{name: "found", found: list(critical), want: []string{"opened panel.processing"}},
			{name: "gone"}, {name: "back", found: list(critical)},
			{name: "gone"}, {name: "back", found: list(critical)},
			{name: "gone"}, {name: "gone for good", want: []string{"resolved panel.processing"}},
			{name: "back after that is new", found: list(critical), want: []string{"opened panel.processing"}},
		}},
		{"a warning that becomes critical is worse, each time again", []step{
			{name: "warned", found: list(warned), want: []string{"opened panel.processing"}},
			{name: "critical", found: list(critical), want: []string{"worsened panel.processing"}},
			{name: "warned again", found: list(warned)},
			{name: "critical again", found: list(critical), want: []string{"worsened panel.processing"}},
		}},
		{"growth by half since last told is worse", []step{
			{name: "21", found: list(failing(21)), want: []string{"opened panel.failing"}},
			{name: "31", found: list(failing(31))},
			{name: "32", found: list(failing(32)), want: []string{"grown panel.failing"}},
			{name: "47", found: list(failing(47))},
			{name: "20", found: list(failing(20))},
			{name: "48", found: list(failing(48)), want: []string{"grown panel.failing"}},
		}},
		{"a warning that grows is not worse", []step{
			{name: "60", found: list(count(checks.PanelProcessing, checks.Warning, 60)), want: []string{"opened panel.processing"}},
			{name: "95", found: list(count(checks.PanelProcessing, checks.Warning, 95))},
		}},
		{"only a server's critical trouble is told again", []step{
			{name: "found", found: list(critical, expired), want: []string{"opened panel.processing", "opened cert.expired a.ru"}},
			{name: "too soon", after: 4*time.Hour - 6*time.Minute, found: list(critical, expired)},
			{name: "four hours", found: list(critical, expired), want: []string{"reminded panel.processing"}},
			{name: "warning by now", after: 8 * time.Hour, found: list(warned, expired)},
		}},
		{"the baseline is recorded, told as such, and neither repeated nor over", []step{
			{name: "baseline", baseline: true, found: list(critical, expired), want: []string{"baseline panel.processing", "baseline cert.expired a.ru"}},
			{name: "no reminder", after: 9 * time.Hour, found: list(critical, expired)},
			{name: "gone once"},
			{name: "of a server it is told", want: []string{"resolved panel.processing"}},
			{name: "back", found: list(expired), want: []string{"opened cert.expired a.ru"}},
		}},
		{"a run that could not look resolves nothing", []step{
			{name: "found", found: list(critical, expired), want: []string{"opened panel.processing", "opened cert.expired a.ru"}},
			{name: "no check ran", blind: true}, {name: "nor now", blind: true},
			{name: "the file could not be read", failures: []checks.Failure{{Check: "certificate", Site: "a.ru"}}},
			{name: "the count came back clean", failures: []checks.Failure{{Check: "certificate", Site: "a.ru"}}, want: []string{"resolved panel.processing"}},
			{name: "another site's failure is no hindrance", failures: []checks.Failure{{Check: "certificate", Site: "b.ru"}}},
			{name: "now it is over", want: []string{"resolved cert.expired a.ru"}},
		}},
		{"failures between clean runs do not count", []step{
			{name: "found", found: list(expired), want: []string{"opened cert.expired a.ru"}},
			{name: "gone once"}, {name: "blind", blind: true},
			{name: "gone twice", want: []string{"resolved cert.expired a.ru"}},
		}},
		{"words of the CA wait for the digest", []step{
			{name: "found", found: list(dns)}, {name: "goes on", found: list(dns)}, {name: "gone"}, {name: "gone twice"},
		}},
		{"a site that is off is no news until it is on", []step{
			{name: "off", found: list(off)},
			{name: "on", found: list(expired), want: []string{"opened cert.expired a.ru"}},
		}},
		{"a cause that changes is neither over nor new", []step{
			{name: "late", found: list(late), want: []string{"opened cert.overdue a.ru"}},
			{name: "the CA refuses", found: list(dns)}, {name: "still", found: list(dns)},
			{name: "and falls silent", found: list(late)}, {name: "still late", found: list(late)},
			{name: "over"}, {name: "over: nothing was told of this one"},
		}},
		{"a cause that changes for the worse is told, and then over once", []step{
			{name: "late", found: list(late), want: []string{"opened cert.overdue a.ru"}},
			{name: "expired", found: list(expired), want: []string{"opened cert.expired a.ru"}},
			{name: "late is no longer seen, which is no recovery", found: list(expired)},
			{name: "over"}, {name: "twice", want: []string{"resolved cert.expired a.ru"}},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHistory()
			for _, s := range tt.steps {
				h.now = h.now.Add(s.after)
				if diff := cmp.Diff(s.want, h.run(s.baseline, s.outcome())); diff != "" {
					t.Fatalf("%s: (-want +told)\n%s", s.name, diff)
				}
			}
		})
	}
}

func (s step) outcome() checks.Outcome {
	out := checks.Outcome{Server: "isp1", Findings: s.found, Failures: s.failures}
	if !s.blind {
		out.Checks = []string{"certificate", "issuing", "counts.panel.processing", "counts.panel.failing", "counts.panel.overdue"}
	}
	return out
}

func list(findings ...checks.Finding) []checks.Finding { return findings }

func fields(s string) []string { return strings.Fields(s) }

// The order is that of the findings, then of the open incidents: not a map's.
func TestReconcileOrder(t *testing.T) {
	var open []Incident
	out := checks.Outcome{Server: "isp1", Checks: []string{"certificate"}}
	var want []string
	for n := range 40 {
		site := fmt.Sprintf("new%02d.ru", n)
		out.Findings = append(out.Findings, onSite(site, checks.CertExpired))
		want = append(want, site)
	}
	for n := range 40 {
		site := fmt.Sprintf("old%02d.ru", n)
		open = append(open, Incident{ID: int64(n + 1), Finding: onSite(site, checks.CertExpired), Problem: 1})
		want = append(want, site)
	}
	var got []string
	for _, c := range (Policy{ResolveAfter: 1}).Reconcile(noon, open, out, begins(false)) {
		got = append(got, c.Incident.Finding.Site)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A run ignores what belongs to another panel.
func TestReconcileOtherServer(t *testing.T) {
	foreign := onSite("a.ru", checks.CertExpired)
	foreign.Server = "isp2"
	open := []Incident{{ID: 1, Finding: foreign, Problem: 1, Worst: checks.Critical}}
	out := checks.Outcome{Server: "isp1", Checks: []string{"certificate"}, Findings: list(onSite("a.ru", checks.CertExpired))}
	changes := Policy{ResolveAfter: 1}.Reconcile(noon, open, out, begins(false))
	if len(changes) != 1 || changes[0].Kind != Opened || changes[0].Incident.Finding.Server != "isp1" {
		t.Errorf("%+v", changes)
	}
}

// A thousand incidents that merely continue must not be a thousand rows to
// write.
func TestReconcileStoresWhatMatters(t *testing.T) {
	f := onSite("a.ru", checks.CertExpired)
	f.Args = checks.Args{"at": noon, "failures": 3}
	changed := func(change func(*checks.Finding)) checks.Finding {
		g := f
		g.Args = checks.Args{"at": noon, "failures": 3}
		change(&g)
		return g
	}
	tests := []struct {
		name  string
		after time.Duration
		found checks.Finding
		want  int
	}{
		{"nothing moved", 0, f, 0},
		{"nothing moved for nearly an hour", 54 * time.Minute, f, 0},
		{"once an hour it was seen", 55 * time.Minute, f, 1},
		{"the journal keeps milliseconds and no zone", 0, changed(func(g *checks.Finding) {
			g.Args["at"] = noon.Add(300 * time.Microsecond).In(time.FixedZone("MSK", 3*60*60))
		}), 0},
		{"another moment", 0, changed(func(g *checks.Finding) { g.Args["at"] = noon.Add(time.Second) }), 1},
		{"another number", 0, changed(func(g *checks.Finding) { g.Args["failures"] = 4 }), 1},
		{"one more argument", 0, changed(func(g *checks.Finding) { g.Args["last"] = noon }), 1},
		{"one argument less", 0, changed(func(g *checks.Finding) { delete(g.Args, "failures") }), 1},
		{"other words", 0, changed(func(g *checks.Finding) { g.Detail = "429" }), 1},
		{"milder", 0, changed(func(g *checks.Finding) { g.Severity = checks.Info }), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHistory()
			h.run(false, step{found: list(f)}.outcome())
			h.now = h.now.Add(tt.after)
			h.run(false, step{found: list(tt.found)}.outcome())
			if h.stored != tt.want {
				t.Errorf("%d changes, want %d", h.stored, tt.want)
			}
		})
	}
	t.Run("seen again after a miss", func(t *testing.T) {
		h := newHistory()
		h.run(false, step{found: list(f)}.outcome())
		h.run(false, step{}.outcome())
		h.run(false, step{found: list(f)}.outcome())
		if h.stored != 1 || h.open[0].Clear != 0 {
			t.Errorf("%d changes, clear %d: want the miss forgotten", h.stored, h.open[0].Clear)
		}
	})
	t.Run("no arguments are no arguments", func(t *testing.T) {
		if !material(Incident{Finding: f}, Incident{}) || material(Incident{}, Incident{Finding: checks.Finding{Args: checks.Args{}}}) {
			t.Error("nil and empty arguments must be alike, and unlike some")
		}
	})
}

// What was there at the first look is at least that old, also after it was milder
// for a while; from then on it is reported like any other.
func TestWhatImprovedIsStillOfTheFirstLook(t *testing.T) {
	at := func(severity checks.Severity) checks.Outcome {
		return step{found: list(count(checks.PanelOverdue, severity, 30))}.outcome()
	}
	h := newHistory()
	h.run(true, at(checks.Critical))
	h.now = h.now.Add(h.policy.Remind)
	if told := h.run(false, at(checks.Critical)); len(told) != 0 {
		t.Errorf("it was told again: %s", told)
	}
	h.run(false, at(checks.Warning))
	if told := h.run(false, at(checks.Critical)); !slices.Equal(told, []string{"worsened panel.overdue"}) {
		t.Errorf("the rise: %s", told)
	}
	h.now = h.now.Add(h.policy.Remind)
	if told := h.run(false, at(checks.Critical)); !slices.Equal(told, []string{"reminded panel.overdue"}) {
		t.Errorf("after the rise: %s", told)
	}
	since := Since{}
	i := h.open[0]
	i.Finding.Site = "shop.ru"
	since.Add(i)
	if start := since[sinceKey{"shop.ru", checks.PanelOverdue}]; start.Exact {
		t.Error("its beginning is taken for exact")
	}
}

// TestDecideProperties plays random histories. Whatever happens:
//   - of one problem nothing is told twice without a change of state between,
//   - a problem is over at most once, and nothing is said of it afterwards,
//   - nothing is over in a run whose check failed, nor of a name still in trouble,
//   - no site is named as news twice while it stays as it is,
//   - the same run twice gives the same decision.
func TestDecideProperties(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			play(t, rand.New(rand.NewPCG(seed, 7)))
		})
	}
}

func play(t *testing.T, r *rand.Rand) {
	h := newHistory()
	h.policy.ResolveAfter = r.IntN(4)
	world := map[string]checks.Finding{}
	told, over := map[int64]Telling{}, map[int64]bool{}
	for run := range 200 {
		shake(r, world)
		out := look(r, world)
		h.now = h.now.Add(time.Duration(r.IntN(90)) * time.Minute)
		s := Situation{Now: h.now, Open: h.open, Changes: h.policy.Reconcile(h.now, h.open, out, begins(run == 0)),
			Problems: h.problems, Looked: out.LookedAt, Opens: h.opens}
		d := h.policy.Decide(s)
		s.Changes = h.policy.Reconcile(h.now, h.open, out, begins(run == 0))
		if again := h.policy.Decide(s); fmt.Sprintf("%+v", d) != fmt.Sprintf("%+v", again) {
			t.Fatalf("run %d: two answers to one question", run)
		}
		for _, c := range d.Changes {
			if !c.Incident.Times.Resolved.IsZero() {
				checkOver(t, run, c.Incident, out, world)
			}
		}
		before := h.problems
		h.keep(d)
		for _, said := range d.Tellings {
			id := said.Problem.ID
			if id == 0 {
				id = h.lastOf(said.Problem.Key)
			}
			if over[id] {
				t.Fatalf("run %d: %s after it was over", run, line(said))
			}
			if last, ok := told[id]; ok {
				checkReason(t, run, last, before, said)
			}
			told[id], over[id] = said, said.Reason == Resolved
		}
	}
}

// lastOf is the ID that a new problem got.
func (h *history) lastOf(key string) int64 {
	for _, pr := range h.problems {
		if pr.Key == key {
			return pr.ID
		}
	}
	return -1
}

// shake changes the world a little: causes appear, disappear and change.
func shake(r *rand.Rand, world map[string]checks.Finding) {
	for range r.IntN(3) {
		site := fmt.Sprintf("s%d.ru", r.IntN(4))
		codes := []checks.Code{checks.CertExpired, checks.CertOverdue, checks.CADNS, checks.PanelNoRedirect}
		world[site] = onSite(site, codes[r.IntN(len(codes))])
		if r.IntN(2) == 0 {
			delete(world, site)
		}
	}
	value := r.IntN(200)
	delete(world, "")
	if s := (Threshold{Warn: 60, Critical: 100}).Level(value, checks.Healthy); s > checks.Healthy {
		world[""] = count(checks.PanelProcessing, s, value)
	}
}

// look is a run over the world in which some checks fail.
func look(r *rand.Rand, world map[string]checks.Finding) checks.Outcome {
	out := checks.Outcome{Server: "isp1", Checks: []string{"certificate", "issuing", "counts.panel.processing"}}
	if r.IntN(5) == 0 {
		out.Checks = nil // the panel could not be read
		return out
	}
	for _, name := range []string{"certificate", "issuing", "counts.panel.processing"} {
		if r.IntN(6) == 0 {
			out.Failures = append(out.Failures, checks.Failure{Check: name, Server: "isp1"})
		}
	}
	for n := range 4 {
		site := fmt.Sprintf("s%d.ru", n)
		if r.IntN(6) == 0 {
			out.Failures = append(out.Failures, checks.Failure{Check: "certificate", Server: "isp1", Site: site})
		}
	}
	for _, f := range world {
		if !slices.ContainsFunc(out.Failures, func(x checks.Failure) bool {
			return x.Check == f.Check && (x.Site == "" || x.Site == f.Site)
		}) {
			out.Findings = append(out.Findings, f)
		}
	}
	checks.SortFindings(out.Findings)
	return out
}

func checkOver(t *testing.T, run int, i Incident, out checks.Outcome, world map[string]checks.Finding) {
	t.Helper()
	f := i.Finding
	for _, x := range out.Failures {
		if x.Check == f.Check && (x.Site == "" || x.Site == f.Site) {
			t.Fatalf("run %d: %s is over, though its check failed: %+v", run, f.Key(), x)
		}
	}
	if len(out.Checks) == 0 {
		t.Fatalf("run %d: %s is over, though nobody looked", run, f.Key())
	}
	if is, ok := world[f.Site]; ok && is.Code == f.Code {
		t.Fatalf("run %d: %s is over, though it is there", run, f.Key())
	}
}

// checkReason requires a reason for speaking of a problem again.
func checkReason(t *testing.T, run int, last Telling, before []Problem, said Telling) {
	t.Helper()
	was, is := last.Problem, said.Problem
	stored := before[slices.IndexFunc(before, func(p Problem) bool { return p.ID == is.ID })]
	ok := false
	switch said.Reason {
	case Worsened:
		ok = is.Told.Severity > stored.Told.Severity
	case Grown:
		ok = is.Told.Value*2 >= was.Told.Value*3 || is.OfSites() && is.Told.At.Sub(was.Told.At) >= 4*time.Hour && len(said.Fresh) > 0
	case Reminded:
		ok = !is.OfSites() && is.Told.Severity == checks.Critical && is.Told.At.Sub(was.Told.At) >= 4*time.Hour
	case Resolved:
		ok = last.Reason != Resolved
	case Flaps:
		ok = is.Life.Flapping.Times >= flapTimes && last.Reason != Flaps
	case Settled:
		ok = !stored.Life.Flapping.Since.IsZero()
	}
	if !ok {
		t.Fatalf("run %d: %s after %s for no reason", run, line(said), line(last))
	}
}
