package bot

import (
	"context"
	"errors"
	"strconv"
	"time"

	"domovoy/reports/compose"
)

// sweepKind is the kind of a sweep that somebody asked for.
const sweepKind = "sweep"

// SweepData is the JSON of such a sweep.
type SweepData struct {
	Summary *SweepSummary `json:"summary"` // null: it was stopped
	Looked  int           `json:"looked"`  // sites looked at since it began, or last went on
	Total   int           `json:"total"`   // sites there were to look at then
}

// firstReading is how long a sweep waits for the panels to be read once.
const firstReading = 2 * time.Minute

// runSweep looks at every site that was not looked at since the sweep was
// asked for: after a restart, at the rest.
func runSweep(ctx context.Context, t *Task) (Answer, error) {
	b, w := t.Bot, t.Writer()
	b.watch.begun(ctx, firstReading)
	servers, err := b.servers(ctx, w.Now)
	if err != nil {
		return Answer{}, err
	}
	if err := outward(servers); err != nil {
		return Answer{}, err
	}
	data := SweepData{}
	err = b.Sweep(ctx, Sweep{Since: t.Times.Created, Apart: Apart, Progress: t.sweeping(&data)})
	switch {
	case err != nil && t.Stopped():
		return Answer{Message: compose.SweepStopped(w, data.Looked, data.Total), Data: data}, nil
	case errors.Is(err, ErrOffline):
		return Answer{}, &Refusal{Code: ResultUnavailable, Key: "refusal.offline"}
	case err != nil:
		return Answer{}, err
	}
	took := time.Since(t.Times.Created)
	sum, err := b.Swept(ctx, w.Locale, took, func(CheckData) error { return nil })
	data.Summary = &sum
	return Answer{Message: compose.Swept(t.Writer(), compose.SweepResult{Domains: sum.Domains, ByCode: sum.ByCode, Took: took}), Data: data}, err
}

// sweeping notes how far the sweep is, and composes what is shown of it as
// often as that is looked at.
func (t *Task) sweeping(data *SweepData) func(done, total int) {
	id, composed := strconv.FormatInt(t.ID, 10), time.Time{}
	return func(done, total int) {
		data.Looked, data.Total = done, total
		if now := time.Now(); now.Sub(composed) >= taskLook {
			composed = now
			t.Progress(compose.Sweeping(t.Writer(), id, done, total))
		}
	}
}
