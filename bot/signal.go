package bot

// Signal wakes a loop that waits for work. Several while nobody waits become
// one. Its zero value wakes nobody.
type Signal chan struct{}

// NewSignal makes a signal.
func NewSignal() Signal { return make(Signal, 1) }

// Wake never blocks.
func (s Signal) Wake() {
	select {
	case s <- struct{}{}:
	default:
	}
}
