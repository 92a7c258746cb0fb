package outbox

import (
	"context"
	"errors"
	"time"

	"domovoy/bot"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// threads reports whether details of a delivery's message go into a thread there:
// those of a problem, which is told to people who did not ask.
func (q *queue) threads(to bot.Address, d journal.Delivery) bool {
	t, ok := q.receiver.(bot.Threader)
	return ok && d.Problem != 0 && t.Threads(to)
}

// reply sends what stands in a thread. Without the thread it is not sent at all: in
// the chat itself it would be a second message about the same.
func (q *queue) reply(ctx context.Context, to bot.Address, d journal.Delivery) (string, error) {
	t, ok := q.receiver.(bot.Threader)
	if !ok {
		return "", bot.ErrGone
	}
	m := d.Message
	if d.Attempt.Begun {
		m = compose.Again(compose.Writer{Locale: q.locale(m.Language), Now: time.Now()}, m)
	}
	return t.Reply(ctx, to, d.ReplyTo, m)
}

// details are what stands in the thread of a message that was sent or edited, ref.
func (q *queue) details(d journal.Delivery, ref string) []journal.Delivery {
	to, err := bot.ParseAddress(d.To)
	if err != nil {
		return nil
	}
	if !q.threads(to, d) || len(d.Missed) > 0 {
		return nil
	}
	main := d.ID
	if d.Edits != 0 {
		main = d.Edits
	}
	w := compose.Writer{Locale: q.locale(d.Message.Language), Now: time.Now()}
	return []journal.Delivery{{To: d.To, Kind: journal.DetailsKind, Rank: journal.RankOver, Under: main, ReplyTo: ref,
		Message: compose.Details(w, d.Message, d.Attempt.Created)}}
}

// gone settles that a message, or the one in whose thread it was to stand, does not
// exist any more or cannot be changed: what an edit says is sent as a new message.
func (q *queue) gone(ctx context.Context, d journal.Delivery, err error) func(context.Context) error {
	if d.Edits == 0 {
		q.Log.InfoContext(ctx, "the message whose details these are is gone", "chat", d.To, "delivery", d.ID, "error", err)
		return func(ctx context.Context) error { return q.Journal.MarkThreadGone(ctx, d.ID) }
	}
	now := time.Now()
	m := d.Message
	if d.Under == 0 {
		m = compose.Replacement(compose.Writer{Locale: q.locale(m.Language), Now: now}, m)
	}
	return func(ctx context.Context) error {
		sent, failed := q.Journal.Replace(ctx, d.ID, now, journal.Delivery{Message: m})
		if failed == nil {
			q.Log.InfoContext(ctx, "a message cannot be edited any more", "chat", d.To, "delivery", d.Edits, "replaced", sent, "error", err)
		}
		return failed
	}
}

// isGone reports whether an error is about a message that does not exist any more.
func isGone(err error) bool { return errors.Is(err, bot.ErrGone) }

// shown is what a chat shows in the message itself.
func (q *queue) shown(to bot.Address, d journal.Delivery, m reports.Message) reports.Message {
	if q.threads(to, d) {
		m.Sections, _ = reports.Unfold(m.Sections)
	}
	return m
}
