package ispmanager

import (
	"context"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"domovoy/checks"
	"domovoy/checks/pace"
)

const (
	logText   = 3       // index of the text among the columns of letsencrypt_log
	textLimit = 1 << 16 // characters of a text that are read

	logRows  = 1000                 // largest batch
	logBytes = 1 << 18              // a batch larger than this makes the next one smaller
	logTime  = 8 * time.Millisecond // so does one that took longer
)

// Attempts yields the issuance log's rows from the given one on, in ascending
// order and in batches. It stops at an error of yield and returns that
// unchanged. The panel may be polled between batches, by yield too. A panel
// without a log has no attempts: the snapshot says that it is missing.
//
// A time that cannot be read is zero. Texts end after 65,536 characters, and at
// a NUL. A batch is valid until yield returns. Its texts share memory: a caller that
// keeps a single attempt should clone its strings.
func (p *Panel) Attempts(ctx context.Context, from int64, yield func([]checks.Attempt) error) error {
	r := logReader{server: p.cfg.Name, clock: &clock{zone: p.cfg.Zone}}
	after := max(from, math.MinInt64+1) - 1
	for limit := logRows / 4; ; {
		begun := time.Now()
		c, pause, err := p.logBatch(ctx, after, limit)
		if err != nil {
			return err
		}
		spent := time.Since(begun)
		if c.rows > 0 {
			if err := yield(r.attempts(c)); err != nil {
				return err
			}
		}
		if c.rows < limit {
			return nil
		}
		if err := pace.Sleep(ctx, pause); err != nil {
			return err
		}
		after = c.last
		limit = nextLimit(limit, len(c.text), spent)
	}
}

// nextLimit returns the size of the next batch, so that batches take little
// time and memory however slow the disk and long the texts are.
func nextLimit(limit, size int, spent time.Duration) int {
	switch {
	case size > logBytes || spent > logTime:
		return max(limit/2, 10)
	case size < logBytes/2 && spent < logTime/4:
		return min(limit*2, logRows)
	}
	return limit
}

// logBatch reads one batch and reports whether a pause has to follow.
func (p *Panel) logBatch(ctx context.Context, after int64, limit int) (c chunk, pause time.Duration, err error) {
	err = p.exclusively(ctx, func() error {
		if err := p.db.open(ctx); err != nil {
			return err
		}
		t := &p.db.tables()[letsencryptLog]
		if t.name == "" {
			return nil
		}
		c, err = p.db.batch(ctx, t, after, limit)
		pause = p.db.pause()
		return err
	})
	return c, pause, err
}

// Newest returns the highest row number of the issuance log; zero: it has none.
// A number lower than an earlier one means that the log was emptied.
func (p *Panel) Newest(ctx context.Context) (int64, error) {
	var row int64
	err := p.exclusively(ctx, func() (err error) {
		if err := p.db.open(ctx); err != nil {
			return err
		}
		t := &p.db.tables()[letsencryptLog]
		if t.name == "" {
			return nil
		}
		row, err = p.db.newest(ctx, t)
		return err
	})
	return row, err
}

// logReader parses letsencrypt_log.
type logReader struct {
	server string
	clock  *clock
	rows   []checks.Attempt // reused
}

// attempts takes id, certname, status, date and message.
func (r *logReader) attempts(c chunk) []checks.Attempt {
	r.rows = r.rows[:0]
	valid := plain
	if !utf8.ValidString(c.text) {
		valid = func(field string) string { return strings.ToValidUTF8(plain(field), "\uFFFD") }
	}
	for field := range records(c.text, 5) {
		// On failure the zero time is what is wanted.
		at, _ := r.clock.parse(field[3])
		r.rows = append(r.rows, checks.Attempt{Server: r.server, Row: number(field[0]),
			Certificate: valid(field[1]),
			Outcome:     outcome(field[2]), Status: valid(field[2]),
			Time: at, Text: valid(field[4])})
	}
	return r.rows
}

// outcome reads a status. Only 'failed' is known from real panels; the words
// for success are guesses, and any other word counts as neither.
func outcome(status string) checks.AttemptOutcome {
	switch strings.ToLower(strings.TrimSpace(status)) {
	case "failed", "fail", "failure":
		return checks.OutcomeFailed
	case "ok", "success", "successful", "succeeded", "issued", "done", "complete", "completed", "finished":
		return checks.OutcomeIssued
	}
	return checks.OutcomeOther
}
