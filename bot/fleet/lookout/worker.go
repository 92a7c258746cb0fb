package lookout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"domovoy/bot/fleet"
	"domovoy/checks"
	"domovoy/checks/pace"
)

// Worker takes the looks of one vantage point.
type Worker struct {
	At   checks.Vantage // its name is that of its agent
	Conn *nats.Conn
	Log  *slog.Logger
	// Look looks at a site of a panel.
	Look func(ctx context.Context, p Panel, x checks.Subject, asked bool) checks.Probe
	// Online is the canary: whether this place's own network and resolver work. Its
	// answer counts for a while, but is asked for again after a look that ended as one
	// does without a network.
	Online  func(ctx context.Context) error
	Share   func(places int) // told how many places look at the same addresses; may be nil
	Workers int              // looks at the same time; at least one

	mu    sync.Mutex
	asked time.Time // of the canary, last
	sick  error     // what it said
}

// Panel is what a look needs to know of the panel of its site.
type Panel struct {
	Name      string
	Addresses []netip.Addr
	Account   string // URL of its account at the CA; empty: not known
	Roots     string // PEM of CAs that sites of this panel may use, beside those of any host
	Rootless  bool   // they are too many for a look: chains cannot be judged
}

// MostRoots is how long the Roots of a look may be, in bytes: there are thousands of
// looks in a sweep.
const MostRoots = 16 << 10

// Bounds of taking looks.
const (
	hereEvery   = 30 * time.Second // a vantage point that is there says so
	goodbye     = 2 * time.Second
	canaryEvery = 30 * time.Second
	fetchWait   = 5 * time.Second
	progress    = 20 * time.Second // a look that is under way is not given to another before fleet's AckWait
	retry       = 2 * time.Second
	ackWait     = 5 * time.Second // for the hub's word that something is stored
)

// Run takes looks until the context ends. While the hub is away it waits.
func (w *Worker) Run(ctx context.Context) error {
	js, err := jetstream.New(w.Conn)
	if err != nil {
		return fmt.Errorf("preparing to take looks: %w", err)
	}
	var all sync.WaitGroup
	all.Go(func() { w.here(ctx, js) })
	for range max(1, w.Workers) {
		all.Go(func() { w.run(ctx, js) })
	}
	all.Wait()
	return nil
}

// here says that this vantage point is there, again and again, and at the end that it
// is stopped, so that the bot does not wait for it.
func (w *Worker) here(ctx context.Context, js jetstream.JetStream) {
	for ctx.Err() == nil {
		again := hereEvery
		if err := w.say(ctx, js, false); err != nil {
			again = retry
		}
		_ = pace.Until(ctx, time.Now().Add(again)) // or the end
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	if err := w.say(bounded, js, true); err != nil {
		w.Log.DebugContext(ctx, "the bot was not told that this vantage point stops", "error", err)
	}
}

// say tells the bot where this vantage point is.
func (w *Worker) say(ctx context.Context, js jetstream.JetStream, gone bool) error {
	data, err := encode(Here{Protocol: fleet.Protocol, Network: w.At.Network, Country: w.At.Country, Gone: gone})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, ackWait)
	defer cancel()
	_, err = js.Publish(ctx, hereSubject(w.At.Name), data)
	return err
}

// run takes one look after another.
func (w *Worker) run(ctx context.Context, js jetstream.JetStream) {
	var queue jetstream.Consumer
	for ctx.Err() == nil {
		if queue == nil { // the bot makes it, maybe later
			bounded, cancel := context.WithTimeout(ctx, ackWait)
			q, err := js.Consumer(bounded, fleet.StreamLooks, w.At.Name)
			cancel()
			if err != nil {
				_ = pace.Until(ctx, time.Now().Add(retry)) // or the end
				continue
			}
			queue = q
		}
		bounded, cancel := context.WithTimeout(ctx, fetchWait)
		msg, err := queue.Next(jetstream.FetchContext(bounded))
		cancel()
		switch {
		case err == nil:
			w.take(ctx, js, msg)
		case errors.Is(err, nats.ErrTimeout), errors.Is(err, context.DeadlineExceeded), ctx.Err() != nil:
		default:
			queue = nil
			_ = pace.Until(ctx, time.Now().Add(retry))
		}
	}
}

