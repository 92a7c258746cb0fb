// Package remote is the bot's side of a panel behind an agent: what the agent sent to
// the hub is given to the bot as if the panel were on its own host.
package remote

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"domovoy/bot/fleet"
	"domovoy/reports/journal"
)

// Places keeps how far logs were taken, together with what was taken, and which
// readings counted.
type Places interface {
	LogPlace(ctx context.Context, panel string) (journal.LogPlace, error)
	KeepLogPlace(ctx context.Context, panel string, p journal.LogPlace) error
	FleetPanels(ctx context.Context) ([]journal.FleetPanel, error)
	KeepReading(ctx context.Context, panel string, number int64) error
}

// Config is what a Fleet is made of.
type Config struct {
	Conn   *nats.Conn
	Places Places
	Log    *slog.Logger
	// Refused is called with each record that is refused: one of Refusals, and the
	// panel, which is empty if nothing else is known of it. It may be nil.
	Refused func(panel, why string)
	// News is called when a reading of a panel arrived that is not like the last one;
	// it must not block. It may be nil.
	News func(panel string)
}

// Fleet is all panels behind agents. It is safe for concurrent use.
type Fleet struct {
	cfg Config
	js  jetstream.JetStream
	now func() time.Time

	began time.Time

	read map[string]int64 // the last reading of each panel that counted before the start

	mu      sync.Mutex
	panels  map[string]*Panel
	removed map[string]string // who removed the agents of panels that are no more, by panel
	clocks  map[string]clock  // of agents that sent a heartbeat, by their names
	said    map[string]bool   // what was refused, and logged
	stream  time.Time         // when FACTS was created; zero: not known
	place   uint64            // in FACTS, that was consumed
	lost    time.Time         // when the hub was lost; zero: it is there
	caught  chan struct{}     // closed when all that the hub had was consumed, once
	upToNow bool              // it is closed

	beats *nats.Subscription
	stop  context.CancelFunc
	done  chan struct{}
}

// Open begins to consume what the agents said. The hub may be away. Close ends it, the
// end of the context does not.
func Open(ctx context.Context, c Config) (*Fleet, error) {
	before, err := c.Places.FleetPanels(ctx)
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(c.Conn)
	if err != nil {
		return nil, fmt.Errorf("preparing to read the fleet: %w", err)
	}
	f := &Fleet{cfg: c, js: js, now: time.Now, read: map[string]int64{}, panels: map[string]*Panel{}, removed: map[string]string{}, clocks: map[string]clock{}, said: map[string]bool{}, caught: make(chan struct{}), done: make(chan struct{})}
	f.began = f.now()
	f.lost = f.began
	for _, p := range before {
		f.read[p.Name] = p.Reading
	}
	if f.beats, err = c.Conn.Subscribe(fleet.AllBeats, f.beat); err != nil {
		return nil, fmt.Errorf("preparing to hear heartbeats: %w", err)
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	f.stop = stop
	go func() {
		defer close(f.done)
		f.run(running)
	}()
	return f, nil
}

// Close stops consuming. It leaves the connection to its owner.
func (f *Fleet) Close() {
	_ = f.beats.Unsubscribe() // fails only if the connection is closed
	f.stop()
	<-f.done
}

// Panel of that name, known or not.
func (f *Fleet) Panel(name string) *Panel {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.panel(name)
}

func (f *Fleet) panel(name string) *Panel {
	p := f.panels[name]
	if p == nil {
		p = &Panel{name: name, fleet: f, sets: map[string]*set{}, fresh: map[string]bool{}, zone: time.UTC, newest: f.read[name], kept: f.read[name]}
		f.panels[name] = p
	}
	return p
}

// Removed returns who removed the agent of a panel, of which nothing is known since;
// empty: nobody did.
func (f *Fleet) Removed(panel string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.panels[panel] != nil {
		return "" // it comes back
	}
	return f.removed[panel]
}

// remove forgets a panel.
func (f *Fleet) remove(panel, by string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.panels, panel)
	delete(f.read, panel)
	f.removed[panel] = by
}

// isBack reports whether a panel was removed before its agent spoke again, who believes
// that the hub still has what it sent. It says so once.
func (f *Fleet) isBack(panel string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, back := f.removed[panel]
	delete(f.removed, panel)
	return back
}

// Names are of all panels that something is known of.
func (f *Fleet) Names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.panels))
}

// hubState is what is known of the hub.
type hubState int

const (
	hubThere  hubState = iota
	hubLost            // for a short time: what is known still counts
	hubUnseen          // since the start, which was a short time ago: nothing is known
	hubGone            // for long
)

