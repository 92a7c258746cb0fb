// Package reports decides what is worth saying: pure functions from facts to
// decisions, without I/O. Package compose puts them into words.
package reports
