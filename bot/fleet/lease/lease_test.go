package lease

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"domovoy/bot/fleet"
	"domovoy/bot/fleet/hub"
	"domovoy/bot/fleet/trust"
)

// Times of the tests, in place of 30 s and 12 s.
const (
	ttl   = 2 * time.Second
	quiet = 800 * time.Millisecond
)

// pair is a hub and what two bots need.
type pair struct {
	*testing.T
	folder string
	hub    *hub.Hub
}

func newPair(t *testing.T) *pair {
	t.Helper()
	t.Parallel()
	p := &pair{T: t, folder: t.TempDir() + "/hub"}
	_, err := fleet.BotKey(p.folder)
	p.must(err)
	p.hub, err = hub.Start(t.Context(), hub.Config{Folder: p.folder, Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	p.must(err)
	t.Cleanup(p.hub.Stop)
	return p
}

func (p *pair) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// bot is one of two, which reaches the hub at an address.
func (p *pair) bot(name, address string) *Lease {
	p.Helper()
	key, err := fleet.BotKey(p.folder)
	p.must(err)
	ca, err := trust.CA(p.folder)
	p.must(err)
	joined := make(chan struct{}, 100)
	conn, err := fleet.Dial(fleet.Config{URLs: []string{"tls://" + address}, Name: "bot", Key: key, CA: ca, Log: slog.New(slog.DiscardHandler), Wait: 100 * time.Millisecond, Joined: func() { joined <- struct{}{} }})
	p.must(err)
	p.Cleanup(conn.Close)
	<-joined
	return p.over(name, conn)
}

// over is a bot over a connection that is there.
func (p *pair) over(name string, conn *nats.Conn) *Lease {
	p.Helper()
	l, err := New(Config{Conn: conn, Host: name, Notes: filepath.Join(p.folder, name+".json"), Log: slog.New(slog.NewTextHandler(p.Output(), nil)).With("bot", name), TTL: ttl, Quiet: quiet})
	p.must(err)
	return l
}

// take is Take, which must succeed within a time.
func (p *pair) take(l *Lease, within time.Duration) *Turn {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), within)
	defer cancel()
	t, err := l.Take(ctx, nil)
	if err != nil {
		p.Fatalf("%s does not get the lease: %v", l.cfg.Host, err)
	}
	p.Cleanup(func() { _ = t.Leave() })
	return t
}

// waits wants a bot to see for a time that another speaks.
func (p *pair) waits(l *Lease, holder string, long time.Duration) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), long)
	defer cancel()
	var seen Waiting
	if _, err := l.Take(ctx, func(w Waiting) { seen = w }); err == nil {
		p.Fatalf("%s has the lease, too", l.cfg.Host)
	}
	if seen.Holder.Host != holder {
		p.Errorf("%s waits for %+v, want %s", l.cfg.Host, seen, holder)
	}
}

// killed ends a turn as the end of its process would.
func killed(t *Turn) {
	t.stop()
	<-t.done
}

// The second speaks when the first is killed, from the last backup; the first waits
// when it is back, and begins from what the second left.
func TestTheSecondTakesOver(t *testing.T) {
	p := newPair(t)
	at := p.hub.Addr().String()
	a, b := p.bot("a", at), p.bot("b", at)
	first := p.take(a, 5*time.Second)
	p.must(first.Begin())
	p.waits(b, "a", ttl+ttl/2)
	state := bytes.Repeat([]byte("what a knows "), 100_000)
	began := time.Now()
	for range 2 { // the second replaces the first
		_, err := first.Keep(t.Context(), bytes.NewReader(state), began, false)
		p.must(err)
	}

	killed(first)
	died := time.Now()
	second := p.take(b, ttl+2*time.Second)
	t.Logf("taken over after %v", time.Since(died))
	past, err := second.Past(t.Context())
	p.must(err)
	if past.Host != "a" || past.Backup.Turn != first.Number() || !past.Backup.At.Equal(began) || past.Backup.Complete || !past.Own.IsZero() {
		t.Errorf("b begins from %+v", past)
	}
	var got bytes.Buffer
	p.must(second.Fetch(t.Context(), past.Backup, &got))
	if !bytes.Equal(got.Bytes(), state) {
		t.Errorf("%d bytes of the backup came, want %d", got.Len(), len(state))
	}
	p.must(second.Begin())

	again := p.bot("a", at) // a new process
	p.waits(again, "b", ttl+ttl/2)
	_, err = second.Keep(t.Context(), strings.NewReader("what b knows"), time.Now(), true)
	p.must(err)
	p.must(second.Leave())
	third := p.take(again, ttl+2*time.Second)
	past, err = third.Past(t.Context())
	p.must(err)
	if past.Host != "b" || past.Backup.Turn != second.Number() || !past.Backup.Complete || past.Own.IsZero() || third.Number() <= second.Number() {
		t.Errorf("a begins from %+v", past)
	}
}

// A bot that comes back alone has the newest state itself; one that was stopped goes on
// at once.
func TestTheSameBotComesBack(t *testing.T) {
	p := newPair(t)
	at := p.hub.Addr().String()
	first := p.take(p.bot("a", at), 5*time.Second)
	p.must(first.Begin())
	_, err := first.Keep(t.Context(), strings.NewReader("state"), time.Now(), false)
	p.must(err)
	killed(first)
	second := p.take(p.bot("a", at), ttl+2*time.Second)
	past, err := second.Past(t.Context())
	p.must(err)
	if past.Backup != (Backup{}) || past.Host != "" || past.Own.IsZero() {
		t.Errorf("after a crash it begins from %+v", past)
	}
	p.must(second.Begin())
	p.must(second.Leave())
	third := p.take(p.bot("a", at), ttl/2)
	if past, err := third.Past(t.Context()); err != nil || past.Backup != (Backup{}) || past.Host != "" || third.Number() != second.Number() {
		t.Errorf("after a stop it begins from %+v, %v, turn %d after %d", past, err, third.Number(), second.Number())
	}
}

