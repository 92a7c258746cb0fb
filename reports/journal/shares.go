package journal

import (
	"context"
	"time"
)

// Share is a page for a customer.
type Share struct {
	ID      int64
	Name    string // random; anyone who knows it can read the page
	Folder  string // where the page is
	Domain  string
	Server  string
	Person  string // who made it
	Who     string // their name
	Created time.Time
	Expires time.Time
}

// KeepShare stores a page that is about to be written, and returns its ID.
func (j *Journal) KeepShare(ctx context.Context, s Share) (id int64, err error) {
	err = j.change(ctx, "keeping a page for a customer", func(t *tx) error {
		id, _, err = one(ctx, t, single[int64], `INSERT INTO share (name, folder, domain, server, person, who, created, expires)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`, s.Name, s.Folder, s.Domain, s.Server, s.Person, s.Who, millis(s.Created), millis(s.Expires))
		return err
	})
	return id, err
}

// Shares lists the pages that are not ended, the newest first.
func (j *Journal) Shares(ctx context.Context) (shares []Share, err error) {
	err = j.view(ctx, "reading the pages for customers", func(t *tx) error {
		shares, err = all(ctx, t, func(s scanner) (x Share, err error) {
			err = s.Scan(&x.ID, &x.Name, &x.Folder, &x.Domain, &x.Server, &x.Person, &x.Who, stamp{&x.Created}, stamp{&x.Expires})
			return x, err
		}, `SELECT id, name, folder, domain, server, person, who, created, expires FROM share WHERE ended = 0 ORDER BY id DESC`)
		return err
	})
	return shares, err
}

// EndShare records that a page is gone.
func (j *Journal) EndShare(ctx context.Context, id int64, at time.Time) error {
	return j.change(ctx, "ending a page for a customer", func(t *tx) error {
		_, err := t.exec(ctx, `UPDATE share SET ended = ? WHERE id = ? AND ended = 0`, millis(at), id)
		return err
	})
}
