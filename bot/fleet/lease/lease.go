package lease

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"domovoy/bot/fleet"
)

// Quiet is how long before the end of its lease a bot begins to be silent: what it is
// sending then may finish, which takes 10 s at most (bot/internal/work), and some of
// what is left is for a busy host.
const Quiet = 12 * time.Second

// Bounds of one request to the hub, and of the pause before the next.
const (
	requestBound = 3 * time.Second
	prepareBound = 20 * time.Second // for a cluster that elects its leaders
	askEvery     = time.Second
)

// key of the only entry of the bucket.
const key = "speaker"

// Config is what a Lease is made of.
type Config struct {
	Conn  *nats.Conn
	Host  string // as people know this bot's host
	Notes string // the file that keeps this bot's last turn; its folder is made if it is not there
	Log   *slog.Logger

	TTL   time.Duration // zero: that of the fleet
	Quiet time.Duration // zero: the constant of that name
}

// Holder is who speaks, as its entry at the hub says.
type Holder struct {
	Protocol int          `json:"v"`
	Host     string       `json:"host"`
	Turn     int64        `json:"turn"`  // when it took the lease, in Unix milliseconds; always more than any turn before
	Nonce    string       `json:"nonce"` // of its process
	Since    fleet.Moment `json:"since"` // by its clock
}

// Waiting is why a bot does not speak.
type Waiting struct {
	Holder Holder // who does; zero: it is not known
	Away   error  // why the hub cannot be asked; nil: it was
}

// Lease is the right to speak, as one bot sees it. Its owner uses it from one goroutine.
type Lease struct {
	cfg   Config
	js    jetstream.JetStream
	nonce string
	note  note

	seen   Holder // the last holder that is not this process
	rev    uint64 // of its entry
	seenAt time.Time
}

// New makes a Lease; it asks nothing yet.
func New(c Config) (*Lease, error) {
	js, err := jetstream.New(c.Conn)
	if err != nil {
		return nil, fmt.Errorf("preparing the lease: %w", err)
	}
	n, err := readNote(c.Notes)
	if err != nil {
		return nil, fmt.Errorf("reading when this bot spoke last: %w", err)
	}
	c.TTL, c.Quiet = cmp.Or(c.TTL, fleet.LeaseTTL), cmp.Or(c.Quiet, Quiet)
	return &Lease{cfg: c, js: js, nonce: rand.Text(), note: n}, nil
}

// Take waits until this bot may speak. waits is called with each reason why it does
// not; nil may be given. The error is the context's.
func (l *Lease) Take(ctx context.Context, waits func(Waiting)) (*Turn, error) {
	if waits == nil {
		waits = func(Waiting) {}
	}
	for {
		t, why, err := l.try(ctx)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			waits(Waiting{Away: err})
		case t == nil:
			waits(Waiting{Holder: why})
		default:
			return t, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(min(askEvery, l.cfg.TTL/10)):
		}
	}
}

// try asks once. Without a turn it returns who has it, as far as that is known.
func (l *Lease) try(ctx context.Context) (*Turn, Holder, error) {
	ctx, cancel := context.WithTimeout(ctx, requestBound)
	defer cancel()
	bucket, err := l.bucket(ctx)
	if err != nil {
		return nil, Holder{}, err
	}
	entry, err := bucket.Get(ctx, key)
	asked := time.Now()
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		// The hub forgets the entry by its own clock, which may have been set.
		if l.rev != 0 && asked.Sub(l.seenAt) < l.cfg.TTL {
			return nil, l.seen, nil
		}
		return l.create(ctx, bucket)
	case err != nil:
		return nil, Holder{}, fmt.Errorf("asking who speaks: %w", err)
	}
	var h Holder
	if err := json.Unmarshal(entry.Value(), &h); err != nil {
		return nil, Holder{}, fmt.Errorf("asking who speaks: %w", err)
	}
	if h.Nonce == l.nonce || l.note.Revision != 0 && l.note.Revision == entry.Revision() {
		// A request that seemed to fail had not, or this bot was stopped a moment ago.
		h.Nonce = l.nonce
		return l.update(ctx, bucket, h, entry.Revision())
	}
	if entry.Revision() != l.rev {
		l.rev, l.seen, l.seenAt = entry.Revision(), h, asked
	}
	return nil, h, nil
}