// A bot whose way to the hub is cut is silent before the other has the lease, and knows
// that it is; when the way is back it waits. What it had under way to the hub changes
// nothing then.
func TestSilentBeforeAnotherSpeaks(t *testing.T) {
	p := newPair(t)
	way := newWay(t, p.hub.Addr().String())
	a, b := p.bot("a", way.address), p.bot("b", p.hub.Addr().String())
	first := p.take(a, 5*time.Second)
	p.must(first.Begin())
	for range 100 { // it is renewed
		if time.Sleep(ttl / 100); !first.Speaks() || !first.Sure() {
			t.Fatal("the lease is not renewed")
		}
	}
	way.cut()
	var unsure, silent, deaf time.Time
	var watching sync.WaitGroup
	watching.Go(func() { <-first.Over(); silent = time.Now() })
	watching.Go(func() {
		for first.Sure() {
			time.Sleep(time.Millisecond)
		}
		unsure = time.Now()
	})
	watching.Go(func() {
		for first.Speaks() {
			time.Sleep(time.Millisecond)
		}
		deaf = time.Now()
	})
	second := p.take(b, 2*ttl)
	taken := time.Now()
	watching.Wait()
	if gap := taken.Sub(silent); gap < quiet || taken.Sub(deaf) < quiet {
		t.Errorf("it was silent only %v before the other had the lease, want at least %v", gap, quiet)
	}
	if left := silent.Sub(unsure); left < (ttl-quiet)/4 {
		t.Errorf("it took questions until %v before it was silent: too late to answer them", left)
	}
	t.Logf("unsure %v and silent %v before the other had the lease", taken.Sub(unsure), taken.Sub(silent))
	p.must(second.Begin())
	_, err := second.Keep(t.Context(), strings.NewReader("of the second"), time.Now(), false)
	p.must(err)
	way.mend()
	p.must(first.Leave())
	p.waits(a, "b", ttl)
	if _, err := first.Keep(t.Context(), strings.NewReader("late, of the first"), time.Now(), false); !errors.Is(err, errTaken) {
		t.Errorf("a late backup: %v", err)
	}
	var state bytes.Buffer
	last, err := lastBackup(t.Context(), b.js)
	p.must(err)
	p.must(second.Fetch(t.Context(), last, &state))
	if state.String() != "of the second" {
		t.Errorf("the last backup is %q", state.String())
	}
}

// A short cut costs nothing: the same turn goes on.
func TestAShortCut(t *testing.T) {
	p := newPair(t)
	way := newWay(t, p.hub.Addr().String())
	first := p.take(p.bot("a", way.address), 5*time.Second)
	way.cut()
	time.Sleep(ttl / 3)
	way.mend()
	select {
	case <-first.Over():
		t.Error("its turn ended")
	case <-time.After(2 * ttl):
	}
	if !first.Speaks() {
		t.Error("it does not speak")
	}
}

// Of two bots that begin at once, again and again, never both have the lease.
func TestNeverBoth(t *testing.T) {
	p := newPair(t)
	at := p.hub.Addr().String()
	end, stop := context.WithTimeout(t.Context(), 4*ttl)
	defer stop()
	var all sync.WaitGroup
	var mu sync.Mutex
	speaks, turns := "", 0
	for _, name := range []string{"a", "b", "c"} {
		l := p.bot(name, at)
		all.Go(func() {
			for {
				turn, err := l.Take(end, nil)
				if err != nil {
					return
				}
				mu.Lock()
				if speaks != "" {
					t.Errorf("%s and %s speak at once", speaks, name)
				}
				speaks = name
				turns++
				mu.Unlock()
				time.Sleep(rand.N(ttl / 4))
				mu.Lock()
				speaks = ""
				mu.Unlock()
				killed(turn)
				l.nonce += "-" // another process
			}
		})
	}
	all.Wait()
	if turns < 2 {
		t.Errorf("%d turns", turns)
	}
}

// A backup is bounded.
func TestALargeBackup(t *testing.T) {
	if _, err := io.Copy(&bounded{to: io.Discard, left: 10}, strings.NewReader("more than ten")); !errors.Is(err, ErrLarge) {
		t.Error(err)
	}
}

// way is a way to a hub that can be cut without either end noticing: what is sent
// meanwhile waits, and arrives when it is mended.
type way struct {
	address string
	mu      sync.Mutex
	open    chan struct{} // closed: what comes is passed on
}

func newWay(t *testing.T, to string) *way {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &way{address: l.Addr().String(), open: make(chan struct{})}
	close(w.open)
	var all sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(func() { stop(); _ = l.Close(); all.Wait() })
	all.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			context.AfterFunc(ctx, func() { _ = near.Close(); _ = far.Close() })
			all.Go(func() { w.pass(ctx, near, far) })
			all.Go(func() { w.pass(ctx, far, near) })
		}
	})
	return w
}

func (w *way) pass(ctx context.Context, from, to net.Conn) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		w.mu.Lock()
		open := w.open
		w.mu.Unlock()
		select {
		case <-open:
		case <-ctx.Done():
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (w *way) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = make(chan struct{})
}

func (w *way) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.open)
}
