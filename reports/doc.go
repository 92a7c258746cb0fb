// Package reports decides what is worth saying and composes it: pure
// functions from facts to messages, without I/O.
package reports
