package journal_test

import (
	"errors"
	"testing"
	"time"

	"domovoy/reports/journal"
)

func TestJobs(t *testing.T) {
	j := open(t)
	ctx := t.Context()
	same(t, "before the first run", len(got(j.Runs(ctx, "daily", 1))(t)), 0)

	yesterday := noon().Add(-24 * time.Hour)
	same(t, "started", got(j.StartRun(ctx, "daily", yesterday, yesterday.Add(time.Second)))(t), true)
	must(t, j.FinishRun(ctx, "daily", yesterday, yesterday.Add(time.Minute), "panel unavailable"))
	same(t, "a finished one is not started again", got(j.StartRun(ctx, "daily", yesterday, noon()))(t), false)
	same(t, "started", got(j.StartRun(ctx, "daily", noon(), noon()))(t), true)
	same(t, "and again, since the process died", got(j.StartRun(ctx, "daily", noon(), noon().Add(time.Minute)))(t), true)
	same(t, "another job", got(j.StartRun(ctx, "weekly", noon(), noon()))(t), true)

	same(t, "the last run", got(j.Runs(ctx, "daily", 1))(t), []journal.Run{{Job: "daily", Due: noon(), Started: noon().Add(time.Minute)}})
	same(t, "runs", got(j.Runs(ctx, "daily", 9))(t), []journal.Run{
		{Job: "daily", Due: noon(), Started: noon().Add(time.Minute)},
		{Job: "daily", Due: yesterday, Started: yesterday.Add(time.Second), Finished: yesterday.Add(time.Minute), Error: "panel unavailable"},
	})
	if err := j.FinishRun(ctx, "daily", noon().Add(time.Hour), noon(), ""); err == nil {
		t.Error("a run that was not started was finished")
	}
}

// The messages of a run and its end are stored together.
func TestEnqueueFor(t *testing.T) {
	j := open(t)
	ctx := t.Context()
	same(t, "started", got(j.StartRun(ctx, "daily", noon(), noon()))(t), true)
	if _, err := j.EnqueueFor(ctx, "daily", noon(), []journal.Delivery{say("", "to nowhere")}); err == nil {
		t.Fatal("no error")
	}
	same(t, "not finished: it may be started again", got(j.StartRun(ctx, "daily", noon(), noon()))(t), true)
	same(t, "enqueued", len(got(j.EnqueueFor(ctx, "daily", noon(), []journal.Delivery{say("c:1", "digest")}))(t)), 1)
	same(t, "finished with it", got(j.StartRun(ctx, "daily", noon(), noon()))(t), false)
	if _, err := j.EnqueueFor(ctx, "daily", noon(), []journal.Delivery{say("c:1", "digest")}); !errors.Is(err, journal.ErrFinished) {
		t.Errorf("got %v: no message is enqueued twice", err)
	}
	same(t, "a run nobody started", len(got(j.EnqueueFor(ctx, "daily", noon().Add(time.Hour), nil))(t)), 0)
	same(t, "deliveries", due(t, j, 0), []string{"digest"})
	n, _ := waiting(t, j)
	same(t, "waiting", n, 1)
}

func TestLanguage(t *testing.T) {
	j := open(t)
	_, ok, err := j.Language(t.Context(), "slack:C")
	must(t, err)
	same(t, "nothing chosen", ok, false)
	for _, want := range []string{"en", "ru"} {
		must(t, j.SetLanguage(t.Context(), "slack:C", want))
		language, ok, err := j.Language(t.Context(), "slack:C")
		must(t, err)
		same(t, "chosen", []any{language, ok}, []any{want, true})
	}
}
