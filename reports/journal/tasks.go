package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"domovoy/reports"
)

// ErrNoTask is the error for a task that does not exist.
var ErrNoTask = errors.New("there is no such task")

// TaskState is the state of a task.
type TaskState string

// States of a task.
const (
	TaskWaiting  TaskState = "waiting"  // starts, or continues, at Next or later
	TaskRunning  TaskState = "running"  // is running, or the process died during it
	TaskStopping TaskState = "stopping" // a person asked it to end
	TaskStopped  TaskState = "stopped"
	TaskDone     TaskState = "done"
	TaskFailed   TaskState = "failed"
)

// Open reports whether a task in this state is not over.
func (s TaskState) Open() bool { return s == TaskWaiting || s == TaskRunning || s == TaskStopping }

// Actor is the person who gave a command, and the chat they gave it in.
type Actor struct {
	Person   string // immutable id
	Name     string // as it was shown at the time
	Role     string
	Chat     string
	Language string
}

// Task is long work that a person started. It survives a restart of the program.
type Task struct {
	ID       int64
	Kind     string
	Payload  json.RawMessage
	By       Actor
	Plan     string // the ID of the plan it carries out; empty: none
	Delivery int64  // the ID of the delivery whose message shows its progress; 0: none does
	State    TaskState
	Times    TaskTimes
	Result   json.RawMessage // nil until it has ended
}

// TaskTimes are the times of a task; zero: not yet.
type TaskTimes struct {
	Created, Next, Started, Finished time.Time
}

// TaskMark is replaced in an action's command, such as "stop {task}", by the ID of
// the message's task, which is not known before both are stored.
const TaskMark = "{task}"

// Begin marks an update as handled and stores the task that it started, the answers,
// the first of which is to show the task's progress, and the audit entry, which
// may be nil. It does all of it or nothing. An update of 0 means that there is
// none. The task's plan is marked as used; if it was used before, the error wraps
// ErrUsed.
func (j *Journal) Begin(ctx context.Context, update int64, answers []Delivery, entry *AuditEntry, task Task) (Task, error) {
	err := j.change(ctx, "beginning a task", func(t *tx) (err error) {
		if task.ID, err = t.keepTask(ctx, task); err != nil {
			return err
		}
		for i := range answers {
			answers[i].Message.Actions = marked(answers[i].Message.Actions, TaskMark, task.ID)
		}
		ids, err := t.reply(ctx, update, answers, entry)
		if err != nil || len(ids) == 0 {
			return err
		}
		task.Delivery = ids[0]
		_, err = t.exec(ctx, `UPDATE task SET delivery = ? WHERE id = ?`, ids[0], task.ID)
		return err
	})
	return task, err
}

// reply answers an update; with an update of 0 it only stores the messages and entry.
func (t *tx) reply(ctx context.Context, update int64, answers []Delivery, entry *AuditEntry) ([]int64, error) {
	if update != 0 {
		return t.answer(ctx, update, answers, entry)
	}
	if entry != nil {
		if err := t.audit(ctx, *entry); err != nil {
			return nil, err
		}
	}
	return t.enqueue(ctx, time.Now(), answers)
}

func (t *tx) keepTask(ctx context.Context, task Task) (int64, error) {
	if task.Plan != "" {
		if err := t.usePlan(ctx, task.Plan, task.Times.Created); err != nil {
			return 0, err
		}
	}
	by := task.By
	id, _, err := one(ctx, t, single[int64], `INSERT INTO task (kind, payload, person, name, role, chat, language, plan, state, created, started)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`, task.Kind, string(task.Payload),
		by.Person, by.Name, by.Role, by.Chat, by.Language, task.Plan, task.State, millis(task.Times.Created), millis(task.Times.Started))
	return id, err
}

const taskColumns = `id, kind, payload, person, name, role, chat, language, plan, coalesce(delivery, 0), state,
	created, next, started, finished, result`

