package lookout

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"domovoy/bot/fleet"
	"domovoy/bot/vantage"
	"domovoy/checks"
	"domovoy/checks/pace"
)

// Asker has vantage points look, for the bot. Its exported fields do not change after
// Start. Close ends it.
type Asker struct {
	Conn *nats.Conn
	Log  *slog.Logger
	// Patience is how long a look is waited for; 0: three minutes, in which a site
	// whose every name drops connections is looked at.
	Patience time.Duration
	// Again is how long a vantage point is not asked after it did not answer; 0: a minute
	// and a half.
	Again time.Duration
	// Seek is how often it is asked, while somebody waits, whether anybody is at the queue
	// of a vantage point; 0: every two seconds.
	Seek time.Duration
	// Refused is called with each sight that is refused: one of Refusals, and the
	// vantage point, which is empty if nothing else is known of it. May be nil.
	Refused func(vantage, why string)

	js     jetstream.JetStream
	stop   context.CancelFunc
	done   chan struct{}
	caught chan struct{} // closed when it is known which vantage points there are

	mu      sync.Mutex
	waiting map[string]*pending // by the look's ID
	said    map[string]bool     // what was refused, and logged
	known   map[string]known    // by name
}

// known is a vantage point that said that it is there.
type known struct {
	at     checks.Vantage
	last   time.Time // that something was heard of it
	left   bool      // it said that it stops
	queue  bool      // it has one
	tried  time.Time // when a look was not answered in time, last
	looked time.Time // when a sight of it came, last
}

// pending is a look that is waited for.
type pending struct {
	vantage string
	done    chan sighted
}

// sighted is a sight with the hub's time.
type sighted struct {
	Sight
	stored time.Time
}

// Bounds of waiting.
const (
	patience  = 3 * time.Minute
	silent    = 90 * time.Second // it says three times that it is there in that
	hearEvery = 5 * time.Second
	seekEvery = 2 * time.Second
	nobodyFor = 3           // times that nobody was at the queue, after which nobody will come: longer than retry
	skew      = time.Minute // between a vantage point's clock and the hub's
	knowAfter = 10 * time.Second
	putWait   = 3 * time.Second // for the hub's word that it has a look
	putAgain  = 500 * time.Millisecond
	forgotten = 30 * time.Minute // a vantage point that does not say any more that it is there
	meetWait  = 5 * time.Second  // for a hub that answers
)

// Start begins to listen to the vantage points. The hub may be away.
func (a *Asker) Start(ctx context.Context) error {
	a.waiting, a.known, a.said = map[string]*pending{}, map[string]known{}, map[string]bool{}
	a.done, a.caught = make(chan struct{}), make(chan struct{})
	a.Patience, a.Again = cmp.Or(a.Patience, patience), cmp.Or(a.Again, silent)
	a.Seek = cmp.Or(a.Seek, seekEvery)
	js, err := jetstream.New(a.Conn)
	if err != nil {
		return fmt.Errorf("preparing to hear sights: %w", err)
	}
	a.js = js
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx)) // Close ends it
	a.stop = stop
	go func() {
		defer close(a.done)
		a.listen(ctx)
	}()
	return nil
}

// listen hears sights until the context ends.
func (a *Asker) listen(ctx context.Context) {
	for _, c := range []struct {
		config jetstream.OrderedConsumerConfig
		take   func(jetstream.Msg)
		last   bool
	}{
		{jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverNewPolicy}, a.take, false},
		{jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy, FilterSubjects: []string{hereSubject("*")}}, a.meet, true},
	} {
		for ctx.Err() == nil {
			consumer, err := a.js.OrderedConsumer(ctx, fleet.StreamSights, c.config)
			if err == nil {
				if info := consumer.CachedInfo(); c.last && info != nil && info.NumPending == 0 {
					a.caughtUp() // there is none
				}
				var hearing jetstream.ConsumeContext
				if hearing, err = consumer.Consume(c.take); err == nil {
					defer hearing.Stop()
					break
				}
			}
			_ = pace.Until(ctx, time.Now().Add(retry)) // or the end
		}
	}
	<-ctx.Done()
}

// Await waits until it is known which vantage points there are. It returns at once if
// there is no connection to the hub, and soon if the hub does not answer.
func (a *Asker) Await(ctx context.Context) {
	if !a.Conn.IsConnected() {
		return
	}
	select {
	case <-a.caught:
	case <-ctx.Done():
	case <-time.After(meetWait):
	}
}

// Close stops listening. It leaves the connection to its owner.
func (a *Asker) Close() {
	a.stop()
	<-a.done
}

