package journal

import (
	"context"
	"time"
)

// FileSeen is the dates of a certificate file.
type FileSeen struct {
	Server, Certificate string
	NotBefore, NotAfter time.Time
}

// KeepFiles stores the dates of certificate files. A file that is younger
// than the stored one is a renewal, and how much of the old one's life was
// left then is kept too. An older file (put back by hand) changes nothing.
func (j *Journal) KeepFiles(ctx context.Context, files []FileSeen) error {
	return j.change(ctx, "keeping file dates", func(t *tx) error {
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

// lifeLeft is the share of the lifetime that is left at a moment, 0 once it is
// over; false: the dates make no lifetime.
func (f FileSeen) lifeLeft(at time.Time) (share float64, ok bool) {
	life := f.NotAfter.Sub(f.NotBefore)
	if life <= 0 {
		return 0, false
	}
	return max(0, float64(f.NotAfter.Sub(at))/float64(life)), true
}

// Renewals lists, for the newest renewals of a server, the share of the old
// certificate's life that was left: 0.33 with 30 of 90 days to go, 0 when it
// had expired. Newest first.
func (j *Journal) Renewals(ctx context.Context, server string, newest int) (shares []float64, err error) {
	err = j.look(ctx, "reading renewals", func(t *tx) error {
		shares, err = all(ctx, t, single[float64], `SELECT life_left FROM renewal WHERE server = ?
			ORDER BY not_before DESC, id DESC LIMIT ?`, server, newest)
		return err
	})
	return shares, err
}
