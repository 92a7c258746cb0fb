// Package budget counts what is left of a CA's rate limits.
package budget

// The CA's numbers are data with a date: limits.yaml, and an operator's file
// of the same shape before it. A Meter plays the orders that a log holds
// through token buckets, as Boulder does (ratelimits/gcra.go), and is strict:
// where moment or name of a failure are not exact, it spends more rather than
// less. What no log can hold it tells: see checks.Budget. Whether a client
// ordered by ARI (RFC 9773) cannot be seen in a log, so that nothing is
// counted as exempt for it.
