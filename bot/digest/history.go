package digest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// punctual is how late a snapshot may be taken and still count as one of the
// moment at which it was due.
const punctual = time.Hour

// Snapshot is the job that stores the state of every site once a day: as of the
// moment that it was due, so that weeks begin and end on time, unless it is too
// late for that.
func (d *Reporter) Snapshot(ctx context.Context, due time.Time) error {
	at := due
	if now := time.Now(); now.Sub(due) > punctual {
		at = now
	}
	snapshots, err := d.Snapshots(ctx, at)
	for _, s := range snapshots {
		err = errors.Join(err, d.journal.KeepSnapshot(ctx, s))
	}
	return err
}

// Snapshots are the states of every site of each panel now, dated as given.
func (d *Reporter) Snapshots(ctx context.Context, at time.Time) ([]journal.Snapshot, error) {
	servers, err := d.watch.Servers(ctx, time.Now())
	if err != nil {
		return nil, err
	}
	var snapshots []journal.Snapshot
	for _, s := range servers {
		states := s.SiteStates()
		snapshots = append(snapshots, journal.Snapshot{Tally: s.Tally(at, d.rules(), states), States: states, Endings: s.Endings(checks.EndingWithin)})
	}
	return snapshots, nil
}

// rules is the version of the rules of judging. If it differs, numbers before and
// after may differ though no site did. It depends on the codes, their order and
// the thresholds.
func (d *Reporter) rules() string {
	text, err := json.Marshal([]any{checks.Codes(), d.watch.Policy.Thresholds, d.watch.Rules})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:4])
}

// history covers a week and what it is compared with. While the week is not over,
// it ends with the present state.
func (d *Reporter) history(ctx context.Context, week reports.Week, now time.Time) (reports.History, error) {
	h, err := d.journal.History(ctx, week.From.Add(-reports.Reach), week.To)
	if err != nil || !now.Before(week.To) {
		return h, err
	}
	servers, err := d.watch.Servers(ctx, now)
	if err != nil {
		return h, err
	}
	return d.with(h, servers, now), nil
}

// with is the history with the present state at its end.
func (d *Reporter) with(h reports.History, servers []reports.Server, now time.Time) reports.History {
	for _, s := range servers {
		states := s.SiteStates()
		t := s.Tally(now, d.rules(), states)
		h = h.With(t, states).WithEndings(t, s.Endings(checks.EndingWithin))
	}
	return h
}
