package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"domovoy/checks"
	"domovoy/cmd/internal/app"
	"domovoy/reports"
)

// countsEvery is how far apart the demo's counts are.
const countsEvery = 6 * time.Hour

// addCounts gives the panel the counts of the months before its first reading.
// Those of certificates follow the dates at which the present troubles began and
// the past ones, over, were there; the others change slowly, or from day to day.
func (f facts) addCounts(ctx context.Context, a *app.App, over []reports.Incident) error {
	var runs []reports.Run
	first := f.now.Add(-sampled)
	for at := f.midnight(historyDays); at.Before(first); at = at.Add(countsEvery) {
		run := reports.Run{At: at}
		for _, now := range a.Counts() {
			if now.Known() {
				now.Value, now.Excused = f.count(now, at, over), 0
				run.Metrics = append(run.Metrics, now)
			}
		}
		runs = append(runs, run)
	}
	return a.Counted(ctx, runs)
}

// count is what a count was at a moment, by what it is now.
func (f facts) count(now checks.Metric, at time.Time, over []reports.Incident) int {
	days := f.now.Sub(at).Hours() / 24
	chance := int(hash(fmt.Sprint(now.Code, at.Unix())))
	switch now.Code {
	case checks.PanelFailed: // the panel gives up after a day
		return int(math.Round(float64(now.Value)*f.begun(at.AddDate(0, 0, -1)))) + open(over, at)/8
	case checks.PanelOverdue:
		return int(math.Round(float64(now.Value)*f.begun(at.AddDate(0, 0, -7)))) + open(over, at)/16
	case checks.PanelNoCertificate: // the team attaches one now and then
		return now.Value + int(days*0.3)
	case checks.PanelNoRedirect:
		return now.Value + int(days*0.6)
	case checks.PanelProcessing: // renewals are ordered at night
		if at.Hour() < 6 {
			return 20 + chance%25
		}
		return 3 + chance%12
	}
	return chance % (6 + 2*now.Value)
}

// begun is about which share of the present failures there was at a moment. Of the
// sites that failed then, a third of the present number are fixed or gone.
func (f facts) begun(at time.Time) float64 {
	now, then := 0, 0
	for _, t := range f.sites {
		if t.Failing.IsZero() {
			continue
		}
		if now++; t.Failing.Before(at) {
			then++
		}
	}
	const gone = 1. / 3
	return gone + (1-gone)*float64(then)/float64(max(1, now))
}

// open counts the incidents that were there at a moment.
func open(over []reports.Incident, at time.Time) int {
	n := 0
	for _, i := range over {
		if !i.Times.Opened.After(at) && i.Times.Resolved.After(at) {
			n++
		}
	}
	return n
}
