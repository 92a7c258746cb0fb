package ispmanager

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/checks/pace"
)

const (
	logText   = 3       // place of the text among the columns of letsencrypt_log
	textLimit = 1 << 16 // characters of a text

	logRows  = 1000                 // of a batch at most
	logBytes = 1 << 18              // a batch larger than this makes the next one smaller
	logTime  = 8 * time.Millisecond // so does one that took longer
)

// Attempts yields the issuing log's rows from the given one on, in ascending
// order and in batches. It stops at an error of yield and gives that back as
// it is; between batches the panel may be polled, also by yield. A panel
// without a log has no attempts: the snapshot says that it is missing.
//
// A time that cannot be read is zero. Texts end after 65,536 characters,
// and at a NUL. The
// texts of a batch share its memory: whoever keeps a single attempt should
// clone what it keeps.
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

// nextLimit keeps batches short in time and memory, whatever the panel's disk
// and however long its texts.
func nextLimit(limit, size int, spent time.Duration) int {
	switch {
	case size > logBytes || spent > logTime:
		return max(limit/2, 10)
	case size < logBytes/2 && spent < logTime/4:
		return min(limit*2, logRows)
	}
	return limit
}

// logBatch reads one batch, and says whether a pause has to follow.
func (p *Panel) logBatch(ctx context.Context, after int64, limit int) (c chunk, pause time.Duration, err error) {
	err = p.exclusively(ctx, func() error {
		if _, err := p.ready(ctx); err != nil {
			return err
		}
		t := &p.file.tables[letsencryptLog]
		if t.name == "" {
			return nil
		}
		c, err = p.file.batch(ctx, t, after, limit)
		pause = p.file.pause()
		return err
	})
	return c, pause, err
}

// Newest returns the highest row number of the issuing log; zero: it has no
// rows. A number below one that was seen before means that the log was emptied.
func (p *Panel) Newest(ctx context.Context) (int64, error) {
	var row int64
	err := p.exclusively(ctx, func() error {
		if _, err := p.ready(ctx); err != nil {
			return err
		}
		t := &p.file.tables[letsencryptLog]
		if t.name == "" {
			return nil
		}
		return p.file.row(ctx, fmt.Sprintf("SELECT ifnull(max(%s), 0) FROM %s", t.key, t.name), nil, &row)
	})
	return row, err
}

// logReader parses letsencrypt_log.
type logReader struct {
	server string
	clock  *clock
}

// attempts takes id, certname, status, date and message.
func (r logReader) attempts(c chunk) []checks.Attempt {
	rows := make([]checks.Attempt, 0, c.rows)
	for field := range records(c.text, 5) {
		// What cannot be read is zero already.
		at, _ := r.clock.parse(field[3])
		rows = append(rows, checks.Attempt{Server: r.server, Row: number(field[0]),
			Certificate: strings.ToValidUTF8(plain(field[1]), "\uFFFD"),
			Outcome:     outcome(field[2]), Status: strings.ToValidUTF8(plain(field[2]), "\uFFFD"),
			Time: at, Text: strings.ToValidUTF8(plain(field[4]), "\uFFFD")})
	}
	return rows
}

// outcome reads a status. Only 'failed' is attested; the words of success are
// guesses, and a word that is none of these counts neither way.
func outcome(status string) checks.AttemptOutcome {
	switch strings.ToLower(strings.TrimSpace(status)) {
	case "failed", "fail", "failure":
		return checks.OutcomeFailed
	case "ok", "success", "successful", "succeeded", "issued", "done", "complete", "completed", "finished":
		return checks.OutcomeIssued
	}
	return checks.OutcomeOther
}
