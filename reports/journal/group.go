package journal

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// group makes changes together that wait at the same time: one transaction, and so one
// sync of the disk, for all of them. Each is on the disk when its caller goes on, as
// with change.
type group struct {
	mu      sync.Mutex
	waiting []*grouped
	running bool // somebody makes what waits
}

// grouped is one change of a group.
type grouped struct {
	ctx   context.Context
	doing string
	do    func(*tx) error
	done  chan error
}

// together is change for what happens many times a second. do may be called twice:
// after an error of any of the group nothing of it is stored, and each is made alone.
func (j *Journal) together(ctx context.Context, doing string, do func(*tx) error) error {
	c := &grouped{ctx: ctx, doing: doing, do: do, done: make(chan error, 1)}
	if j.group.add(c) {
		go j.makeGroups(context.WithoutCancel(ctx))
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		if j.group.remove(c) {
			return ctx.Err()
		}
		return <-c.done // it is being made
	}
}

// makeGroups makes what waits until nothing does.
func (j *Journal) makeGroups(ctx context.Context) {
	for j.group.more() {
		var taken []*grouped
		err := j.commit(ctx, full, "storing", func(t *tx) error {
			taken = j.group.take() // what came while the connection was waited for is among them
			for _, c := range taken {
				if err := c.do(t); err != nil {
					return err
				}
			}
			return nil
		})
		made := taken != nil
		if !made { // there was not even a transaction
			taken = j.group.take()
		}
		for _, c := range taken {
			switch {
			case err == nil:
				c.done <- nil
			case made:
				c.done <- j.change(c.ctx, c.doing, c.do) //nolint:contextcheck // each change has the context of who asked for it
			default:
				c.done <- fmt.Errorf("%s: %w", c.doing, err)
			}
		}
	}
}

// add adds a change; true: the caller has to see to it that it is made.
func (g *group) add(c *grouped) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, c)
	first := !g.running
	g.running = true
	return first
}

// remove removes a change that its caller gave up; false: it is not waiting any more.
func (g *group) remove(c *grouped) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, c)
	if i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	return i >= 0
}

// take takes all that waits and was not given up.
func (g *group) take() []*grouped {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := g.waiting
	g.waiting = nil
	return slices.DeleteFunc(all, func(c *grouped) bool {
		err := c.ctx.Err()
		if err != nil {
			c.done <- err
		}
		return err != nil
	})
}

// more reports whether something waits; if not, the next one begins from the start.
func (g *group) more() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running = len(g.waiting) > 0
	return g.running
}
