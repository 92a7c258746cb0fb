package app

import (
	"context"
	"time"

	"domovoy/bot/console"
	"domovoy/cmd/internal/config"
	"domovoy/reports/journal"
)

// Errors of Backup and Restore, besides those of files.
var (
	ErrHeld    = journal.ErrLocked    // the bot runs on this state
	ErrForeign = journal.ErrForeign   // not a state file of Domovoy
	ErrNewer   = journal.ErrNewer     // a newer Domovoy wrote it
	ErrDamaged = journal.ErrDamaged   // not whole
	ErrFolder  = journal.ErrDirectory // a folder
)

// Backup copies the state to a new file, while the bot may run.
func Backup(ctx context.Context, cfg *config.Config, to string) error {
	return journal.Backup(ctx, cfg.State, to)
}

// Restore puts a backup in the place of the state, which is moved aside; aside is
// empty if there was none.
func Restore(ctx context.Context, cfg *config.Config, backup string, who Local) (aside string, err error) {
	by := journal.AuditEntry{At: time.Now(), Person: who.Person(), Name: who.User, Role: "admin", Chat: console.Chat().String()}
	return journal.RestoreBackup(ctx, cfg.State, backup, by)
}
