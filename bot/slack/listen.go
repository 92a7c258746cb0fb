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
)

const (
	// storeTimeout leaves a third of Slack's three seconds for the way back.
	storeTimeout = 2 * time.Second

	// readLimit is far above what Slack sends and below what hurts.
	readLimit = 4 << 20

	minPause, maxPause = time.Second, 2 * time.Minute // between supervised runs
)

// Listen hands over what people say until the context ends (nil) or a token
// turns out to be void (*bot.Permanent). Everything else it outlives: the
// library reconnects by itself, and when it gives up it is started anew.
func (s *Slack) Listen(ctx context.Context, inbox bot.Inbox) error {
	defer s.http.CloseIdleConnections()
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		began := time.Now()
		err := s.listen(ctx, inbox)
		if ctx.Err() != nil {
			return nil
		}
		if refusal := code(err); voidToken(refusal) {
			return &bot.Permanent{Reason: refusal, Token: true, Err: s.conceal(err)}
		}
		if time.Since(began) > maxPause {
			pause = minPause
		}
		s.log.Error("Slack's socket ended", "error", s.judge("listening to Slack", err), "again_in", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}

// listen runs the library's client once; both goroutines have ended when it
// returns. The library's own handler would start a goroutine per event and so
// lose their order.
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
		case err := <-ended:
			cancel()
			return err
		}
	}
}

func (s *Slack) handle(ctx context.Context, client *socketmode.Client, inbox bot.Inbox, event socketmode.Event) {
	switch event.Type {
	case socketmode.EventTypeEventsAPI, socketmode.EventTypeInteractive, socketmode.EventTypeSlashCommand:
		if err := receive(ctx, client, inbox, event); err != nil && ctx.Err() == nil {
			s.log.Error("not confirmed to Slack", "type", event.Type, "error", s.conceal(err))
		}
	case socketmode.EventTypeConnected:
		s.log.Info("connected to Slack")
	default:
		if err := trouble(event); err != nil && ctx.Err() == nil {
			s.log.Warn("Slack's socket", "type", event.Type, "error", s.conceal(err))
		}
	}
}

// receive stores what was said and only then confirms it, with an empty
// payload: Slack silently drops a large one. What could not be stored stays
// unconfirmed, so that Slack says it again; what is of no use to us is
// confirmed all the same.
func receive(ctx context.Context, client *socketmode.Client, inbox bot.Inbox, event socketmode.Event) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if said := updates(event); len(said) > 0 {
		if err := inbox.Receive(ctx, said, ""); err != nil {
			return err
		}
	}
	return client.AckCtx(ctx, event.Request.EnvelopeID, nil)
}

// trouble is the error in one of the library's own events; nil: none. An
// envelope of an unknown type is among them, and is not confirmed.
func trouble(event socketmode.Event) error {
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
