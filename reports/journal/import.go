package journal

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"domovoy/checks"
)

// byCertificate creates the index of attempts by certificate. Its entries go to
// pages all over the file, while everything else of an attempt is appended:
// keeping the index up to date is half the work of a first import. So Import
// drops it and creates it once at the end. Code that needs it before that creates
// it, and so does Open after a process that died during an import.
const (
	byCertificate = `CREATE INDEX IF NOT EXISTS attempt_certificate ON attempt (certificate, time, outcome) WHERE settled = 1`
	putOff        = `DROP INDEX IF EXISTS attempt_certificate`
)

// With twice the memory a million attempts are sorted in so few runs that these are merged
// at once; more than that gains nothing.
const (
	withMemory  = `PRAGMA cache_size = -3000; `
	usualMemory = `; PRAGMA cache_size = ` + writeCache
)

// Import calls store, which stores many attempts of a server by KeepAttempts,
// without the index by certificate and without the sums of certificates, and makes
// both afterwards. AttemptsOf is slow meanwhile, and LastAttempts does not know what
// is new. It is not one transaction: attempts that store has stored stay when it
// fails.
func (j *Journal) Import(ctx context.Context, server string, store func() error) error {
	if err := j.settleAttempts(ctx, server); err != nil {
		return err
	}
	err := j.change(ctx, "putting off the index of attempts", func(t *tx) error {
		_, err := t.ExecContext(ctx, putOff)
		return err
	})
	if err != nil {
		return err
	}
	i := j.imports.begin(server)
	err = store()
	j.imports.end(server)
	defer j.failed.forget(server)
	ctx = context.WithoutCancel(ctx) // what is left undone, the next Open has to do
	return errors.Join(err, j.change(ctx, "indexing the attempts", func(t *tx) error {
		if err := i.flush(ctx, t); err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, withMemory+byCertificate+usualMemory); err != nil {
			return err
		}
		return i.count(ctx, t)
	}))
}

// imports are those that go on, by server.
type imports struct {
	mu   sync.Mutex
	open map[string]*importing
}

func (s *imports) begin(server string) *importing {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[string]*importing{}
	}
	s.open[server] = &importing{server: server}
	return s.open[server]
}

func (s *imports) end(server string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, server)
}

// of returns the import of a server; nil: there is none.
func (s *imports) of(server string) *importing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[server]
}

// importing is an import that goes on. One goroutine uses it: that of store.
type importing struct {
	server  string
	waiting []checks.Attempt
	book    *book          // nil: nothing is stored yet, or storing failed
	lost    map[int64]bool // certificates that attempts were of that are overwritten
}

// importBatch is how many attempts an import stores at once, at least: each
// transaction writes the last pages of the table and its index again.
const importBatch = 4000

// add adds a batch to what waits to be stored, and reports whether it is enough.
func (i *importing) add(attempts []checks.Attempt) (enough bool) {
	i.waiting = append(i.waiting, attempts...)
	return len(i.waiting) >= importBatch
}

// flush stores what waits. The certificates' sums are wrong from here on until they
// are counted; the server's row says so, in case the process dies before.
func (i *importing) flush(ctx context.Context, t *tx) (err error) {
	attempts, b := i.waiting, i.book
	i.waiting, i.book = nil, nil // the book's ids count only if they are stored
	if len(attempts) == 0 {
		i.book = b
		return nil
	}
	if b == nil {
		if b, err = t.openBook(ctx, i.server); err != nil {
			return err
		}
	}
	rows, err := b.encode(ctx, t, attempts)
	if err != nil {
		return err
	}
	if _, err := t.exec(ctx, `UPDATE server SET uncounted = 1, changes = changes + 1 WHERE id = ?`, b.server); err != nil {
		return err
	}
	if err := t.forgetSuccesses(ctx, b.server, 0); err != nil {
		return err
	}
	if err := i.noteLost(ctx, t, rows); err != nil {
		return err
	}
	if err := t.insertAttempts(ctx, rows, false); err != nil {
		return err
	}
	clear(attempts)
	i.waiting, i.book = attempts[:0], b
	return nil
}

// noteLost notes which certificates lose an attempt to one of these rows: a panel that
// was set up again begins its log again.
func (i *importing) noteLost(ctx context.Context, t *tx, rows []kept) error {
	if len(rows) == 0 {
		return nil
	}
	low, high := idsOf(rows)
	lost, err := all(ctx, t, single[int64], `SELECT DISTINCT certificate FROM attempt WHERE id BETWEEN ? AND ?`, low, high)
	for _, certificate := range lost {
		if i.lost == nil {
			i.lost = map[int64]bool{}
		}
		i.lost[certificate] = true
	}
	return err
}

// count counts the sums of the certificates whose attempts were stored, or
// overwritten.
func (i *importing) count(ctx context.Context, t *tx) error {
	if i.book == nil {
		return t.countUncounted(ctx) // nothing was stored, or it is not known what
	}
	certificates := make([]int64, 0, len(i.book.sums))
	for _, s := range i.book.sums {
		certificates = append(certificates, s.certificate)
		delete(i.lost, s.certificate)
	}
	certificates = slices.AppendSeq(certificates, maps.Keys(i.lost))
	if err := t.recount(ctx, certificates); err != nil {
		return err
	}
	_, err := t.exec(ctx, `UPDATE server SET uncounted = 0, changes = changes + 1 WHERE id = ?`, i.book.server)
	return err
}

// finishImports does what processes left undone that died during an import, or that
// are in the middle of one: these do it again.
func (j *Journal) finishImports(ctx context.Context) error {
	return j.change(ctx, "indexing the attempts", func(t *tx) error {
		if _, err := t.ExecContext(ctx, byCertificate); err != nil {
			return err
		}
		return t.countUncounted(ctx)
	})
}

// countUncounted counts the sums of all certificates of the servers that need it.
func (t *tx) countUncounted(ctx context.Context) error {
	certificates, err := all(ctx, t, single[int64], `SELECT c.id FROM server s JOIN certificate c ON c.server = s.name WHERE s.uncounted = 1`)
	if err != nil || len(certificates) == 0 {
		return err
	}
	if err := t.recount(ctx, certificates); err != nil {
		return err
	}
	_, err = t.exec(ctx, `UPDATE server SET uncounted = 0, changes = changes + 1 WHERE uncounted = 1`)
	return err
}
