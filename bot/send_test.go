package bot_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// post is a messenger that keeps what it was given, and does with it what the
// test says; nil: it says yes.
type post struct {
	mu   sync.Mutex
	sent []string
	do   func(ctx context.Context, title string) error
}

func (p *post) Listen(ctx context.Context, _ bot.Inbox) error { <-ctx.Done(); return nil }

func (p *post) Send(ctx context.Context, _ bot.Address, _ string, m reports.Message) (string, error) {
	p.mu.Lock()
	text := m.Title
	for _, s := range m.Sections {
		text += " | " + s.Text
	}
	p.sent = append(p.sent, text)
	n := len(p.sent)
	p.mu.Unlock()
	if n > 200 {
		return "", hangs(ctx, "") // nobody needs thousands to see that it is wrong
	}
	if p.do == nil {
		return m.Title, nil
	}
	return m.Title, p.do(ctx, m.Title)
}

func (p *post) Edit(context.Context, bot.Address, string, reports.Message) error { return nil }

func (p *post) want(t *testing.T, sent ...string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Equal(p.sent, sent) {
		t.Errorf("it was given %q, want %q", p.sent, sent)
	}
}

// disk is a journal whose file can be made to refuse changes.
type disk struct {
	*journal.Journal
	t  *testing.T
	db *sql.DB
}

func newDisk(t *testing.T) *disk {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.db")
	j, err := journal.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(j.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	})
	return &disk{j, t, db}
}

// full has changes refused as of a full disk: "UPDATE ON delivery WHEN …".
func (d *disk) full(what string) {
	d.t.Helper()
	d.exec("CREATE TRIGGER full BEFORE " + what + " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
}

func (d *disk) mended() { d.t.Helper(); d.exec("DROP TRIGGER full") }

func (d *disk) exec(query string) {
	d.t.Helper()
	if _, err := d.db.Exec(query); err != nil {
		d.t.Fatal(err)
	}
}

func (d *disk) enqueue(deliveries ...journal.Delivery) {
	d.t.Helper()
	if _, err := d.Enqueue(d.t.Context(), deliveries); err != nil {
		d.t.Fatal(err)
	}
}

func (d *disk) waiting() int {
	d.t.Helper()
	n, _, err := d.Waiting(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

func alert(to, title string) journal.Delivery {
	return journal.Delivery{To: to, Kind: "opened", Message: reports.Message{Language: "en", Title: title}}
}

func reply(to, title string) journal.Delivery {
	d := alert(to, title)
	d.Kind = journal.AnswerKind
	return d
}

// logged counts lines by what they say.
type logged struct {
	slog.Handler
	mu    sync.Mutex
	lines map[string]int
}

func newLogged() *logged { return &logged{Handler: slog.DiscardHandler, lines: map[string]int{}} }

func (l *logged) Enabled(context.Context, slog.Level) bool { return true }

func (l *logged) WithAttrs([]slog.Attr) slog.Handler { return l }

func (l *logged) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines[r.Message]++
	return nil
}

func (l *logged) count(message string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines[message]
}

// house is a bot without panels.
func house(t *testing.T, j *journal.Journal, who bot.Audience, log slog.Handler) *bot.Bot {
	t.Helper()
	who.Bundle, who.Zone = loadBundle(t), time.UTC
	logger := slog.New(log)
	return bot.New(j, bot.NewWatch(j, nil, bot.Rules{}, logger), who, reports.Policy{}, logger)
}

// run runs an outbox, or anything that does, for a while of the bubble's time.
func run(t *testing.T, while time.Duration, what interface{ Run(context.Context) error }) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- what.Run(ctx) }()
	time.Sleep(while)
	cancel()
	<-ended
}

const refusedNote = "the journal does not take it" // logged once a step: after 1, 2, 4 … seconds, then every 5 minutes

