package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// FaultReason is why the state cannot be kept: a stable word with a text in the
// catalogs, under "state.".
type FaultReason string

// The reasons.
const (
	FaultFull     FaultReason = "full"     // the disk is full
	FaultReadOnly FaultReason = "readonly" // the file or its disk may not be written
	FaultIO       FaultReason = "io"       // the disk fails
	FaultCorrupt  FaultReason = "corrupt"  // the file is damaged
	FaultGone     FaultReason = "gone"     // the file was deleted while it is in use
	FaultReplaced FaultReason = "replaced" // another file stands in its place
)

// FaultReasons lists them.
func FaultReasons() []FaultReason {
	return []FaultReason{FaultFull, FaultReadOnly, FaultIO, FaultCorrupt, FaultGone, FaultReplaced}
}

// Reasons why a state cannot be opened, besides FaultFull, FaultReadOnly, FaultIO and
// FaultCorrupt.
const (
	FaultFolder   FaultReason = "folder"   // its folder is missing, or a file stands in its place
	FaultForeign  FaultReason = "foreign"  // another program's file, or a folder, is at its path
	FaultNewer    FaultReason = "newer"    // a newer version wrote it
	FaultHeld     FaultReason = "held"     // another process holds it
	FaultUnopened FaultReason = "unopened" // something else
)

// OpenReasons lists the reasons why a state cannot be opened.
func OpenReasons() []FaultReason {
	return []FaultReason{FaultFull, FaultReadOnly, FaultIO, FaultCorrupt, FaultFolder, FaultForeign, FaultNewer, FaultHeld, FaultUnopened}
}

// ReasonOf returns why the state at path cannot be opened, locked or moved aside.
func ReasonOf(path string, err error) FaultReason {
	for _, known := range []struct {
		of     error
		reason FaultReason
	}{
		{ErrNewer, FaultNewer}, {ErrForeign, FaultForeign}, {ErrDirectory, FaultForeign}, {ErrLocked, FaultHeld},
		{syscall.ENOSPC, FaultFull}, {syscall.EDQUOT, FaultFull}, {syscall.EFBIG, FaultFull},
		{syscall.EROFS, FaultReadOnly}, {fs.ErrPermission, FaultReadOnly}, {syscall.EIO, FaultIO},
		{syscall.ENOTDIR, FaultFolder}, {fs.ErrNotExist, FaultFolder},
	} {
		if errors.Is(err, known.of) {
			return known.reason
		}
	}
	if f := (&Journal{path: path}).AsFault(err); f != nil {
		return f.Reason
	}
	if busy(err) {
		return FaultHeld
	}
	return FaultUnopened
}

// Fault is the error of a state that cannot be kept.
type Fault struct {
	Reason FaultReason
	Path   string
	Err    error // may be nil
}

// Error returns the reason and SQLite's message, for logs.
func (f *Fault) Error() string {
	if f.Err == nil {
		return fmt.Sprintf("the state file %s: %s", f.Path, f.Reason)
	}
	return fmt.Sprintf("the state file %s: %s: %v", f.Path, f.Reason, f.Err)
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// faultOf returns the fault that an error of SQLite stands for
// (https://www.sqlite.org/rescode.html); nil: it is none of the file's.
func (j *Journal) faultOf(err error) *Fault {
	refusal, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return nil
	}
	reason := map[int]FaultReason{
		sqlite3.SQLITE_FULL: FaultFull, sqlite3.SQLITE_READONLY: FaultReadOnly, sqlite3.SQLITE_PERM: FaultReadOnly,
		sqlite3.SQLITE_CANTOPEN: FaultReadOnly, sqlite3.SQLITE_IOERR: FaultIO,
		sqlite3.SQLITE_CORRUPT: FaultCorrupt, sqlite3.SQLITE_NOTADB: FaultCorrupt,
	}[refusal.Code()&0xff]
	if reason == "" {
		return nil
	}
	if reason == FaultIO && (refusal.Code() == sqlite3.SQLITE_IOERR_SHMSIZE || diskFull(j.path)) {
		reason = FaultFull // SQLite says "full" only of what it writes itself
	}
	return &Fault{Reason: reason, Path: j.path, Err: err}
}

