package watch

import (
	"context"
	"slices"
	"time"

	"domovoy/checks"
	"domovoy/checks/cert"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// readFiles looks at the certificate files, and learns from those that were
// replaced when the panel usually renews.
func (w *Watch) readFiles(ctx context.Context, p *Panel, s checks.Snapshot, now time.Time) error {
	if now.Sub(p.last.files) < filesPace {
		return nil
	}
	p.last.files = now
	p.last.overdue = reports.OverdueRule{LifeLeft: w.Rules.LifeLeft}
	if p.Files == nil {
		return nil
	}
	results, err := p.Files.Read(s.Sites)
	if err != nil && p.last.folder == nil {
		w.log.WarnContext(ctx, "cannot read certificates", "panel", p.Name, "error", err)
	}
	p.last.results, p.last.folder = results, err
	return w.learn(ctx, p, s)
}

// learn keeps the files' dates and works out when this panel renews.
func (w *Watch) learn(ctx context.Context, p *Panel, s checks.Snapshot) error {
	var seen []journal.FileSeen
	for _, site := range s.Sites {
		r, ok := p.last.results[site.ID]
		if !ok || r.Err != nil || r.File.SelfSigned || !r.Fresh {
			continue
		}
		seen = append(seen, journal.FileSeen{
			Server: p.Name, Certificate: site.Owner + "/" + cert.Stem(site.Certificate),
			NotBefore: r.File.NotBefore, NotAfter: r.File.NotAfter,
		})
	}
	if len(seen) > 0 {
		if err := w.journal.KeepFiles(ctx, seen); err != nil {
			return err
		}
	}
	if !w.Rules.Learn {
		return nil
	}
	renewals, err := w.journal.Renewals(ctx, p.Name, learnFrom)
	if err != nil {
		return err
	}
	p.last.overdue = usual(renewals, w.Rules.LifeLeft)
	return nil
}

// Learning: as many renewals are enough, and so many of the newest count.
const (
	enoughRenewals = 50
	learnFrom      = 500
)

// usual is the life left at which a certificate is later than this panel's
// usually are: below nineteen of twenty renewals seen, less two hundredths of
// the lifetime (two days of ninety) as a grace. A re-issue in the first half
// of a life was requested by somebody and is not a renewal. Whatever was seen, a
// third of the life left is never late, and half of what is configured is never
// early.
func usual(renewals []float64, configured float64) reports.OverdueRule {
	var seen []float64
	for _, left := range renewals {
		if left <= 0.5 {
			seen = append(seen, left)
		}
	}
	if len(seen) < enoughRenewals {
		return reports.OverdueRule{LifeLeft: configured}
	}
	slices.Sort(seen)
	left := seen[len(seen)/20] - 0.02
	return reports.OverdueRule{LifeLeft: min(max(left, configured/2), 1.0/3), Renewals: len(seen)}
}
