package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"domovoy/checks"
	"domovoy/reports"
)

// Entry is the outcome of one run: what changed and the messages about it. Record
// stores all of it or nothing, so that no message is sent about a change that was
// not stored, and no change is stored without its message.
type Entry struct {
	At         time.Time
	Revision   int64 // that of the Standing on which it was decided; 0: on none
	Changes    []reports.Change
	Problems   []reports.Problem
	Silences   []reports.Silence
	Withdraw   []int64     // problems that somebody took: waiting reminders are dropped
	Deliveries []Delivery  // may name an open problem by its ProblemKey
	Audit      *AuditEntry // what a person did; nil: this is no act of one
	Metrics    []checks.Metric
	Baseline   []string // servers, or server/check, whose watch begins with this entry
}

// Record stores an entry. A change whose incident has no ID opens an incident, or
// updates the open incident of the same key. The error wraps ErrStale if the
// entry rests on an older revision than the newest.
func (j *Journal) Record(ctx context.Context, e Entry) error {
	_, err := j.RecordNumbered(ctx, e)
	return err
}

// RecordNumbered is Record, and returns the numbers that it gave.
func (j *Journal) RecordNumbered(ctx context.Context, e Entry) (stored Stored, err error) {
	opened := make(map[string]int64, len(e.Changes))
	// Also after an error: the commit may have succeeded nevertheless.
	defer func() { j.open.touch(slices.Collect(maps.Values(opened))) }()
	keep := j.change
	if len(e.Changes)+len(e.Deliveries)+len(e.Baseline)+len(e.Problems)+len(e.Silences) == 0 && e.Audit == nil {
		keep = j.copy // counts alone
	}
	err = keep(ctx, "recording a run", func(t *tx) error {
		ctx := context.WithoutCancel(ctx) // see AddAttempts
		stored, err = t.record(ctx, e, opened)
		return err
	})
	return stored, err
}

// record adds the ID of each incident that it stored to opened, by key.
func (t *tx) record(ctx context.Context, e Entry, opened map[string]int64) (Stored, error) {
	stored, err := t.recordLife(ctx, e)
	if err != nil {
		return stored, err
	}
	for _, c := range e.Changes {
		i := c.Incident
		if i.Joins != "" {
			if i.Problem, err = t.problemOf(ctx, i.Joins, stored); err != nil {
				return stored, err
			}
		}
		id, err := t.keepIncident(ctx, i)
		if err != nil {
			return stored, err
		}
		opened[i.Finding.Key()] = id
	}
	for _, server := range e.Baseline {
		if _, err := t.exec(ctx, `INSERT INTO watch (server, since) VALUES (?, ?) ON CONFLICT DO NOTHING`,
			server, millis(e.At)); err != nil {
			return stored, err
		}
	}
	if err := t.keepMetrics(ctx, e.At, e.Metrics); err != nil {
		return stored, err
	}
	return stored, t.recordTelling(ctx, e, stored)
}

// recordTelling stores what an entry tells, and the act that it is.
func (t *tx) recordTelling(ctx context.Context, e Entry, stored Stored) error {
	if err := t.withdraw(ctx, e.At, e.Withdraw); err != nil {
		return err
	}
	deliveries := slices.Clone(e.Deliveries)
	for n := range deliveries {
		d := &deliveries[n]
		if d.Problem != 0 || d.ProblemKey == "" {
			continue
		}
		id, err := t.problemOf(ctx, d.ProblemKey, stored)
		if err != nil {
			return fmt.Errorf("a delivery names a problem: %w", err)
		}
		d.Problem = id
	}
	if _, err := t.enqueue(ctx, e.At, deliveries); err != nil || e.Audit == nil {
		return err
	}
	return t.audit(ctx, *e.Audit)
}

func (t *tx) keepIncident(ctx context.Context, i reports.Incident) (int64, error) {
	finding, err := encodeFinding(i.Finding)
	if err != nil {
		return 0, err
	}
	values := []any{finding, i.Peak, int(i.Worst), int(i.Notified), i.Problem, i.Held, i.Clear,
		millis(i.Times.Opened), millis(i.Times.Seen), millis(i.Times.Notified), millis(i.Times.Resolved), marksOf(i)}
	if i.ID == 0 {
		f := i.Finding
		id, _, err := one(ctx, t, single[int64], `INSERT INTO incident
			(finding, peak, worst, told, problem, held, clear, opened, seen, told_at, resolved, baseline, key, server, site)
			VALUES (?, ?, ?, ?, nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (key) WHERE resolved = 0 DO UPDATE SET finding = excluded.finding, peak = max(peak, excluded.peak),
				worst = max(worst, excluded.worst), told = excluded.told, problem = coalesce(excluded.problem, problem), held = excluded.held,
				clear = excluded.clear, seen = excluded.seen, told_at = excluded.told_at RETURNING id`,
			append(values, f.Key(), f.Server, f.Site)...)
		return id, err
	}
	n, err := t.exec(ctx, `UPDATE incident SET finding = ?, peak = ?, worst = ?, told = ?, problem = nullif(?, 0), held = ?, clear = ?,
		opened = ?, seen = ?, told_at = ?, resolved = ?, baseline = ? WHERE id = ?`, append(values, i.ID)...)
	if err == nil && n == 0 {
		err = fmt.Errorf("there is no incident %d", i.ID)
	}
	return i.ID, err
}

