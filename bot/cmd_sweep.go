package bot

import (
	"context"
	"strconv"

	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// sweep begins a look at every site of every panel. One at a time: another
// would ask everybody the same.
func sweep(ctx context.Context, b *Bot, r Request) (Answer, error) {
	if err := noWords("sweep", r); err != nil {
		return Answer{}, err
	}
	servers, err := b.servers(ctx, r.Now)
	if err != nil {
		return Answer{}, err
	}
	if err := outward(servers); err != nil {
		return Answer{}, err
	}
	total := 0
	for _, s := range servers {
		if s.Looks != nil {
			total += len(swept(s, r.Now))
		}
	}
	m := compose.SweepBegun(r.Writer(), total)
	under, err := b.openTask(ctx, sweepKind)
	if err != nil {
		return Answer{}, err
	}
	if under != nil {
		if b.unattended(ctx, *under, r) {
			return Answer{Message: m, Task: under}, nil
		}
		return Answer{}, &Refusal{Code: ResultBusy, Key: "refusal.sweep", Args: i18n.Args{"Name": under.By.Name, "Task": strconv.FormatInt(under.ID, 10)}}
	}
	task, err := r.Begins(sweepKind, struct{}{})
	entry := r.entry("sweep", "", ResultOK)
	return Answer{Message: m, Task: task, Entry: &entry}, err
}

// outward refuses a sweep of panels none of which is looked at from outside,
// or was ever read.
func outward(servers []reports.Server) error {
	key := "trouble.inside"
	for _, s := range servers {
		if s.Looks == nil {
			continue
		}
		if !s.Read.IsZero() {
			return nil
		}
		key = "trouble.never"
	}
	return &Refusal{Code: ResultUnavailable, Key: key}
}

// openTask finds the task of a kind that is not over; nil: there is none.
func (b *Bot) openTask(ctx context.Context, kind string) (*journal.Task, error) {
	open, err := b.journal.OpenTasks(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range open {
		if t.Kind == kind {
			return &t, nil
		}
	}
	return nil, nil
}

// unattended reports whether a task is one that a program at the console began
// and did not live to end: who asks again there goes on with it.
func (b *Bot) unattended(ctx context.Context, t journal.Task, r Request) bool {
	if !r.Waits || t.By.Person != r.Person || t.By.Chat != r.Chat.String() {
		return false
	}
	release, err := b.journal.Lock(ctx, lockOf(t.Kind))
	return err == nil && release() == nil // else somebody is at it
}
