// Package agent is the part of a fleet on a panel's host: it reads the panel with
// the code that reads a panel of the bot's own host, and sends what it saw to the
// hub. It judges nothing, and no key leaves its host.
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"domovoy/bot/fleet"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/web"
)

// Config is what an agent is made of.
type Config struct {
	Name    string // that it was enrolled under
	Version string
	Panels  []Panel
	Vantage string // the name under which it looks from outside; empty: it does not
	Store   *Store
	Conn    *nats.Conn
	Log     *slog.Logger
}

// Panel is a panel of this host. Only its Name, Reader and Zone are never empty.
type Panel struct {
	Name       string
	Reader     watch.Reader
	Files      watch.Files    // nil: certificate files are not read
	Account    watch.Account  // nil: the account at the CA is not known
	Challenges web.Folder     // of challenge files
	Checks     []checks.Check // those of suite.OfHost; one without a Run is off
	Zone       *time.Location
	About      fleet.About // what its configuration has; the agent fills in who it is
}

// Agent reads panels and sends what it saw. Its owner closes store and connection.
type Agent struct {
	cfg    Config
	js     jetstream.JetStream
	panels []*reading
	wake   chan struct{} // the hub is back
}

// Bounds of publishing.
const (
	inFlight   = 256              // messages that wait for their acknowledgement
	group      = 1000             // facts whose sums are kept together
	ackTimeout = 10 * time.Second // after that the hub counts as away
)

// New makes an agent and reads what its file knows of the panels.
func New(ctx context.Context, c Config) (*Agent, error) {
	js, err := jetstream.New(c.Conn, jetstream.WithPublishAsyncMaxPending(inFlight), jetstream.WithPublishAsyncTimeout(ackTimeout))
	if err != nil {
		return nil, fmt.Errorf("preparing to publish: %w", err)
	}
	a := &Agent{cfg: c, js: js, wake: make(chan struct{}, 1)}
	for _, p := range c.Panels {
		r, err := newReading(ctx, a, p)
		if err != nil {
			return nil, err
		}
		a.panels = append(a.panels, r)
	}
	return a, nil
}

// Clock is when the panels are read.
type Clock interface {
	Next(after time.Time) time.Time
}

// Run reads the panels on schedule, answers tasks and sends heartbeats until the
// context ends.
func (a *Agent) Run(ctx context.Context, schedule Clock) error {
	stop, err := a.listen(ctx)
	if err != nil {
		return err
	}
	defer stop()
	back := a.cfg.Conn.StatusChanged(nats.CONNECTED)
	defer a.cfg.Conn.RemoveStatusListener(back)
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { a.beat(ctx) })
	for {
		a.readAll(ctx)
		now := time.Now()
		due := time.NewTimer(min(schedule.Next(now).Sub(now), stateEvery))
		select {
		case <-ctx.Done():
			due.Stop()
			return nil
		case <-due.C:
		case <-back:
		case <-a.wake:
		}
		due.Stop()
	}
}

// readAll reads every panel that is due, at once. What fails is logged.
func (a *Agent) readAll(ctx context.Context) {
	var all sync.WaitGroup
	for _, r := range a.panels {
		all.Go(func() { _ = a.read(ctx, r, time.Now()) }) // logged
	}
	all.Wait()
}

// Read reads every panel now and sends what it saw. The error says what could not
// be read, kept or sent; what was not sent is sent the next time.
func (a *Agent) Read(ctx context.Context, now time.Time) error {
	var failed error
	for _, r := range a.panels {
		failed = errors.Join(failed, a.read(ctx, r, now))
	}
	return failed
}

// errAway is the error of sending while the hub does not answer.
var errAway = errors.New("the hub does not answer")

// read reads one panel, and logs what is news about that.
func (a *Agent) read(ctx context.Context, r *reading, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.read(ctx, now)
	if ctx.Err() != nil {
		return err
	}
	away := errors.Is(err, errAway)
	switch {
	case away && !r.away:
		a.cfg.Log.WarnContext(ctx, "the hub does not answer, what was read is kept", "panel", r.Name, "error", err)
	case !away && err == nil && r.away:
		a.cfg.Log.InfoContext(ctx, "the hub answers again, what was kept is sent", "panel", r.Name)
	case err != nil && !away:
		a.cfg.Log.ErrorContext(ctx, "the panel could not be read or sent", "panel", r.Name, "error", err)
	}
	r.away = away
	return err
}

// Heartbeats go out this often, and again this soon after one that failed.
const (
	beatEvery = 30 * time.Second
	beatAgain = 2 * time.Second
)

// beat sends heartbeats, one as soon as there is a connection.
func (a *Agent) beat(ctx context.Context) {
	back := a.cfg.Conn.StatusChanged(nats.CONNECTED)
	defer a.cfg.Conn.RemoveStatusListener(back)
	for {
		next := beatEvery
		if err := a.Beat(ctx, time.Now()); err != nil && ctx.Err() == nil {
			a.cfg.Log.DebugContext(ctx, "no heartbeat", "error", err)
			next = beatAgain
		}
		due := time.NewTimer(next)
		select {
		case <-ctx.Done():
			due.Stop()
			return
		case <-due.C:
		case <-back:
			due.Stop()
		}
	}
}

// Beat sends one heartbeat, and leaves it at the hub for who asks later.
func (a *Agent) Beat(ctx context.Context, now time.Time) error {
	if !a.cfg.Conn.IsConnected() {
		return errAway
	}
	backlog, err := a.cfg.Store.Backlog(ctx)
	if err != nil {
		return err
	}
	h := fleet.Heartbeat{Protocol: fleet.Protocol, Agent: a.cfg.Name, Version: a.cfg.Version, At: fleet.Moment{Time: now}, Vantage: a.cfg.Vantage, Backlog: backlog}
	for _, r := range a.panels {
		h.Panels = append(h.Panels, r.Name)
	}
	h.Abilities, h.Skill = a.abilities(), fleet.Skill
	data, err := fleet.Encode(h)
	if err != nil {
		return err
	}
	if err := a.cfg.Conn.Publish(fleet.BeatSubject(a.cfg.Name), data); err != nil {
		return fmt.Errorf("%w: %w", errAway, err)
	}
	bounded, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	if _, err := a.js.Publish(bounded, fleet.EntrySubject(a.cfg.Name), data); err != nil {
		return fmt.Errorf("%w: %w", errAway, err)
	}
	return nil
}
