package probe

import (
	"context"
	"sync"

	"domovoy/checks"
)

// crew are the workers of a sweep. They go over the sites of all its panels at once:
// what one address may be asked bounds a panel, and a panel that answers slowly must
// not keep the others waiting.
type crew struct {
	mu     sync.Mutex
	rounds []*round
}

// work probes the sites of all rounds with so many workers, which live as long as
// the sweep: the stack of each grows once.
func (c *crew) work(ctx context.Context, workers int) {
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for r, x := c.take(); r != nil; r, x = c.take() {
				c.gave(r, r.probeOne(ctx, r.probing, x))
			}
		})
	}
	all.Wait()
}

// take returns the next site of the round with the fewest sites under way, so that
// each has as many workers as it can use; nil: there is nothing left to take.
func (c *crew) take() (least *round, x *checks.Subject) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.rounds {
		switch {
		case r.taken == len(r.todo) || r.probing.Err() != nil:
			r.ends()
		case least == nil || r.under < least.under:
			least = r
		}
	}
	if least == nil {
		return nil, nil
	}
	x = least.todo[least.taken]
	least.taken++
	least.under++
	return least, x
}

// gave notes the end of a probe. The first that fails ends its round.
func (c *crew) gave(r *round, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r.under--
	if err != nil && r.failed == nil {
		r.failed = err
		r.stop()
	}
	if r.taken == len(r.todo) || r.probing.Err() != nil {
		r.ends()
	}
}

// ends notes that no site of the round is taken any more. The caller holds the lock
// of the crew.
func (r *round) ends() {
	if r.under == 0 && !r.ended {
		r.ended = true
		close(r.probed)
	}
}
