package cert

import (
	"crypto/sha256"
	"crypto/x509"
	"sync"
	"time"
)

// verified verifies chains, each once: a sweep meets the same chain at every
// name and address of a site, and signatures cost more than all else that is
// judged of it. It is safe for concurrent use.
type verified struct {
	roots *x509.CertPool // nil: this host has none

	mu    sync.Mutex
	known map[[sha256.Size]byte]trust
}

// trust is the result for one chain.
type trust struct {
	why Distrust
	at  time.Time // what the dates of the chain were compared with
}

const (
	// mostVerified bounds the memory: the names of one site come soon after one
	// another.
	mostVerified = 2048

	// verifiedFor is how long a result holds. Within it an intermediate or a root
	// could expire.
	verifiedFor = time.Hour
)

func newVerified(roots *x509.CertPool) *verified {
	return &verified{roots: roots, known: map[[sha256.Size]byte]trust{}}
}

// distrust is the function of this name, with a memory.
func (v *verified) distrust(chain []*x509.Certificate, now time.Time) (Distrust, error) {
	h := sha256.New()
	for _, c := range chain {
		h.Write(c.Raw) // DER says where it ends
	}
	key := [sha256.Size]byte(h.Sum(nil))
	v.mu.Lock()
	t, ok := v.known[key]
	v.mu.Unlock()
	if ok && now.Sub(t.at).Abs() < verifiedFor {
		return t.why, nil
	}
	why, err := distrust(chain, v.roots, now)
	if err != nil {
		return why, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.known) >= mostVerified {
		clear(v.known)
	}
	v.known[key] = trust{why: why, at: now}
	return why, nil
}
