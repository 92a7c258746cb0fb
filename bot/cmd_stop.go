package bot

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"domovoy/i18n"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// StopData is the JSON of stop.
type StopData struct {
	Task  int64             `json:"task"`
	State journal.TaskState `json:"state"`
}

// stop ends a task that is under way: one's own, or anybody's with the role
// that its kind wants. To stop what is over is no mistake.
func stop(ctx context.Context, b *Bot, r Request) (Answer, error) {
	if len(r.Words) != 1 {
		return Answer{}, usage("stop", "usage.stop", "")
	}
	id, err := strconv.ParseInt(r.Words[0], 10, 64)
	if err != nil {
		return Answer{}, usage("stop", "usage.stop", r.Words[0])
	}
	task, err := b.journal.Task(ctx, id)
	if errors.Is(err, journal.ErrNoTask) {
		return Answer{}, &Refusal{Code: ResultNotFound, Key: "refusal.task", Args: i18n.Args{"Task": r.Words[0]}}
	}
	if err != nil {
		return Answer{}, err
	}
	if err := b.mayStop(task, r); err != nil {
		return Answer{}, err
	}
	task, err = b.journal.StopTask(ctx, id, r.entry("stop", r.Words[0]+" "+task.Kind, ResultOK))
	if err != nil {
		return Answer{}, err
	}
	b.begun.ring()
	state := task.State
	if state.Open() {
		state = journal.TaskStopping
	}
	return Answer{Message: compose.StopTask(r.Writer(), r.Words[0], state.Open()), Data: StopData{id, state}}, nil
}

// mayStop refuses who neither began a task nor has the role to stop it.
func (b *Bot) mayStop(task journal.Task, r Request) error {
	needs := Admin
	if i := slices.IndexFunc(b.kinds, func(k TaskKind) bool { return k.Name == task.Kind }); i >= 0 {
		needs = b.kinds[i].Stop
	}
	if r.Role >= needs || r.Person == task.By.Person {
		return nil
	}
	return &Refusal{Code: ResultNotAllowed, Key: "refusal.stop", Args: i18n.Args{"Name": task.By.Name, "Needs": r.Locale.Say("role." + needs.String())}}
}
