package journal

import (
	"context"
	"time"

	"domovoy/checks"
	"domovoy/reports"
)

func (t *tx) keepMetrics(ctx context.Context, at time.Time, metrics []checks.Metric) error {
	for _, m := range metrics {
		if !m.Known() {
			continue
		}
		if _, err := t.exec(ctx, `INSERT INTO metric (server, code, at, value) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET value = excluded.value`, m.Server, string(m.Code), millis(at), m.Value); err != nil {
			return err
		}
	}
	return nil
}

// KeepRuns stores the counts of readings in the past.
func (j *Journal) KeepRuns(ctx context.Context, runs []reports.Run) error {
	return j.copy(ctx, "keeping counts", func(t *tx) error {
		for _, r := range runs {
			if err := t.keepMetrics(ctx, r.At, r.Metrics); err != nil {
				return err
			}
		}
		return nil
	})
}

// MetricAt returns the newest sample that is not later than at and not older than
// at minus within; false: there is none. PruneMetrics thins old samples out.
func (j *Journal) MetricAt(ctx context.Context, server string, code checks.Code, at time.Time, within time.Duration) (value int, ok bool, err error) {
	err = j.view(ctx, "reading a metric", func(t *tx) error {
		value, ok, err = t.metricAt(ctx, server, code, Moment{at, within})
		return err
	})
	return value, ok, err
}

// Trends returns the samples that MetricAt has of counts at each of some moments, by
// count; nil: there is none.
func (j *Journal) Trends(ctx context.Context, server string, codes []checks.Code, moments []Moment) (map[checks.Code][]*int, error) {
	values := map[checks.Code][]*int{}
	err := j.view(ctx, "reading trends", func(t *tx) error {
		for _, code := range codes {
			for _, m := range moments {
				value, ok, err := t.metricAt(ctx, server, code, m)
				if err != nil {
					return err
				}
				var known *int
				if ok {
					known = &value
				}
				values[code] = append(values[code], known)
			}
		}
		return nil
	})
	return values, err
}

// Moment is a time at which a count is asked for, with how much older its sample may be.
type Moment struct {
	At     time.Time
	Within time.Duration
}

func (t *tx) metricAt(ctx context.Context, server string, code checks.Code, m Moment) (int, bool, error) {
	return one(ctx, t, single[int], `SELECT value FROM metric WHERE server = ? AND code = ?
		AND at <= ? AND at >= ? ORDER BY at DESC LIMIT 1`, server, string(code), millis(m.At), millis(m.At.Add(-m.Within)))
}

// How long samples are kept: first all of them, then the last of each minute,
// which the replay of a month needs, then the last of each hour, then of each day.
const (
	keepSamples = 2 * 24 * time.Hour
	keepMinutes = 35 * 24 * time.Hour
	keepHourly  = 90 * 24 * time.Hour
	keepDaily   = 2 * 365 * 24 * time.Hour
)

// PruneMetrics deletes the samples that are not kept any longer at now.
func (j *Journal) PruneMetrics(ctx context.Context, now time.Time) error {
	return j.copy(ctx, "pruning metrics", func(t *tx) error {
		if _, err := t.exec(ctx, `DELETE FROM metric WHERE at < ?`, millis(now.Add(-keepDaily))); err != nil {
			return err
		}
		if err := t.thin(ctx, now.Add(-keepSamples), time.Minute); err != nil {
			return err
		}
		if err := t.thin(ctx, now.Add(-keepMinutes), time.Hour); err != nil {
			return err
		}
		return t.thin(ctx, now.Add(-keepHourly), 24*time.Hour)
	})
}

// thin deletes all samples before a time but the last of each step. It considers
// only whole steps: of a step that is cut in two, one part could lose its last
// sample now and the other part later.
func (t *tx) thin(ctx context.Context, before time.Time, step time.Duration) error {
	_, err := t.exec(ctx, `DELETE FROM metric AS m WHERE at < ?1 AND EXISTS (SELECT 1 FROM metric later
		WHERE later.server = m.server AND later.code = m.code AND later.at > m.at AND later.at < (m.at / ?2 + 1) * ?2)`,
		millis(before.Truncate(step)), step.Milliseconds())
	return err
}

// MetricRuns lists a server's readings from from to to, both included, oldest
// first. A reading is the counts that were stored with the same time.
func (j *Journal) MetricRuns(ctx context.Context, server string, from, to time.Time) (runs []reports.Run, err error) {
	scan := func(s scanner) (struct{}, error) {
		var at time.Time
		m := checks.Metric{Server: server}
		if err := s.Scan(stamp{&at}, &m.Code, &m.Value); err != nil {
			return struct{}{}, err
		}
		if len(runs) == 0 || !runs[len(runs)-1].At.Equal(at) {
			runs = append(runs, reports.Run{At: at})
		}
		last := &runs[len(runs)-1]
		last.Metrics = append(last.Metrics, m)
		return struct{}{}, nil
	}
	err = j.view(ctx, "reading the runs", func(t *tx) error {
		_, err := all(ctx, t, scan, `SELECT at, code, value FROM metric WHERE server = ? AND at >= ? AND at <= ? ORDER BY at, code`,
			server, millis(from), millis(to))
		return err
	})
	return runs, err
}

// Baselines returns when watches began: that of a server under its name, that of a
// check on a server under server/check.
func (j *Journal) Baselines(ctx context.Context) (map[string]time.Time, error) {
	begun := map[string]time.Time{}
	scan := func(s scanner) (struct{}, error) {
		var name string
		var at time.Time
		err := s.Scan(&name, stamp{&at})
		begun[name] = at
		return struct{}{}, err
	}
	_, err := glance(ctx, j, "reading when watches began", scan, `SELECT server, since FROM watch`)
	return begun, err
}