// bucket of the lease, made if the hub has none.
func (l *Lease) bucket(ctx context.Context) (jetstream.KeyValue, error) {
	bucket, err := l.js.KeyValue(ctx, fleet.BucketLease)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		if err = l.prepare(ctx); err == nil {
			bucket, err = l.js.KeyValue(ctx, fleet.BucketLease)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("asking who speaks: %w", err)
	}
	return bucket, nil
}

// prepare makes everything that the fleet needs, so that a bot which begins at a new hub
// finds it there.
func (l *Lease) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), prepareBound)
	defer cancel()
	servers := len(l.cfg.Conn.Servers())
	if err := fleet.Prepare(ctx, l.js, servers); err != nil {
		return err
	}
	return fleet.PreparePair(ctx, l.js, servers, l.cfg.TTL)
}

// create takes the lease that nobody has.
func (l *Lease) create(ctx context.Context, bucket jetstream.KeyValue) (*Turn, Holder, error) {
	last, err := lastBackup(ctx, l.js)
	if err != nil {
		return nil, Holder{}, err
	}
	began := time.Now()
	h := Holder{Protocol: fleet.Protocol, Host: l.cfg.Host, Nonce: l.nonce, Since: fleet.Moment{Time: began},
		Turn: max(began.UnixMilli(), l.note.Turn+1, l.seen.Turn+1, last.Turn+1)}
	rev, err := bucket.Create(ctx, key, text(h))
	if errors.Is(err, jetstream.ErrKeyExists) {
		return nil, Holder{}, nil // another was faster
	}
	if err != nil {
		return nil, Holder{}, fmt.Errorf("taking the lease: %w", err)
	}
	return l.begin(bucket, h, rev, began), Holder{}, nil //nolint:contextcheck // a turn outlives the call
}

// update goes on with a lease that is this bot's.
func (l *Lease) update(ctx context.Context, bucket jetstream.KeyValue, h Holder, rev uint64) (*Turn, Holder, error) {
	began := time.Now()
	rev, err := bucket.Update(ctx, key, text(h), rev)
	if err != nil {
		return nil, Holder{}, fmt.Errorf("renewing the lease: %w", err)
	}
	return l.begin(bucket, h, rev, began), Holder{}, nil //nolint:contextcheck // as above
}

func text(h Holder) []byte {
	data, _ := json.Marshal(h) // plain values always marshal
	return data
}

// Holder returns who speaks now, by asking the hub once; zero: nobody does.
func (l *Lease) Holder(ctx context.Context) (Holder, error) { return holder(ctx, l.js) }

// Of returns who has the lease at a hub, for a bot that is in no pair; zero: nobody has.
func Of(ctx context.Context, conn *nats.Conn) (Holder, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return Holder{}, fmt.Errorf("preparing the lease: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, requestBound)
	defer cancel()
	return holder(ctx, js)
}

func holder(ctx context.Context, js jetstream.JetStream) (Holder, error) {
	bucket, err := js.KeyValue(ctx, fleet.BucketLease)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return Holder{}, nil
	}
	if err != nil {
		return Holder{}, fmt.Errorf("asking who speaks: %w", err)
	}
	entry, err := bucket.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return Holder{}, nil
	}
	var h Holder
	if err == nil {
		err = json.Unmarshal(entry.Value(), &h)
	}
	if err != nil {
		return Holder{}, fmt.Errorf("asking who speaks: %w", err)
	}
	return h, nil
}

// Had reports whether a holder's turn is this bot's last one.
func (l *Lease) Had(h Holder) bool { return h.Turn == l.note.Turn }

// Turn is the time during which this bot has the lease.
type Turn struct {
	lease  *Lease
	bucket jetstream.KeyValue
	holder Holder

	stop context.CancelFunc
	done chan struct{}
	over chan struct{} // closed when the bot has to be silent

	begun bool // the bot's state is that of this turn

	mu    sync.Mutex
	rev   uint64
	until time.Time // when another may take it, by this host's clocks
}

// begin has the lease renewed from now on.
func (l *Lease) begin(bucket jetstream.KeyValue, h Holder, rev uint64, asked time.Time) *Turn {
	ctx, stop := context.WithCancel(context.Background())
	t := &Turn{lease: l, bucket: bucket, holder: h, stop: stop, done: make(chan struct{}), over: make(chan struct{}), begun: h.Turn == l.note.Turn,
		rev: rev, until: asked.Add(l.cfg.TTL)}
	go t.keep(ctx)
	return t
}

// Number of the turn: more than that of any before.
func (t *Turn) Number() int64 { return t.holder.Turn }

