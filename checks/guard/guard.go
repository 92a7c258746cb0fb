// Package guard turns a panic into an error, so that a bug affects only the
// work in which it occurs.
package guard

import (
	"fmt"
	"runtime/debug"
)

// Panic is a panic as an error. It is a bug, so the same input causes it again.
type Panic struct {
	Value any
	Stack []byte
}

// Error is short; the stack trace is for the log.
func (p *Panic) Error() string { return fmt.Sprintf("panicked: %v", p.Value) }

// Trace returns the stack trace; empty for a nil Panic.
func (p *Panic) Trace() string {
	if p == nil {
		return ""
	}
	return string(p.Stack)
}

// Run calls do and returns its error, or a *Panic if it panics.
func Run(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Panic{Value: p, Stack: debug.Stack()}
		}
	}()
	return do()
}