// What was sent and could not be noted is not sent again, however long the
// journal takes nothing; and it is noted when the journal does.
func TestAFullDiskSendsNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p, log := newDisk(t), &post{}, newLogged()
		outbox := house(t, j.Journal, bot.Audience{}, log).Outbox(map[string]bot.Messenger{"post": p})
		j.enqueue(alert("post:a", "one"), alert("post:a", "two"))
		j.full(`UPDATE ON delivery WHEN NEW.state = 'sent'`)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- outbox.Run(ctx) }()
		time.Sleep(time.Hour)
		p.want(t, "one")
		if n := log.count(refusedNote); n < 9 || n > 25 {
			t.Errorf("%d lines in an hour", n)
		}
		j.mended()
		time.Sleep(5 * time.Minute)
		p.want(t, "one", "two")
		if n := j.waiting(); n != 0 {
			t.Errorf("%d wait, want none", n)
		}
		cancel()
		<-ended
	})
}

// Nothing is sent of which the journal could not note that it is begun.
func TestAFullDiskBeginsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p, log := newDisk(t), &post{}, newLogged()
		outbox := house(t, j.Journal, bot.Audience{}, log).Outbox(map[string]bot.Messenger{"post": p})
		j.enqueue(alert("post:a", "one"))
		j.full(`UPDATE ON delivery`)
		run(t, time.Hour, outbox)
		p.want(t)
		if n := log.count(refusedNote); n < 9 || n > 25 {
			t.Errorf("%d lines in an hour", n)
		}
		j.mended()
		run(t, time.Second, outbox)
		p.want(t, "one")
	})
}

// A program that ends before it could note a sending leaves a mark on the
// message that it sends again.
func TestWhatWasNotNotedIsMarkedAfterTheNextStart(t *testing.T) {
	again := loadBundle(t).Locale("en", nil).Say("delivery.again")
	synctest.Test(t, func(t *testing.T) {
		j, p := newDisk(t), &post{}
		outbox := func() *bot.Outbox {
			return house(t, j.Journal, bot.Audience{}, slog.DiscardHandler).Outbox(map[string]bot.Messenger{"post": p})
		}
		j.enqueue(alert("post:a", "one"))
		j.full(`UPDATE ON delivery WHEN NEW.state = 'sent'`)
		run(t, time.Minute, outbox())
		j.mended()
		run(t, time.Minute, outbox())
		p.want(t, "one", "one | "+again)
	})
}

// Flush comes back with the error instead of sending for ever.
func TestFlushGivesUpOnAFullDisk(t *testing.T) {
	j, p := newDisk(t), &post{}
	j.enqueue(alert("post:a", "one"))
	j.full(`UPDATE ON delivery WHEN NEW.state = 'sent'`)
	err := house(t, j.Journal, bot.Audience{}, slog.DiscardHandler).Outbox(map[string]bot.Messenger{"post": p}).Flush(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("got %v", err)
	}
	p.want(t, "one")
}

// hangs answers when the time of the sending is over.
func hangs(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }

func TestAHungMessengerHoldsNoOtherUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, hung, well := newDisk(t), &post{do: hangs}, &post{}
		for i := range 100 {
			j.enqueue(alert(fmt.Sprint("hung:", i), "lost"))
		}
		j.enqueue(alert("well:a", "one"), alert("nowhere:a", "no such messenger"))
		outbox := house(t, j.Journal, bot.Audience{}, slog.DiscardHandler).Outbox(map[string]bot.Messenger{"hung": hung, "well": well})
		run(t, time.Second, outbox)
		well.want(t, "one")
		if n := j.waiting(); n != 100 {
			t.Errorf("%d wait, want those of the hung messenger alone", n)
		}
	})
}