func scanTask(s scanner) (t Task, err error) {
	var result string
	by, at := &t.By, &t.Times
	err = s.Scan(&t.ID, &t.Kind, (*[]byte)(&t.Payload), &by.Person, &by.Name, &by.Role, &by.Chat, &by.Language, &t.Plan, &t.Delivery, &t.State,
		stamp{&at.Created}, stamp{&at.Next}, stamp{&at.Started}, stamp{&at.Finished}, &result)
	if result != "" {
		t.Result = json.RawMessage(result)
	}
	return t, err
}

// OpenTasks lists the tasks that are not over, oldest first.
func (j *Journal) OpenTasks(ctx context.Context) (tasks []Task, err error) {
	err = j.view(ctx, "reading open tasks", func(t *tx) error {
		tasks, err = all(ctx, t, scanTask, `SELECT `+taskColumns+` FROM task WHERE state IN ('waiting', 'running', 'stopping') ORDER BY id`)
		return err
	})
	return tasks, err
}

// Task returns the task with that ID, or an error that wraps ErrNoTask.
func (j *Journal) Task(ctx context.Context, id int64) (task Task, err error) {
	err = j.view(ctx, "reading a task", func(t *tx) error {
		task, err = t.task(ctx, selectTask+`id = ?`, id)
		return err
	})
	return task, err
}

// TaskOfPlan returns the task that carries out a plan, or an error that wraps ErrNoTask.
func (j *Journal) TaskOfPlan(ctx context.Context, plan string) (task Task, err error) {
	err = j.view(ctx, "reading a plan's task", func(t *tx) error {
		task, err = t.task(ctx, selectTask+`plan = ? AND plan <> '' ORDER BY id DESC LIMIT 1`, plan)
		return err
	})
	return task, err
}

// selectTask is a query but for its condition.
const selectTask = `SELECT ` + taskColumns + ` FROM task WHERE `

func (t *tx) task(ctx context.Context, query string, arg any) (Task, error) {
	task, ok, err := one(ctx, t, scanTask, query, arg)
	if err == nil && !ok {
		err = fmt.Errorf("%w: %v", ErrNoTask, arg)
	}
	return task, err
}

// StartTask records that a task is running, for the first time or again.
func (j *Journal) StartTask(ctx context.Context, id int64, at time.Time) error {
	return j.change(ctx, "starting a task", func(t *tx) error {
		_, err := t.exec(ctx, `UPDATE task SET state = 'running', started = iif(started = 0, ?, started)
			WHERE id = ? AND state IN ('waiting', 'running')`, millis(at), id)
		return err
	})
}

// PostponeTask makes a task continue at next. A task that is stopping is not delayed.
func (j *Journal) PostponeTask(ctx context.Context, id int64, next time.Time) error {
	return j.change(ctx, "postponing a task", func(t *tx) error {
		_, err := t.exec(ctx, `UPDATE task SET state = iif(state = 'running', 'waiting', state), next = iif(state = 'stopping', 0, ?) WHERE id = ?`, millis(next), id)
		return err
	})
}

// StopTask asks an open task to end and stores an audit entry. It returns the task
// as it was before. A task that is over or stopping stays unchanged, and the entry
// is not stored.
func (j *Journal) StopTask(ctx context.Context, id int64, entry AuditEntry) (task Task, err error) {
	err = j.change(ctx, "stopping a task", func(t *tx) error {
		if task, err = t.task(ctx, selectTask+`id = ?`, id); err != nil || !task.State.Open() || task.State == TaskStopping {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE task SET state = 'stopping', next = 0 WHERE id = ?`, id); err != nil {
			return err
		}
		return t.audit(ctx, entry)
	})
	return task, err
}

// FinishTask stores the end and the result of a task, enqueues messages about it and
// stores the audit entry, which may be nil. It does all of it or nothing. A task
// that is over already stays unchanged.
func (j *Journal) FinishTask(ctx context.Context, task Task, messages []Delivery, entry *AuditEntry) error {
	return j.change(ctx, "finishing a task", func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE task SET state = ?, finished = ?, result = ? WHERE id = ? AND state IN ('waiting', 'running', 'stopping')`,
			task.State, millis(task.Times.Finished), string(task.Result), task.ID)
		if err != nil || n == 0 {
			return err
		}
		_, err = t.reply(ctx, 0, messages, entry)
		return err
	})
}

