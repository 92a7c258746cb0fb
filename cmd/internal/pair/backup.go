package pair

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"domovoy/bot/fleet"
	"domovoy/bot/fleet/lease"
	"domovoy/checks/pace"
	"domovoy/cmd/internal/app"
	"domovoy/reports/compose"
)

// Between two backups is a minute at least, and fifty times as long as one takes, so
// that a large state costs at most a fiftieth of the time. The second comes sooner: the
// first does not have the first reading, and takes long only because the bot starts.
const (
	backupSoon  = 10 * time.Second
	soonShare   = 4
	backupEvery = time.Minute
	backupShare = 50
	backupMost  = time.Hour
)

// pause is how long after a backup the next one is made.
func pause(first bool, took time.Duration) time.Duration {
	if first {
		return min(max(backupSoon, soonShare*took), backupMost)
	}
	return min(max(backupEvery, backupShare*took), backupMost)
}

// keepBackups leaves backups until the context ends.
func (p *Pair) keepBackups(ctx context.Context) {
	said := ""
	for first := true; ctx.Err() == nil; first = false {
		took, err := p.backup(ctx, false)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			said = ""
		case err.Error() != said:
			said = err.Error()
			p.log.WarnContext(ctx, "no backup is left at the hub, the one before stays there", "error", err)
		}
		_ = pace.Sleep(ctx, pause(first, took)) // the loop looks at the context
	}
}

// backup leaves one backup, and returns how long that took.
func (p *Pair) backup(ctx context.Context, complete bool) (took time.Duration, err error) {
	began := time.Now()
	copied := filepath.Join(fleet.Folder(p.cfg.State), "backup.db")
	if err := os.Remove(copied); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a bot that was killed meanwhile
		return 0, err
	}
	if err := app.Backup(ctx, p.cfg, copied); err != nil {
		return time.Since(began), err
	}
	f, err := os.Open(copied)
	if err != nil {
		return time.Since(began), err
	}
	kept, err := p.turn.Keep(ctx, f, began, complete)
	took = time.Since(began)
	if err == nil {
		p.log.DebugContext(ctx, "a backup is left at the hub", "bytes", kept.Size, "took", took)
	}
	return took, errors.Join(err, f.Close(), os.Remove(copied))
}

// begin puts the state in place that the bot begins from, and returns what to tell of
// it; nil: nothing.
func (p *Pair) begin(ctx context.Context) (*compose.StateEvent, error) {
	past, err := p.turn.Past(ctx)
	if err != nil {
		return nil, err
	}
	event := &compose.StateEvent{Kind: "bare", Host: past.Host, Memory: past.Own}
	if past.Backup.Turn > 0 {
		aside, err := p.restore(ctx, past.Backup)
		switch {
		case err == nil:
			p.log.InfoContext(ctx, "this bot begins from the backup of another", "host", past.Host, "at", past.Backup.At, "aside", aside)
			event.Kind, event.Memory = "taken", past.Backup.At
			if past.Backup.Complete {
				event.Kind = "handed"
			}
		case ctx.Err() != nil, errors.Is(err, app.ErrHeld):
			return nil, err
		default:
			p.log.ErrorContext(ctx, "the backup of another bot cannot be used, this one begins from its own state", "host", past.Host, "error", err)
		}
	}
	if !p.turn.Speaks() {
		return nil, errLate
	}
	if err := p.turn.Begin(); err != nil {
		return nil, err
	}
	if past.Host == "" {
		return nil, nil
	}
	return event, nil
}

// errLate is a turn that ended before the bot could begin.
var errLate = errors.New("the lease ended before it could begin")

// restoreTries is how often a backup is fetched, each time from its beginning.
const restoreTries = 3

// restore puts a backup in the place of the state; aside is where that was moved.
func (p *Pair) restore(ctx context.Context, b lease.Backup) (aside string, err error) {
	folder := fleet.Folder(p.cfg.State)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	fetched := filepath.Join(folder, "fetched.db")
	defer func() { _ = os.Remove(fetched) }() // it is only a copy
	for try := 1; ; try++ {
		err = p.fetch(ctx, b, fetched)
		if err == nil || try == restoreTries || ctx.Err() != nil {
			break
		}
		p.log.WarnContext(ctx, "the backup cannot be fetched, it is tried again", "error", err)
	}
	if err != nil {
		return "", err
	}
	return app.Restore(ctx, p.cfg, fetched, app.Local{User: "domovoy"})
}

func (p *Pair) fetch(ctx context.Context, b lease.Backup, to string) error {
	f, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(p.turn.Fetch(ctx, b, f), f.Sync(), f.Close())
}
