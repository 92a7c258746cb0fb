package bot

import (
	"context"
	"time"

	"domovoy/reports"
	"domovoy/reports/journal"
)

// Digest is the job that tells the daily digest. One that comes late says so.
func (b *Bot) Digest(ctx context.Context, due time.Time) error {
	now := time.Now()
	day, err := b.day(ctx, now)
	if err != nil {
		return err
	}
	day.Due = due
	var deliveries []journal.Delivery
	for _, chat := range b.audience.Receivers(Daily) {
		l, err := b.locale(ctx, chat.To, chat.Language)
		if err != nil {
			return err
		}
		m := reports.Writer{Locale: l, Now: now}.Daily(day)
		deliveries = append(deliveries, journal.Delivery{To: chat.To.String(), Kind: Daily, Message: m})
	}
	if _, err := b.journal.Enqueue(ctx, deliveries); err != nil {
		return err
	}
	b.rang.ring()
	return nil
}

// Prune is the job that forgets what is too old to matter.
func (b *Bot) Prune(ctx context.Context, now time.Time) error { return b.journal.Prune(ctx, now) }
