// Package lease lets one of two bots at a hub speak: it has the lease that the one
// renews and the other waits for, and the backup of the state that the one leaves at
// the hub and the other begins from.
//
// A bot that cannot renew its lease is silent before another may take it, by its own
// clock. Only the lengths of times are compared, never the clocks of two hosts.
package lease
