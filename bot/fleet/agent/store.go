package agent

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"domovoy/bot/fleet"
)

// Store is the agent's own file: what the hub has acknowledged, and what it has
// not. It survives a kill at any moment.
type Store struct {
	db *sql.DB
}

// schema of the file. A fact whose sum is empty was being published when the
// process ended: nobody knows which one the hub has.
const schema = `
CREATE TABLE IF NOT EXISTS panel (
	name       TEXT PRIMARY KEY,
	epoch      TEXT NOT NULL,
	reading    INTEGER NOT NULL,
	generation INTEGER NOT NULL, -- of the issuance log
	row        INTEGER NOT NULL, -- the last one that was read
	seq        INTEGER NOT NULL, -- of the stream LOG: the last batch that was acknowledged
	facts      INTEGER NOT NULL  -- of the stream FACTS: the last message that was acknowledged
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fact (
	panel   TEXT NOT NULL,
	subject TEXT NOT NULL,
	sum     BLOB NOT NULL,
	PRIMARY KEY (panel, subject)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS recent (
	panel TEXT NOT NULL,
	row   INTEGER NOT NULL,
	at    INTEGER NOT NULL, -- milliseconds
	sum   BLOB NOT NULL,
	PRIMARY KEY (panel, row)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
	id    INTEGER PRIMARY KEY AUTOINCREMENT,
	panel TEXT NOT NULL,
	data  BLOB NOT NULL
) STRICT;`

// OpenStore opens the file, creating it and its folder if there is none.
func OpenStore(ctx context.Context, path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("opening the agent's file: %w", err)
	}
	q := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)"}, "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("opening the agent's file: %w", err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the agent's file %s: %w", path, err), db.Close())
	}
	return &Store{db}, nil
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

// progress is how far a panel was sent.
type progress struct {
	epoch      string
	reading    int64
	generation int64
	row        int64
	seq, facts uint64
}

// change runs work in a transaction.
func (s *Store) change(ctx context.Context, doing string, work func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err == nil {
		if err = work(tx); err == nil {
			err = tx.Commit()
		} else {
			err = errors.Join(err, tx.Rollback())
		}
	}
	if err != nil {
		return fmt.Errorf("%s in the agent's file: %w", doing, err)
	}
	return nil
}

// load returns how far a panel was sent, and the sums of its facts that the hub
// has acknowledged. A panel that the file does not know begins an epoch.
func (s *Store) load(ctx context.Context, panel string) (p progress, facts map[string]fleet.Digest, err error) {
	facts = map[string]fleet.Digest{}
	err = s.change(ctx, "reading the progress", func(tx *sql.Tx) error {
		row := tx.QueryRowContext(ctx, `SELECT epoch, reading, generation, row, seq, facts FROM panel WHERE name = ?`, panel)
		err := row.Scan(&p.epoch, &p.reading, &p.generation, &p.row, &p.seq, &p.facts)
		if errors.Is(err, sql.ErrNoRows) {
			p = progress{epoch: newEpoch(), generation: time.Now().UnixMilli()}
			return keep(ctx, tx, panel, p)
		}
		if err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, `SELECT subject, sum FROM fact WHERE panel = ?`, panel)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var subject string
			var sum []byte
			if err := rows.Scan(&subject, &sum); err != nil {
				return err
			}
			var d fleet.Digest
			copy(d[:], sum)
			facts[subject] = d
		}
		return rows.Err()
	})
	return p, facts, err
}

