package journal

import (
	"context"
	"time"

	"domovoy/reports"
)

// Snapshot is how the sites of one server stood at a moment.
type Snapshot struct {
	reports.Tally
	States []reports.SiteState // of every site; not looked at where the panel was Unread
}

// KeepSnapshot remembers a snapshot: what began and what ended since the one
// before it. One that is not newer than the last of its server is left out:
// history is not rewritten.
func (j *Journal) KeepSnapshot(ctx context.Context, s Snapshot) error {
	return j.change(ctx, "keeping a snapshot", func(t *tx) error {
		last, err := t.lastTally(ctx, s.Server)
		if err != nil || !s.At.After(last) {
			return err
		}
		return t.keepSnapshot(ctx, s)
	})
}

func (t *tx) lastTally(ctx context.Context, server string) (time.Time, error) {
	at, _, err := one(ctx, t, when, `SELECT max(at) FROM tally WHERE server = ?`, server)
	return at, err
}

func (t *tx) keepSnapshot(ctx context.Context, s Snapshot) error {
	if _, err := t.exec(ctx, `INSERT INTO tally (server, at, sites, unknown, unread, rules) VALUES (?, ?, ?, ?, ?, ?)`,
		s.Server, millis(s.At), s.Sites, s.Unknown, s.Unread, s.Rules); err != nil || s.Unread {
		return err
	}
	open, err := all(ctx, t, scanOutage, `SELECT `+outageColumns+` FROM spell WHERE server = ? AND until = 0 ORDER BY site`, s.Server)
	if err != nil {
		return err
	}
	for _, x := range reports.Diff(s.At, s.Server, open, s.States) {
		if err := t.keepOutage(ctx, x); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) keepOutage(ctx context.Context, s reports.Outage) error {
	if s.ID != 0 {
		_, err := t.exec(ctx, `UPDATE spell SET until = ?, ended = ? WHERE id = ?`, millis(s.Until), string(s.End), s.ID)
		return err
	}
	_, err := t.exec(ctx, `INSERT INTO spell (server, site, owner, code, severity, expires, free, leads_to, trouble, began)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, s.Server, s.Site, s.Owner, string(s.Code), int(s.Severity),
		millis(s.Expires), millis(s.Free), s.To, millis(s.Trouble), millis(s.From))
	return err
}

const outageColumns = `id, server, site, owner, code, severity, expires, free, leads_to, trouble, began, until, ended`

func scanOutage(s scanner) (x reports.Outage, err error) {
	err = s.Scan(&x.ID, &x.Server, &x.Site, &x.Owner, &x.Code, &x.Severity, stamp{&x.Expires}, stamp{&x.Free}, &x.To,
		stamp{&x.Trouble}, stamp{&x.From}, stamp{&x.Until}, &x.End)
	return x, err
}

// History is what is remembered from one moment up to another: the outages
// that touch that time, with the ends that they had by then, and its
// snapshots.
func (j *Journal) History(ctx context.Context, from, to time.Time) (h reports.History, err error) {
	err = j.look(ctx, "reading the history", func(t *tx) error {
		h.Outages, err = all(ctx, t, scanOutage, `SELECT `+outageColumns+` FROM spell
			WHERE (until = 0 OR until > ?1) AND began <= ?2 ORDER BY server, site, began`, millis(from), millis(to))
		if err != nil {
			return err
		}
		h.Tallies, err = all(ctx, t, scanTally, `SELECT server, at, sites, unknown, unread, rules FROM tally
			WHERE at > ?1 AND at <= ?2 ORDER BY at, server`, millis(from), millis(to))
		return err
	})
	return h, err
}

func scanTally(s scanner) (x reports.Tally, err error) {
	err = s.Scan(&x.Server, stamp{&x.At}, &x.Sites, &x.Unknown, &x.Unread, &x.Rules)
	return x, err
}

// LastSnapshot is when a server's last snapshot was taken; zero: never.
func (j *Journal) LastSnapshot(ctx context.Context, server string) (at time.Time, err error) {
	err = j.look(ctx, "finding the last snapshot", func(t *tx) error {
		at, err = t.lastTally(ctx, server)
		return err
	})
	return at, err
}