const incidentColumns = `id, finding, peak, worst, told, coalesce(problem, 0), held, clear, opened, seen, told_at, resolved, baseline`

// Bits of the column baseline.
const (
	markBaseline = 1 << iota
	markImproved
)

func marksOf(i reports.Incident) (marks int) {
	if i.Baseline {
		marks |= markBaseline
	}
	if i.Improved {
		marks |= markImproved
	}
	return marks
}

// incidentScanner reads incidents. Thousands of them stay in memory: strings that many
// have, such as the names of arguments, are the same in all that one scanner reads.
type incidentScanner struct{ words map[string]string }

func newIncidentScanner() incidentScanner { return incidentScanner{map[string]string{}} }

// one returns a string that is equal to s and has the memory of the first such.
func (r incidentScanner) one(s string) string {
	if known, ok := r.words[s]; ok {
		return known
	}
	r.words[s] = s
	return s
}

// share replaces the strings of a finding.
func (r incidentScanner) share(f *checks.Finding) {
	for _, s := range []*string{&f.Check, &f.Server, &f.Site, &f.Name, (*string)(&f.Code), &f.From} {
		*s = r.one(*s)
	}
	if f.Args == nil {
		return
	}
	args := make(checks.Args, len(f.Args))
	for name, v := range f.Args {
		if text, ok := v.(string); ok {
			v = r.one(text)
		}
		args[r.one(name)] = v
	}
	f.Args = args
}

func (r incidentScanner) scan(s scanner) (i reports.Incident, err error) {
	var finding string
	var marks int
	at := &i.Times
	if err := s.Scan(&i.ID, &finding, &i.Peak, &i.Worst, &i.Notified, &i.Problem, &i.Held, &i.Clear,
		stamp{&at.Opened}, stamp{&at.Seen}, stamp{&at.Notified}, stamp{&at.Resolved}, &marks); err != nil {
		return i, err
	}
	i.Baseline, i.Improved = marks&markBaseline != 0, marks&markImproved != 0
	if i.Finding, err = decodeFinding(finding); err == nil {
		r.share(&i.Finding)
	}
	return i, err
}

// selectIncidents is a query but for its condition.
const selectIncidents = `SELECT ` + incidentColumns + ` FROM incident WHERE `

// incidents lists the incidents that a query selects.
func (j *Journal) incidents(ctx context.Context, query string, args ...any) (found []reports.Incident, err error) {
	err = j.view(ctx, "reading incidents", func(t *tx) error {
		found, err = all(ctx, t, newIncidentScanner().scan, query, args...)
		return err
	})
	return found, err
}

// IncidentsOf lists at most limit incidents of a site, newest first; of the server
// itself when site is empty.
func (j *Journal) IncidentsOf(ctx context.Context, server, site string, limit int) ([]reports.Incident, error) {
	return j.incidents(ctx, selectIncidents+`server = ? AND site = ? ORDER BY opened DESC, id DESC LIMIT 0 + ?`, server, site, limit)
}

// IncidentsBetween lists the incidents that were opened or resolved at or after
// from and before to, oldest first.
func (j *Journal) IncidentsBetween(ctx context.Context, from, to time.Time) ([]reports.Incident, error) {
	a, b := millis(from), millis(to)
	return j.incidents(ctx, selectIncidents+`opened >= ? AND opened < ? OR resolved > 0 AND resolved >= ? AND resolved < ? ORDER BY opened, id`, a, b, a, b)
}

// BaselineAt returns when the watch of a server began; false: it has not begun.
func (j *Journal) BaselineAt(ctx context.Context, server string) (at time.Time, ok bool, err error) {
	err = j.view(ctx, "reading the baseline", func(t *tx) error {
		at, ok, err = one(ctx, t, when, `SELECT since FROM watch WHERE server = ?`, server)
		return err
	})
	return at, ok, err
}

// openSet caches the open incidents. Thousands of sites may have problems, and a
// poll changes few of them: reading all of them would be most of its work.
//
// This process writes through the one connection of the write pool, and each
// write names the incidents that it touched. On that connection data_version
// changes only with commits of other processes
// (https://sqlite.org/pragma.html#pragma_data_version); after one, all incidents
// are read again.
type openSet struct {
	mu      sync.Mutex
	driver  any   // the connection that version was asked on
	version int64 // data_version; 0: nothing is cached
	touched map[int64]bool
	kept    []reports.Incident // by ID; callers have it, so that a change makes another
}

