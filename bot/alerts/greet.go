package alerts

import (
	"context"
	"time"

	"domovoy/bot"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// Greet has each chat that receives alerts told how the panels stand before it is
// told what changes. Most are told when the watch of a panel begins; the others were
// added to the configuration later, or refused the message until it was dropped: the
// chat's id was wrong, or the bot was not in it. What waits for a closed chat is
// tried again rarely and when the bot is admitted, so that a chat gets one summary,
// at most a day old, as soon as it can be reached.
func (r *Recorder) Greet(ctx context.Context, now time.Time) error {
	chats := r.people.Receivers(bot.Alerts)
	if len(chats) == 0 {
		return nil
	}
	begun, err := r.journal.Baselines(ctx)
	if err != nil {
		return err
	}
	told, err := r.journal.Greeted(ctx, now) // after begun: a watch that begins in between is greeted by its reading
	if err != nil {
		return err
	}
	var deliveries []journal.Delivery
	for _, p := range r.watch.Panels() {
		since, watched := begun[p.Name]
		if !watched {
			continue // its first reading will tell
		}
		var s reports.Server
		for _, chat := range chats {
			if told[journal.Greeting{Chat: chat.To.String(), Server: p.Name}] {
				continue
			}
			if s.Name == "" {
				if s = p.State(); s.Trouble != "" || s.Read.IsZero() {
					break // when it can be read
				}
			}
			l, err := r.people.Locale(ctx, chat.To, chat.Language)
			if err != nil {
				return err
			}
			deliveries = append(deliveries, journal.Delivery{To: chat.To.String(), Kind: string(reports.Baseline), Greets: p.Name,
				Message: compose.Greeting(compose.Writer{Locale: l, Now: now}, s, since)})
		}
	}
	if len(deliveries) == 0 {
		return nil
	}
	_, err = r.journal.Enqueue(ctx, deliveries)
	r.send.Wake()
	return err
}
