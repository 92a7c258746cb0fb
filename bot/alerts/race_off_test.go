//go:build !race

package alerts_test

// stormSites is how many sites the storm has.
const stormSites = 10_000

// outageSites is how many sites the CA's outage meets.
const outageSites = 10_000