// touch marks incidents that were, or may have been, changed.
func (o *openSet) touch(ids []int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.touched == nil {
		o.touched = map[int64]bool{}
	}
	for _, id := range ids {
		o.touched[id] = true
	}
}

// OpenIncidents lists the incidents that are not resolved, oldest first. Others
// have the same list: the caller must not change it.
func (j *Journal) OpenIncidents(ctx context.Context) ([]reports.Incident, error) {
	o := &j.open
	o.mu.Lock()
	defer o.mu.Unlock()
	// Read before the incidents: a commit in between is then noticed next time.
	driver, version, err := j.writerVersion(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading incidents: %w", err)
	}
	if o.version == 0 || o.version != version || o.driver != driver {
		o.version = 0
		all, err := j.incidents(ctx, selectIncidents+`resolved = 0 ORDER BY id`)
		if err != nil {
			return nil, err
		}
		o.driver, o.version, o.kept, o.touched = driver, version, slices.Clone(all), nil // without room for more
	}
	if len(o.touched) > 0 {
		if err := j.readTouched(ctx, o); err != nil {
			return nil, err
		}
	}
	return slices.Clip(o.kept), nil
}

// readTouched reads the touched incidents again; the caller holds o.mu.
func (j *Journal) readTouched(ctx context.Context, o *openSet) error {
	ids := make([]int64, 0, len(o.touched))
	for id := range o.touched {
		ids = append(ids, id)
	}
	now, err := glance(ctx, j, "reading incidents", newIncidentScanner().scan, `SELECT `+incidentColumns+` FROM incident
		WHERE resolved = 0 AND id IN (SELECT value FROM json_each(?)) ORDER BY id`, jsonText(ids))
	if err != nil {
		return err
	}
	o.kept = replaced(o.kept, now, o.touched)
	o.touched = nil
	return nil
}

// replaced returns a list with those of its incidents that were touched as they
// are now, if they are still open; both lists are in the order of IDs.
func replaced(list, now []reports.Incident, touched map[int64]bool) []reports.Incident {
	all := make([]reports.Incident, 0, len(list)+len(now))
	for i := range list {
		id := list[i].ID
		for len(now) > 0 && now[0].ID < id {
			all, now = append(all, now[0]), now[1:]
		}
		if !touched[id] {
			all = append(all, list[i])
		}
	}
	return append(all, now...)
}

// writerVersion returns data_version of the write pool's connection, and that
// connection: versions of different connections cannot be compared.
func (j *Journal) writerVersion(ctx context.Context) (driver any, version int64, err error) {
	release, err := j.write.turn(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer release()
	ctx = context.WithoutCancel(ctx) // see glance
	conn, err := j.write.db.Conn(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer conn.Close()
	if err := conn.Raw(func(c any) error { driver = c; return nil }); err != nil {
		return nil, 0, err
	}
	err = conn.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&version)
	return driver, version, err
}

// storedArg is an argument whose type JSON cannot express.
type storedArg struct {
	Time     *time.Time     `json:"time,omitempty"`
	Duration *time.Duration `json:"duration,omitempty"` // nanoseconds
}

// encodeFinding returns a finding as JSON from which decodeFinding restores the
// arguments with their types: text templates depend on whole numbers and times.
func encodeFinding(f checks.Finding) (string, error) {
	args := make(checks.Args, len(f.Args))
	for name, v := range f.Args {
		switch v := v.(type) {
		case time.Time:
			utc := v.UTC()
			args[name] = storedArg{Time: &utc}
		case time.Duration:
			args[name] = storedArg{Duration: &v}
		default:
			args[name] = v
		}
	}
	f.Args = args
	text, err := json.Marshal(f)
	if err != nil {
		return "", fmt.Errorf("storing the finding %s: %w", f.Key(), err)
	}
	return string(text), nil
}

func decodeFinding(text string) (f checks.Finding, err error) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	if err := d.Decode(&f); err != nil {
		return f, fmt.Errorf("reading a stored finding: %w", err)
	}
	for name, v := range f.Args {
		f.Args[name] = decodeArg(v)
	}
	if len(f.Args) == 0 {
		f.Args = nil
	}
	return f, nil
}

// decodeArg returns whole numbers as int, and lists of strings as []string.
func decodeArg(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return int(n)
		}
		n, _ := v.Float64()
		return n
	case map[string]any:
		return decodeStored(v)
	case []any:
		return decodeList(v)
	}
	return v
}

func decodeStored(v map[string]any) any {
	text, err := json.Marshal(v)
	var a storedArg
	if err != nil || json.Unmarshal(text, &a) != nil {
		return v
	}
	switch {
	case a.Time != nil:
		return *a.Time
	case a.Duration != nil:
		return *a.Duration
	}
	return v
}

func decodeList(list []any) any {
	texts := make([]string, 0, len(list))
	for i, v := range list {
		list[i] = decodeArg(v)
		if s, ok := v.(string); ok {
			texts = append(texts, s)
		}
	}
	if len(texts) == len(list) {
		return texts
	}
	return list
}
