//go:build !race

package engine_test

// stormSites is how many sites the storm has.
const stormSites = 10_000

// stormPeople is how many people get its alerts in private chats.
const stormPeople = 40

// raceDetector reports whether the tests use the race detector.
const raceDetector = false
