package bot

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"domovoy/checks"
	"domovoy/checks/acme/account"
	"domovoy/i18n"
	"domovoy/reports"
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
	if err := x.load(storing); err != nil {
		return Answer{}, err
	}
	err = x.proceed(ctx)
	switch {
	case t.Stopped() && len(x.steps) > 0:
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

func (x *cancelling) proceed(ctx context.Context) error {
	if err := x.open(ctx); err != nil {
		return x.patience(err)
	}
	if len(x.steps) == 0 {
		if err := x.begin(ctx); err != nil {
			return x.patience(err)
		}
	}
	if err := x.all(ctx); err != nil {
		return x.patience(err)
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

// changed refuses a plan whose world is another one now.
func (x *cancelling) changed(n int) error {
	return &Refusal{Code: "changed", Key: "refusal.plan.changed", Args: i18n.Args{"Plan": x.kept.ID, "N": n, "Total": len(x.plan.Items)}}
}

// begin reads everything again: only if all is as it was when the plan was
// made, the plan is noted to be carried out.
func (x *cancelling) begin(ctx context.Context) error {
	now, fresh := cancelPlan{Accounts: x.plan.Accounts}, map[string]checks.Authorization{}
	for _, server := range x.servers() {
		p := x.task.Bot.watch.panel(server)
		found, unread, err := readAll(ctx, p.CA, x.clients[server], x.urls(server), func(done, total int) {
			x.task.Progress(x.task.Writer().Reading(reports.Reads{Server: server, Done: done, Total: total, Task: x.task.ID}))
		})
		if busy(err) != nil {
			return err
		}
		if err != nil {
			return caRefusal(p, err)
		}
		if unread > 0 {
			return &Refusal{Code: "unavailable", Key: "refusal.ca.unread", Args: i18n.Args{"Server": server, "N": unread}}
		}
		for _, a := range found {
			fresh[a.URL] = a
		}
	}
	differ, steps := 0, make([]journal.Step, len(x.plan.Items))
	for n, i := range x.plan.Items {
		is := i
		is.Status = fresh[i.URL].Status
		now.Items = append(now.Items, is)
		if is.Status != i.Status && (i.Expires.IsZero() || i.Expires.After(time.Now())) {
			differ++
		}
		steps[n] = journal.Step{Item: i.URL, Name: paced(x.plan.Accounts[i.Server], i.Name), State: journal.StepPlanned}
	}
	if at := time.Now(); now.hash(at) != x.plan.hash(at) {
		return x.changed(differ)
	}
	if err := x.task.Bot.journal.KeepSteps(ctx, x.task.ID, steps); err != nil {
		return err
	}
	return x.load(ctx)
}

func (x *cancelling) servers() []string {
	var servers []string
	for _, i := range x.plan.Items {
		if !slices.Contains(servers, i.Server) {
			servers = append(servers, i.Server)
		}
	}
	return servers
}

func (x *cancelling) urls(server string) []string {
	var urls []string
	for _, i := range x.plan.Items {
		if i.Server == server {
			urls = append(urls, i.URL)
		}
	}
	return urls
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

// patience turns a CA that wants to be left alone, or cannot be reached, into
// a later moment.
func (x *cancelling) patience(err error) error {
	now := time.Now()
	at := now.Add(offline)
	problem := busy(err)
	switch {
	case problem != nil:
		at = askAgain(problem, now)
	case errors.Is(err, errOffline) && now.Sub(x.task.Times.Created) < gaveUp:
	default:
		return err
	}
	done, total := x.done()
	m := x.task.Writer().CancelWaits(reports.Cancels{Task: x.task.ID, Done: done, Total: total, Until: at, Busy: problem != nil})
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
