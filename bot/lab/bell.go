package lab

import (
	"context"
	"sync"
)

// bell wakes everybody who waits for a change of the state beside it.
type bell struct {
	mu      sync.Mutex
	changed chan struct{} // nil while nobody listens
}

// listen returns a channel that is closed at the next ring. Take it before
// looking at the state, so that no ring is missed.
func (b *bell) listen() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return b.changed
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

// await looks at each ring until look is satisfied or the context ends.
func await[T any](ctx context.Context, b *bell, look func() (T, bool)) (T, error) {
	for {
		changed := b.listen()
		if found, ok := look(); ok {
			return found, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			var nothing T
			return nothing, context.Cause(ctx)
		}
	}
}
