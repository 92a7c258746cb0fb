package bot

import (
	"fmt"
	"runtime/debug"
)

// panicked is a panic as an error: a bug, which the same input meets again.
type panicked struct {
	value any
	stack []byte
}

// Error is short; the stack is for the log.
func (p *panicked) Error() string { return fmt.Sprintf("panicked: %v", p.value) }

// trace is the stack; empty: there was no panic.
func (p *panicked) trace() string {
	if p == nil {
		return ""
	}
	return string(p.stack)
}

// guarded turns a panic into an error.
func guarded(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicked{value: p, stack: debug.Stack()}
		}
	}()
	return do()
}
