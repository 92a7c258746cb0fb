package golden

import (
	"time"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// replayCases are what today's thresholds would have told.
func replayCases() map[string]message {
	episodes := []reports.Episode{
		{Server: "isp1", Code: checks.PanelProcessing, From: ago(22 * day), Until: ago(22*day - 161*time.Minute), Peak: 163, Worst: checks.Critical, Told: make([]reports.Telling, 3)},
		{Server: "isp2", Code: checks.PanelProcessing, From: ago(9 * day), Until: ago(9*day - 35*time.Minute), Peak: 71, Worst: checks.Warning, Told: make([]reports.Telling, 2)},
		{Server: "isp1", Code: checks.PanelFailed, From: ago(5 * time.Hour), Peak: 52, Worst: checks.Critical, Told: make([]reports.Telling, 1)},
	}
	replay := func(r compose.Replay) message {
		return func(w compose.Writer) reports.Message { return w.Replay(r) }
	}
	return map[string]message{
		"replay":         replay(compose.Replay{Days: 30, Since: ago(30 * day), Episodes: episodes}),
		"replay.once":    replay(compose.Replay{Days: 30, Since: ago(30 * day), Episodes: episodes[:1]}),
		"replay.day":     replay(compose.Replay{Days: 1, Since: ago(30 * day), Episodes: episodes[2:]}),
		"replay.calm":    replay(compose.Replay{Days: 30, Since: ago(12 * day)}),
		"replay.nothing": replay(compose.Replay{Days: 30}),
	}
}
