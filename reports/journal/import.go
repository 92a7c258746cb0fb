package journal

import "context"

// byCertificate is the index of the attempts by certificate. Its pages lie
// everywhere, where all else of an attempt is appended: keeping it up to date
// is half the work of a first import. So an import puts it off and makes it
// once at the end. What needs it before that makes it; so does Open, after a
// process that died over an import.
const (
	byCertificate = `CREATE INDEX IF NOT EXISTS attempt_certificate ON attempt (certificate, time, row, outcome)`
	putOff        = `DROP INDEX IF EXISTS attempt_certificate`
)

// Import calls store, which keeps many attempts by KeepAttempts, and makes
// that cheaper. Until it returns, AttemptsOf is slow.
func (j *Journal) Import(ctx context.Context, store func() error) error {
	if err := j.index(ctx, putOff); err != nil {
		return err
	}
	err := store()
	// Also when the context ended: the next process need not wait for it.
	if failed := j.index(context.WithoutCancel(ctx), byCertificate); err == nil {
		err = failed
	}
	return err
}

func (j *Journal) index(ctx context.Context, statement string) error {
	return j.change(ctx, "indexing the attempts", func(t *tx) error {
		_, err := t.ExecContext(ctx, statement)
		return err
	})
}
