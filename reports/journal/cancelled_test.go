package journal

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
)

// The error of a transaction whose context ended is the context's, whatever database/sql
// says of the transaction that it rolls back beside.
func TestATransactionSaysThatItsContextEnded(t *testing.T) {
	j, err := Open(t.Context(), filepath.Join(t.TempDir(), "j.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	for name, within := range map[string]func(context.Context, string, func(*tx) error) error{"change": j.change, "copy": j.copy, "view": j.view} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			err := within(ctx, "asking", func(tx *tx) error {
				stop()
				for {
					if _, err := tx.exec(context.WithoutCancel(ctx), `SELECT 1`); err != nil {
						return err
					}
				}
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if err := within(t.Context(), "asking", func(*tx) error { return sql.ErrNoRows }); !errors.Is(err, sql.ErrNoRows) || errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
	}
}
