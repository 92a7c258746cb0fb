package reports

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"domovoy/checks"
)

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

// shake changes the world a little: causes come, go and change.
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

// look is a run over the world, of which some checks fail.
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

// before is an incident as the run before left it.
func (h *history) before(id int64) Incident {
	i := slices.IndexFunc(h.open, func(x Incident) bool { return x.ID == id })
	return h.open[i]
}

// checkReason wants a reason for speaking of an incident once more.
func checkReason(t *testing.T, run int, last Change, before Incident, c Change) {
	t.Helper()
	was, is := last.Incident, c.Incident
	ok := false
	switch c.Kind {
	case Worsened:
		ok = is.Finding.Severity > before.Finding.Severity || Value(is.Finding)*2 >= was.ToldPeak*3 && Value(is.Finding) > was.ToldPeak
	case Reminded:
		ok = is.Finding.Site == "" && is.Finding.Severity == checks.Critical && is.Times.ToldAt.Sub(was.Times.ToldAt) >= 4*time.Hour
	case Resolved:
		ok = last.Kind != Resolved
	}
	if !ok {
		t.Fatalf("run %d: %s after %s of %s for no reason", run, c.Kind, last.Kind, is.Finding.Key())
	}
}
