package slack

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"domovoy/bot"
	"domovoy/bot/lab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ops  = "C0123456789"
	user = "U0123456"
	team = "T012345"
)

// workspace is a Slack with a channel and a person, and a messenger connected
// to it.
func workspace(t *testing.T) (*lab.Slack, *Slack) {
	t.Helper()
	server, err := lab.NewSlack(lab.SlackOptions{Team: team})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	server.AddChannel(lab.Channel{ID: ops, Name: "ops"})
	server.AddPerson(lab.Person{ID: user, Name: "ann"})
	return server, messenger(t, server, "")
}

func messenger(t *testing.T, server *lab.Slack, proxy string) *Slack {
	t.Helper()
	s, err := New(Config{
		BotToken: server.BotToken(),
		AppToken: server.AppToken(),
		APIURL:   server.APIURL(),
		Proxy:    proxy,
	}, bundle(t))
	if err != nil {
		t.Fatal(err)
	}
	s.sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	t.Cleanup(s.http.CloseIdleConnections)
	return s
}

func opsChannel() bot.Address { return bot.Address{Messenger: "slack", Chat: ops} }

// within10s is for calls that normally take milliseconds.
func within10s(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// inbox keeps updates in memory; the first stores may fail.
type inbox struct {
	mu     sync.Mutex
	refuse string // the text of an update with which none is stored; empty: all are
	stored chan bot.Update
}

func newInbox() *inbox { return &inbox{stored: make(chan bot.Update, 100)} }

func (i *inbox) Receive(_ context.Context, updates []bot.Update, _ string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.refuse != "" && slices.ContainsFunc(updates, func(u bot.Update) bool { return u.Text == i.refuse }) {
		return context.DeadlineExceeded
	}
	for _, u := range updates {
		i.stored <- u
	}
	return nil
}

// refuses changes what is not stored.
func (i *inbox) refuses(text string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.refuse = text
}

func (i *inbox) Cursor(context.Context) (string, error) { return "", nil }

func (i *inbox) next(t *testing.T) bot.Update {
	t.Helper()
	select {
	case u := <-i.stored:
		return u
	case <-within10s(t).Done():
		t.Fatal("nothing was stored")
		return bot.Update{}
	}
}

// listen runs Listen in a goroutine and waits until it is connected.
func listen(t *testing.T, server *lab.Slack, s *Slack, in *inbox) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Listen(ctx, in) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Listen ended with %v", err)
		}
	})
	if err := server.WaitConnected(within10s(t), 1); err != nil {
		t.Fatal(err)
	}
}