// diskFull reports whether the disk of a file has no room; false: it is not known.
func diskFull(path string) bool {
	var disk syscall.Statfs_t
	return path != "" && syscall.Statfs(filepath.Dir(path), &disk) == nil && disk.Blocks > 0 && disk.Bavail == 0
}

// faults keeps the last fault that any transaction met.
type faults struct {
	mu   sync.Mutex
	last *Fault
	open os.FileInfo // the file that is open
}

// AsFault returns the fault of the state that an error of this journal stands for;
// nil: it stands for none.
func (j *Journal) AsFault(err error) *Fault {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	return j.faultOf(err)
}

// IsFault reports whether an error means that a state file cannot be used.
func IsFault(err error) bool {
	if (&Journal{}).AsFault(err) != nil {
		return true
	}
	for _, of := range []error{ErrDirectory, ErrUnwritable, ErrForeign, ErrNewer} {
		if errors.Is(err, of) {
			return true
		}
	}
	return false
}

// note keeps the fault of an error, if it is one.
func (j *Journal) note(err error) {
	if f := j.faultOf(err); f != nil {
		j.faults.mu.Lock()
		defer j.faults.mu.Unlock()
		j.faults.last = f
	}
}

// took returns the last fault, and forgets it.
func (f *faults) took() *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := f.last
	f.last = nil
	return last
}

// opened notes which file is open.
func (j *Journal) opened() error {
	info, err := os.Stat(j.path)
	j.faults.mu.Lock()
	defer j.faults.mu.Unlock()
	j.faults.open = info
	return err
}

