package journal

import (
	"context"
	"time"

	"domovoy/reports"
)

// Snapshot is the state of all sites of one server at a time.
type Snapshot struct {
	reports.Tally
	States  []reports.SiteState // of every site; ignored if the panel was Unread
	Endings []reports.Ending    // of registrations; ignored if the panel was Unread
}

// KeepSnapshot stores which outages began and ended since the server's previous
// snapshot. A snapshot that is not newer than that one is ignored: history is not
// rewritten.
func (j *Journal) KeepSnapshot(ctx context.Context, s Snapshot) error {
	return j.copy(ctx, "keeping a snapshot", func(t *tx) error {
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
	if _, err := t.exec(ctx, `INSERT INTO tally (server, at, sites, unknown, unread, rules, undated) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		s.Server, millis(s.At), s.Sites, s.Unknown, s.Unread, s.Rules, s.Undated); err != nil || s.Unread {
		return err
	}
	for _, x := range reports.BlindSites(s.At, s.Server, s.States) {
		if _, err := t.exec(ctx, `INSERT OR IGNORE INTO blind (server, at, site, owner) VALUES (?, ?, ?, ?)`, x.Server, millis(x.At), x.Site, x.Owner); err != nil {
			return err
		}
	}
	for _, e := range s.Endings {
		if err := t.keepEnding(ctx, s.Server, s.At, e); err != nil {
			return err
		}
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
	_, err := t.exec(ctx, `INSERT INTO spell (server, site, owner, code, severity, who, expires, free, leads_to, trouble, since, exact, began)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, s.Server, s.Site, s.Owner, string(s.Code), int(s.Severity), string(s.Who),
		millis(s.Expires), millis(s.Free), s.To, millis(s.Trouble), millis(s.Since), s.Exact, millis(s.From))
	return err
}

const outageColumns = `id, server, site, owner, code, severity, who, expires, free, leads_to, trouble, since, exact, began, until, ended`

func scanOutage(s scanner) (x reports.Outage, err error) {
	err = s.Scan(&x.ID, &x.Server, &x.Site, &x.Owner, &x.Code, &x.Severity, &x.Who, stamp{&x.Expires}, stamp{&x.Free}, &x.To,
		stamp{&x.Trouble}, stamp{&x.Since}, &x.Exact, stamp{&x.From}, stamp{&x.Until}, &x.End)
	return x, err
}

// History returns the outages that were under way at some time after from and up
// to to, and the snapshots of that time.
func (j *Journal) History(ctx context.Context, from, to time.Time) (h reports.History, err error) {
	err = j.view(ctx, "reading the history", func(t *tx) error {
		h.Outages, err = all(ctx, t, scanOutage, `SELECT `+outageColumns+` FROM spell
			WHERE (until = 0 OR until > ?1) AND began <= ?2 ORDER BY server, site, began`, millis(from), millis(to))
		if err != nil {
			return err
		}
		h.Tallies, err = all(ctx, t, scanTally, `SELECT server, at, sites, unknown, unread, rules, undated FROM tally
			WHERE at > ?1 AND at <= ?2 ORDER BY at, server`, millis(from), millis(to))
		if err != nil {
			return err
		}
		h.Blind, err = all(ctx, t, scanBlind, `SELECT b.server, b.site, b.owner, b.at FROM blind b
			JOIN (SELECT server, max(at) AS at FROM tally WHERE at > ?1 AND at <= ?2 AND unread = 0 GROUP BY server) last
			ON last.server = b.server AND last.at = b.at ORDER BY b.server, b.site`, millis(from), millis(to))
		if err != nil {
			return err
		}
		h.Endings, err = all(ctx, t, scanEnding, `SELECT e.server, e.site, e.owner, e.domain, e.ends, e.free, e.parking, e.unverified, e.who, e.at FROM ending e
			JOIN (SELECT server, max(at) AS at FROM tally WHERE at > ?1 AND at <= ?2 AND unread = 0 GROUP BY server) last
			ON last.server = e.server AND last.at = e.at ORDER BY e.ends, e.site`, millis(from), millis(to))
		return err
	})
	return h, err
}

func scanBlind(s scanner) (x reports.BlindSite, err error) {
	err = s.Scan(&x.Server, &x.Site, &x.Owner, stamp{&x.At})
	return x, err
}

func scanTally(s scanner) (x reports.Tally, err error) {
	err = s.Scan(&x.Server, stamp{&x.At}, &x.Sites, &x.Unknown, &x.Unread, &x.Rules, &x.Undated)
	return x, err
}

// FileSeen is the validity of a certificate file that was read.
type FileSeen struct {
	Server, Certificate string
	NotBefore, NotAfter time.Time
}

// KeepFiles stores the validity of certificate files. A file whose certificate is
// newer than the stored one is a renewal; the share of the old certificate's
// lifetime that was left is stored with it. An older certificate (a file put back
// by hand) is ignored.
func (j *Journal) KeepFiles(ctx context.Context, files []FileSeen) error {
	return j.copy(ctx, "keeping file dates", func(t *tx) error {
		for _, f := range files {
			if err := t.keepFile(ctx, f); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) keepFile(ctx context.Context, f FileSeen) error {
	old, known, err := one(ctx, t, func(s scanner) (old FileSeen, err error) {
		err = s.Scan(stamp{&old.NotBefore}, stamp{&old.NotAfter})
		return old, err
	}, `SELECT not_before, not_after FROM certificate_file WHERE server = ? AND certificate = ?`, f.Server, f.Certificate)
	if err != nil || known && !old.NotBefore.Before(moment(millis(f.NotBefore))) {
		return err
	}
	if left, ok := old.lifeLeft(f.NotBefore); known && ok {
		if _, err := t.exec(ctx, `INSERT INTO renewal (server, certificate, not_before, life_left) VALUES (?, ?, ?, ?)`,
			f.Server, f.Certificate, millis(f.NotBefore), left); err != nil {
			return err
		}
	}
	_, err = t.exec(ctx, `INSERT INTO certificate_file (server, certificate, not_before, not_after) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET not_before = excluded.not_before, not_after = excluded.not_after`,
		f.Server, f.Certificate, millis(f.NotBefore), millis(f.NotAfter))
	return err
}

// lifeLeft is the share of the lifetime that is left at a time, 0 after its end;
// false: NotAfter is not after NotBefore.
func (f FileSeen) lifeLeft(at time.Time) (share float64, ok bool) {
	life := f.NotAfter.Sub(f.NotBefore)
	if life <= 0 {
		return 0, false
	}
	return max(0, float64(f.NotAfter.Sub(at))/float64(life)), true
}

// Renewals lists, for the newest renewals of a server, the share of the replaced
// certificate's lifetime that was left: 0.33 for 30 of 90 days, 0 for an expired
// one. Newest first, at most newest of them.
func (j *Journal) Renewals(ctx context.Context, server string, newest int) (shares []float64, err error) {
	err = j.view(ctx, "reading renewals", func(t *tx) error {
		shares, err = all(ctx, t, single[float64], `SELECT life_left FROM renewal WHERE server = ?
			ORDER BY not_before DESC, id DESC LIMIT 0 + ?`, server, newest)
		return err
	})
	return shares, err
}
