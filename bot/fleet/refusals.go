package fleet

// Reasons for which a hub refuses something.
const (
	RefusedKey    = "key"    // a connection without a key, or with one that is not enrolled
	RefusedMany   = "many"   // too many connections of one key
	RefusedRights = "rights" // a subject that is not the agent's own, to publish or to hear
	RefusedLarge  = "large"  // a message above what a hub takes
)

// Refusals is how often a hub refused something since it told it last, by reason.
type Refusals map[string]int64

// RefusedFor are all reasons.
func RefusedFor() []string { return []string{RefusedKey, RefusedMany, RefusedRights, RefusedLarge} }

// DecodeRefusals reads a message. Reasons that this program does not know are left out,
// and so is what cannot be a number of times.
func DecodeRefusals(data []byte) (Refusals, error) {
	r := Refusals{}
	if err := decode(data, &r); err != nil {
		return nil, err
	}
	known := Refusals{}
	for _, why := range RefusedFor() {
		if n := r[why]; n > 0 {
			known[why] = n
		}
	}
	return known, nil
}
