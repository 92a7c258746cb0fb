package ispmanager

import "fmt"

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
	Unreachable Reason = "unreachable" // no connection to the database server, or it broke
	Login       Reason = "login"       // the server refused the user, the password or this host
	Full        Reason = "full"        // the server has no connection left for this user
	Unknown     Reason = "nodatabase"  // the server has no such database
	Encryption  Reason = "tls"         // no TLS as it was asked for, or the server insists on it
	Conf        Reason = "conf"        // the panel's db.conf does not say which database it has
	ConfDenied  Reason = "confdenied"  // db.conf may not be read
	IO          Reason = "io"          // anything else
)

// Reasons lists all reasons.
func Reasons() []Reason {
	return []Reason{Gone, Directory, Permission, Empty, NotDatabase, Malformed, Locked, HotJournal, NoWAL, Shape, Timeout,
		Unreachable, Login, Full, Unknown, Encryption, Conf, ConfDenied, IO}
}

// Error is the error of a panel that could not be read.
type Error struct {
	Reason Reason
	Path   string // of the database, or mysql:// with its user and without a password, or of db.conf
	Detail string // message of the system or of the database; may be empty
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
