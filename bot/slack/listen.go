package slack

import (
	"context"
	"errors"
	"io"
	"log"
	"time"

	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"domovoy/bot"
	"domovoy/checks/pace"
)

const (
	// storeTimeout leaves a second of the three that Slack allows for sending
	// the confirmation.
	storeTimeout = 2 * time.Second

	// readLimit, in bytes, is far more than Slack sends.
	readLimit = 4 << 20

	minWait, maxWait = time.Second, 4 * time.Second // before the client is started again
	maxBackoff       = 4 * time.Second              // of the library, whose own grows to minutes
)

// Listen receives updates until the context ends, which is not an error, or until
// Slack refuses a token: the error is then a *bot.Permanent. After any other
// error it starts the library's client again, which also reconnects by itself, but
// with a growing backoff: people's messages should not wait once Slack works again.
func (s *Slack) Listen(ctx context.Context, inbox bot.Inbox) error {
	defer s.http.CloseIdleConnections()
	for wait := minWait; ; wait = min(2*wait, maxWait) {
		began := time.Now()
		err := s.listen(ctx, inbox)
		if ctx.Err() != nil {
			return nil
		}
		if refusal := code(err); invalidToken(refusal) {
			return &bot.Permanent{Reason: refusal, Token: true, Err: s.conceal(err)}
		}
		if time.Since(began) > maxWait {
			wait = minWait
		}
		s.log.Error("Slack socket ended", "error", s.explain("listening to Slack", err, false), "retry_in", wait)
		if pace.Sleep(ctx, wait) != nil {
			return nil
		}
	}
}

// listen runs the library's client once and returns when its goroutine has ended. It
// does not use the library's handler, which starts a goroutine for each event and
// so loses their order.
func (s *Slack) listen(ctx context.Context, inbox bot.Inbox) error {
	client := socketmode.New(s.api,
		socketmode.OptionDialer(s.dialer),
		socketmode.OptionReadLimit(readLimit),
		socketmode.OptionLog(log.New(io.Discard, "", 0)), // it may print secrets
	)
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- client.RunContext(ctx) }()
	for {
		select {
		case event := <-client.Events:
			s.handle(ctx, client, inbox, event)
			if failed, ok := event.Data.(*slackgo.ConnectionErrorEvent); ok && failed.Backoff > maxBackoff {
				cancel()
				<-drained(client.Events, ended)
				return failed.ErrorObj
			}
		case err := <-ended:
			cancel()
			return err
		}
	}
}

// drained reads the rest of the library's events until its client has ended.
func drained(events <-chan socketmode.Event, ended <-chan error) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-events:
			case <-ended: //nolint:errcheck // Listen returns the connection's error instead
				return
			}
		}
	}()
	return done
}

func (s *Slack) handle(ctx context.Context, client *socketmode.Client, inbox bot.Inbox, event socketmode.Event) {
	switch event.Type {
	case socketmode.EventTypeEventsAPI, socketmode.EventTypeInteractive, socketmode.EventTypeSlashCommand:
		if err := receive(ctx, client, inbox, event); err != nil && ctx.Err() == nil {
			s.log.Error("cannot acknowledge an event to Slack", "type", event.Type, "error", s.conceal(err))
		}
	case socketmode.EventTypeConnected:
		s.log.Info("connected to Slack")
	default:
		if err := eventError(event); err != nil && ctx.Err() == nil {
			s.log.Warn("Slack socket error", "type", event.Type, "error", s.conceal(err))
		}
	}
}

// receive stores the updates of an envelope and then confirms it, with an empty
// payload: Slack silently drops a large one. An envelope that could not be stored
// is not confirmed, so that Slack sends it again; one without updates for us is
// confirmed too.
func receive(ctx context.Context, client *socketmode.Client, inbox bot.Inbox, event socketmode.Event) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if list := updates(event); len(list) > 0 {
		if err := inbox.Receive(ctx, list, ""); err != nil {
			return err
		}
	}
	return client.AckCtx(ctx, event.Request.EnvelopeID, nil)
}

// eventError is the error in one of the library's own events, or nil. An envelope of
// an unknown type is such an error and is not confirmed.
func eventError(event socketmode.Event) error {
	switch data := event.Data.(type) {
	case *slackgo.ConnectionErrorEvent:
		return data.ErrorObj
	case *slackgo.IncomingEventError:
		return data.ErrorObj
	case *socketmode.ErrorBadMessage:
		return data.Cause
	case *socketmode.ErrorWriteFailed:
		return data.Cause
	case *slackgo.InvalidAuthEvent:
		return errors.New("the address of the API does not exist (404)")
	}
	return nil
}
