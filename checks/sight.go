package checks

import "net/netip"

// Pointing is where a name's addresses lead, against where they should.
type Pointing int8

// The ways a name can point; the zero value is that it could not be told.
const (
	PointsUnknown   Pointing = iota
	PointsNowhere            // no address at all, or no such name
	PointsOurs               // every address is ours
	PointsPartly             // some are, some are not
	PointsProxied            // to a CDN or a proxy that may stand in front of us
	PointsElsewhere          // to others
)

// Sight is what the DNS said of one name: what later checks build on.
type Sight struct {
	Name     string       // A-label form
	V4, V6   []netip.Addr // in the order of the answer: the CA uses the first (RFC 8555 leaves it open; Boulder's choice)
	Points   Pointing
	Proxy    string // whose proxy it is, when PointsProxied
	Register bool   // only the registry can say more: the name does not exist, or its servers do not answer
}
