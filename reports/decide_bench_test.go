package reports

import (
	"fmt"
	"testing"
	"time"

	"domovoy/checks"
)

// BenchmarkStorm decides about 10,000 sites that break at once, and about their
// recovery.
func BenchmarkStorm(b *testing.B) {
	var found []checks.Finding
	for n := range 10_000 {
		found = append(found, onSite(fmt.Sprintf("s%05d.ru", n), checks.CertExpired))
	}
	out := checks.Outcome{Server: "isp1", Checks: []string{"certificate"}, Findings: found}
	p := Policy{ResolveAfter: 1, Quiet: Quiet{From: 0, To: 1, Zone: time.UTC}}
	silences := []Silence{{ID: 1, Match: Match{Owner: "client1*"}, Start: noon.Add(-time.Hour), End: noon.Add(time.Hour)}}
	owner := func(_, site string) string { return "client" + site[5:6] }
	for b.Loop() {
		past := replay{opens: map[string][]time.Time{}}
		for n, o := range []checks.Outcome{out, out, {Server: "isp1", Checks: out.Checks}} {
			now := noon.Add(time.Duration(n) * 5 * time.Minute)
			s := Situation{Now: now, Open: past.open, Changes: p.Reconcile(now, past.open, o, begins(false)), Problems: past.problems, Silences: silences,
				Looked: o.LookedAt, Owner: owner, Sites: map[string]int{"isp1": 20_000}}
			d := p.Decide(s)
			if n == 0 && (len(d.Tellings) != 1 || d.Tellings[0].Problem.Cause != StormCause) {
				b.Fatal("no storm")
			}
			past.keepAll(d)
		}
	}
}

// keepAll stores a decision about nothing that was there before.
func (r *replay) keepAll(d Decision) {
	for n := range d.Problems {
		d.Problems[n].ID = int64(n + 1)
	}
	r.problems, r.open = d.Problems, nil
	for _, c := range d.Changes {
		if i := c.Incident; i.Times.Resolved.IsZero() {
			i.Problem, i.Joins = 1, ""
			r.open = append(r.open, i)
		}
	}
}
