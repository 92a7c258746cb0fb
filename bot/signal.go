package bot

// Signal wakes a loop that waits for work. Several signals before the loop looks
// become one. The zero value does nothing.
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
