// Package canary sends a test alarm once a day: a made-up problem of a made-up site
// goes the way of a real one, from the panel's database through the rules, an alert
// and the outbox into each chat that receives alerts. While it arrives, no news is
// good news.
//
// A digest that is sent at the same time carries it in a line. A chat without a digest
// gets a message of one line, without a sound.
package canary

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"domovoy/bot"
	"domovoy/bot/alerts"
	"domovoy/bot/people"
	"domovoy/checks/pace"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// Paces of a test alarm.
const (
	digestFirst = 5 * time.Minute  // a digest that is due at the same time goes first, and carries it
	arrival     = 15 * time.Minute // it may be under way for so long
	look        = 10 * time.Second // between two looks whether it arrived
	rarely      = 20 * time.Hour   // between two, however often there is a digest
)

// Canary sends test alarms. It is safe for concurrent use.
type Canary struct {
	journal *journal.Journal
	alerts  *alerts.Recorder
	people  *people.Directory
	send    bot.Signal // there is something to send
	log     *slog.Logger
}

// New makes a canary.
func New(j *journal.Journal, r *alerts.Recorder, d *people.Directory, send bot.Signal, log *slog.Logger) *Canary {
	return &Canary{journal: j, alerts: r, people: d, send: send, log: log}
}

// Begin notes since when there are test alarms: from then on one that does not come is
// missed.
func (c *Canary) Begin(ctx context.Context) error { return c.journal.BeginCanary(ctx, time.Now()) }

// Fit reports whether a test alarm would come as far as its messages, so that a digest
// may carry it.
func (c *Canary) Fit(ctx context.Context) (bool, error) {
	done, err := c.alerts.Rehearse(ctx, time.Now())
	return err == nil && done.Fault == nil, err
}

// Run is the job that sends the test alarm of a due time, and waits until it has
// arrived. The error is a *reports.CanaryFault if it did not. Run again it goes on:
// no chat gets two.
func (c *Canary) Run(ctx context.Context, due time.Time) error {
	if err := pace.Sleep(ctx, digestFirst); err != nil {
		return err
	}
	done, err := c.alerts.Rehearse(ctx, time.Now())
	if err != nil {
		return err
	}
	messages, err := c.messages(ctx, due, done)
	if err != nil {
		return err
	}
	if err := c.journal.KeepCanary(ctx, due, done.Fault, messages); err != nil {
		return err
	}
	c.send.Wake()
	fault, err := c.await(ctx, due)
	switch {
	case err != nil:
		return err
	case fault == nil:
		return nil
	case fault.Step == reports.CanaryChat || fault.Step == reports.CanaryOutbox:
		return errors.Join(fault, c.tell(ctx, due, fault, done.Chats))
	}
	return fault
}

// messages carry a test alarm to the chats which nothing carries it to yet.
func (c *Canary) messages(ctx context.Context, due time.Time, done alerts.Rehearsal) ([]journal.Delivery, error) {
	now := time.Now()
	before, err := c.journal.Canary(ctx)
	if err != nil || now.Sub(before.Last) < rarely {
		return nil, err
	}
	var messages []journal.Delivery
	for _, chat := range done.Chats {
		if before.Due.UnixMilli() == due.UnixMilli() && slices.ContainsFunc(before.Messages, func(m reports.CanaryMessage) bool { return m.Chat == chat.To.String() }) {
			continue
		}
		w, err := c.writer(ctx, chat, now)
		if err != nil {
			return nil, err
		}
		messages = append(messages, journal.Delivery{To: chat.To.String(), Kind: journal.CanaryKind, Rank: journal.RankAlert, Canary: due, Message: compose.Canary(w, done.Fault)})
	}
	return messages, nil
}

// await waits until the latest test alarm has arrived, or is known not to.
func (c *Canary) await(ctx context.Context, due time.Time) (*reports.CanaryFault, error) {
	for last := time.Now().Add(arrival); ; {
		state, err := c.journal.Canary(ctx)
		if err != nil {
			return nil, err
		}
		if state.Due.UnixMilli() != due.UnixMilli() {
			return nil, nil // a later one took its place
		}
		fault := state.Missing()
		dropped := slices.ContainsFunc(state.Messages, func(m reports.CanaryMessage) bool { return m.Dropped })
		if fault == nil || fault == state.Fault || dropped || !time.Now().Before(last) {
			return fault, nil
		}
		if err := pace.Sleep(ctx, look); err != nil {
			return nil, err
		}
	}
}

// tell tells the chats in which a test alarm arrived of one in which it did not.
func (c *Canary) tell(ctx context.Context, due time.Time, fault *reports.CanaryFault, chats []bot.Chat) error {
	now := time.Now()
	state, err := c.journal.Canary(ctx)
	if err != nil {
		return err
	}
	var messages []journal.Delivery
	for _, chat := range chats {
		arrived := func(m reports.CanaryMessage) bool { return m.Chat == chat.To.String() && !m.Sent.IsZero() }
		if !slices.ContainsFunc(state.Messages, arrived) {
			continue
		}
		w, err := c.writer(ctx, chat, now)
		if err != nil {
			return err
		}
		messages = append(messages, journal.Delivery{To: chat.To.String(), Kind: "delivery", Rank: journal.RankPanel, Message: compose.CanaryLost(w, fault)})
	}
	first, err := c.journal.TellCanary(ctx, due, messages)
	if first {
		c.log.ErrorContext(ctx, "the test alarm does not arrive", "step", string(fault.Step), "chat", fault.Of, "reason", fault.Reason)
		c.send.Wake()
	}
	return err
}

func (c *Canary) writer(ctx context.Context, chat bot.Chat, now time.Time) (compose.Writer, error) {
	l, err := c.people.Locale(ctx, chat.To, chat.Language)
	return compose.Writer{Locale: l, Now: now}, err
}

// Late reports whether a real alarm might not arrive: no test alarm has for more than a
// day. Of a state that cannot be read that is not known.
func (c *Canary) Late(ctx context.Context) bool {
	state, err := c.journal.Canary(ctx)
	return err != nil || state.Late(time.Now())
}

// Test is what a command may ask: how far a test alarm would come now, without any
// message, and how the earlier ones fared.
func (c *Canary) Test(ctx context.Context) (fault *reports.CanaryFault, state reports.Canary, err error) {
	done, err := c.alerts.Rehearse(ctx, time.Now())
	if err != nil {
		return nil, state, err
	}
	state, err = c.journal.Canary(ctx)
	return done.Fault, state, err
}
