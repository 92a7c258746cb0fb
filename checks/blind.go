package checks

import "fmt"

// BlindCause is what kept us from looking.
type BlindCause string

// The causes of blindness. Their texts are in the catalogs, under "blind.".
const (
	BlindResolver BlindCause = "resolver" // our resolver does not answer, or answers falsely
	BlindNetwork  BlindCause = "network"  // our network: the DNS cannot be reached from this host at all
	BlindRegistry BlindCause = "registry" // the servers of a top-level domain
)

// Blindness is the error of a control question: whatever was seen while it
// lasted says nothing about a site.
type Blindness struct {
	Cause BlindCause
	TLD   string // of BlindRegistry, as an A-label; else empty
	Err   error
}

// Error says whose failure it is, for the log.
func (b *Blindness) Error() string {
	if b.Cause == BlindRegistry {
		return fmt.Sprintf("the servers of .%s: %v", b.TLD, b.Err)
	}
	return fmt.Sprintf("our %s: %v", b.Cause, b.Err)
}

// Unwrap returns the error of the control question.
func (b *Blindness) Unwrap() error { return b.Err }
