package fleet

import (
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/nats-io/nkeys"
)

// Key is the private key by which a bot or an agent is known to the hub. It prints as
// ***. The zero Key is none.
type Key struct{ pair nkeys.KeyPair }

// ErrNoKey is a text without a key of a fleet.
var ErrNoKey = errors.New("no key of a fleet")

// NewKey makes a key.
func NewKey() (Key, error) {
	pair, err := nkeys.CreateUser()
	return Key{pair}, err
}

var seedForm = regexp.MustCompile(`(?m)^\s*(SU[A-Z2-7]{56})\s*$`)

// ParseKey finds the key in an enrolment, in a file of the nk tool, or in a bare seed.
func ParseKey(text string) (Key, error) {
	found := seedForm.FindStringSubmatch(text)
	if found == nil {
		return Key{}, ErrNoKey
	}
	pair, err := nkeys.FromSeed([]byte(found[1]))
	if err != nil {
		return Key{}, ErrNoKey
	}
	return Key{pair}, nil
}

// IsZero reports whether there is no key.
func (k Key) IsZero() bool { return k.pair == nil }

// Public is the part that the hub knows, U…; empty for the zero Key.
func (k Key) Public() string {
	if k.pair == nil {
		return ""
	}
	public, err := k.pair.PublicKey()
	if err != nil {
		return ""
	}
	return public
}

// Seed is the secret as it stands in a file. Only what writes that file calls it.
func (k Key) Seed() (string, error) {
	if k.pair == nil {
		return "", ErrNoKey
	}
	seed, err := k.pair.Seed()
	return string(seed), err
}

// Sign signs what a server asks to be signed.
func (k Key) Sign(nonce []byte) ([]byte, error) {
	if k.pair == nil {
		return nil, ErrNoKey
	}
	return k.pair.Sign(nonce)
}

// Format prints *** for every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "***") }
