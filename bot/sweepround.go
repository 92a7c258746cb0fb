package bot

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"domovoy/checks"
	"domovoy/reports"
)

// steps counts the sites of a sweep over all its panels.
type steps struct {
	tell func(done, total int) // may be nil

	mu          sync.Mutex
	done, total int // guarded by mu once the sweep is under way
}

func (s *steps) one() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done++; s.tell != nil {
		s.tell(s.done, s.total)
	}
}

// more tells of sites that are to be seen once more.
func (s *steps) more(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total += n
}

// round is the part of a sweep that goes over one panel's sites.
type round struct {
	bot   *Bot
	panel *watched
	steps *steps
	apart time.Duration // from a look that is in doubt to the second one; 0: all is believed at once

	todo   []*checks.Subject
	before map[string]reports.Look // the last looks at the sites

	storing sync.Mutex // held while looks are stored
	mu      sync.Mutex
	fresh   map[string]reports.Look // not stored yet; guarded by mu
	all     map[string]reports.Look // guarded by mu
	ran     map[string][]string     // the checks of looks: of thousands they are the same; guarded by mu
	doubts  []doubt                 // not believed yet; guarded by mu
	later   []unasked               // guarded by mu
}

// look looks at the sites with bounded workers, and again at those in doubt. A
// site that panics costs only itself; what was seen before the end of the
// context is kept.
func (r *round) look(ctx context.Context) error {
	group, looking := errgroup.WithContext(ctx)
	group.SetLimit(max(1, r.panel.Workers))
	for _, x := range r.todo {
		if looking.Err() != nil {
			break
		}
		group.Go(func() error {
			now := time.Now()
			seen := r.panel.Live.Look(looking, *x, false, now)
			if looking.Err() != nil {
				return looking.Err()
			}
			defer r.steps.one()
			r.postpone(*x, seen.Later)
			if l := lookOf(seen, now); !r.doubted(*x, l) {
				return r.keep(ctx, x.Site.Name, l)
			}
			return nil
		})
	}
	err := cmp.Or(group.Wait(), ctx.Err())
	if err == nil {
		err = errors.Join(r.lookAgain(ctx), r.askRegistries(ctx))
	}
	r.panel.seen(r.all) // once: it copies what is known of every site
	return err
}

// doubted puts a look aside that is not to be believed before a second one.
func (r *round) doubted(x checks.Subject, l reports.Look) bool {
	if r.apart == 0 || !doubtful(r.before[x.Site.Name], l) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doubts = append(r.doubts, doubt{x, l})
	return true
}

// keep stores a look before its worker goes to another site, so that a sweep
// that is killed repeats only what it was at. Looks that come while others are
// being stored are stored together.
func (r *round) keep(ctx context.Context, site string, l reports.Look) error {
	r.mu.Lock()
	key := strings.Join(l.Checks, " ")
	if same, known := r.ran[key]; known {
		l.Checks = same
	} else {
		r.ran[key] = l.Checks
	}
	r.fresh[site], r.all[site] = l, l
	r.mu.Unlock()
	return r.store(ctx)
}

func (r *round) store(ctx context.Context) error {
	r.storing.Lock()
	defer r.storing.Unlock()
	r.mu.Lock()
	batch := r.fresh
	r.fresh = map[string]reports.Look{}
	r.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	keeping, cancel := lingering(ctx, grace)
	defer cancel()
	return r.bot.storeLooks(keeping, r.panel, batch)
}
