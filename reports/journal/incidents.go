package journal

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"domovoy/checks"
	"domovoy/reports"
)

// Entry is what one run has to remember and to tell. It is stored as a whole
// or not at all, so that nothing is told that is not remembered, nor the
// other way round.
type Entry struct {
	At         time.Time
	Changes    []reports.Change
	Deliveries []Delivery // may name an incident of Changes by its IncidentKey
	Metrics    []checks.Metric
	Baseline   []string // servers whose watch begins with this entry
}

// Record stores an entry in one transaction. A change whose incident has no
// ID opens one, or carries on the open one of the same key.
func (j *Journal) Record(ctx context.Context, e Entry) error {
	opened := make(map[string]int64, len(e.Changes))
	// Whatever the error says, the commit may have come through.
	defer func() { j.open.touch(slices.Collect(maps.Values(opened))) }()
	return j.change(ctx, "recording a run", func(t *tx) error { return t.record(ctx, e, opened) })
}

// record notes in opened the incident of each key that it stored.
func (t *tx) record(ctx context.Context, e Entry, opened map[string]int64) error {
	for _, c := range e.Changes {
		id, err := t.keepIncident(ctx, c.Incident)
		if err != nil {
			return err
		}
		opened[c.Incident.Finding.Key()] = id
	}
	for _, server := range e.Baseline {
		if _, err := t.exec(ctx, `INSERT INTO watch (server, since) VALUES (?, ?) ON CONFLICT DO NOTHING`,
			server, millis(e.At)); err != nil {
			return err
		}
	}
	if err := t.keepMetrics(ctx, e.At, e.Metrics); err != nil {
		return err
	}
	deliveries, err := t.speakOf(ctx, e.Deliveries, opened)
	if err != nil {
		return err
	}
	_, err = t.enqueue(ctx, e.At, deliveries)
	return err
}

// speakOf gives each delivery the ID of the incident that it names by key.
func (t *tx) speakOf(ctx context.Context, deliveries []Delivery, opened map[string]int64) ([]Delivery, error) {
	named := make([]Delivery, len(deliveries))
	for i, d := range deliveries {
		if d.Incident == 0 && d.IncidentKey != "" {
			id, ok := opened[d.IncidentKey]
			if !ok {
				var err error
				id, ok, err = one(ctx, t, single[int64], `SELECT id FROM incident WHERE key = ? AND resolved = 0`, d.IncidentKey)
				if err != nil {
					return nil, err
				}
			}
			if !ok {
				return nil, fmt.Errorf("a delivery speaks of %s, which is no open incident", d.IncidentKey)
			}
			d.Incident = id
		}
		named[i] = d
	}
	return named, nil
}

func (t *tx) keepIncident(ctx context.Context, i reports.Incident) (int64, error) {
	finding, err := encodeFinding(i.Finding)
	if err != nil {
		return 0, err
	}
	values := []any{finding, i.Peak, int(i.Worst), int(i.Notified), i.NotifiedPeak, i.Clear,
		millis(i.Times.Opened), millis(i.Times.Seen), millis(i.Times.Notified), millis(i.Times.Resolved), i.Baseline}
	if i.ID == 0 {
		f := i.Finding
		id, _, err := one(ctx, t, single[int64], `INSERT INTO incident
			(finding, peak, worst, told, told_peak, clear, opened, seen, told_at, resolved, baseline, key, server, site)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (key) WHERE resolved = 0 DO UPDATE SET finding = excluded.finding, peak = max(peak, excluded.peak),
				worst = max(worst, excluded.worst), told = excluded.told, told_peak = excluded.told_peak,
				clear = excluded.clear, seen = excluded.seen, told_at = excluded.told_at RETURNING id`,
			append(values, f.Key(), f.Server, f.Site)...)
		return id, err
	}
	n, err := t.exec(ctx, `UPDATE incident SET finding = ?, peak = ?, worst = ?, told = ?, told_peak = ?, clear = ?,
		opened = ?, seen = ?, told_at = ?, resolved = ?, baseline = ? WHERE id = ?`, append(values, i.ID)...)
	if err == nil && n == 0 {
		err = fmt.Errorf("there is no incident %d", i.ID)
	}
	return i.ID, err
}

const incidentColumns = `id, finding, peak, worst, told, told_peak, clear, opened, seen, told_at, resolved, baseline`

func scanIncident(s scanner) (i reports.Incident, err error) {
	var finding string
	at := &i.Times
	if err := s.Scan(&i.ID, &finding, &i.Peak, &i.Worst, &i.Notified, &i.NotifiedPeak, &i.Clear,
		stamp{&at.Opened}, stamp{&at.Seen}, stamp{&at.Notified}, stamp{&at.Resolved}, &i.Baseline); err != nil {
		return i, err
	}
	i.Finding, err = decodeFinding(finding)
	return i, err
}

// incidents lists those for which a condition holds.
func (j *Journal) incidents(ctx context.Context, condition string, args ...any) (found []reports.Incident, err error) {
	err = j.look(ctx, "reading incidents", func(t *tx) error {
		found, err = all(ctx, t, scanIncident, `SELECT `+incidentColumns+` FROM incident WHERE `+condition, args...)
		return err
	})
	return found, err
}

// IncidentsOf is a site's history, newest first; an empty site is the server
// as a whole.
func (j *Journal) IncidentsOf(ctx context.Context, server, site string, limit int) ([]reports.Incident, error) {
	return j.incidents(ctx, `server = ? AND site = ? ORDER BY opened DESC, id DESC LIMIT ?`, server, site, limit)
}

// IncidentsBetween lists what was opened or resolved from one moment up to,
// and without, another, oldest first.
func (j *Journal) IncidentsBetween(ctx context.Context, from, to time.Time) ([]reports.Incident, error) {
	a, b := millis(from), millis(to)
	return j.incidents(ctx, `opened >= ? AND opened < ? OR resolved > 0 AND resolved >= ? AND resolved < ? ORDER BY opened, id`, a, b, a, b)
}

// Incident finds one by its ID.
func (j *Journal) Incident(ctx context.Context, id int64) (reports.Incident, bool, error) {
	found, err := j.incidents(ctx, `id = ?`, id)
	if err != nil || len(found) == 0 {
		return reports.Incident{}, false, err
	}
	return found[0], true, nil
}

// BaselineAt is when the watch over a server began; false: it has not.
func (j *Journal) BaselineAt(ctx context.Context, server string) (at time.Time, ok bool, err error) {
	err = j.look(ctx, "reading the baseline", func(t *tx) error {
		at, ok, err = one(ctx, t, when, `SELECT since FROM watch WHERE server = ?`, server)
		return err
	})
	return at, ok, err
}
