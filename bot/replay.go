package bot

import (
	"context"
	"slices"
	"time"

	"domovoy/checks"
	"domovoy/reports"
)

// warmUp is how much is played before a replay begins, so that it begins with
// what was open by then.
const warmUp = 2 * 24 * time.Hour

// ReplayData is the JSON of a replay.
type ReplayData struct {
	Days   int           `json:"days"`
	Since  *time.Time    `json:"since"` // the first reading there is; null: none
	Alerts []EpisodeData `json:"alerts"`
}

// EpisodeData is one alert of a replay; Until is null where it goes on.
type EpisodeData struct {
	Server   string          `json:"server"`
	Code     checks.Code     `json:"code"`
	Severity checks.Severity `json:"severity"`
	From     time.Time       `json:"from"`
	Until    *time.Time      `json:"until"`
	Peak     int             `json:"peak"`
	Messages int             `json:"messages"`
}

// Replay tells what today's thresholds would have alerted over some days.
func (b *Bot) Replay(ctx context.Context, days int, r Request) (Answer, error) {
	from := r.Now.AddDate(0, 0, -days)
	sum := reports.Replay{Days: days}
	for _, p := range b.watch.panels {
		runs, err := b.journal.MetricRuns(ctx, p.Name, from.Add(-warmUp), r.Now)
		if err != nil {
			return Answer{}, err
		}
		for _, run := range runs {
			if !run.At.Before(from) && (sum.Since.IsZero() || run.At.Before(sum.Since)) {
				sum.Since = run.At
			}
		}
		sum.Episodes = append(sum.Episodes, reports.Episodes(b.policy.Replay(p.Name, runs, from))...)
	}
	slices.SortStableFunc(sum.Episodes, func(x, y reports.Episode) int { return x.From.Compare(y.From) })
	return Answer{Message: r.Writer().Replay(sum), Data: replayData(sum)}, nil
}

func replayData(r reports.Replay) ReplayData {
	data := ReplayData{Days: r.Days, Since: optional(r.Since), Alerts: []EpisodeData{}}
	for _, e := range r.Episodes {
		data.Alerts = append(data.Alerts, EpisodeData{e.Server, e.Code, e.Worst, e.From, optional(e.Until), e.Peak, e.Told})
	}
	return data
}

// optional is null in JSON where there is no moment.
func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
