package journal_test

import (
	"errors"
	"testing"
	"time"

	"domovoy/reports"
	"domovoy/reports/journal"
)

// planned keeps a plan that one person may confirm.
func planned(t *testing.T, j *journal.Journal) journal.Plan {
	t.Helper()
	return got(j.KeepPlan(t.Context(), journal.Plan{Kind: "count", Payload: []byte(`{"to":3}`), Hash: "h", Needs: 1,
		By: journal.Actor{Person: "c:1", Chat: "c:1"}, Times: journal.PlanTimes{Created: noon(), Expires: noon().Add(time.Hour)}}))(t)
}

func task(plan string) journal.Task {
	return journal.Task{Kind: "count", Payload: []byte(`{}`), By: journal.Actor{Person: "c:1", Chat: "c:1"}, Plan: plan,
		State: journal.TaskWaiting, Times: journal.TaskTimes{Created: noon()}}
}

// A plan is used once. The second use is ErrUsed, and nothing of the second task is
// stored.
func TestAPlanIsUsedOnce(t *testing.T) {
	j := open(t)
	p := planned(t, j)
	if kept := got(j.Plan(t.Context(), p.ID))(t); kept.Hash != "h" || string(kept.Payload) != `{"to":3}` || !kept.Times.Expires.Equal(p.Times.Expires) {
		t.Errorf("kept is %+v", kept)
	}
	d := say("c:1", "counting")
	d.Message.Actions = []reports.Action{{Label: "Stop", Command: "stop " + journal.TaskMark}}
	begun := got(j.Begin(t.Context(), 0, []journal.Delivery{d}, &journal.AuditEntry{At: noon(), Command: "confirm"}, task(p.ID)))(t)
	if begun.ID == 0 || begun.Delivery == 0 {
		t.Errorf("begun is %+v", begun)
	}
	if _, err := j.Begin(t.Context(), 0, []journal.Delivery{d}, &journal.AuditEntry{At: noon(), Command: "confirm"}, task(p.ID)); !errors.Is(err, journal.ErrUsed) {
		t.Errorf("again: %v", err)
	}
	if n := len(got(j.OpenTasks(t.Context()))(t)); n != 1 {
		t.Errorf("%d tasks are open", n)
	}
	if n, _ := waiting(t, j); n != 1 {
		t.Errorf("%d messages wait", n)
	}
	if n := len(got(j.AuditOf(t.Context(), "", 9))(t)); n != 1 {
		t.Errorf("%d entries", n)
	}
	if of := got(j.TaskOfPlan(t.Context(), p.ID))(t); of.ID != begun.ID {
		t.Errorf("the plan's task is %d", of.ID)
	}
	if _, err := j.Plan(t.Context(), "nope"); !errors.Is(err, journal.ErrNoPlan) {
		t.Errorf("no plan: %v", err)
	}
}

// Each plan has a different ID, even when there are many.
func TestPlansHaveIDsOfTheirOwn(t *testing.T) {
	j := open(t)
	ids := map[string]bool{}
	for range 300 {
		id := planned(t, j).ID
		if len(id) < 4 || ids[id] {
			t.Fatalf("the id %q", id)
		}
		ids[id] = true
	}
}

// A task that is over stays unchanged, and its messages are sent once.
func TestATaskEndsOnce(t *testing.T) {
	j := open(t)
	begun := got(j.Begin(t.Context(), 0, nil, nil, task("")))(t)
	must(t, j.StartTask(t.Context(), begun.ID, noon()))
	if was := got(j.StopTask(t.Context(), begun.ID, journal.AuditEntry{At: noon(), Command: "stop"}))(t); was.State != journal.TaskRunning {
		t.Errorf("before it was stopped it was %s", was.State)
	}
	must(t, j.PostponeTask(t.Context(), begun.ID, noon().Add(time.Hour))) // a stopping task does not wait
	if is := got(j.Task(t.Context(), begun.ID))(t); is.State != journal.TaskStopping || !is.Times.Next.IsZero() {
		t.Errorf("it is %+v", is)
	}
	begun.State, begun.Times.Finished, begun.Result = journal.TaskStopped, noon(), []byte(`{"n":1}`)
	for range 2 {
		must(t, j.FinishTask(t.Context(), begun, []journal.Delivery{say("c:1", "stopped")}, &journal.AuditEntry{At: noon(), Command: "count"}))
	}
	must(t, j.StartTask(t.Context(), begun.ID, noon()))
	if is := got(j.Task(t.Context(), begun.ID))(t); is.State != journal.TaskStopped || string(is.Result) != `{"n":1}` {
		t.Errorf("it is %+v", is)
	}
	if n, _ := waiting(t, j); n != 1 {
		t.Errorf("there are %d messages about it", n)
	}
	if n := len(got(j.AuditOf(t.Context(), "", 9))(t)); n != 2 {
		t.Errorf("%d entries", n)
	}
	must(t, j.Prune(t.Context(), noon().Add(365*24*time.Hour)))
	if _, err := j.Task(t.Context(), begun.ID); !errors.Is(err, journal.ErrNoTask) {
		t.Errorf("a year later: %v", err)
	}
}

// Steps are counted by name over all tasks, without those that certainly were not
// done.
func TestStepsArePaced(t *testing.T) {
	j := open(t)
	first, second := got(j.Begin(t.Context(), 0, nil, nil, task("")))(t).ID, got(j.Begin(t.Context(), 0, nil, nil, task("")))(t).ID
	step := func(item string) journal.Step {
		return journal.Step{Item: item, Name: "a shop.ru", State: journal.StepPlanned}
	}
	must(t, j.KeepSteps(t.Context(), first, []journal.Step{step("1"), step("2")}))
	must(t, j.KeepSteps(t.Context(), second, []journal.Step{step("3"), {Item: "4", Name: "a blog.ru", State: journal.StepPlanned}}))
	begin := func(id int64, item string, after time.Duration) bool {
		at := noon().Add(after)
		return got(j.BeginStep(t.Context(), id, item, at, at.Add(-time.Hour), 2))(t)
	}
	if !begin(first, "1", 0) || !begin(first, "2", time.Minute) || begin(second, "3", 2*time.Minute) || !begin(second, "4", 2*time.Minute) {
		t.Error("two of a name, and all others")
	}
	if !begin(first, "2", 3*time.Minute) {
		t.Error("the same one again counts once")
	}
	must(t, j.EndStep(t.Context(), first, "1", journal.StepDone, ""))
	must(t, j.EndStep(t.Context(), first, "2", journal.StepPlanned, ""))
	if !begin(second, "3", 4*time.Minute) {
		t.Error("one that was not done counts no more")
	}
	if acted := got(j.BegunSteps(t.Context(), noon()))(t); acted["a shop.ru"] != 2 || acted["a blog.ru"] != 1 {
		t.Errorf("acted: %v", acted)
	}
	steps := got(j.Steps(t.Context(), first))(t)
	if len(steps) != 2 || steps[0].State != journal.StepDone || steps[1].State != journal.StepPlanned || steps[1].Tries != 1 || !steps[1].Begun.IsZero() {
		t.Errorf("the steps are %+v", steps)
	}
}
