// Package ispmanager reads the panel's database without ever disturbing the
// panel.
//
// The database is opened read-only by URI, on one connection. It is read in
// batches of a few milliseconds, each a statement of its own that is closed
// before anything else happens, with pauses where the panel's writer would have
// to wait for us (rollback journal). So nothing holds a lock for longer than
// one batch, and there is no one view over the batches of a reading: a row that
// is changed while tables are read shows up as it was or as it is, and the
// change makes the next Poll read again. The file is never opened by any other
// means: closing a second descriptor would drop all of this process's POSIX
// locks on it.
//
// Almost nothing about the panel's tables is documented, so tables and columns
// are found by name, whatever their letter case or position. What is absent
// switches off only what needs it; see checks.Snapshot.
package ispmanager
