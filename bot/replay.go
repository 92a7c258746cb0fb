package bot

import (
	"context"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/checks/cert"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// The history that is played before a replay begins, so that it begins with
// what was open by then: at least so much, and all of which every reading is
// kept.
const (
	warmUp = 2 * 24 * time.Hour
	exact  = 35 * 24 * time.Hour // before now
)

// ReplayData is the JSON of a replay.
type ReplayData struct {
	Days   int           `json:"days"`
	Since  *time.Time    `json:"since"` // the first reading there is; null: none
	Alerts []EpisodeData `json:"alerts"`
}

// EpisodeData is one alert of a replay; Until is null where it goes on.
type EpisodeData struct {
	Server   string                   `json:"server"`
	Code     checks.Code              `json:"code"`
	Severity checks.Severity          `json:"severity"`
	From     time.Time                `json:"from"`
	Until    *time.Time               `json:"until"`
	Peak     int                      `json:"peak"`
	Messages []reports.EpisodeMessage `json:"messages"`
}

// Replay tells what today's thresholds would have alerted over some days.
func (b *Bot) Replay(ctx context.Context, days int, r Request) (Answer, error) {
	from := r.Now.AddDate(0, 0, -days)
	played := from.Add(-warmUp)
	if kept := r.Now.Add(-exact); kept.Before(played) {
		played = kept
	}
	begun, err := b.journal.Baselines(ctx)
	if err != nil {
		return Answer{}, err
	}
	sum := compose.ReplayResult{Days: days}
	for _, p := range b.watch.panels {
		runs, err := b.journal.MetricRuns(ctx, p.Name, played, r.Now)
		if err != nil {
			return Answer{}, err
		}
		for _, run := range runs {
			if !run.At.Before(from) && (sum.Since.IsZero() || run.At.Before(sum.Since)) {
				sum.Since = run.At
			}
		}
		sum.Episodes = append(sum.Episodes, reports.Episodes(b.policy.Replay(p.Name, runs, from, countsBegun(p.Name, begun)))...)
	}
	slices.SortStableFunc(sum.Episodes, func(x, y reports.Episode) int { return x.From.Compare(y.From) })
	return Answer{Message: compose.Replay(r.Writer(), sum), Data: replayData(sum)}, nil
}

// countsBegun is when the watch of each count of a panel began, by its check:
// see beginning.
func countsBegun(server string, begun map[string]time.Time) map[string][]time.Time {
	counts := map[string][]time.Time{}
	for name, at := range begun {
		if check, ok := strings.CutPrefix(name, server+"/"); ok && strings.HasPrefix(check, reports.CountCheck+".") {
			counts[check] = append(counts[check], at)
		}
	}
	overdue := reports.CountCheck + "." + string(checks.PanelOverdue)
	if files, ok := begun[server+"/"+cert.FileCheck]; ok && len(counts[overdue]) > 0 {
		counts[overdue] = append(counts[overdue], files)
	}
	return counts
}

func replayData(r compose.ReplayResult) ReplayData {
	data := ReplayData{Days: r.Days, Since: optional(r.Since), Alerts: []EpisodeData{}}
	for _, e := range r.Episodes {
		data.Alerts = append(data.Alerts, EpisodeData{e.Server, e.Code, e.Worst, e.From, optional(e.Until), e.Peak, e.Messages})
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
