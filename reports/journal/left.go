package journal

import (
	"context"

	"domovoy/reports"
)

// unasked selects what waits and nobody asked for: alerts, and summaries.
const unasked = `state = 'pending' AND (problem IS NOT NULL OR kind IN (SELECT value FROM json_each(?)))`

func summaries() string {
	return list([]string{string(reports.Baseline), "daily", "weekly", "calendar"})
}

// WaitingChats lists the addresses for which something waits that nobody there asked
// for.
func (j *Journal) WaitingChats(ctx context.Context) (chats []string, err error) {
	err = j.view(ctx, "reading for whom messages wait", func(t *tx) error {
		chats, err = all(ctx, t, single[string], `SELECT DISTINCT chat FROM delivery WHERE `+unasked+` ORDER BY chat`, summaries())
		return err
	})
	return chats, err
}

// LeaveChats drops what waits for addresses that are not in the configuration any
// more and that nobody there asked for. It returns how many messages that were.
func (j *Journal) LeaveChats(ctx context.Context, chats []string) (n int, err error) {
	err = j.change(ctx, "leaving chats", func(t *tx) error {
		n, err = t.exec(ctx, `UPDATE delivery SET state = 'dropped', error = ? WHERE `+unasked+` AND chat IN (SELECT value FROM json_each(?))`,
			dropLeft, summaries(), list(chats))
		return err
	})
	return n, err
}
