package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/outbox"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// post is a messenger that records messages and returns the result of a
// function; nil: success.
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
		if !strings.HasPrefix(s.Text, "Told late") { // which has tests of its own
			text += " | " + s.Text
		}
	}
	p.sent = append(p.sent, text)
	n := len(p.sent)
	p.mu.Unlock()
	if n > 3000 {
		return "", hangs(ctx, "") // enough to show that it is wrong
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

// enqueue stores deliveries to send.
func enqueue(t *testing.T, j *journal.Journal, deliveries ...journal.Delivery) {
	t.Helper()
	if _, err := j.Enqueue(t.Context(), deliveries); err != nil {
		t.Fatal(err)
	}
}

// waiting returns how many deliveries are queued.
func waiting(t *testing.T, j *journal.Journal) int {
	t.Helper()
	n, _, err := j.Waiting(t.Context())
	if err != nil {
		t.Fatal(err)
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

// logged counts log lines by their text.
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

// over returns an outbox over receivers, with a log.
func over(t *testing.T, j *enginetest.Disk, log slog.Handler, receivers map[string]bot.Receiver) *outbox.Outbox {
	t.Helper()
	return outboxFor(t, j.Journal, log, receivers)
}

const refusedNote = "cannot write to the journal" // logged once a step: after 1, 2, 4 … seconds, then every 5 minutes

// A message that was sent but could not be recorded as sent is not sent again,
// however long the journal fails; it is recorded when the journal works.
func TestAFullDiskSendsNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p, log := enginetest.NewDisk(t), &post{}, newLogged()
		out := over(t, j, log, map[string]bot.Receiver{"post": p})
		enqueue(t, j.Journal, alert("post:a", "one"), alert("post:a", "two"))
		j.Full(`UPDATE ON delivery WHEN NEW.state = 'sent'`)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- out.Run(ctx) }()
		time.Sleep(time.Hour)
		p.want(t, "one")
		if n := log.count(refusedNote); n < 9 || n > 25 {
			t.Errorf("%d lines in an hour", n)
		}
		j.Freed()
		time.Sleep(5 * time.Minute)
		p.want(t, "one", "two")
		if n := waiting(t, j.Journal); n != 0 {
			t.Errorf("%d wait, want none", n)
		}
		cancel()
		<-ended
	})
}

// Nothing is sent whose start could not be recorded in the journal.
func TestAFullDiskBeginsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p, log := enginetest.NewDisk(t), &post{}, newLogged()
		out := over(t, j, log, map[string]bot.Receiver{"post": p})
		enqueue(t, j.Journal, alert("post:a", "one"))
		j.Full(`UPDATE ON delivery`)
		enginetest.Run(t, time.Hour, out.Run)
		p.want(t)
		if n := log.count(refusedNote); n < 9 || n > 25 {
			t.Errorf("%d lines in an hour", n)
		}
		j.Freed()
		enginetest.Run(t, time.Second, out.Run)
		p.want(t, "one")
	})
}

// If the program ends before it could record a send, the message is marked as a
// possible repeat when it is sent again.
func TestWhatWasNotNotedIsMarkedAfterTheNextStart(t *testing.T) {
	again := enginetest.Bundle(t).Locale("en", nil).Say("delivery.again")
	synctest.Test(t, func(t *testing.T) {
		j, p := enginetest.NewDisk(t), &post{}
		outbox := func() *outbox.Outbox {
			return over(t, j, slog.DiscardHandler, map[string]bot.Receiver{"post": p})
		}
		enqueue(t, j.Journal, alert("post:a", "one"))
		j.Full(`UPDATE ON delivery WHEN NEW.state = 'sent'`)
		enginetest.Run(t, time.Minute, outbox().Run)
		j.Freed()
		enginetest.Run(t, time.Minute, outbox().Run)
		p.want(t, "one", "one | "+again)
	})
}

