package lab

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// Counts are the panel's counts, computed by plain loops for comparison with
// other readers.
type Counts struct {
	Sites         int
	Active        int // enabled sites
	Processing    int // certificates being issued
	Failed        int // certificates that were given up
	Failing       int // certificates that failed at least twice in the 4 hours before now
	Overdue       int // neither processing nor failed, and started at least 83 days ago
	NoCertificate int // active sites with secure off
	NoRedirect    int // active sites with redirect_http off, those without TLS too
	Started       Dates
}

// Dates counts the values of time_started that are not a past date.
type Dates struct {
	Null   int
	Zero   int // 0000-00-00 00:00:00
	Epoch  int // seconds since 1970 as text
	Other  int // any other text
	Future int
}

const (
	failingWindow = 4 * time.Hour
	overdueAge    = 83 * 24 * time.Hour
)

// Counts counts the whole panel at the given time.
func (p *Panel) Counts(now time.Time) (Counts, error) {
	var c Counts
	failures := map[string]int{}
	err := p.each("SELECT active, secure, redirect_http FROM webdomain", func(row []string) { c.site(row) })
	if err != nil {
		return c, err
	}
	err = p.each("SELECT processing, failed, coalesce(time_started, 'NULL') FROM letsencrypt_ssl", func(row []string) {
		c.certificate(row, now, p.layout.zone)
	})
	if err != nil {
		return c, err
	}
	// The driver would convert a bare DATETIME column to a time, in a zone of
	// its choice.
	err = p.each("SELECT certname, status, date || '' FROM letsencrypt_log", func(row []string) {
		at, err := time.ParseInLocation(time.DateTime, row[2], p.layout.zone)
		if err == nil && row[1] == StatusFailed && now.Sub(at) <= failingWindow {
			failures[row[0]]++
		}
	})
	for _, times := range failures {
		if times >= 2 {
			c.Failing++
		}
	}
	return c, err
}

func (c *Counts) site(row []string) {
	active, secure, redirect := row[0] == "on", row[1] == "on", row[2] == "on"
	c.Sites++
	if !active {
		return
	}
	c.Active++
	if !secure {
		c.NoCertificate++
	}
	if !redirect {
		c.NoRedirect++
	}
}

func (c *Counts) certificate(row []string, now time.Time, zone *time.Location) {
	processing, failed := row[0] == "on", row[1] == "on"
	if processing {
		c.Processing++
	}
	if failed {
		c.Failed++
	}
	started, readable := c.Started.count(row[2], now, zone)
	if readable && !processing && !failed && now.Sub(started) >= overdueAge {
		c.Overdue++
	}
}

func (d *Dates) count(text string, now time.Time, zone *time.Location) (time.Time, bool) {
	started, err := time.ParseInLocation(time.DateTime, text, zone)
	_, notNumber := strconv.ParseInt(text, 10, 64)
	switch {
	case text == "NULL":
		d.Null++
	case text == "0000-00-00 00:00:00":
		d.Zero++
	case notNumber == nil:
		d.Epoch++
	case err != nil:
		d.Other++
	case started.After(now):
		d.Future++
	}
	return started, err == nil
}

// each calls row with every row of a query of three text columns.
func (p *Panel) each(query string, row func([]string)) error {
	rows, err := p.conn.QueryContext(context.Background(), query)
	if err != nil {
		return fmt.Errorf("counting: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		values := make([]string, 3)
		if err := rows.Scan(&values[0], &values[1], &values[2]); err != nil {
			return fmt.Errorf("counting: %w", err)
		}
		row(values)
	}
	return rows.Err()
}
