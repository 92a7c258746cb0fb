package watch

import (
	"context"
	"iter"
	"slices"
	"time"

	"domovoy/reports"
)

// Servers are what is known of every panel, with thresholds, trends and since
// when each trouble lasts.
func (w *Watch) Servers(ctx context.Context, now time.Time) ([]reports.Server, error) {
	open, err := w.journal.OpenIncidents(ctx)
	if err != nil {
		return nil, err
	}
	var servers []reports.Server
	for _, p := range w.panels {
		s, err := w.WithTrends(ctx, p.State(), slices.Values(open), now)
		if err != nil {
			return nil, err
		}
		servers = append(servers, s)
	}
	return servers, nil
}

// Opened adds to a server since when its open incidents last.
func Opened(s reports.Server, open iter.Seq[reports.Incident]) reports.Server {
	s.Opened = reports.Since{}
	for i := range open {
		if i.Finding.Server == s.Name {
			s.Opened.Add(i)
		}
	}
	return s
}

// WithTrends adds to a server's state what the journal remembers: since when
// its open incidents last, and each count's threshold, severity and trend.
func (w *Watch) WithTrends(ctx context.Context, s reports.Server, open iter.Seq[reports.Incident], now time.Time) (reports.Server, error) {
	was := map[string]reports.Incident{} // of the server as a whole
	for i := range open {
		if i.Finding.Server == s.Name && i.Finding.Site == "" {
			was[i.Finding.Key()] = i
		}
	}
	s = Opened(s, open)
	s.Readings = slices.Clone(s.Readings)
	for n := range s.Readings {
		if err := w.withTrend(ctx, &s.Readings[n], was, now); err != nil {
			return s, err
		}
	}
	return s, nil
}

// withTrend adds threshold, severity and trend to a count.
func (w *Watch) withTrend(ctx context.Context, r *reports.Reading, was map[string]reports.Incident, now time.Time) error {
	r.Threshold = w.Policy.Thresholds[r.Code]
	if !r.Known() {
		return nil
	}
	r.Severity = r.Threshold.Level(r.Value-r.Excused, was[w.Policy.Key(r.Metric)].Finding.Severity)
	for back, to := range map[time.Duration]**int{time.Hour: &r.Hour, 24 * time.Hour: &r.Day} {
		value, ok, err := w.journal.MetricAt(ctx, r.Server, r.Code, now.Add(-back), back/2)
		if err != nil {
			return err
		}
		if ok {
			*to = &value
		}
	}
	return nil
}
