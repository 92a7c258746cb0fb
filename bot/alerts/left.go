package alerts

import (
	"context"
	"slices"

	"domovoy/bot"
	"domovoy/reports"
)

// leave drops what waits for addresses that left the configuration.
func (r *Recorder) leave(ctx context.Context) error {
	waiting, err := r.journal.WaitingChats(ctx)
	if err != nil {
		return err
	}
	var left []string
	for _, chat := range waiting {
		to, err := bot.ParseAddress(chat)
		if err != nil {
			continue // the outbox says it
		}
		known, err := r.isKnown(ctx, to)
		if err != nil {
			return err
		}
		if !known {
			left = append(left, chat)
		}
	}
	if len(left) == 0 {
		return nil
	}
	n, err := r.journal.LeaveChats(ctx, left)
	if err == nil {
		r.log.InfoContext(ctx, "what waited for addresses that left the configuration is dropped", "addresses", left, "messages", n)
	}
	return err
}

// isKnown reports whether the configuration has an address: as a chat, of a manager,
// in the escalation, as a spare way, or as an administrator's own chat.
func (r *Recorder) isKnown(ctx context.Context, to bot.Address) (bool, error) {
	configured, err := r.people.Configured(ctx, to)
	if err != nil {
		return false, err
	}
	if _, is := r.people.Chat(configured); is {
		return true, nil
	}
	return slices.ContainsFunc(r.watch.Policy.Escalation, func(s reports.Step) bool { return s.To == to.String() }) ||
		slices.ContainsFunc(r.people.Managers, func(m bot.Manager) bool { return m.To == to || m.To == configured }) ||
		slices.Contains(r.people.Spare, to) || slices.Contains(r.people.OwnChats(), to.Whole()), nil
}
