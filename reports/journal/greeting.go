package journal

import (
	"context"
	"time"
)

// greetAgain is after how long a chat that did not take the summary of a panel gets
// another one, of that time.
const greetAgain = 24 * time.Hour

// Greeting names a panel that a chat was told of.
type Greeting struct {
	Chat   string // as the configuration has it
	Server string
}

// Greeted returns which chats were told how a panel stands, or are about to be: the
// message waits. One that was dropped less than greetAgain ago counts, too, so that
// a chat which refuses it is not sent one after the other.
func (j *Journal) Greeted(ctx context.Context, now time.Time) (map[Greeting]bool, error) {
	told := map[Greeting]bool{}
	err := j.view(ctx, "reading which chats were told of panels", func(t *tx) error {
		all, err := all(ctx, t, func(s scanner) (g Greeting, err error) { return g, s.Scan(&g.Chat, &g.Server) },
			`SELECT g.chat, g.server FROM greeting g LEFT JOIN delivery d ON d.id = g.delivery
			WHERE d.id IS NULL OR d.state <> 'dropped' OR g.at > ?`, millis(now.Add(-greetAgain)))
		for _, g := range all {
			told[g] = true
		}
		return err
	})
	return told, err
}

// ForgetGreetings has the chats that did not take the summary of a panel count as
// not told: the configuration may have been corrected.
func (j *Journal) ForgetGreetings(ctx context.Context) error {
	return j.change(ctx, "forgetting summaries that were not delivered", func(t *tx) error {
		_, err := t.exec(ctx, `DELETE FROM greeting WHERE EXISTS (SELECT 1 FROM delivery d WHERE d.id = greeting.delivery AND d.state = 'dropped')`)
		return err
	})
}

// greet notes the message by which a chat is told of a panel.
func (t *tx) greet(ctx context.Context, g Greeting, delivery int64, at time.Time) error {
	_, err := t.exec(ctx, `INSERT INTO greeting (chat, server, delivery, at) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET delivery = excluded.delivery, at = excluded.at`, g.Chat, g.Server, delivery, millis(at))
	return err
}