// newEpoch is a name that no epoch had before.
func newEpoch() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func keep(ctx context.Context, tx *sql.Tx, panel string, p progress) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO panel (name, epoch, reading, generation, row, seq, facts) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET epoch = excluded.epoch, reading = excluded.reading, generation = excluded.generation,
			row = excluded.row, seq = excluded.seq, facts = excluded.facts`,
		panel, p.epoch, p.reading, p.generation, p.row, int64(p.seq), int64(p.facts))
	return err
}

// keep stores how far a panel was sent.
func (s *Store) keep(ctx context.Context, panel string, p progress) error {
	return s.change(ctx, "keeping the progress", func(tx *sql.Tx) error { return keep(ctx, tx, panel, p) })
}

// mark stores the sums of facts; a zero sum is one that nobody knows.
func (s *Store) mark(ctx context.Context, panel string, sums map[string]fleet.Digest) error {
	return s.change(ctx, "keeping what the hub has", func(tx *sql.Tx) error {
		put, err := tx.PrepareContext(ctx, `INSERT OR REPLACE INTO fact (panel, subject, sum) VALUES (?, ?, ?)`)
		if err != nil {
			return err
		}
		defer put.Close()
		for subject, sum := range sums {
			data := []byte{}
			if sum != (fleet.Digest{}) {
				data = sum[:]
			}
			if _, err := put.ExecContext(context.WithoutCancel(ctx), panel, subject, data); err != nil {
				return err
			}
		}
		return nil
	})
}

// drop forgets facts that are gone from the hub.
func (s *Store) drop(ctx context.Context, panel string, subjects []string) error {
	return s.change(ctx, "forgetting facts", func(tx *sql.Tx) error {
		for _, subject := range subjects {
			if _, err := tx.ExecContext(ctx, `DELETE FROM fact WHERE panel = ? AND subject = ?`, panel, subject); err != nil {
				return err
			}
		}
		return nil
	})
}

// begin begins another epoch of a panel, in which nothing was sent yet. Rows of the
// log that wait stay: the panel may not have them any more.
func (s *Store) begin(ctx context.Context, panel string, p progress) error {
	return s.change(ctx, "beginning an epoch", func(tx *sql.Tx) error {
		for _, table := range []string{"fact", "recent"} {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE panel = ?`, panel); err != nil {
				return err
			}
		}
		return keep(ctx, tx, panel, p)
	})
}

// recentRow is a row of the log that may still change in place.
type recentRow struct {
	row int64
	at  time.Time
	sum fleet.Digest
}

// recent are the rows from a moment on.
func (s *Store) recent(ctx context.Context, panel string) (rows map[int64]recentRow, err error) {
	rows = map[int64]recentRow{}
	err = s.change(ctx, "reading the last rows", func(tx *sql.Tx) error {
		found, err := tx.QueryContext(ctx, `SELECT row, at, sum FROM recent WHERE panel = ?`, panel)
		if err != nil {
			return err
		}
		defer found.Close()
		for found.Next() {
			var r recentRow
			var at int64
			var sum []byte
			if err := found.Scan(&r.row, &at, &sum); err != nil {
				return err
			}
			copy(r.sum[:], sum)
			r.at = time.UnixMilli(at)
			rows[r.row] = r
		}
		return found.Err()
	})
	return rows, err
}

// put stores a batch of the log to be sent, the rows of it that may still change,
// and how far the log was read.
func (s *Store) put(ctx context.Context, panel string, data []byte, rows []recentRow, p progress) error {
	return s.change(ctx, "keeping a part of the log", func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO outbox (panel, data) VALUES (?, ?)`, panel, data); err != nil {
			return err
		}
		for _, r := range rows {
			if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO recent (panel, row, at, sum) VALUES (?, ?, ?, ?)`, panel, r.row, r.at.UnixMilli(), r.sum[:]); err != nil {
				return err
			}
		}
		return keep(ctx, tx, panel, p)
	})
}

// forget drops rows that are older than a moment, or all.
func (s *Store) forget(ctx context.Context, panel string, before time.Time) error {
	return s.change(ctx, "forgetting old rows", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM recent WHERE panel = ? AND at < ?`, panel, before.UnixMilli())
		return err
	})
}

// waiting is the oldest batch that is to be sent; false: there is none.
func (s *Store) waiting(ctx context.Context, panel string) (id int64, data []byte, ok bool, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT id, data FROM outbox WHERE panel = ? ORDER BY id LIMIT 1`, panel).Scan(&id, &data)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil, false, nil
	}
	if err != nil {
		return 0, nil, false, fmt.Errorf("reading the outbox: %w", err)
	}
	return id, data, true, nil
}

// sent drops a batch that was acknowledged, and keeps its place in the stream.
func (s *Store) sent(ctx context.Context, panel string, id int64, p progress) error {
	return s.change(ctx, "dropping what was sent", func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM outbox WHERE id = ?`, id); err != nil {
			return err
		}
		return keep(ctx, tx, panel, p)
	})
}

// Backlog is how many messages wait for the hub.
func (s *Store) Backlog(ctx context.Context) (n int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM fact WHERE length(sum) = 0)`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting the backlog: %w", err)
	}
	return n, nil
}
