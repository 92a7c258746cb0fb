package ispmanager

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

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