// How long a first reading waits for a connection, and then for what the hub has.
const (
	connectWait = 3 * time.Second
	firstWait   = 20 * time.Second
)

// await waits until what the hub had at the start was consumed, but not longer than
// most.
func (f *Fleet) await(ctx context.Context, most time.Duration) {
	wait := time.NewTimer(most)
	defer wait.Stop()
	select {
	case <-f.caught:
	case <-wait.C:
	case <-ctx.Done():
	}
}

// CaughtUp reports whether all that the hub had at the start is known.
func (f *Fleet) CaughtUp() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.upToNow
}

// Await waits until what the hub has is known, or until it seems to be away.
func (f *Fleet) Await(ctx context.Context) { f.ready(ctx) }

// ready waits until what the hub had at the start was consumed, and returns how the
// hub is now.
func (f *Fleet) ready(ctx context.Context) hubState {
	select {
	case <-f.caught:
	default:
		f.await(ctx, connectWait)
		if f.cfg.Conn.IsConnected() {
			f.await(ctx, firstWait)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !f.upToNow && f.now().Sub(f.began) <= SilentAfter:
		return hubUnseen
	case !f.upToNow:
		return hubGone
	case f.lost.IsZero() && f.cfg.Conn.IsConnected():
		return hubThere
	case f.lost.IsZero():
		f.lost = f.now()
		return hubLost
	case f.now().Sub(f.lost) > SilentAfter:
		return hubGone
	}
	return hubLost
}

// retryPause is between attempts to consume.
const retryPause = 500 * time.Millisecond

// run consumes until the context ends.
func (f *Fleet) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := f.consume(ctx)
		if ctx.Err() != nil {
			return
		}
		f.mu.Lock()
		if f.lost.IsZero() {
			f.lost = f.now()
		}
		f.mu.Unlock()
		f.cfg.Log.DebugContext(ctx, "the fleet is not read", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(retryPause):
		}
	}
}

// errOther is the end of consuming because the stream is another one.
var errOtherStream = errors.New("the hub began its facts again")

// consume takes facts until the connection is lost or the stream is another one.
func (f *Fleet) consume(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c, created, err := f.consumer(ctx)
	if err != nil {
		return err
	}
	it, err := c.Messages(jetstream.PullMaxMessages(2000))
	if err != nil {
		return fmt.Errorf("consuming facts: %w", err)
	}
	defer it.Stop()
	defer context.AfterFunc(ctx, it.Stop)()
	back := f.cfg.Conn.StatusChanged(nats.CONNECTED, nats.RECONNECTING, nats.CLOSED)
	defer f.cfg.Conn.RemoveStatusListener(back)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	watching.Go(func() { f.guard(ctx, back, created, cancel) })
	for {
		m, err := it.Next(jetstream.NextContext(ctx)) // a Stop that comes while the iterator resets itself is lost
		if err != nil {
			return fmt.Errorf("consuming facts: %w", err)
		}
		f.take(ctx, m)
	}
}

// consumer makes the consumer of the facts: from where the last one ended, or of all
// that the stream has if it is another one.
func (f *Fleet) consumer(ctx context.Context) (jetstream.Consumer, time.Time, error) {
	bounded, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	stream, err := f.js.Stream(bounded, fleet.StreamFacts)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("finding the facts: %w", err)
	}
	info := stream.CachedInfo()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !info.Created.Equal(f.stream) || info.State.LastSeq < f.place {
		f.stream, f.place = info.Created, 0
	}
	cfg := jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy, FilterSubjects: fleet.FactsAndStates()}
	if f.place > 0 {
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, f.place+1
	}
	c, err := stream.OrderedConsumer(bounded, cfg)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("consuming facts: %w", err)
	}
	if info.State.LastSeq <= f.place || info.State.Msgs == 0 {
		f.caughtUp()
	}
	f.lost = time.Time{}
	return c, info.Created, nil
}

// caughtUp notes that all that the hub had was consumed. f.mu is held.
func (f *Fleet) caughtUp() {
	if !f.upToNow {
		f.upToNow = true
		close(f.caught)
	}
}

// guardEvery is how often it is looked whether the stream is still the same.
const guardEvery = 30 * time.Second

