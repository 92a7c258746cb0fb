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
			if failed := s.handle(ctx, client, inbox, waiting(event, client.Events)); failed != nil {
				cancel()
				<-drained(client.Events, ended)
				return failed
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

// atOnce is how many envelopes are stored together at most.
const atOnce = 64

// waiting are an event and those that wait behind it.
func waiting(first socketmode.Event, events <-chan socketmode.Event) []socketmode.Event {
	all := []socketmode.Event{first}
	for len(all) < atOnce {
		select {
		case event := <-events:
			all = append(all, event)
		default:
			return all
		}
	}
	return all
}

// handle handles events in their order, envelopes without another event between them
// together. It returns the error of a connection that the library would try again too
// late.
func (s *Slack) handle(ctx context.Context, client *socketmode.Client, inbox bot.Inbox, events []socketmode.Event) (failed error) {
	var envelopes []socketmode.Event
	for _, event := range events {
		switch event.Type {
		case socketmode.EventTypeEventsAPI, socketmode.EventTypeInteractive, socketmode.EventTypeSlashCommand:
			envelopes = append(envelopes, event)
			continue
		}
		s.receive(ctx, client, inbox, envelopes)
		envelopes = nil
		if event.Type == socketmode.EventTypeConnected {
			s.log.Info("connected to Slack")
			if s.SocketModeOff() {
				s.log.Warn("Slack says that Socket Mode is not turned on: then nothing that people say arrives. It is at api.slack.com/apps, the app, Settings, Socket Mode, Enable Socket Mode")
			}
		} else if err := eventError(event); err != nil && ctx.Err() == nil {
			s.log.Warn("Slack socket error", "type", event.Type, "error", s.conceal(err))
		}
		if lost, ok := event.Data.(*slackgo.ConnectionErrorEvent); ok && lost.Backoff > maxBackoff {
			return lost.ErrorObj
		}
	}
	s.receive(ctx, client, inbox, envelopes)
	return nil
}

// receive stores the updates of envelopes and then confirms these. If they cannot be
// stored together, each is tried alone.
func (s *Slack) receive(ctx context.Context, client *socketmode.Client, inbox bot.Inbox, envelopes []socketmode.Event) {
	var list []bot.Update
	for _, e := range envelopes {
		list = append(list, updates(e)...)
	}
	err := store(ctx, inbox, list)
	for _, e := range envelopes {
		stored := err
		if err != nil && len(envelopes) > 1 {
			stored = store(ctx, inbox, updates(e))
		}
		if stored == nil {
			stored = confirm(ctx, client, e)
		}
		if stored != nil && ctx.Err() == nil {
			s.log.Error("cannot acknowledge an event to Slack", "type", e.Type, "error", s.conceal(stored))
		}
	}
}

// store stores updates.
func store(ctx context.Context, inbox bot.Inbox, list []bot.Update) error {
	if len(list) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return inbox.Receive(ctx, list, "")
}

// confirm confirms an envelope, with an empty payload: Slack silently drops a large one.
// An envelope that could not be stored is not confirmed, so that Slack sends it again;
// one without updates for us is confirmed too.
func confirm(ctx context.Context, client *socketmode.Client, envelope socketmode.Event) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return client.AckCtx(ctx, envelope.Request.EnvelopeID, nil)
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
