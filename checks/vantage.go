package checks

import "strings"

// Vantage is a place in the internet that sites are looked at from.
type Vantage struct {
	Name    string // unique in a fleet; never empty there
	Network string // such as AS64500; may be empty
	Country string // two letters (ISO 3166-1), as configured; may be empty
}

// String names it with its network and country: "fra1 (AS64500, de)".
func (v Vantage) String() string {
	var where []string
	for _, part := range []string{v.Network, v.Country} {
		if part != "" {
			where = append(where, part)
		}
	}
	if len(where) == 0 {
		return v.Name
	}
	return v.Name + " (" + strings.Join(where, ", ") + ")"
}

// Sight is what one vantage point saw of a name.
type Sight struct {
	From  Vantage
	Code  Code  // OK, or why the CA could not validate the name from there; Unknown: it could not look
	Blind Blind // why it could not look; SightGood if it could
}

// Blind is why a vantage point could not look, or why what it saw does not count.
// Its texts are in the catalogs, under "sight.".
type Blind string

// The reasons.
const (
	SightGood   Blind = ""       // it could look
	BlindCanary Blind = "canary" // its own network or resolver does not work
	BlindClock  Blind = "clock"  // its clock is wrong, so the dates it judges are
	BlindSilent Blind = "silent" // it did not answer
	BlindSplit  Blind = "split"  // it disagrees with all others about too many names
	BlindName   Blind = "name"   // it could not look at this name
)