// guard ends consuming if the stream becomes another one, which a consumer does not
// notice.
func (f *Fleet) guard(ctx context.Context, status chan nats.Status, created time.Time, stop func()) {
	tick := time.NewTicker(guardEvery)
	defer tick.Stop()
	var soon <-chan time.Time // a hub that began again is there before its streams are
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-status:
			f.mu.Lock()
			if s == nats.CONNECTED {
				f.lost = time.Time{}
			} else if f.lost.IsZero() {
				f.lost = f.now()
			}
			f.mu.Unlock()
			if s != nats.CONNECTED {
				continue
			}
		case <-tick.C:
		case <-soon:
		}
		soon = nil
		bounded, cancel := context.WithTimeout(ctx, 10*time.Second)
		stream, err := f.js.Stream(bounded, fleet.StreamFacts)
		cancel()
		if err != nil {
			if f.cfg.Conn.IsConnected() { // else it comes back
				soon = time.After(retryPause)
			}
			continue
		}
		f.mu.Lock()
		same := stream.CachedInfo().Created.Equal(created) && stream.CachedInfo().State.LastSeq >= f.place
		f.mu.Unlock()
		if !same {
			f.cfg.Log.WarnContext(ctx, "the fleet is read again", "error", errOtherStream)
			stop()
			return
		}
	}
}

// take takes one message.
func (f *Fleet) take(ctx context.Context, m jetstream.Msg) {
	meta, err := m.Metadata()
	if err != nil {
		return
	}
	name, again, err := f.sort(m, meta)
	f.mu.Lock()
	f.place = meta.Sequence.Stream
	if meta.NumPending == 0 {
		f.caughtUp()
	}
	live := f.upToNow
	f.mu.Unlock()
	if err != nil {
		f.refuse(ctx, name, err)
	}
	if again && live {
		f.Panel(name).askAgain(ctx)
	}
}

// sort gives a message to its panel. again: the panel lacks facts that are not on
// their way. Only a record that can be read makes a panel known: an agent that may
// publish at all can have the hub write its acknowledgement anywhere.
func (f *Fleet) sort(m jetstream.Msg, meta *jetstream.MsgMetadata) (panel string, again bool, err error) {
	if fact, ok := fleet.ParseFact(m.Subject()); ok {
		if !f.knows(fact.Panel) {
			if len(m.Data()) == 0 { // a fact that is gone, of a panel that is gone
				return fact.Panel, false, nil
			}
			if _, err := fleet.EpochOf(m.Data()); err != nil {
				return fact.Panel, false, err
			}
		}
		return fact.Panel, false, f.Panel(fact.Panel).put(fact, m.Data())
	}
	panel, ok := fleet.ParseState(m.Subject())
	if !ok {
		return "", false, fmt.Errorf("%w: subject %s", fleet.ErrRecord, m.Subject())
	}
	x, err := fleet.DecodeState(m.Data())
	if err != nil {
		return panel, false, err
	}
	if x.Removed != "" {
		f.remove(panel, x.Removed)
		return panel, false, nil
	}
	back := f.isBack(panel)
	news, again, err := f.Panel(panel).end(x, meta.Timestamp, meta.NumPending == 0)
	if news && f.cfg.News != nil {
		f.cfg.News(panel)
	}
	return panel, again || back, err
}

// knows reports whether anything is known of a panel.
func (f *Fleet) knows(panel string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.panels[panel] != nil
}

// Why a record was refused, as Config.Refused has it.
const (
	Garbage = "garbage" // it cannot be read
	Large   = "large"   // it is larger than a record may be
	Old     = "old"     // it ends a reading before the last one
	Other   = "other"   // it is about something else than its subject
	Newer   = "newer"   // it is of a newer protocol
)

// Refusals are all of them.
func Refusals() []string { return []string{Garbage, Large, Old, Other, Newer} }

func whyOf(err error) string {
	switch {
	case errors.Is(err, errOld):
		return Old
	case errors.Is(err, errNewer):
		return Newer
	case errors.Is(err, errOther):
		return Other
	case errors.Is(err, fleet.ErrLarge):
		return Large
	}
	return Garbage
}

// refuse counts a record that cannot be used, and logs the first of each kind of a
// panel.
func (f *Fleet) refuse(ctx context.Context, panel string, err error) {
	why := whyOf(err)
	if !f.knows(panel) {
		panel = ""
	}
	if f.cfg.Refused != nil {
		f.cfg.Refused(panel, why)
	}
	f.mu.Lock()
	key := panel + " " + why
	said := f.said[key]
	f.said[key] = true
	f.mu.Unlock()
	if !said {
		f.cfg.Log.WarnContext(ctx, "a record of the fleet is refused", "panel", panel, "why", why, "error", err)
	}
}
