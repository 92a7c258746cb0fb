package checks

import "time"

// AuthorizationStatus is an authorization's state (RFC 8555 section 7.1.6),
// or why there is none to tell.
type AuthorizationStatus string

// The states of RFC 8555 section 7.1.6, then ours.
const (
	AuthorizationPending     AuthorizationStatus = "pending"
	AuthorizationValid       AuthorizationStatus = "valid"
	AuthorizationInvalid     AuthorizationStatus = "invalid"
	AuthorizationDeactivated AuthorizationStatus = "deactivated"
	AuthorizationExpired     AuthorizationStatus = "expired"
	AuthorizationRevoked     AuthorizationStatus = "revoked"

	AuthorizationGone    AuthorizationStatus = "gone"    // the CA knows no such authorization, or no longer
	AuthorizationForeign AuthorizationStatus = "foreign" // it is another account's
)

// Final reports whether nothing can change the state any more, as far as we
// are concerned.
func (s AuthorizationStatus) Final() bool {
	return s != AuthorizationPending && s != AuthorizationValid
}

// Authorization is an account's leave to issue for a name, or the try to get
// it (RFC 8555 section 7.1.4), as the CA last told of it.
type Authorization struct {
	URL      string
	Name     string // A-label form, without the wildcard's "*."; empty where the CA does not tell
	Wildcard bool
	Status   AuthorizationStatus
	Expires  time.Time // zero: not told
}