// meet takes a vantage point's word that it is there.
func (a *Asker) meet(msg jetstream.Msg) {
	parts := strings.Split(msg.Subject(), ".")
	if len(parts) != 5 {
		return
	}
	name := parts[2]
	h, err := decodeHere(msg.Data())
	if err != nil {
		a.refuse(name, Garbage, err)
		return
	}
	last := time.Now()
	meta, err := msg.Metadata()
	if old := err == nil && !a.isCaughtUp(); old {
		last = meta.Timestamp // of what was there before us; else the hub's clock does not matter
	}
	a.mu.Lock()
	k := a.known[name]
	k.at, k.last, k.left = checks.Vantage{Name: name, Network: h.Network, Country: h.Country}, last, h.Gone
	a.known[name] = k
	a.mu.Unlock()
	if err == nil && meta.NumPending == 0 {
		a.caughtUp()
	}
}

func (a *Asker) isCaughtUp() bool {
	select {
	case <-a.caught:
		return true
	default:
		return false
	}
}

// caughtUp says that the vantage points that the hub knew at the start are known.
func (a *Asker) caughtUp() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.isCaughtUp() {
		close(a.caught)
	}
}

// Points are the vantage points that are there, by name, for the sites of a panel.
func (a *Asker) Points(panel Panel) []vantage.Point {
	a.mu.Lock()
	defer a.mu.Unlock()
	var points []vantage.Point
	for _, name := range slices.Sorted(maps.Keys(a.known)) {
		if k := a.known[name]; time.Since(k.last) < forgotten {
			points = append(points, &point{asker: a, at: k.at, panel: panel})
		}
	}
	return points
}

// hear notes that a vantage point looked.
func (a *Asker) hear(vantage string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if k, met := a.known[vantage]; met {
		k.last, k.looked = time.Now(), time.Now()
		a.known[vantage] = k
	}
}

// take takes a sight from the hub. It counts once, and only for the look that its
// vantage point was asked for.
func (a *Asker) take(msg jetstream.Msg) {
	parts := strings.Split(msg.Subject(), ".")
	if len(parts) != 5 {
		return
	}
	from := parts[2]
	if parts[3] == hereToken {
		return
	}
	s, err := decodeSight(msg.Data())
	if err != nil {
		a.refuse(from, Garbage, err)
		return
	}
	stored := time.Now()
	if meta, err := msg.Metadata(); err == nil {
		stored = meta.Timestamp
	}
	a.hear(from)
	a.mu.Lock()
	p := a.waiting[s.Look]
	if p != nil && p.vantage == from {
		delete(a.waiting, s.Look)
	}
	a.mu.Unlock()
	switch {
	case p == nil: // it came again, or nobody waits any more
	case p.vantage != from:
		a.refuse(from, Foreign, nil)
	default:
		p.done <- sighted{s, stored}
	}
}

// Why a sight was refused, as Asker.Refused has it.
const (
	Garbage = "garbage" // it cannot be read, or is of a newer protocol
	Foreign = "foreign" // it is of a look that another vantage point was asked for
)

// Refusals are all of them.
func Refusals() []string { return []string{Garbage, Foreign} }

// refuse counts a sight that cannot be used, and logs the first of each kind of a
// vantage point. Its name counts if it is known: an agent can have the hub write its
// acknowledgement anywhere.
func (a *Asker) refuse(from, why string, err error) {
	a.mu.Lock()
	name := from
	if _, met := a.known[from]; !met {
		name = ""
	}
	said := a.said[name+" "+why]
	a.said[name+" "+why] = true
	a.mu.Unlock()
	if !said {
		a.Log.Warn("a sight of a vantage point is refused", "vantage", from, "why", why, "error", err)
	}
	if a.Refused != nil {
		a.Refused(name, why)
	}
}

// point is a vantage.Point of a fleet.
type point struct {
	asker *Asker
	at    checks.Vantage
	panel Panel
}

// At is where it is.
func (p *point) At() checks.Vantage { return p.at }

