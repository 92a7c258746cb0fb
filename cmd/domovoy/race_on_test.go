//go:build race

package main

// raceDetector tells whether the tests, and so the program they start, look
// for data races.
const raceDetector = true
