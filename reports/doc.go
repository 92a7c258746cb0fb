// Package reports decides what to report, by pure functions from facts to
// decisions. It does no I/O. Package compose puts the decisions into words.
package reports