// take takes one look. It is acknowledged once its sight is stored: if this program
// dies before that, the look comes again.
func (w *Worker) take(ctx context.Context, js jetstream.JetStream, msg jetstream.Msg) {
	l, err := decodeLook(msg.Data())
	if err != nil {
		w.Log.WarnContext(ctx, "a look cannot be taken", "error", err)
		_ = msg.TermWithReason("not understood")
		return
	}
	if time.Now().After(l.Until) {
		_ = msg.Ack()
		return
	}
	stop := w.underWay(msg)
	defer stop()
	s := Sight{Protocol: fleet.Protocol, Look: l.ID}
	began := time.Now()
	if err := w.canary(ctx, began.Add(-canaryEvery)); err != nil {
		s.Blind = checks.BlindCanary
	} else {
		if w.Share != nil {
			w.Share(l.Share)
		}
		seen := w.Look(ctx, Panel{l.Panel, l.Addresses, l.Account, l.Roots, l.Rootless}, l.subject(), l.Asked)
		if maybeOurs(seen) && w.canary(ctx, began) != nil { // the network went away meanwhile
			s.Blind = checks.BlindCanary
		} else {
			s.Probe = probeOf(seen)
		}
	}
	if ctx.Err() != nil {
		return // cut short: another takes it
	}
	s.Sent = time.Now()
	if err := w.send(ctx, js, l, s); err != nil {
		w.Log.DebugContext(ctx, "a sight was not stored, the look comes again", "error", err)
		return
	}
	_ = msg.Ack() // else it comes again, and the bot knows its sight
}

// send stores a sight at the hub, which takes the same one once. It tries again until
// nobody waits for the look any more: to look again takes longer.
func (w *Worker) send(ctx context.Context, js jetstream.JetStream, l Look, s Sight) error {
	data, err := encode(s)
	if errors.Is(err, ErrRecord) { // too large: what it saw cannot be said
		s.Blind, s.Probe = checks.BlindName, Probe{}
		data, err = encode(s)
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithDeadline(ctx, l.Until)
	defer cancel()
	subject := fleet.SightSubject(w.At.Name, token(l.Panel), fleet.ID(l.Site.Name))
	return untilStored(ctx, ackWait, retry, func(ctx context.Context) error {
		_, err := js.Publish(ctx, subject, data, jetstream.WithMsgID(w.At.Name+"/"+l.ID))
		return err
	})
}

// untilStored tries until the hub stored something or the context ends. Each attempt is
// bounded: the hub's word may die with the server that has it.
func untilStored(ctx context.Context, bound, pause time.Duration, store func(context.Context) error) error {
	for {
		bounded, cancel := context.WithTimeout(ctx, bound)
		err := store(bounded)
		cancel()
		if err == nil || pace.Sleep(ctx, pause) != nil {
			return err
		}
	}
}

// token is a panel's name as a part of a subject.
func token(panel string) string {
	if fleet.ValidName(panel) {
		return panel
	}
	return fleet.ID(panel)
}

// underWay keeps a look from being given to another while it is being taken.
func (w *Worker) underWay(msg jetstream.Msg) (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(progress)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				_ = msg.InProgress()
			}
		}
	}()
	return func() { close(done) }
}

// maybeOurs reports whether a look ended as one does from a place without a network.
func maybeOurs(p checks.Probe) bool {
	return len(p.Failures) > 0 || slices.ContainsFunc(p.Findings, func(f checks.Finding) bool {
		return f.Severity > checks.Info && (f.Check == checks.WayCheck || f.Code == checks.DNSServFail)
	})
}

// canary reports why this place cannot look; nil: it can. An answer from before since
// does not count any more.
func (w *Worker) canary(ctx context.Context, since time.Time) error {
	if w.Online == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.asked.After(since) {
		return w.sick
	}
	asked := time.Now()
	err := w.Online(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if (err == nil) != (w.sick == nil) {
		w.Log.WarnContext(ctx, "this place's own network", "works", err == nil, "error", err)
	}
	w.asked, w.sick = asked, err
	return err
}
