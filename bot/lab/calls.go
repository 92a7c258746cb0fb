package lab

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"
)

// Call is one API call as it arrived.
type Call struct {
	Method string
	Params map[string]string // nested JSON values as their JSON text; no files
	At     time.Time
	Status int    // HTTP status of the answer; 0 while none was given, or never will be
	Error  string // what was refused and why; empty when the call succeeded
}

// callLog remembers all calls in the order of their arrival.
type callLog struct {
	mu    sync.Mutex
	bell  bell
	calls []*Call
}

func (l *callLog) open(call Call) *Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, &call)
	l.bell.ring()
	return &call
}

func (l *callLog) close(call *Call, status int, problem string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	call.Status, call.Error = status, problem
	l.bell.ring()
}

// list copies the calls of a method; of all methods when it is empty.
func (l *callLog) list(method string) []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []Call
	for _, call := range l.calls {
		if method == "" || call.Method == method {
			c := *call
			c.Params = maps.Clone(call.Params)
			list = append(list, c)
		}
	}
	return list
}

func (l *callLog) wait(ctx context.Context, method string, n int) ([]Call, error) {
	calls, err := await(ctx, &l.bell, func() ([]Call, bool) {
		list := l.list(method)
		return list, len(list) >= n
	})
	if err != nil {
		return nil, fmt.Errorf("waiting for %d calls of %q, saw %d: %w", n, method, len(l.list(method)), err)
	}
	return calls, nil
}
