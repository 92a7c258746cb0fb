package telegram

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
	"go.uber.org/goleak"

	"domovoy/bot"
	"domovoy/bot/lab"
	"domovoy/i18n"
)

// TestMain also proves that the library's global logger is never used.
func TestMain(m *testing.M) {
	if err := tgbotapi.SetLogger(forbiddenLogger{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

type forbiddenLogger struct{}

func (forbiddenLogger) Println(v ...any) { panic(fmt.Sprint("the library logs: ", v)) }
func (forbiddenLogger) Printf(format string, v ...any) {
	panic(fmt.Sprintf("the library logs: "+format, v...))
}

// catalogs are read once: they are the same for all tests.
var catalogs = sync.OnceValues(i18n.Load)

func loadBundle(tb testing.TB) *i18n.Bundle {
	tb.Helper()
	bundle, err := catalogs()
	if err != nil {
		tb.Fatal(err)
	}
	return bundle
}

// newLab starts a Bot API server.
func newLab(t *testing.T) *lab.Telegram {
	t.Helper()
	server, err := lab.NewTelegram(lab.TelegramOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

// newBot makes a messenger whose waits end at once and are recorded.
func newBot(t *testing.T, server *lab.Telegram, change ...func(*Config)) *testBot {
	t.Helper()
	cfg := Config{Token: server.Token, APIURL: server.URL()}
	for _, c := range change {
		c(&cfg)
	}
	b := &testBot{logged: &syncBuffer{}}
	cfg.Log = slog.New(slog.NewTextHandler(b.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	tg, err := New(cfg, loadBundle(t))
	if err != nil {
		t.Fatal(err)
	}
	b.Telegram = tg
	b.waits = make(chan time.Duration, 1000)
	var slept atomic.Int64
	tg.sleep = func(ctx context.Context, d time.Duration) error {
		b.waits <- d
		slept.Add(int64(d))
		return ctx.Err()
	}
	tg.now = func() time.Time { return time.Now().Add(time.Duration(slept.Load())) }
	tg.pace.chats = nil // rates have tests of their own
	t.Cleanup(tg.api.http.CloseIdleConnections)
	return b
}

type testBot struct {
	*Telegram
	waits  chan time.Duration
	logged *syncBuffer
}

func (b *testBot) waited() []time.Duration {
	var all []time.Duration
	for {
		select {
		case d := <-b.waits:
			all = append(all, d)
		default:
			return all
		}
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// inbox keeps updates in memory; the first stores may fail.
type inbox struct {
	mu     sync.Mutex
	cursor string
	seen   map[string]bool
	fail   int
	heard  chan bot.Update
}

func newInbox() *inbox {
	return &inbox{seen: map[string]bool{}, heard: make(chan bot.Update, 100)}
}

func (i *inbox) Receive(_ context.Context, updates []bot.Update, cursor string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fail > 0 {
		i.fail--
		return errors.New("the disk is full")
	}
	for _, u := range updates {
		if !i.seen[u.Key] {
			i.seen[u.Key] = true
			i.heard <- u
		}
	}
	i.cursor = cursor
	return nil
}

func (i *inbox) Cursor(context.Context) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.cursor, nil
}

func (i *inbox) next(t *testing.T) bot.Update {
	t.Helper()
	select {
	case u := <-i.heard:
		return u
	case <-t.Context().Done():
		t.Fatal("nothing was heard")
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was heard in time")
	}
	return bot.Update{}
}

// listen runs Listen until the test ends or stop is called, which returns its
// error.
func listen(t *testing.T, tg *Telegram, in bot.Inbox) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tg.Listen(ctx, in) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { _ = stop() })
	return stop
}

func address(chat, thread string) bot.Address {
	return bot.Address{Messenger: Messenger, Chat: chat, Thread: thread}
}

func mustContain(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
}
