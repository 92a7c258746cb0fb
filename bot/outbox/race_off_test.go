//go:build !race

package outbox_test

// patterns is how many patterns of failures are tried.
const patterns = 4
