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

// ErrNoTask is what is said of a task that there is not.
var ErrNoTask = errors.New("there is no such task")

// TaskState is where a task stands.
type TaskState string

// States of a task.
const (
	TaskWaiting  TaskState = "waiting"  // to be begun, or gone on with, at Next or later
	TaskRunning  TaskState = "running"  // under way, or the process died over it
	TaskStopping TaskState = "stopping" // somebody wants it to end
	TaskStopped  TaskState = "stopped"
	TaskDone     TaskState = "done"
	TaskFailed   TaskState = "failed"
)

// Open reports whether there is still something to be done.
func (s TaskState) Open() bool { return s == TaskWaiting || s == TaskRunning || s == TaskStopping }

// Actor is who has something done, and where.
type Actor struct {
	Person   string // immutable id
	Name     string // as shown then
	Role     string
	Chat     string
	Language string
}

// Task is work that takes long, begun by a person.
type Task struct {
	ID       int64
	Kind     string
	Payload  json.RawMessage
	By       Actor
	Plan     string // the plan it carries out, which it uses up; empty: none
	Delivery int64  // whose message shows how far it is; 0: nobody is shown
	State    TaskState
	Times    TaskTimes
	Result   json.RawMessage // nil until it ended
}

// TaskTimes are a task's moments; zero: not yet.
type TaskTimes struct {
	Created, Next, Started, Finished time.Time
}

// TaskMark stands in an action's command for the ID of the task that the
// message is about, which is not known before both are stored: "stop {task}".
const TaskMark = "{task}"

// Begin marks an update as handled and keeps the task that it began, with the
// answers, of which the first shows how far the task is, and an audit entry if
// there is one: all or nothing. An update of 0 is none. The task's plan is
// used up; ErrUsed says that it was before.
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

// reply answers an update, or nobody's.
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
	err = j.look(ctx, "reading open tasks", func(t *tx) error {
		tasks, err = all(ctx, t, scanTask, `SELECT `+taskColumns+` FROM task WHERE state IN ('waiting', 'running', 'stopping') ORDER BY id`)
		return err
	})
	return tasks, err
}

// Task of that ID, or ErrNoTask.
func (j *Journal) Task(ctx context.Context, id int64) (task Task, err error) {
	err = j.look(ctx, "reading a task", func(t *tx) error {
		task, err = t.task(ctx, `id = ?`, id)
		return err
	})
	return task, err
}

// TaskOfPlan is the task that used a plan up, or ErrNoTask.
func (j *Journal) TaskOfPlan(ctx context.Context, plan string) (task Task, err error) {
	err = j.look(ctx, "reading a plan's task", func(t *tx) error {
		task, err = t.task(ctx, `plan = ? ORDER BY id DESC LIMIT 1`, plan)
		return err
	})
	return task, err
}

func (t *tx) task(ctx context.Context, where string, arg any) (Task, error) {
	task, ok, err := one(ctx, t, scanTask, `SELECT `+taskColumns+` FROM task WHERE `+where, arg)
	if err == nil && !ok {
		err = fmt.Errorf("%w: %v", ErrNoTask, arg)
	}
	return task, err
}

// StartTask notes that a task is under way, again or for the first time.
func (j *Journal) StartTask(ctx context.Context, id int64, at time.Time) error {
	return j.change(ctx, "starting a task", func(t *tx) error {
		_, err := t.exec(ctx, `UPDATE task SET state = 'running', started = iif(started = 0, ?, started)
			WHERE id = ? AND state IN ('waiting', 'running')`, millis(at), id)
		return err
	})
}

// PutOff has a task go on at a later moment.
func (j *Journal) PutOff(ctx context.Context, id int64, next time.Time) error {
	return j.change(ctx, "putting a task off", func(t *tx) error {
		_, err := t.exec(ctx, `UPDATE task SET state = iif(state = 'running', 'waiting', state), next = iif(state = 'stopping', 0, ?) WHERE id = ?`, millis(next), id)
		return err
	})
}

