package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"domovoy/checks/acme/account"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// Paces of cancelling.
const (
	// cancelEvery keeps it under 5 a second, also as the CA counts them: six
	// requests that the way brings 50 ms closer together are still more than a
	// second apart.
	cancelEvery = 210 * time.Millisecond
	inFlight    = 8                // cancelled at once
	actTries    = 3                // of one authorization
	settles     = 10 * time.Second // after a crash: what was begun may still be on its way to the CA
	offline     = 2 * time.Minute  // before a CA is tried again that cannot be reached
	gaveUp      = 2 * time.Hour    // after it cannot be reached for so long
)

// cancelling is a confirmed plan that is being carried out.
type cancelling struct {
	task    *Task
	plan    cancelPlan
	kept    journal.Plan
	clients map[string]*account.Client // by server
	pace    *rate.Limiter

	mu    sync.Mutex
	steps map[string]journal.Step // by URL; guarded by mu
	reads map[string]int          // that failed, by URL; guarded by mu
}

// runCancel is the task behind a confirmed plan. It cancels nothing unless
// all is as it was planned, and nothing twice.
func runCancel(ctx context.Context, t *Task) (Answer, error) {
	x := &cancelling{task: t, clients: map[string]*account.Client{}, pace: rate.NewLimiter(rate.Every(cancelEvery), 1), steps: map[string]journal.Step{}, reads: map[string]int{}}
	storing := context.WithoutCancel(ctx) // the result is told also of a task that was stopped
	var err error
	if x.kept, err = t.Bot.journal.Plan(storing, t.Plan); err != nil {
		return Answer{}, err
	}
	if err := json.Unmarshal(x.kept.Payload, &x.plan); err != nil {
		return Answer{}, err
	}
	if x.plan.hash(x.kept.Times.Created) != x.kept.Hash {
		return Answer{}, x.changed(len(x.plan.Items)) // not the plan that was shown
	}
	if err := x.load(storing); err != nil {
		return Answer{}, err
	}
	err = x.proceed(ctx)
	switch {
	case len(x.steps) > 0 && (t.Stopped() || errors.Is(err, errGaveUp)):
		if err := x.load(storing); err != nil {
			return Answer{}, err
		}
	case err != nil:
		return Answer{}, err
	}
	return x.result(), nil
}

// load reads how far it is.
func (x *cancelling) load(ctx context.Context) error {
	steps, err := x.task.Bot.journal.Steps(ctx, x.task.ID)
	for _, s := range steps {
		x.steps[s.Item] = s
	}
	return err
}

// proceed does what is left to do.
func (x *cancelling) proceed(ctx context.Context) error {
	if err := x.open(ctx); err != nil {
		return x.patience(ctx, err)
	}
	if len(x.steps) == 0 {
		if err := x.begin(ctx); err != nil {
			return x.patience(ctx, err)
		}
	}
	if err := x.all(ctx); err != nil {
		return x.patience(ctx, err)
	}
	return x.verify(ctx)
}

// open goes to the CAs of the plan, whose accounts must be those of the plan.
func (x *cancelling) open(ctx context.Context) error {
	for _, i := range x.plan.Items {
		if x.clients[i.Server] != nil {
			continue
		}
		p := x.task.Bot.watch.panel(i.Server)
		if p == nil || p.CA == nil {
			return x.changed(len(x.plan.Items))
		}
		client, trouble, err := p.CA.open(ctx)
		if _, answered := errors.AsType[*account.Problem](err); answered && busy(err) == nil {
			return caRefusal(p, err)
		}
		if err != nil {
			return err
		}
		if trouble != "" || client.AccountURL() != x.plan.Accounts[i.Server] {
			return x.changed(len(x.plan.Items))
		}
		x.clients[i.Server] = client
	}
	return nil
}

// all acts on what is left to do. What a killed process had begun comes last:
// its request may still be on its way.
func (x *cancelling) all(ctx context.Context) error {
	group, acting := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	for _, state := range []journal.StepState{journal.StepPlanned, journal.StepBegun} {
		for _, i := range x.plan.Items {
			s := x.step(i.URL)
			if s.State != state || acting.Err() != nil {
				continue
			}
			group.Go(func() error {
				if err := rest(acting, time.Until(s.Begun.Add(settles))); err != nil {
					return err
				}
				return x.one(acting, i)
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// rest waits; not at all for what is over.
func rest(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (x *cancelling) step(u string) journal.Step {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.steps[u]
}

// errGaveUp is what one says of a plan that could not be carried on for long.
var errGaveUp = errors.New("given up")

// patience turns what may pass by itself into a later moment: a CA that wants
// to be left alone or cannot be reached, a journal that takes nothing.
func (x *cancelling) patience(ctx context.Context, err error) error {
	_, refused := errors.AsType[*Refusal](err)
	if err == nil || ctx.Err() != nil || refused {
		return err
	}
	now := time.Now()
	at := now.Add(offline)
	problem := busy(err)
	if problem != nil {
		at = askAgain(problem, now)
	} else if now.Sub(x.task.Times.Created) > gaveUp {
		if len(x.steps) == 0 {
			return caRefusal(x.task.Bot.watch.panel(x.plan.Items[0].Server), err)
		}
		return fmt.Errorf("%w: %w", errGaveUp, err)
	}
	x.task.Bot.log.WarnContext(ctx, "cancelling rests", "task", x.task.ID, "until", at, "error", err)
	done, total := x.done()
	m := compose.CancelWaits(x.task.Writer(), compose.CancelProgress{Task: x.task.ID, Done: done, Total: total, Until: at, Busy: problem != nil})
	return &Later{Until: at, Message: m}
}

// done counts what is over.
func (x *cancelling) done() (done, total int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, s := range x.steps {
		if s.State != journal.StepPlanned && s.State != journal.StepBegun {
			done++
		}
	}
	return done, len(x.steps)
}
