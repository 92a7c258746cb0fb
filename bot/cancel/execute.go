package cancel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"domovoy/bot"
	"domovoy/bot/internal/work"
	"domovoy/bot/task"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/acme/account"
	"domovoy/checks/pace"
	"domovoy/i18n"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// Paces of cancelling.
const (
	// cancelEvery keeps the rate below 5 a second, also as the CA counts it: six
	// requests that the network brings 50 ms closer together still take more than
	// a second.
	cancelEvery = 210 * time.Millisecond
	inFlight    = 8                // cancelled at once
	actTries    = 3                // of one authorization
	settles     = 10 * time.Second // after a crash: a request may still be on its way to the CA
	offline     = 2 * time.Minute  // before a CA is tried again that cannot be reached
	gaveUp      = 2 * time.Hour    // after it cannot be reached for so long
)

// cancelling is a confirmed plan that is being carried out.
type cancelling struct {
	canceller *Canceller
	task      *task.Task
	plan      plan
	kept      journal.Plan
	clients   map[string]watch.Authorizations // by server
	pace      *rate.Limiter

	mu    sync.Mutex
	steps map[string]journal.Step // by URL; guarded by mu
	reads map[string]int          // that failed, by URL; guarded by mu
}

// runCancel is the task behind a confirmed plan. It cancels nothing unless
// all is as it was planned, and nothing twice.
func (c *Canceller) runCancel(ctx context.Context, t *task.Task) (bot.Answer, error) {
	x := &cancelling{canceller: c, task: t, clients: map[string]watch.Authorizations{}, pace: rate.NewLimiter(rate.Every(cancelEvery), 1), steps: map[string]journal.Step{}, reads: map[string]int{}}
	storing := context.WithoutCancel(ctx) // a stopped task also reports its result
	var err error
	if x.kept, err = c.journal.Plan(storing, t.Plan); err != nil {
		return bot.Answer{}, err
	}
	if err := json.Unmarshal(x.kept.Payload, &x.plan); err != nil {
		return bot.Answer{}, err
	}
	if x.plan.hash(x.kept.Times.Created) != x.kept.Hash {
		return bot.Answer{}, x.changed(len(x.plan.Items)) // not the plan that was shown
	}
	if err := x.load(storing); err != nil {
		return bot.Answer{}, err
	}
	err = x.proceed(ctx)
	switch {
	case len(x.steps) > 0 && (t.Stopped() || errors.Is(err, errGaveUp)):
		if err := x.load(storing); err != nil {
			return bot.Answer{}, err
		}
	case err != nil:
		return bot.Answer{}, err
	}
	return x.result(), nil
}

