// Package guard turns a panic into an error, so that a bug costs only the
// work that met it.
package guard

import (
	"fmt"
	"runtime/debug"
)

// Panic is a panic as an error: a bug, which the same input meets again.
type Panic struct {
	Value any
	Stack []byte
}

// Error is short; the stack is for the log.
func (p *Panic) Error() string { return fmt.Sprintf("panicked: %v", p.Value) }

// Trace is the stack as text; empty for a nil Panic.
func (p *Panic) Trace() string {
	if p == nil {
		return ""
	}
	return string(p.Stack)
}

// Run calls do and returns its error, or a *Panic where it panics.
func Run(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Panic{Value: p, Stack: debug.Stack()}
		}
	}()
	return do()
}
