package watch

import (
	"context"
	"iter"
	"slices"
	"time"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// Servers are what is known of every panel, with thresholds, trends and since
// when each trouble lasts.
func (w *Watch) Servers(ctx context.Context, now time.Time) ([]reports.Server, error) {
	open, err := w.journal.OpenIncidents(ctx)
	if err != nil {
		return nil, err
	}
	var servers []reports.Server
	by := ByServer(open)
	for _, p := range w.panels {
		s, err := w.WithTrends(ctx, p.State(), by.Of(p.Name), now)
		if err != nil {
			return nil, err
		}
		servers = append(servers, s)
	}
	return servers, nil
}

// Standing is what is known of every panel, with since when each trouble lasts.
func (w *Watch) Standing(ctx context.Context) ([]reports.Server, error) {
	open, err := w.journal.OpenIncidents(ctx)
	if err != nil {
		return nil, err
	}
	var servers []reports.Server
	by := ByServer(open)
	for _, p := range w.panels {
		servers = append(servers, Opened(p.State(), by.Of(p.Name)))
	}
	return servers, nil
}

// Incidents are incidents by the name of their server: of fifty panels each goes through
// its own.
type Incidents map[string][]*reports.Incident

// ByServer sorts incidents by their server. They stay where they are.
func ByServer(list []reports.Incident) Incidents {
	by := Incidents{}
	for i := range list {
		server := list[i].Finding.Server
		by[server] = append(by[server], &list[i])
	}
	return by
}

// Of passes those of a server, in the order in which they were.
func (by Incidents) Of(server string) iter.Seq[reports.Incident] {
	return func(yield func(reports.Incident) bool) {
		for _, i := range by[server] {
			if !yield(*i) {
				return
			}
		}
	}
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
	return s, w.withTrends(ctx, s, was, now)
}

// withTrends adds threshold, severity and trend to the counts of a server.
func (w *Watch) withTrends(ctx context.Context, s reports.Server, was map[string]reports.Incident, now time.Time) error {
	var known []checks.Code
	for n := range s.Readings {
		r := &s.Readings[n]
		r.Threshold = w.Policy.Thresholds[r.Code]
		if r.Known() {
			r.Severity = r.Threshold.Level(r.Value-r.Excused, was[w.Policy.Key(r.Metric)].Finding.Severity)
			known = append(known, r.Code)
		}
	}
	hour, day := now.Add(-time.Hour), now.Add(-24*time.Hour)
	before, err := w.journal.Trends(ctx, s.Name, known, []journal.Moment{{At: hour, Within: time.Hour / 2}, {At: day, Within: 12 * time.Hour}})
	for n := range s.Readings {
		if r := &s.Readings[n]; err == nil && r.Known() {
			r.Hour, r.Day = before[r.Code][0], before[r.Code][1]
		}
	}
	return err
}
