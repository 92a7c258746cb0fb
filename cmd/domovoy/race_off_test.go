//go:build !race

package main

// raceDetector reports whether the tests, and so the program they start, use
// the race detector.
const raceDetector = false