// However many answers a slow messenger holds, there is room for an alert.
func TestAnAlertFindsRoomAmongHungAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newDisk(t)
		p := &post{}
		p.do = func(ctx context.Context, title string) error {
			if title == "answer" {
				return hangs(ctx, title)
			}
			return nil
		}
		for i := range 100 {
			j.enqueue(reply(fmt.Sprint("post:", i), "answer"))
		}
		bell := house(t, j.Journal, bot.Audience{}, slog.DiscardHandler)
		outbox := bell.Outbox(map[string]bot.Messenger{"post": p})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- outbox.Run(ctx) }()
		time.Sleep(time.Second)
		j.enqueue(alert("post:alarm", "fire"))
		time.Sleep(31 * time.Second) // nobody rang: it looks twice a minute
		p.mu.Lock()
		if !slices.Contains(p.sent, "fire") || len(p.sent) > 33 {
			t.Errorf("%d sendings, and the alert among them: %t", len(p.sent), slices.Contains(p.sent, "fire"))
		}
		p.mu.Unlock()
		cancel()
		<-ended
	})
}

func TestAlertsGoBeforeAnswers(t *testing.T) {
	j, p := newDisk(t), &post{}
	j.enqueue(reply("post:a", "answer"), reply("post:b", "another"), alert("post:c", "fire"), alert("post:a", "behind its chat's answer"))
	if err := house(t, j.Journal, bot.Audience{}, slog.DiscardHandler).Outbox(map[string]bot.Messenger{"post": p}).Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.want(t, "fire", "answer", "another", "behind its chat's answer")
}

// A message fails for two hours; "two" waits behind it in the same chat.
func TestWhatCannotBeDeliveredSilencesNobody(t *testing.T) {
	odd := &bot.Refused{Reason: "Bad Request: this message is not to my taste"}
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	for name, c := range map[string]struct {
		failure     func() error
		hour, later int // sendings of "one" in the first hour, and in both
		dropped     bool
	}{
		"a panic of its renderer": {func() error { panic("a bad day") }, 1, 1, true},
		"nobody knows it":         {func() error { return odd }, 12, 12, true},
		"the network is down":     {func() error { return fmt.Errorf("sending: %w", refused) }, 19, 31, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j, log := newDisk(t), newLogged()
				p := &post{do: func(_ context.Context, title string) error {
					if title == "one" {
						return c.failure()
					}
					return nil
				}}
				outbox := house(t, j.Journal, bot.Audience{}, log).Outbox(map[string]bot.Messenger{"post": p})
				old := alert("post:a", "one")
				j.enqueue(old, alert("post:a", "two"))
				tried := func(want int) {
					t.Helper()
					n := 0
					for _, s := range p.sent {
						if s == "one" {
							n++
						}
					}
					if n != want {
						t.Errorf("tried %d times, want %d", n, want)
					}
				}
				run(t, time.Hour-time.Second, outbox)
				tried(c.hour)
				run(t, time.Hour, outbox)
				tried(c.later)
				if got := slices.Contains(p.sent, "two"); got != c.dropped {
					t.Errorf("the next one was sent: %t", got)
				}
				if got := log.count("message cannot be delivered, it is dropped") == 1; got != c.dropped {
					t.Errorf("it was dropped with a word in the log: %t", got)
				}
			})
		})
	}
}

// After a timeout nobody knows whether the message arrived: the next try says
// so, even when a clear refusal came between.
func TestATimeoutIsMarkedAsAPossibleRepeat(t *testing.T) {
	again := loadBundle(t).Locale("en", nil).Say("delivery.again")
	synctest.Test(t, func(t *testing.T) {
		j := newDisk(t)
		p := &post{}
		tries := 0
		p.do = func(ctx context.Context, title string) error {
			switch tries++; tries {
			case 1:
				return fmt.Errorf("sending: %w", hangs(ctx, title))
			case 2:
				return &bot.RetryAfter{After: time.Second}
			}
			return nil
		}
		j.enqueue(alert("post:a", "one"))
		run(t, 10*time.Minute, house(t, j.Journal, bot.Audience{}, slog.DiscardHandler).Outbox(map[string]bot.Messenger{"post": p}))
		p.want(t, "one", "one | "+again, "one | "+again)
	})
}