// Look puts a look into the queue of the vantage point and waits for what it saw.
// One that was stopped, or of which nothing is heard, is not waited for; one that did
// not answer in time is not asked for a while.
func (p *point) Look(ctx context.Context, l vantage.Look) (checks.Probe, checks.Blind) {
	if p.gone() {
		return checks.Probe{}, checks.BlindSilent
	}
	a, x := p.asker, l.Subject
	look := Look{Protocol: fleet.Protocol, ID: rand.Text(), Panel: p.panel.Name, Addresses: p.panel.Addresses, Account: p.panel.Account, Roots: p.panel.Roots, Rootless: p.panel.Rootless, Site: *x.Site, Asked: l.Asked, Share: l.Share,
		Logged: x.Certificate != nil || x.Order != nil || x.History != nil, Until: time.Now().Add(a.Patience)}
	if x.History != nil {
		look.Failures = x.History.Failures
	}
	waiting := &pending{p.at.Name, make(chan sighted, 1)}
	a.mu.Lock()
	a.waiting[look.ID] = waiting
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.waiting, look.ID)
	}()
	ctx, cancel := context.WithTimeout(ctx, a.Patience)
	defer cancel()
	if err := p.put(ctx, look); err != nil {
		a.Log.DebugContext(ctx, "a look could not be asked for", "vantage", p.at.Name, "error", err)
		p.change((*known).unanswered)
		return checks.Probe{}, checks.BlindSilent
	}
	s, came := p.wait(ctx, waiting, l.Asked)
	switch {
	case !came:
		p.change((*known).unanswered)
		return checks.Probe{}, checks.BlindSilent
	case s.Blind != checks.SightGood:
		return checks.Probe{}, s.Blind
	case s.Sent.Sub(s.stored).Abs() > skew:
		return checks.Probe{}, checks.BlindClock
	}
	return s.Probe.of(x.Site, p.at.Name), checks.SightGood
}

// wait waits for what the vantage point saw, until the context ends or nothing is heard
// of the vantage point any more. asked: somebody waits, so that it is not waited for if
// nobody comes to its queue, either.
func (p *point) wait(ctx context.Context, w *pending, asked bool) (s sighted, came bool) {
	every, nobody := hearEvery, 0
	if asked {
		every = p.asker.Seek
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case s = <-w.done:
			return s, true
		case <-ctx.Done():
			return s, false
		case <-tick.C:
			if nobody++; !asked || !p.deserted(ctx) {
				nobody = 0
			}
			if p.gone() || nobody == nobodyFor {
				return s, false
			}
		}
	}
}

// deserted reports whether nobody waits at the queue of the vantage point or takes a look
// from it. The hub forgets who waits when the connection ends, or after fetchWait.
func (p *point) deserted(ctx context.Context) bool {
	bounded, cancel := context.WithTimeout(ctx, p.asker.Seek)
	defer cancel()
	queue, err := p.asker.js.Consumer(bounded, fleet.StreamLooks, p.at.Name)
	if err != nil {
		return false // it is not known
	}
	info := queue.CachedInfo()
	return info.NumWaiting == 0 && info.NumAckPending == 0
}

// gone reports whether it is not worth waiting for the vantage point.
func (p *point) gone() bool {
	p.asker.mu.Lock()
	defer p.asker.mu.Unlock()
	k := p.asker.known[p.at.Name]
	ignored := !k.tried.IsZero() && k.looked.Before(k.tried) && time.Since(k.tried) < p.asker.Again
	return k.left || ignored || time.Since(k.last) > silent
}

// unanswered notes a look that was not answered in time. The hub may have lost the queue.
func (k *known) unanswered() { k.tried, k.queue = time.Now(), false }

// change changes what is known of the vantage point.
func (p *point) change(how func(*known)) {
	p.asker.mu.Lock()
	defer p.asker.mu.Unlock()
	k := p.asker.known[p.at.Name]
	how(&k)
	p.asker.known[p.at.Name] = k
}

func (p *point) put(ctx context.Context, l Look) error {
	data, err := encode(l)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, knowAfter)
	defer cancel()
	// A cluster that lost a server elects a leader in seconds.
	return untilStored(ctx, putWait, putAgain, func(ctx context.Context) error { return p.putOnce(ctx, l.ID, data) })
}

// putOnce puts a look into the queue; the hub takes the same look once.
func (p *point) putOnce(ctx context.Context, id string, data []byte) error {
	p.asker.mu.Lock()
	queue := p.asker.known[p.at.Name].queue
	p.asker.mu.Unlock()
	if !queue { // its agent may not make it
		if _, err := p.asker.js.CreateOrUpdateConsumer(ctx, fleet.StreamLooks, fleet.LookConsumer(p.at.Name)); err != nil {
			return fmt.Errorf("the queue of %s: %w", p.at.Name, err)
		}
		p.change(func(k *known) { k.queue = true })
	}
	_, err := p.asker.js.Publish(ctx, fleet.LookSubject(p.at.Name), data, jetstream.WithMsgID(id))
	return err
}
