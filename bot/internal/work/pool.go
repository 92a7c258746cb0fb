// Package work runs jobs side by side and notes how they end: the loop that
// the inbox, the outbox and the tasks have in common.
package work

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"domovoy/bot"
)

// Idle is how long a pool waits before it looks for jobs again when nothing
// wakes it.
const Idle = 30 * time.Second

// Pool runs jobs, one for each key at a time. Wake may be used by anybody; the
// rest belongs to Run and to the function that it calls.
type Pool struct {
	Wake bot.Signal // there may be a job to start
	Log  *slog.Logger

	busy map[string]string // the kind of the job under way, by key
	done chan string       // the key of a job that ended; its capacity is how many may be under way
}

// NewPool makes a pool of at most so many jobs at once.
func NewPool(most int, wake bot.Signal, log *slog.Logger) *Pool {
	return &Pool{Wake: wake, Log: log, busy: map[string]string{}, done: make(chan string, most)}
}

// Run calls fill, which starts jobs, whenever a job ended, the pool was woken
// or the time that fill returned is over, until the context ends. It then
// waits for the jobs under way. An error of fill is the journal's: fill is
// called again with backoff.
func (p *Pool) Run(ctx context.Context, fill func(context.Context) (wait time.Duration, err error)) error {
	for ctx.Err() == nil {
		var wait time.Duration
		// A wake-up does not speed up a journal that cannot be used.
		_ = UntilStored(ctx, p.Log, func(context.Context) (err error) { wait, err = fill(ctx); return err })
		select {
		case <-ctx.Done():
		case key := <-p.done:
			delete(p.busy, key)
			p.reap()
		case <-p.Wake:
		case <-time.After(wait):
		}
	}
	for range p.busy {
		<-p.done
	}
	clear(p.busy) // the pool may run again
	return ctx.Err()
}

// reap notes the other jobs that ended by now, for which one look will do.
func (p *Pool) reap() {
	for {
		select {
		case key := <-p.done:
			delete(p.busy, key)
		default:
			return
		}
	}
}

// Start runs a job of a kind. There must be room, and none with its key.
func (p *Pool) Start(key, kind string, job func()) {
	p.busy[key] = kind
	go func() {
		defer func() { p.done <- key }()
		job()
	}()
}

// Room is how many more jobs may start.
func (p *Pool) Room() int { return cap(p.done) - len(p.busy) }

// Busy reports whether a job with that key is under way.
func (p *Pool) Busy(key string) bool {
	_, busy := p.busy[key]
	return busy
}

// Keys of the jobs under way, in no order.
func (p *Pool) Keys() []string { return slices.Collect(maps.Keys(p.busy)) }

// Count is how many jobs of a kind are under way.
func (p *Pool) Count(kind string) int {
	n := 0
	for _, k := range p.busy {
		if k == kind {
			n++
		}
	}
	return n
}
