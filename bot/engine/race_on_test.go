//go:build race

package engine_test

// stormSites is how many sites the storm has. The race detector makes ten thousand
// take minutes, and finds no more in them.
const stormSites = 500

// stormPeople is how many people get its alerts in private chats.
const stormPeople = 12

// raceDetector reports whether the tests use the race detector.
const raceDetector = true