// Flush returns the error instead of sending for ever.
func TestFlushGivesUpOnAFullDisk(t *testing.T) {
	j, p := enginetest.NewDisk(t), &post{}
	enqueue(t, j.Journal, alert("post:a", "one"))
	j.Full(`UPDATE ON delivery WHEN NEW.state = 'sent'`)
	err := over(t, j, slog.DiscardHandler, map[string]bot.Receiver{"post": p}).Flush(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("got %v", err)
	}
	p.want(t, "one")
}

// hangs returns when the time limit of the send is reached.
func hangs(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }

func TestAHungMessengerHoldsNoOtherUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, hung, well := enginetest.NewDisk(t), &post{do: hangs}, &post{}
		for i := range 100 {
			enqueue(t, j.Journal, alert(fmt.Sprint("hung:", i), "lost"))
		}
		enqueue(t, j.Journal, alert("well:a", "one"), alert("nowhere:a", "no such messenger"))
		out := over(t, j, slog.DiscardHandler, map[string]bot.Receiver{"hung": hung, "well": well})
		enginetest.Run(t, time.Second, out.Run)
		well.want(t, "one")
		if n := waiting(t, j.Journal); n != 100 {
			t.Errorf("%d wait, want those of the hung messenger alone", n)
		}
	})
}

// However many answers a slow messenger blocks, an alert can be sent.
func TestAnAlertFindsRoomAmongHungAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.NewDisk(t)
		p := &post{}
		p.do = func(ctx context.Context, title string) error {
			if title == "answer" {
				return hangs(ctx, title)
			}
			return nil
		}
		for i := range 100 {
			enqueue(t, j.Journal, reply(fmt.Sprint("post:", i), "answer"))
		}
		out := over(t, j, slog.DiscardHandler, map[string]bot.Receiver{"post": p})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- out.Run(ctx) }()
		time.Sleep(time.Second)
		enqueue(t, j.Journal, alert("post:alarm", "fire"))
		time.Sleep(31 * time.Second) // without a wake-up it checks twice a minute
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
	j, p := enginetest.NewDisk(t), &post{}
	enqueue(t, j.Journal, reply("post:a", "answer"), reply("post:b", "another"), alert("post:c", "fire"), alert("post:a", "behind its chat's answer"))
	if err := over(t, j, slog.DiscardHandler, map[string]bot.Receiver{"post": p}).Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.want(t, "fire", "behind its chat's answer", "another", "answer")
}

// A message fails for two hours; "two" is queued after it in the same chat.
func TestWhatCannotBeDeliveredSilencesNobody(t *testing.T) {
	for name, c := range map[string]struct {
		failure     func() error
		hour, later int // number of sends of "one" in the first hour, and in both
		dropped     bool
	}{
		"a panic of its renderer": {func() error { panic("a bad day") }, 1, 1, true},
		"nobody knows it":         {func() error { return &bot.Refused{Reason: "Bad Request: this message is not to my taste"} }, 12, 12, true},
		"it may be a proxy's no":  {unclear, 750, 1400, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j, log := enginetest.NewDisk(t), newLogged()
				p := &post{do: func(_ context.Context, title string) error {
					if title == "one" {
						return c.failure()
					}
					return nil
				}}
				out := over(t, j, log, map[string]bot.Receiver{"post": p})
				enqueue(t, j.Journal, alert("post:a", "one"))
				for i := range 30 {
					later := alert("post:a", fmt.Sprint("other ", i))
					later.Attempt.Next = time.Now().Add(time.Duration(i) * 4 * time.Minute)
					enqueue(t, j.Journal, later)
				}
				tried := func(want int) {
					t.Helper()
					n, others := 0, 0
					for _, s := range p.sent {
						if s == "one" {
							n++
						} else {
							others++
						}
					}
					if n > want+want/4 || n < want-want/4 {
						t.Errorf("tried %d times, want about %d", n, want)
					}
					if n := int(time.Since(began(t)) / (4 * time.Minute)); others < n {
						t.Errorf("%d others were sent", others)
					}
				}
				enginetest.Run(t, time.Hour-time.Second, out.Run)
				tried(c.hour)
				enginetest.Run(t, time.Hour, out.Run)
				tried(c.later)
				if got := log.count("message cannot be delivered, it is dropped") == 1; got != c.dropped {
					t.Errorf("it was dropped with a word in the log: %t", got)
				}
			})
		})
	}
}