// Health finds out whether the state can be kept: the open file is the one at
// its path, nothing failed since the last call, and a small change can be
// written. The error is or wraps a *Fault.
func (j *Journal) Health(ctx context.Context, now time.Time) error {
	if f := j.inPlace(); f != nil {
		return f
	}
	noted := j.faults.took()
	err := j.change(ctx, "writing the pulse", func(t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO pulse (id, at) VALUES (1, ?) ON CONFLICT DO UPDATE SET at = excluded.at`, millis(now))
		return err
	})
	if f := j.faults.took(); f != nil {
		return f
	}
	if err == nil && noted != nil {
		return noted
	}
	return err
}

// inPlace finds out that the open file is not the one at its path any more.
func (j *Journal) inPlace() *Fault {
	j.faults.mu.Lock()
	open := j.faults.open
	j.faults.mu.Unlock()
	info, err := os.Stat(j.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Fault{Reason: FaultGone, Path: j.path}
	case err == nil && open != nil && !os.SameFile(open, info):
		return &Fault{Reason: FaultReplaced, Path: j.path}
	}
	return nil // another error will show when it is written
}

// Restore puts a state file that was deleted while it is in use back in its
// place: what it had is still open.
func (j *Journal) Restore(ctx context.Context) error {
	err := j.swap(ctx, func() error {
		if err := os.MkdirAll(filepath.Dir(j.path), 0o700); err != nil {
			return err
		}
		part, err := j.copyTo(ctx, j.path)
		if err != nil {
			return err
		}
		// A write-ahead log that is left would be taken for one of the new file.
		if err := removeAll(j.path+"-wal", j.path+"-shm"); err != nil {
			return err
		}
		return errors.Join(renamed(part, j.path), j.locks.again(j.path))
	})
	if err != nil {
		return fmt.Errorf("putting the state file back: %w", err)
	}
	return nil
}

// Renew moves a damaged state file aside and begins a new one. It returns where
// the damaged one is. Only the process that runs the bot calls it.
func (j *Journal) Renew(ctx context.Context, now time.Time) (aside string, err error) {
	err = j.swap(ctx, func() (err error) {
		aside, err = moveAside(j.path, "corrupt", now)
		return err
	})
	if err == nil {
		_, err = j.begin(ctx)
	}
	if err != nil {
		return aside, fmt.Errorf("beginning a new state file: %w", err)
	}
	return aside, nil
}

// moveAside renames a state file, and the files that SQLite has beside it, to a
// name that says why, such as corrupt, and when.
func moveAside(path, why string, now time.Time) (aside string, err error) {
	aside = path + "." + why + "-" + now.Format("20060102-150405")
	return aside, rename(path, aside)
}

// rename renames a state file with the files that SQLite has beside it.
func rename(from, to string) error {
	for _, beside := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(from+beside, to+beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func removeAll(paths ...string) error {
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// swap replaces the open file by the one that is at its path after place ran. No
// transaction runs meanwhile; those that wait go on with the new file.
func (j *Journal) swap(ctx context.Context, place func() error) error {
	for _, p := range []*pool{j.write, j.read} {
		release, err := p.all(ctx)
		if err != nil {
			return err
		}
		defer release()
	}
	if err := place(); err != nil {
		return err
	}
	fresh, err := open(ctx, j.path, migrations)
	if err != nil {
		return err
	}
	_ = j.faults.took() // of the file that is gone
	j.write.become(fresh.write)
	j.read.become(fresh.read)
	return j.opened()
}

// all takes every turn of a pool; release gives them back.
func (p *pool) all(ctx context.Context) (release func(), err error) {
	taken := 0
	release = func() {
		for range taken {
			<-p.turns
		}
	}
	for range cap(p.turns) {
		select {
		case p.turns <- struct{}{}:
			taken++
		case <-ctx.Done():
			release()
			return nil, ctx.Err()
		}
	}
	return release, nil
}

// become takes over another pool's connections, and closes its own. The caller
// has all turns.
func (p *pool) become(other *pool) {
	old := &pool{db: p.db, kept: p.kept}
	p.mu.Lock()
	p.db, p.sync, p.kept, p.wanted = other.db, other.sync, other.kept, other.wanted
	p.mu.Unlock()
	_ = old.close() // of a damaged or deleted file; what matters is that nothing uses it
}

// Mend moves a state file aside that is damaged, so that Open begins a new one. It
// returns where the damaged one is; empty: it is not damaged, or is none of ours,
// or another process uses it. Only the program that runs the bot calls it.
func Mend(ctx context.Context, path string, now time.Time) (aside string, err error) {
	if !ours(path) {
		return "", nil
	}
	j, err := open(ctx, path, migrations)
	if err == nil {
		return "", j.Close()
	}
	damaged := (&Journal{path: path}).faultOf(err)
	if damaged == nil || damaged.Reason != FaultCorrupt {
		return "", nil // Open says what is wrong
	}
	aside, err = SetAside(ctx, path, now)
	if errors.Is(err, ErrLocked) {
		return "", nil
	}
	return aside, err
}

// SetAside moves a state file aside that turned out to be damaged, as Mend does. No
// journal of this process has it open.
func SetAside(ctx context.Context, path string, now time.Time) (aside string, err error) {
	release, err := (&Journal{path: path}).Lock(ctx, "run")
	if err != nil {
		return "", err
	}
	aside, err = moveAside(path, "corrupt", now)
	return aside, errors.Join(err, release())
}

// IsDamaged reports whether an error means that a state file is damaged.
func IsDamaged(err error) bool {
	f := (&Journal{}).AsFault(err)
	return f != nil && f.Reason == FaultCorrupt
}

// ours reports whether a file that may not even be a database is a state file: of
// another one, that is named by mistake, nothing of ours stands beside it.
func ours(path string) bool {
	for _, beside := range []string{".run.lock", HeadFile} {
		if _, err := os.Stat(path + beside); err == nil {
			return true
		}
	}
	return false
}

// ChatDelivery is how the messages to a chat fare.
type ChatDelivery struct {
	Sent    time.Time // the last one that arrived; zero: none
	Waiting int       // that wait
	Oldest  time.Time // of those that wait: since when; zero: none
	Error   string    // why the oldest of them was not delivered yet; empty: it was not tried
}

// ChatDelivery says how the messages to a chat fare.
func (j *Journal) ChatDelivery(ctx context.Context, chat string) (d ChatDelivery, err error) {
	scan := func(s scanner) (d ChatDelivery, err error) {
		err = s.Scan(stamp{&d.Sent}, &d.Waiting, stamp{&d.Oldest}, &d.Error)
		return d, err
	}
	err = j.view(ctx, "reading how a chat is delivered to", func(t *tx) error {
		d, _, err = one(ctx, t, scan, `SELECT (SELECT max(sent_at) FROM delivery WHERE chat = ?1 AND state = 'sent'),
			count(*), min(created), ifnull((SELECT error FROM delivery WHERE chat = ?1 AND state = 'pending' ORDER BY +id LIMIT 1), '')
			FROM delivery WHERE chat = ?1 AND state = 'pending'`, chat)
		return err
	})
	return d, err
}
