package watch

import (
	"context"
	"time"

	"domovoy/checks"
	"domovoy/checks/cert"
	"domovoy/checks/panel"
	"domovoy/reports"
)

// Rehearse judges a made-up snapshot as a reading of a panel does, by the same rules.
// Nothing of it is kept.
func (w *Watch) Rehearse(ctx context.Context, s checks.Snapshot, now time.Time) reports.Server {
	p := newPanel(Source{Name: s.Server})
	all := p.last.subjects(s)
	out := w.runChecks(ctx, p, s, all, cert.Rules{LifeLeft: w.Rules.LifeLeft, Every: w.Rules.Every}, now)
	server := reports.Server{Name: s.Server, Read: now, Subjects: all, Snapshot: s, Outcome: out}
	for _, m := range panel.Counts(s, 0, overdue(out)) {
		server.Readings = append(server.Readings, reports.Reading{Metric: m})
	}
	return server
}
