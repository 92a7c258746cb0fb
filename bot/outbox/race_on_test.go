//go:build race

package outbox_test

// patterns is how many patterns of failures are tried. The race
// detector makes each take ten times as long.
const patterns = 1
