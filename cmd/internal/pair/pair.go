// Package pair lets one of two bots speak: it waits until its bot has the lease at the
// hub, begins from what the other left there, stops the bot when the lease cannot be
// kept, and leaves backups of the state for the other.
package pair

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"domovoy/bot/fleet"
	"domovoy/bot/fleet/lease"
	"domovoy/bot/metrics"
	"domovoy/checks/pace"
	"domovoy/cmd/internal/app"
	"domovoy/cmd/internal/config"
	"domovoy/cmd/internal/hubs"
	"domovoy/reports/compose"
)

// Pair is the bot's part of a pair. The zero Pair is in none: then its bot always
// speaks. Its owner uses it from one goroutine, and leaves it at the end.
type Pair struct {
	cfg  *config.Config
	log  *slog.Logger
	like string // what of the configuration it was opened with; empty: it is not

	conn  *nats.Conn
	lease *lease.Lease
	turn  *lease.Turn // nil: the bot may not speak
	begun bool        // the state is that of the turn
}

// nearWait is the longest pause between attempts to reach the hub: the lease is short.
const nearWait = time.Second

// Follow opens the pair of a configuration, or leaves it if that has none. In a pair
// with the same settings the bot's turn goes on.
func (p *Pair) Follow(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	like := ""
	if cfg.Fleet.Pair {
		like = fmt.Sprintln(cfg.State, cfg.Fleet.Hub, cfg.Fleet.CAFile, cfg.Fleet.Key.Reveal())
	}
	if like != p.like {
		p.Leave(ctx)
	}
	p.cfg, p.log = cfg, log
	if like == p.like {
		return nil
	}
	c, err := hubs.Way(cfg, log)
	if err != nil {
		return err
	}
	c.Wait = nearWait
	if p.conn, err = fleet.Dial(c); err != nil {
		return fmt.Errorf("preparing the way to the hub: %w", err)
	}
	p.lease, err = lease.New(lease.Config{Conn: p.conn, Host: host(), Notes: notes(cfg), Log: log})
	if err != nil {
		p.conn.Close()
		return err
	}
	p.like = like
	return nil
}

// host is how people know this one.
func host() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "?"
	}
	return name
}

// Speaks reports whether the bot may run now, without waiting.
func (p *Pair) Speaks(ctx context.Context) bool {
	if p.like == "" {
		return true
	}
	if p.turn == nil {
		return false
	}
	if p.turn.Speaks() {
		return true
	}
	p.end(ctx, false)
	return false
}

// Wait waits until the bot may speak, and puts the state in place that it is to begin
// from. It returns what to tell people of that; nil: nothing. The error is the
// context's.
func (p *Pair) Wait(ctx context.Context) (*compose.StateEvent, error) {
	waiting, served := context.WithCancel(ctx)
	var serving sync.WaitGroup
	w := &waiter{log: p.log, why: errors.New("waiting: the hub is asked who speaks")}
	if listen := p.cfg.Metrics.Listen; listen != "" {
		m := metrics.New(app.Version(), p.log)
		serving.Go(func() {
			_ = m.Serve(waiting, listen, metrics.Health{Alive: func() error { return nil }, Ready: w.ready}) // ends with the context
		})
	}
	defer serving.Wait() // the bot itself takes the port
	defer served()
	for {
		turn, err := p.lease.Take(ctx, w.see)
		if err != nil {
			return nil, err
		}
		p.turn, p.begun = turn, false
		w.see(lease.Waiting{Away: errBegins})
		event, err := p.begin(ctx)
		switch {
		case err == nil:
			p.begun = true
			p.log.InfoContext(ctx, "this bot has the lease: it speaks")
			return event, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		}
		p.log.ErrorContext(ctx, "this bot has the lease, but cannot begin", "error", err)
		p.end(ctx, false)
		_ = pace.Sleep(ctx, nearWait) // Take looks at the context
	}
}

