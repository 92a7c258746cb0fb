package commands

import (
	"context"
	"errors"
	"strconv"

	"domovoy/bot"
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
// that its kind needs. Stopping a task that is over is not an error.
func (b background) stop(ctx context.Context, r bot.Request) (bot.Answer, error) {
	if len(r.Words) != 1 {
		return bot.Answer{}, bot.Usage("stop", "usage.stop", "")
	}
	id, err := strconv.ParseInt(r.Words[0], 10, 64)
	if err != nil {
		return bot.Answer{}, bot.Usage("stop", "usage.stop", r.Words[0])
	}
	task, err := b.journal.Task(ctx, id)
	if errors.Is(err, journal.ErrNoTask) {
		return bot.Answer{}, &bot.Refusal{Code: bot.ResultNotFound, Key: "refusal.task", Args: i18n.Args{"Task": r.Words[0]}}
	}
	if err != nil {
		return bot.Answer{}, err
	}
	task, err = b.tasks.Stop(ctx, task, r, bot.NewAct("stop", r.Words[0]+" "+task.Kind, bot.ResultOK))
	if err != nil {
		return bot.Answer{}, err
	}
	state := task.State
	if state.Open() {
		state = journal.TaskStopping
	}
	return bot.Answer{Message: compose.StopTask(r.Writer(), r.Words[0], state.Open()), Data: StopData{id, state}}, nil
}