// StopTask has an open task end soon, and gives it as it was before. Of one
// that is over nothing changes, and no entry is kept.
func (j *Journal) StopTask(ctx context.Context, id int64, entry AuditEntry) (task Task, err error) {
	err = j.change(ctx, "stopping a task", func(t *tx) error {
		if task, err = t.task(ctx, `id = ?`, id); err != nil || !task.State.Open() || task.State == TaskStopping {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE task SET state = 'stopping', next = 0 WHERE id = ?`, id); err != nil {
			return err
		}
		return t.audit(ctx, entry)
	})
	return task, err
}

// FinishTask notes a task's end and result, enqueues what is to be told of it
// and keeps an audit entry if there is one: all or nothing. A task that is
// over already is left alone.
func (j *Journal) FinishTask(ctx context.Context, task Task, told []Delivery, entry *AuditEntry) error {
	return j.change(ctx, "finishing a task", func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE task SET state = ?, finished = ?, result = ? WHERE id = ? AND state IN ('waiting', 'running', 'stopping')`,
			task.State, millis(task.Times.Finished), string(task.Result), task.ID)
		if err != nil || n == 0 {
			return err
		}
		_, err = t.reply(ctx, 0, told, entry)
		return err
	})
}

// ShowTask replaces the message that shows how far a task is.
func (j *Journal) ShowTask(ctx context.Context, d Delivery) error {
	_, err := j.Enqueue(ctx, []Delivery{d})
	return err
}

// marked puts an ID where its mark stands in commands.
func marked(actions []reports.Action, mark string, id int64) []reports.Action {
	out := append([]reports.Action(nil), actions...)
	for i := range out {
		out[i].Command = strings.ReplaceAll(out[i].Command, mark, strconv.FormatInt(id, 10))
	}
	return out
}

// StepState is where an act stands.
type StepState string

// States of a step.
const (
	StepPlanned StepState = "planned"
	StepBegun   StepState = "begun" // it may have been done: look before doing it again
	StepDone    StepState = "done"
	StepSkipped StepState = "skipped"
	StepFailed  StepState = "failed"
)

// Step is one act of a task on one thing outside.
type Step struct {
	Item  string // what is acted upon, such as an authorization's URL
	Name  string // what its pace is counted by
	State StepState
	Begun time.Time // the last time; zero: never
	Tries int       // how often it was begun
	Note  string    // why it was skipped or failed; may be empty
}

// KeepSteps notes what a task is going to do; those that are noted already
// stay as they are.
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

// Steps of a task, in the order of what they act upon.
func (j *Journal) Steps(ctx context.Context, task int64) (steps []Step, err error) {
	scan := func(s scanner) (x Step, err error) {
		err = s.Scan(&x.Item, &x.Name, &x.State, stamp{&x.Begun}, &x.Tries, &x.Note)
		return x, err
	}
	err = j.look(ctx, "reading steps", func(t *tx) error {
		steps, err = all(ctx, t, scan, `SELECT item, name, state, begun, tries, note FROM step WHERE task = ? ORDER BY item`, task)
		return err
	})
	return steps, err
}

// Acted counts by name the acts that were begun since a moment, over all
// tasks.
func (j *Journal) Acted(ctx context.Context, since time.Time) (map[string]int, error) {
	acted := map[string]int{}
	scan := func(s scanner) (struct{}, error) {
		var name string
		var n int
		err := s.Scan(&name, &n)
		acted[name] = n
		return struct{}{}, err
	}
	err := j.look(ctx, "counting acts", func(t *tx) error {
		_, err := all(ctx, t, scan, `SELECT name, count(*) FROM step WHERE begun >= ? AND begun > 0 AND name <> ''
			AND state IN ('begun', 'done', 'failed') GROUP BY name`, millis(since))
		return err
	})
	return acted, err
}

// BeginStep notes that an act is about to be done, if its name has been acted
// upon less than most times since a moment, over all tasks; false: it has not.
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

// EndStep notes how an act ended. One that was surely not done goes back to
// being planned, and counts no more.
func (j *Journal) EndStep(ctx context.Context, task int64, item string, state StepState, note string) error {
	return j.change(ctx, "ending a step", func(t *tx) error {
		_, err := t.exec(ctx, `UPDATE step SET state = ?1, note = ?2, begun = iif(?1 IN ('planned', 'skipped'), 0, begun),
			tries = tries - (?1 = 'planned') WHERE task = ?3 AND item = ?4`, state, note, task, item)
		return err
	})
}