// errBegins is why a bot is not ready that has its turn.
var errBegins = errors.New("its turn has come, it begins")

// waiter says why the bot waits: each reason once in the log, and the last one in
// /readyz.
type waiter struct {
	log *slog.Logger

	mu   sync.Mutex
	why  error
	said string
}

func (w *waiter) see(x lease.Waiting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case x.Away != nil && !errors.Is(x.Away, errBegins):
		w.why = errors.New("waiting: the hub cannot be asked who speaks")
		if w.said != w.why.Error() {
			w.log.Warn("the hub cannot be asked who speaks: this bot waits", "error", x.Away)
		}
	case x.Away != nil:
		w.why = fmt.Errorf("waiting: %w", x.Away)
	case x.Holder.Host == "":
		return // between two holders
	default:
		w.why = fmt.Errorf("waiting: the bot on %s speaks", x.Holder.Host)
		if w.said != w.why.Error() {
			w.log.Info("another bot speaks: this one waits", "host", x.Holder.Host, "since", x.Holder.Since.Time)
		}
	}
	w.said = w.why.Error()
}

func (w *waiter) ready() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.why
}

// Guard ends a run of the bot when its turn is over, and leaves backups of the state
// meanwhile. It returns when the run has ended and no backup is under way.
func (p *Pair) Guard(ctx context.Context, a *app.App, run func(context.Context) error) error {
	if p.turn == nil {
		return run(ctx)
	}
	ctx, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer stop()
	a.SpeakWhile(p.turn.Speaks, p.turn.Sure)
	beside.Go(func() {
		select {
		case <-ctx.Done():
		case <-p.turn.Over():
			stop()
		}
	})
	beside.Go(func() { p.keepBackups(ctx) })
	return run(ctx)
}

// Leave ends the bot's part at its end: it leaves a last backup, to which nothing is
// missing, and another may take the lease when it ends. The bot has been closed before.
func (p *Pair) Leave(ctx context.Context) {
	if p.like == "" {
		return
	}
	p.end(ctx, p.turn != nil && p.turn.Speaks() && p.begun)
	p.conn.Close()
	p.conn, p.lease, p.like = nil, nil, ""
}

// end ends a turn, also when the context has ended. complete: a last backup is made.
func (p *Pair) end(ctx context.Context, complete bool) {
	if p.turn == nil {
		return
	}
	ctx = context.WithoutCancel(ctx)
	if complete {
		bounded, cancel := context.WithTimeout(ctx, lastBound)
		if _, err := p.backup(bounded, true); err != nil {
			p.log.WarnContext(ctx, "no last backup is left at the hub", "error", err)
		}
		cancel()
	}
	if err := p.turn.Leave(); err != nil {
		p.log.WarnContext(ctx, "cannot note when this bot spoke last", "error", err)
	}
	p.turn = nil
}

// lastBound is how long a bot that is stopped takes for its last backup at most: systemd
// allows 90 s for all of it.
const lastBound = 45 * time.Second

// Other asks the hub whether another bot speaks than the one with the configuration's
// state. A zero Holder: none does, or the configuration is of no pair.
func Other(ctx context.Context, cfg *config.Config) (lease.Holder, error) {
	if !cfg.Fleet.Pair {
		return lease.Holder{}, nil
	}
	conn, err := hubs.Reach(ctx, cfg)
	if err != nil {
		return lease.Holder{}, err
	}
	defer conn.Close()
	l, err := lease.New(lease.Config{Conn: conn, Host: host(), Notes: notes(cfg), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return lease.Holder{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, askBound)
	defer cancel()
	h, err := l.Holder(ctx)
	if err != nil || l.Had(h) {
		return lease.Holder{}, err
	}
	return h, nil
}

// askBound is how long a command waits to be told who speaks.
const askBound = 3 * time.Second

// notes is the file in which a bot keeps when it spoke last.
func notes(cfg *config.Config) string { return filepath.Join(fleet.Folder(cfg.State), "turn.json") }
