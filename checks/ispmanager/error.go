package ispmanager

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Reason is why a panel's database could not be read: a stable identifier that
// has a text in the catalogs.
type Reason string

// The reasons.
const (
	Gone        Reason = "gone"        // no such file
	Directory   Reason = "directory"   // the path is a directory
	Permission  Reason = "permission"  // the file, or a directory above it, may not be read
	Empty       Reason = "empty"       // a file of 0 bytes, which SQLite takes for a database
	NotDatabase Reason = "notdatabase" // another kind of file
	Malformed   Reason = "malformed"   // truncated or damaged
	Locked      Reason = "locked"      // the panel was writing for longer than the busy timeout
	HotJournal  Reason = "hotjournal"  // the panel crashed while writing; only it may repair the file
	NoWAL       Reason = "nowal"       // write-ahead log that no process has open: readable only while the panel runs
	Shape       Reason = "shape"       // not the tables of an ISPmanager, or they changed while being read
	Timeout     Reason = "timeout"     // a statement took longer than its bound
	IO          Reason = "io"          // anything else
)

// Reasons lists all reasons.
func Reasons() []Reason {
	return []Reason{Gone, Directory, Permission, Empty, NotDatabase, Malformed, Locked, HotJournal, NoWAL, Shape, Timeout, IO}
}

// Error is the error of a panel that could not be read.
type Error struct {
	Reason Reason
	Path   string // of the database
	Detail string // message of the system or of SQLite; may be empty
	Err    error  // may be nil
}

// Error returns the reason with its details, for logs.
func (e *Error) Error() string {
	text := fmt.Sprintf("panel database %s: %s", e.Path, e.Reason)
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// Why returns the reason as a key of the catalogs, under "trouble.".
func (e *Error) Why() string { return string(e.Reason) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// explain finds the reason of a failure. It checks the file again, which may
// have been removed since: SQLite does not notice that.
func explain(path string, err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		known.Path = path
		return known
	}
	if _, statErr := stat(path); statErr != nil {
		statErr.Path = path
		return statErr
	}
	e := &Error{Reason: IO, Path: path, Detail: err.Error(), Err: err}
	var refusal *sqlite.Error
	switch {
	case errors.As(err, &refusal):
		e.Reason = reasonOf(refusal.Code(), path)
	case errors.Is(err, context.DeadlineExceeded):
		e.Reason = Timeout
	}
	return e
}

// reasonOf maps SQLite's extended result codes,
// https://www.sqlite.org/rescode.html.
func reasonOf(code int, path string) Reason {
	switch code {
	case sqlite3.SQLITE_READONLY_ROLLBACK:
		return HotJournal
	case sqlite3.SQLITE_READONLY_DIRECTORY, sqlite3.SQLITE_READONLY_CANTINIT, sqlite3.SQLITE_READONLY_RECOVERY, sqlite3.SQLITE_READONLY_CANTLOCK:
		return NoWAL
	case sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS:
		return Malformed
	}
	switch code & 0xff { // the primary code
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return Locked
	case sqlite3.SQLITE_CANTOPEN:
		return cannotOpen(path)
	case sqlite3.SQLITE_NOTADB:
		return NotDatabase
	case sqlite3.SQLITE_CORRUPT:
		return Malformed
	case sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return Permission
	case sqlite3.SQLITE_ERROR, sqlite3.SQLITE_SCHEMA:
		return Shape // "no such column": it was there when the schema was read
	case sqlite3.SQLITE_INTERRUPT:
		return Timeout
	}
	return IO
}

// cannotOpen distinguishes reasons for which SQLite has one code. The file
// exists, so either it may not be read, or it needs a companion file that
// cannot be created.
func cannotOpen(path string) Reason {
	const read = 4 // R_OK of access(2), which does not open the file
	if errors.Is(syscall.Access(path, read), syscall.EACCES) {
		return Permission
	}
	return NoWAL
}

// stat returns the file's metadata without opening it.
func stat(path string) (os.FileInfo, *Error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return nil, &Error{Reason: Gone, Detail: err.Error(), Err: err}
	case errors.Is(err, fs.ErrPermission):
		return nil, &Error{Reason: Permission, Detail: err.Error(), Err: err}
	case err != nil:
		return nil, &Error{Reason: IO, Detail: err.Error(), Err: err}
	case info.IsDir():
		return nil, &Error{Reason: Directory}
	case !info.Mode().IsRegular():
		return nil, &Error{Reason: NotDatabase, Detail: info.Mode().Type().String()}
	}
	return info, nil
}
