package alerts

import (
	"context"
	"slices"
	"strings"
	"time"

	"domovoy/bot"
	"domovoy/checks"
	"domovoy/checks/cert"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// How much history is played before a replay begins, so that it begins with
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

// Replay answers what today's thresholds would have alerted over some days.
func (r *Recorder) Replay(ctx context.Context, days int, asked bot.Request) (bot.Answer, error) {
	from := asked.Now.AddDate(0, 0, -days)
	played := from.Add(-warmUp)
	if kept := asked.Now.Add(-exact); kept.Before(played) {
		played = kept
	}
	begun, err := r.journal.Baselines(ctx)
	if err != nil {
		return bot.Answer{}, err
	}
	sum := compose.ReplayResult{Days: days}
	for _, p := range r.watch.Panels() {
		runs, err := r.journal.MetricRuns(ctx, p.Name, played, asked.Now)
		if err != nil {
			return bot.Answer{}, err
		}
		for _, run := range runs {
			if !run.At.Before(from) && (sum.Since.IsZero() || run.At.Before(sum.Since)) {
				sum.Since = run.At
			}
		}
		sum.Episodes = append(sum.Episodes, reports.Episodes(r.watch.Policy.Replay(p.Name, runs, from, countsBegun(p.Name, begun)))...)
	}
	slices.SortStableFunc(sum.Episodes, func(x, y reports.Episode) int { return x.From.Compare(y.From) })
	return bot.Answer{Message: compose.Replay(asked.Writer(), sum), Data: replayData(sum)}, nil
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
	data := ReplayData{Days: r.Days, Since: bot.OrNull(r.Since), Alerts: []EpisodeData{}}
	for _, e := range r.Episodes {
		data.Alerts = append(data.Alerts, EpisodeData{e.Server, e.Code, e.Worst, e.From, bot.OrNull(e.Until), e.Peak, e.Messages})
	}
	return data
}
