// Package compose puts what package reports decided into words: pure functions
// from facts to messages in a reader's language, without I/O.
package compose