// Over is closed when the bot has to begin to be silent.
func (t *Turn) Over() <-chan struct{} { return t.over }

// Speaks reports whether the bot may still begin to send something. Unlike Over it goes
// by the clock alone, also in a process that was frozen and has just gone on: both by
// the clock that is never set and by the one that goes on while a host sleeps.
func (t *Turn) Speaks() bool {
	t.mu.Lock()
	until := t.until.Add(-t.lease.cfg.Quiet)
	t.mu.Unlock()
	return ahead(until)
}

// ahead reports whether a moment is still to come, by both clocks.
func ahead(at time.Time) bool {
	now := time.Now()
	return now.Before(at) && now.Round(0).Before(at.Round(0))
}

// Sure reports whether the lease was renewed when it was due. If it was not, the bot may
// have to be silent soon: it answers what it was asked, and leaves new questions to the
// one that will speak.
func (t *Turn) Sure() bool {
	c := t.lease.cfg
	t.mu.Lock()
	renewed := t.until.Add(-c.TTL)
	t.mu.Unlock()
	return ahead(renewed.Add(c.renewEvery() + min(2*askEvery, c.TTL/10)))
}

// renewEvery is how long after a renewal the next one is made: three are made in the time
// in which one must succeed.
func (c Config) renewEvery() time.Duration { return (c.TTL - c.Quiet) / 3 }

// keep renews the lease, three times as often as it must be, until the context ends or
// it is too late.
func (t *Turn) keep(ctx context.Context) {
	defer close(t.done)
	defer close(t.over)
	c := t.lease.cfg
	pause := c.renewEvery()
	for {
		silent := time.Until(t.silent())
		if silent <= 0 || !t.Speaks() {
			c.Log.ErrorContext(ctx, "the lease could not be renewed: this bot is silent before another may speak")
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(pause, silent)):
		}
		bounded, cancel := context.WithDeadline(ctx, minTime(time.Now().Add(requestBound), t.silent()))
		err := t.renew(bounded)
		cancel()
		pause = c.renewEvery()
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errTaken):
			c.Log.ErrorContext(ctx, "another bot has the lease: this one is silent")
			return
		case err != nil:
			c.Log.WarnContext(ctx, "the lease is not renewed yet", "error", err)
			pause = min(askEvery, c.TTL/10)
		}
	}
}

func (t *Turn) silent() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.until.Add(-t.lease.cfg.Quiet)
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// errTaken is the end of a lease that another has.
var errTaken = errors.New("another has the lease")

// codeSequence is JetStream's code for a revision that is not the last one.
const codeSequence = 10071

// renew renews the lease once.
func (t *Turn) renew(ctx context.Context) error {
	t.mu.Lock()
	rev := t.rev
	t.mu.Unlock()
	began := time.Now()
	rev, err := t.bucket.Update(ctx, key, text(t.holder), rev)
	if failed, ok := errors.AsType[*jetstream.APIError](err); ok && failed.ErrorCode == codeSequence {
		return t.adopt(ctx)
	}
	if err != nil {
		return fmt.Errorf("renewing the lease: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rev, t.until = rev, began.Add(t.lease.cfg.TTL)
	return nil
}

// adopt looks whether a renewal that seemed to fail had not. The next one then renews.
func (t *Turn) adopt(ctx context.Context) error {
	entry, err := t.bucket.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return errTaken // it ended
	}
	if err != nil {
		return fmt.Errorf("renewing the lease: %w", err)
	}
	var h Holder
	if err := json.Unmarshal(entry.Value(), &h); err != nil || h.Nonce != t.holder.Nonce {
		return errTaken
	}
	t.mu.Lock()
	t.rev = entry.Revision()
	t.mu.Unlock()
	return errAgain
}

// errAgain is a renewal that has to be made again.
var errAgain = errors.New("an earlier renewal had arrived")

// Leave ends the turn of a bot that is silent by now: the lease is renewed no more, and
// another may take it when it ends. A bot that was stopped and begins again before that
// goes on with it.
func (t *Turn) Leave() error {
	t.stop()
	<-t.done
	l := t.lease
	if t.begun {
		l.note.Turn, l.note.At = t.holder.Turn, time.Now()
	}
	t.mu.Lock()
	l.note.Revision = t.rev
	t.mu.Unlock()
	l.rev = 0 // what was seen before this turn
	return l.note.write(l.cfg.Notes)
}
