package journal

import (
	"context"
	"time"
)

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