// load reads how far it is.
func (x *cancelling) load(ctx context.Context) error {
	steps, err := x.canceller.journal.Steps(ctx, x.task.ID)
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
		p := x.canceller.watch.Panel(i.Server)
		if p == nil || p.CA == nil {
			return x.changed(len(x.plan.Items))
		}
		client, trouble, err := p.CA.Account.Open(ctx)
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

// all acts on what is left to do. The items that a killed process had begun come
// last: their requests may still be on their way.
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
				if err := pace.Sleep(acting, time.Until(s.Begun.Add(settles))); err != nil {
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

func (x *cancelling) step(u string) journal.Step {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.steps[u]
}

// errGaveUp is returned when a plan could not go on for too long.
var errGaveUp = errors.New("given up")

// patience turns an error that may pass by itself into a later retry: a CA that
// asks us to retry later or cannot be reached, a journal that cannot be written.
func (x *cancelling) patience(ctx context.Context, err error) error {
	_, refused := errors.AsType[*bot.Refusal](err)
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
			return caRefusal(x.canceller.watch.Panel(x.plan.Items[0].Server), err)
		}
		return fmt.Errorf("%w: %w", errGaveUp, err)
	}
	x.canceller.log.WarnContext(ctx, "cancelling is paused", "task", x.task.ID, "until", at, "error", err)
	done, total := x.done()
	m := compose.CancelWaits(x.task.Writer(), compose.CancelProgress{Task: x.task.ID, Done: done, Total: total, Until: at, Busy: problem != nil})
	return &task.Later{Until: at, Message: m}
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

// changed refuses a plan whose n authorizations differ from what was planned.
func (x *cancelling) changed(n int) error {
	return &bot.Refusal{Code: bot.ResultChanged, Key: "refusal.plan.changed", Args: i18n.Args{"Plan": x.kept.ID, "N": n, "Total": len(x.plan.Items)}}
}

// begin reads everything again and stores the steps of the plan, unless anything
// changed since the plan was made.
func (x *cancelling) begin(ctx context.Context) error {
	now, fresh := plan{Accounts: x.plan.Accounts}, map[string]checks.Authorization{}
	for _, server := range x.servers() {
		p := x.canceller.watch.Panel(server)
		found, unread, err := readAll(ctx, p.CA, x.clients[server], x.urls(server), func(done, total int) {
			x.task.Progress(compose.Reading(x.task.Writer(), compose.ReadProgress{Server: server, Done: done, Total: total, Task: x.task.ID}))
		})
		if busy(err) != nil {
			return err
		}
		if err != nil {
			return caRefusal(p, err)
		}
		if unread > 0 {
			return &bot.Refusal{Code: bot.ResultUnavailable, Key: "refusal.ca.unread", Args: i18n.Args{"Server": server, "N": unread}}
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
		steps[n] = journal.Step{Item: i.URL, Name: watch.ActKey(x.plan.Accounts[i.Server], i.Name), State: journal.StepPlanned}
	}
	if at := time.Now(); now.hash(at) != x.plan.hash(at) {
		return x.changed(differ)
	}
	if err := x.canceller.journal.KeepSteps(ctx, x.task.ID, steps); err != nil {
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

// errOffline is returned for a CA that cannot be reached.
var errOffline = errors.New("the CA cannot be reached")

// Why an authorization was not cancelled, beside the states that it may have.
const (
	whyPace      = "pace"      // its name reached this hour's limit
	whyRefused   = "refused"   // the CA said no
	whyServer    = "server"    // the CA failed again and again
	whyUnchanged = "unchanged" // the CA accepted, but nothing changed
)

// one cancels an authorization if it is still as planned. If the outcome of a
// request is unclear, the authorization is read again before anything is
// repeated.
func (x *cancelling) one(ctx context.Context, i item) error {
	client := x.clients[i.Server]
	for {
		a, err := client.Read(ctx, i.URL)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case busy(err) != nil:
			return err
		case err != nil:
			if again, err := x.troubled(ctx, i, err); !again {
				return err
			}
			continue
		case a.Status == checks.AuthorizationDeactivated && x.step(i.URL).Tries > 0:
			return x.ended(ctx, i, journal.StepDone, "")
		case a.Status != i.Status:
			return x.ended(ctx, i, journal.StepSkipped, string(a.Status))
		}
		if x.step(i.URL).Tries >= actTries {
			return x.ended(ctx, i, journal.StepFailed, whyServer)
		}
		over, err := x.act(ctx, client, i)
		if over || err != nil {
			return err
		}
	}
}

// act asks the CA to cancel, once. over: how it ended is noted.
func (x *cancelling) act(ctx context.Context, client watch.Authorizations, i item) (over bool, err error) {
	if err := x.pace.Wait(ctx); err != nil {
		return true, err
	}
	late, cancel := work.WithGrace(ctx) // a request that was sent is awaited
	defer cancel()
	begun, err := x.begun(late, i)
	if err != nil {
		return true, err
	}
	if !begun {
		return true, x.ended(late, i, journal.StepSkipped, whyPace)
	}
	a, err := client.Deactivate(late, i.URL)
	problem, answered := errors.AsType[*account.Problem](err)
	switch {
	case err == nil && a.Status == checks.AuthorizationDeactivated:
		return true, x.ended(late, i, journal.StepDone, "")
	case err == nil:
		return true, x.ended(late, i, journal.StepSkipped, string(a.Status))
	case answered && problem.Status == 429: // RFC 6585: it did nothing
		return true, errors.Join(x.ended(late, i, journal.StepPlanned, ""), err)
	case busy(err) != nil:
		return true, err // the step stays begun
	case answered && !problem.Uncertain():
		return true, x.ended(late, i, journal.StepFailed, fmt.Sprintf("%s %d %s", whyRefused, problem.Status, problem.Type))
	}
	return false, nil // the outcome is unclear: it is read again
}

// troubled decides after a read that failed whether to read again.
func (x *cancelling) troubled(ctx context.Context, i item, err error) (again bool, _ error) {
	if !mayPass(err) {
		return false, x.ended(ctx, i, journal.StepFailed, whyRefused)
	}
	x.mu.Lock()
	s := x.steps[i.URL]
	x.reads[i.URL]++
	tries := x.reads[i.URL]
	x.mu.Unlock()
	if tries < actTries {
		return true, pace.Sleep(ctx, time.Duration(tries)*time.Second)
	}
	if _, answered := errors.AsType[*account.Problem](err); !answered {
		return false, fmt.Errorf("%w: %w", errOffline, err)
	}
	if s.Tries > 0 {
		return false, fmt.Errorf("%w: %w", errOffline, err) // its outcome must be known
	}
	return false, x.ended(ctx, i, journal.StepFailed, whyServer)
}

// begun stores that a request is about to be sent; false: its name reached this
// hour's limit.
func (x *cancelling) begun(ctx context.Context, i item) (bool, error) {
	now := time.Now()
	ok, err := x.canceller.journal.BeginStep(ctx, x.task.ID, i.URL, now, now.Add(-nameWindow), mostPerName)
	if ok {
		x.mu.Lock()
		s := x.steps[i.URL]
		s.State, s.Begun, s.Tries = journal.StepBegun, now, s.Tries+1
		x.steps[i.URL] = s
		x.mu.Unlock()
	}
	return ok, err
}

// ended stores how a request ended, and shows how far the task is.
func (x *cancelling) ended(ctx context.Context, i item, state journal.StepState, note string) error {
	if err := x.canceller.journal.EndStep(ctx, x.task.ID, i.URL, state, note); err != nil {
		return err
	}
	x.mu.Lock()
	s := x.steps[i.URL]
	s.State, s.Note = state, note
	if state == journal.StepPlanned {
		s.Tries--
	}
	x.steps[i.URL] = s
	x.mu.Unlock()
	done, total := x.done()
	x.task.Progress(compose.Cancelling(x.task.Writer(), compose.CancelProgress{Task: x.task.ID, Done: done, Total: total, Rest: time.Duration(total-done) * cancelEvery}))
	return nil
}

// verify reads again what was cancelled, since an answer of the CA alone does not
// prove it. What cannot be read now counts as the CA answered.
func (x *cancelling) verify(ctx context.Context) error {
	for _, server := range x.servers() {
		var urls []string
		for _, u := range x.urls(server) {
			if x.step(u).State == journal.StepDone {
				urls = append(urls, u)
			}
		}
		p := x.canceller.watch.Panel(server)
		found, _, err := readAll(ctx, p.CA, x.clients[server], urls, nil)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			x.canceller.log.WarnContext(ctx, "cannot verify cancellations", "server", server, "task", x.task.ID, "error", err)
		}
		for _, a := range found {
			if !a.Status.Final() {
				if err := x.ended(ctx, item{URL: a.URL}, journal.StepFailed, whyUnchanged); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
