// Package journal remembers, in one SQLite file of our own, what was seen,
// told, heard or done.
//
// Every exported method is one transaction: what belongs together is stored
// together or not at all. A Journal is safe for concurrent use, also by
// several processes on one file (an `ask` beside a `run`).
package journal