// marked returns actions with mark replaced by an ID in their commands.
func marked(actions []reports.Action, mark string, id int64) []reports.Action {
	out := append([]reports.Action(nil), actions...)
	for i := range out {
		out[i].Command = strings.ReplaceAll(out[i].Command, mark, strconv.FormatInt(id, 10))
	}
	return out
}

// StepState is the state of a step.
type StepState string

// States of a step.
const (
	StepPlanned StepState = "planned"
	StepBegun   StepState = "begun" // it may have been done: check before repeating it
	StepDone    StepState = "done"
	StepSkipped StepState = "skipped"
	StepFailed  StepState = "failed"
)

// Step is one action of a task on one object of another system.
type Step struct {
	Item  string // the object, such as an authorization's URL
	Name  string // the key by which steps are counted for the rate limit of BeginStep
	State StepState
	Begun time.Time // when it was begun last; zero: never
	Tries int       // how many times it was begun
	Note  string    // why it was skipped or failed; may be empty
}

// KeepSteps stores the steps of a task. Steps that are stored already stay
// unchanged.
func (j *Journal) KeepSteps(ctx context.Context, task int64, steps []Step) error {
	return j.change(ctx, "keeping steps", func(t *tx) error {
		for _, s := range steps {
			if _, err := t.exec(ctx, `INSERT INTO step (task, item, name, state, note) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
				task, s.Item, s.Name, s.State, s.Note); err != nil {
				return err
			}
		}
		return nil
	})
}

// Steps lists the steps of a task, ordered by Item.
func (j *Journal) Steps(ctx context.Context, task int64) (steps []Step, err error) {
	scan := func(s scanner) (x Step, err error) {
		err = s.Scan(&x.Item, &x.Name, &x.State, stamp{&x.Begun}, &x.Tries, &x.Note)
		return x, err
	}
	err = j.view(ctx, "reading steps", func(t *tx) error {
		steps, err = all(ctx, t, scan, `SELECT item, name, state, begun, tries, note FROM step WHERE task = ? ORDER BY item`, task)
		return err
	})
	return steps, err
}

// BegunSteps counts, by name, the steps of all tasks that were begun at or after
// since.
func (j *Journal) BegunSteps(ctx context.Context, since time.Time) (map[string]int, error) {
	begun := map[string]int{}
	scan := func(s scanner) (struct{}, error) {
		var name string
		var n int
		err := s.Scan(&name, &n)
		begun[name] = n
		return struct{}{}, err
	}
	err := j.view(ctx, "counting steps", func(t *tx) error {
		_, err := all(ctx, t, scan, `SELECT name, count(*) FROM step WHERE begun >= ? AND begun > 0 AND name <> ''
			AND state IN ('begun', 'done', 'failed') GROUP BY name`, millis(since))
		return err
	})
	return begun, err
}

// BeginStep records that a step is about to be done, unless most or more other steps
// of its name, over all tasks, were begun at or after since; false: that limit is
// reached.
func (j *Journal) BeginStep(ctx context.Context, task int64, item string, at, since time.Time, most int) (begun bool, err error) {
	err = j.change(ctx, "beginning a step", func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE step SET state = 'begun', begun = ?3, tries = tries + 1 WHERE task = ?1 AND item = ?2
			AND (SELECT count(*) FROM step other WHERE other.name = step.name AND other.begun >= ?4
				AND other.state IN ('begun', 'done', 'failed') AND NOT (other.task = ?1 AND other.item = ?2)) < ?5`,
			task, item, millis(at), millis(since), most)
		begun = n == 1
		return err
	})
	return begun && err == nil, err
}

// EndStep records how a step ended. A step that certainly was not done becomes
// StepPlanned or StepSkipped and is no longer counted by BeginStep.
func (j *Journal) EndStep(ctx context.Context, task int64, item string, state StepState, note string) error {
	return j.change(ctx, "ending a step", func(t *tx) error {
		_, err := t.exec(ctx, `UPDATE step SET state = ?1, note = ?2, begun = iif(?1 IN ('planned', 'skipped'), 0, begun),
			tries = tries - (?1 = 'planned') WHERE task = ?3 AND item = ?4`, state, note, task, item)
		return err
	})
}
