//go:build race

package alerts_test

// stormSites is how many sites the storm has. The race detector makes ten thousand
// take minutes, and finds no more in them.
const stormSites = 500

// outageSites is how many sites the CA's outage meets: more than are ordered for
// before it and in it.
const outageSites = 1_500
