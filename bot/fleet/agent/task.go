package agent

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"domovoy/bot/fleet"
	"domovoy/bot/watch"
)

// tasksAtOnce is how many tasks an agent works on together.
const tasksAtOnce = 32

// sessionIdle is how long a connection to the CA is kept for the next task.
const sessionIdle = 10 * time.Minute

// listen answers what the bot asks until it is stopped.
func (a *Agent) listen(ctx context.Context) (stop func(), err error) {
	var subscriptions []*nats.Subscription
	turns := make(chan struct{}, tasksAtOnce)
	var all sync.WaitGroup
	stop = func() {
		for _, s := range subscriptions {
			_ = s.Unsubscribe() // the connection may be gone already
		}
		all.Wait()
	}
	for _, r := range a.panels {
		office := &office{reading: r}
		s, err := a.cfg.Conn.Subscribe(fleet.TaskSubject(r.Name), func(m *nats.Msg) {
			select {
			case turns <- struct{}{}:
			case <-ctx.Done():
				return
			}
			all.Go(func() {
				defer func() { <-turns }()
				a.answer(ctx, office, m)
			})
		})
		if err != nil {
			stop()
			return nil, fmt.Errorf("listening to tasks of %s: %w", r.Name, err)
		}
		subscriptions = append(subscriptions, s)
	}
	return stop, nil
}

// answer does a task and sends the reply.
func (a *Agent) answer(ctx context.Context, o *office, m *nats.Msg) {
	var reply fleet.Reply
	t, err := fleet.DecodeTask(m.Data)
	if err == nil {
		reply, err = o.do(ctx, t)
	}
	reply.Protocol = fleet.Protocol
	if err != nil {
		reply.Error = fleet.FailureOf(err)
		if _, unknown := err.(unknownTask); unknown { //nolint:errorlint // it is never wrapped
			reply.Error.Kind = fleet.FailUnknown
		}
	}
	data, err := fleet.Encode(reply)
	if err != nil {
		a.cfg.Log.ErrorContext(ctx, "a reply could not be sent", "panel", o.reading.Name, "task", t.Do, "error", err)
		data, _ = fleet.Encode(fleet.Reply{Protocol: fleet.Protocol, Error: fleet.FailureOf(err)}) // a short text always fits
	}
	if err := m.Respond(data); err != nil {
		a.cfg.Log.WarnContext(ctx, "a reply could not be sent", "panel", o.reading.Name, "task", t.Do, "error", err)
	}
}

// unknownTask is a task of a newer bot.
type unknownTask string

func (t unknownTask) Error() string { return "this agent does not know the task " + string(t) }

// office is where the tasks of a panel are done. It keeps the connection to the CA
// between them.
type office struct {
	reading *reading

	mu      sync.Mutex
	session watch.Authorizations
	trouble watch.KeyTrouble
	used    time.Time
}

// do does one task.
func (o *office) do(ctx context.Context, t fleet.Task) (fleet.Reply, error) {
	switch t.Do {
	case fleet.TaskReplay:
		o.reading.replay()
		return fleet.Reply{}, nil
	case fleet.TaskPlace:
		return fleet.Reply{}, o.reading.Challenges.Place(ctx, t.Token, t.Text)
	case fleet.TaskRemove:
		return fleet.Reply{}, o.reading.Challenges.Remove(ctx, t.Token)
	case fleet.TaskLook:
		return o.reading.check(ctx, t.Look)
	}
	if o.reading.Account == nil {
		return fleet.Reply{}, unknownTask(t.Do)
	}
	switch t.Do {
	case fleet.TaskKey:
		return fleet.Reply{Key: string(o.reading.Account.KeyTrouble())}, nil
	case fleet.TaskOpen:
		return o.open(ctx)
	}
	ca, err := o.connected(ctx)
	if err != nil {
		return fleet.Reply{}, err
	}
	switch t.Do {
	case fleet.TaskDiscover:
		found, err := ca.Discover(ctx)
		return fleet.Reply{Found: &found}, err
	case fleet.TaskRead:
		x, err := ca.Read(ctx, t.URL)
		return fleet.Reply{Authorization: &x}, err
	case fleet.TaskDeactivate:
		x, err := ca.Deactivate(ctx, t.URL)
		return fleet.Reply{Authorization: &x}, err
	case fleet.TaskProbe:
		order, err := ca.ProbeOrder(ctx, t.Names)
		return fleet.Reply{Order: &order}, err
	}
	return fleet.Reply{}, unknownTask(t.Do)
}

// open makes a new connection to the CA: the key may be another one than before.
func (o *office) open(ctx context.Context) (fleet.Reply, error) {
	ca, trouble, err := o.reading.Account.Open(ctx)
	reply := fleet.Reply{Key: string(trouble)}
	if err != nil {
		return reply, err
	}
	o.mu.Lock()
	o.session, o.trouble, o.used = ca, trouble, time.Now()
	o.mu.Unlock()
	reply.Account = ca.AccountURL()
	if c, ok := ca.(interface{ Origins() []string }); ok {
		reply.Origins = c.Origins()
	}
	return reply, nil
}

// connected returns the connection of before, or a new one if that is old.
func (o *office) connected(ctx context.Context) (watch.Authorizations, error) {
	o.mu.Lock()
	ca := o.session
	if time.Since(o.used) > sessionIdle {
		ca = nil
	}
	o.used = time.Now()
	o.mu.Unlock()
	if ca != nil {
		return ca, nil
	}
	if _, err := o.open(ctx); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.session, nil
}
