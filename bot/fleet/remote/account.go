package remote

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"domovoy/bot/fleet"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/acme/account"
	"domovoy/checks/panel"
)

// Bounds of tasks.
const (
	taskTimeout = time.Minute      // the CA has 30 seconds for a request
	findTimeout = 10 * time.Minute // a list of orders may have thousands of pages
	keyTimeout  = 5 * time.Second
)

// ask has the panel's agent do a task.
func (p *Panel) ask(ctx context.Context, t fleet.Task, most time.Duration) (fleet.Reply, error) {
	t.Protocol = fleet.Protocol
	data, err := fleet.Encode(t)
	if err != nil {
		return fleet.Reply{}, err
	}
	bounded, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	m, err := p.fleet.cfg.Conn.RequestWithContext(bounded, fleet.TaskSubject(p.name), data)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return fleet.Reply{}, ctx.Err()
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, context.DeadlineExceeded):
		return fleet.Reply{}, &Unreadable{Panel: p.name, Word: NoAnswer, Err: err}
	default:
		return fleet.Reply{}, &Unreadable{Panel: p.name, Word: panel.HubGone, Err: err}
	}
	reply, err := fleet.DecodeReply(m.Data)
	if err != nil {
		p.fleet.refuse(ctx, p.name, err)
		return fleet.Reply{}, err
	}
	return reply, reply.Error.Err()
}

// NoAnswer is the word, under "trouble.", for an agent that does not answer what it is
// asked.
const NoAnswer = "noanswer"

// againEvery is how often everything may be asked for.
const againEvery = 10 * time.Minute

// askAgain has the agent send everything again, not too often. What did not arrive is
// asked for again at the next occasion: the agent, or this bot, may just begin or end.
func (p *Panel) askAgain(ctx context.Context) {
	p.mu.Lock()
	now := p.fleet.now()
	soon := !p.asked.IsZero() && now.Sub(p.asked) < againEvery
	if !soon {
		p.asked = now
	}
	p.mu.Unlock()
	if soon {
		return
	}
	go func() { // the answer is a new reading, not the reply
		_, err := p.ask(context.WithoutCancel(ctx), fleet.Task{Do: fleet.TaskReplay}, taskTimeout)
		if _, unasked := errors.AsType[*Unreadable](err); unasked {
			p.mu.Lock()
			p.asked = time.Time{}
			p.mu.Unlock()
		}
		p.fleet.cfg.Log.InfoContext(ctx, "everything of a panel is asked for again", "panel", p.name, "error", err)
	}()
}

// Account is the account of the panel at its CA. The agent does what needs its key.
type Account struct{ Panel *Panel }

// KeyTrouble says why the account's key cannot be used. If the agent does not answer
// it is not known; Open says so.
func (a Account) KeyTrouble() watch.KeyTrouble {
	reply, err := a.Panel.ask(context.Background(), fleet.Task{Do: fleet.TaskKey}, keyTimeout)
	if err != nil {
		return ""
	}
	return watch.KeyTrouble(reply.Key)
}

// Open has the agent connect to the CA.
func (a Account) Open(ctx context.Context) (watch.Authorizations, watch.KeyTrouble, error) {
	reply, err := a.Panel.ask(ctx, fleet.Task{Do: fleet.TaskOpen}, taskTimeout)
	if err != nil {
		return nil, watch.KeyTrouble(reply.Key), err
	}
	return &authorizations{a.Panel, reply.Account, reply.Origins}, watch.KeyTrouble(reply.Key), nil
}

// authorizations are those of an account that an agent has the key of.
type authorizations struct {
	panel   *Panel
	url     string
	origins []string
}

func (a *authorizations) AccountURL() string { return a.url }

func (a *authorizations) Belongs(url string) bool { return account.IsOf(a.origins, url) }

func (a *authorizations) Discover(ctx context.Context) (account.Found, error) {
	reply, err := a.panel.ask(ctx, fleet.Task{Do: fleet.TaskDiscover}, findTimeout)
	if reply.Found == nil {
		return account.Found{}, err
	}
	return *reply.Found, err
}

func (a *authorizations) Read(ctx context.Context, url string) (checks.Authorization, error) {
	return a.one(ctx, fleet.Task{Do: fleet.TaskRead, URL: url})
}

func (a *authorizations) Deactivate(ctx context.Context, url string) (checks.Authorization, error) {
	return a.one(ctx, fleet.Task{Do: fleet.TaskDeactivate, URL: url})
}

func (a *authorizations) one(ctx context.Context, t fleet.Task) (checks.Authorization, error) {
	reply, err := a.panel.ask(ctx, t, taskTimeout)
	if reply.Authorization == nil {
		return checks.Authorization{}, err
	}
	return *reply.Authorization, err
}

func (a *authorizations) ProbeOrder(ctx context.Context, names []string) (account.Order, error) {
	reply, err := a.panel.ask(ctx, fleet.Task{Do: fleet.TaskProbe, Names: names}, taskTimeout)
	if reply.Order == nil {
		return account.Order{}, err
	}
	return *reply.Order, err
}
