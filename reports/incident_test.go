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
	open   []Incident
	nextID int64
	stored int // changes that the last run had stored
}

func newHistory() *history {
	return &history{policy: Policy{Remind: 4 * time.Hour, ResolveAfter: 2}, now: noon}
}

// run advances five minutes and returns the changes to report: "opened
// panel.failed".
func (h *history) run(baseline bool, out checks.Outcome) []string {
	h.now = h.now.Add(5 * time.Minute)
	changes := h.policy.Reconcile(h.now, h.open, out, begins(baseline))
	h.stored = len(changes)
	var told []string
	for _, c := range changes {
		h.keep(c.Incident)
		if c.Kind != "" {
			told = append(told, strings.TrimSpace(string(c.Kind)+" "+string(c.Incident.Finding.Code)+" "+c.Incident.Finding.Site))
		}
	}
	return told
}

func (h *history) keep(i Incident) {
	if i.ID == 0 {
		h.nextID++
		i.ID = h.nextID
	}
	h.open = slices.DeleteFunc(h.open, func(x Incident) bool { return x.ID == i.ID })
	if i.Times.Resolved.IsZero() {
		h.open = append(h.open, i)
		slices.SortFunc(h.open, func(a, b Incident) int { return int(a.ID - b.ID) })
	}
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

func TestReconcile(t *testing.T) {
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
		{"a warning that becomes critical is worse, each time anew", []step{
			{name: "warned", found: list(warned), want: []string{"opened panel.processing"}},
			{name: "critical", found: list(critical), want: []string{"worsened panel.processing"}},
			{name: "warned again", found: list(warned)},
			{name: "critical again", found: list(critical), want: []string{"worsened panel.processing"}},
		}},
		{"growth by half since last told is worse", []step{
			{name: "21", found: list(failing(21)), want: []string{"opened panel.failing"}},
			{name: "31", found: list(failing(31))},
			{name: "32", found: list(failing(32)), want: []string{"worsened panel.failing"}},
			{name: "47", found: list(failing(47))},
			{name: "20", found: list(failing(20))},
			{name: "48", found: list(failing(48)), want: []string{"worsened panel.failing"}},
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
			{name: "on", found: list(expired), want: []string{"worsened cert.expired a.ru"}},
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
		out.Checks = []string{"certificate", "issuing", "counts.panel.processing", "counts.panel.failing"}
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
		open = append(open, Incident{ID: int64(n + 1), Finding: onSite(site, checks.CertExpired), Notified: checks.Critical})
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
	open := []Incident{{ID: 1, Finding: foreign, Notified: checks.Critical, Worst: checks.Critical}}
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

// TestReconcileProperties plays random histories. Whatever happens:
//   - of one incident no two messages of a kind without a change of state between them,
//   - an incident is over at most once, and nothing is said of it afterwards,
//   - nothing is over in a run whose check failed, nor of a name still in trouble,
//   - the same run twice gives the same changes.
func TestReconcileProperties(t *testing.T) {
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
	told := map[int64]Change{}
	over := map[int64]bool{}
	for run := range 200 {
		shake(r, world)
		out := look(r, world)
		now := h.now.Add(time.Duration(r.IntN(90)) * time.Minute)
		changes := h.policy.Reconcile(now, h.open, out, begins(run == 0))
		again := h.policy.Reconcile(now, h.open, out, begins(run == 0))
		if fmt.Sprint(changes) != fmt.Sprint(again) {
			t.Fatalf("run %d: two answers to one question", run)
		}
		for _, c := range changes {
			if c.Incident.ID == 0 {
				h.nextID++
				c.Incident.ID = h.nextID
			}
			i := c.Incident
			if over[i.ID] {
				t.Fatalf("run %d: %s after it was over", run, i.Finding.Key())
			}
			if over[i.ID] = !i.Times.Resolved.IsZero(); over[i.ID] {
				checkOver(t, run, i, out, world)
			}
			if last, ok := told[i.ID]; c.Kind != "" && ok {
				checkReason(t, run, last, h.before(i.ID), c)
			}
			if c.Kind != "" {
				told[i.ID] = c
			}
			h.keep(i)
		}
		h.now = now
	}
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

// before returns an incident as the previous run left it.
func (h *history) before(id int64) Incident {
	i := slices.IndexFunc(h.open, func(x Incident) bool { return x.ID == id })
	return h.open[i]
}

// checkReason requires a reason for reporting an incident again.
func checkReason(t *testing.T, run int, last Change, before Incident, c Change) {
	t.Helper()
	was, is := last.Incident, c.Incident
	ok := false
	switch c.Kind {
	case Worsened:
		ok = is.Finding.Severity > before.Finding.Severity || Value(is.Finding)*2 >= was.NotifiedPeak*3 && Value(is.Finding) > was.NotifiedPeak
	case Reminded:
		ok = is.Finding.Site == "" && is.Finding.Severity == checks.Critical && is.Times.Notified.Sub(was.Times.Notified) >= 4*time.Hour
	case Resolved:
		ok = last.Kind != Resolved
	}
	if !ok {
		t.Fatalf("run %d: %s after %s of %s for no reason", run, c.Kind, last.Kind, is.Finding.Key())
	}
}