// began is the beginning of a test's virtual time.
func began(*testing.T) time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

// After a failure that may have been the answer's it is not known whether the message
// arrived: the next try says so, even if a clear refusal came between.
func TestALostAnswerIsMarkedAsAPossibleRepeat(t *testing.T) {
	again := enginetest.Bundle(t).Locale("en", nil).Say("delivery.again")
	for name, c := range map[string]struct {
		failure func(context.Context) error
		marked  bool
	}{
		"a timeout":            {func(ctx context.Context) error { return fmt.Errorf("sending: %w", hangs(ctx, "")) }, true},
		"the answer was lost":  {fails(&bot.Unclear{Arrived: true, Err: errors.New("EOF")}), true},
		"nobody knows":         {fails(errors.New("something")), true},
		"it was not sent":      {fails(unclear()), false},
		"no connection stands": {fails(fmt.Errorf("sending: %w", &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")})), false},
		"asked to wait":        {fails(&bot.RetryAfter{After: time.Second}), false},
		"refused":              {fails(&bot.Refused{Reason: "odd"}), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := enginetest.NewDisk(t)
				p := &post{}
				tries := 0
				p.do = func(ctx context.Context, title string) error {
					switch tries++; tries {
					case 1:
						return c.failure(ctx)
					case 2:
						return &bot.RetryAfter{After: time.Second}
					}
					return nil
				}
				enqueue(t, j.Journal, alert("post:a", "one"))
				enginetest.Run(t, 10*time.Minute, over(t, j, slog.DiscardHandler, map[string]bot.Receiver{"post": p}).Run)
				repeated := "one"
				if c.marked {
					repeated += " | " + again
				}
				p.want(t, "one", repeated, repeated)
			})
		})
	}
}

// A message that arrived without its files is not repeated; what is missing is said
// when the messenger allows it.
func TestAMessageWithoutItsFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.NewDisk(t)
		p := &post{do: func(_ context.Context, title string) error {
			if title == "report" {
				return &bot.Incomplete{Note: reports.Message{Title: "a.xlsx is missing"}, After: 10 * time.Minute}
			}
			return nil
		}}
		enqueue(t, j.Journal, alert("post:a", "report"), alert("post:a", "two"))
		out := over(t, j, slog.DiscardHandler, map[string]bot.Receiver{"post": p})
		enginetest.Run(t, 9*time.Minute, out.Run)
		p.want(t, "report")
		enginetest.Run(t, 2*time.Minute, out.Run)
		p.want(t, "report", "two", "a.xlsx is missing")
	})
}

// overdueAt is a finding about a site.
func overdueAt(site string) checks.Finding {
	return checks.Finding{Code: checks.CertOverdue, Check: "cert.file", Server: "isp1", Site: site, Severity: checks.Warning}
}

// keyed is a receiver that records the names of deliveries; it loses the first
// answer.
type keyed struct{ names []string }

func (k *keyed) Send(_ context.Context, _ bot.Address, _ string, m reports.Message) (string, error) {
	k.names = append(k.names, m.Delivery)
	if len(k.names) == 1 {
		return "", errors.New("the answer was lost")
	}
	return "", nil
}

// A repetition has the name of the first try, another message has its own, and
// one of a new state file has neither.
func TestEachDeliveryHasAName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keyed{}
		for range 2 {
			j := enginetest.NewDisk(t)
			out := over(t, j, newLogged(), map[string]bot.Receiver{"post": k})
			enqueue(t, j.Journal, alert("post:a", "one"), alert("post:a", "two"))
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- out.Run(ctx) }()
			time.Sleep(time.Minute)
			cancel()
			<-ended
		}
		if n := k.names; len(n) != 5 || n[0] == "" || n[0] != n[1] || n[1] == n[2] || n[3] == n[1] || n[4] == n[2] {
			t.Errorf("the deliveries are named %q, want a, a, b of the first state and c, d of the second", n)
		}
	})
}
