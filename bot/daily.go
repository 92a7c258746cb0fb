package bot

import (
	"context"
	"errors"
	"slices"
	"time"

	"domovoy/reports"
	"domovoy/reports/journal"
)

// errUnread is why there is no digest: it would say that all is quiet.
var errUnread = errors.New("no panel was read yet")

// Digest is the job that tells the daily digest. One that comes late says so.
// With a due moment it notes the end of that run too, as it tells.
func (b *Bot) Digest(ctx context.Context, due time.Time) error {
	now := time.Now()
	day, err := b.day(ctx, now)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(day.Servers, func(s reports.Server) bool { return !s.Read.IsZero() }) {
		return errUnread
	}
	day.Due = due
	h, err := b.days(ctx, day.Servers, now)
	if err != nil {
		return err
	}
	var deliveries []journal.Delivery
	for _, chat := range b.audience.Receivers(Daily) {
		l, err := b.locale(ctx, chat.To, chat.Language)
		if err != nil {
			return err
		}
		m, err := b.dailyMessage(l, day, h, now)
		if err != nil {
			return err
		}
		b.keep(ctx, now.In(b.audience.Zone).Format(time.DateOnly), chat.To, m.Files)
		deliveries = append(deliveries, journal.Delivery{To: chat.To.String(), Kind: Daily, Message: m})
	}
	if due.IsZero() {
		_, err = b.journal.Enqueue(ctx, deliveries)
	} else {
		_, err = b.journal.EnqueueFor(ctx, Daily, due, deliveries)
	}
	b.rang.ring()
	return err
}

// Prune is the job that forgets what is too old to matter.
func (b *Bot) Prune(ctx context.Context, now time.Time) error {
	return errors.Join(b.journal.Prune(ctx, now), b.shelf.clear(now))
}
