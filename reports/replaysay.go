package reports

import (
	"slices"
	"time"

	"domovoy/checks"
)

// Episode is one alert of a replay, from its opening to its end.
type Episode struct {
	Server string
	Code   checks.Code
	From   time.Time // may be before the days that were asked for
	Until  time.Time // zero: it goes on
	Peak   int
	Worst  checks.Severity
	Told   []Telling
}

// Telling is one message of an alert.
type Telling struct {
	At   time.Time  `json:"at"`
	Kind ChangeKind `json:"kind"`
}

// Episodes folds what a replay told into alerts, in order of their beginning.
func Episodes(told []Replayed) []Episode {
	var episodes []Episode
	open := map[string]int{}
	for _, r := range told {
		key := r.Incident.Finding.Key()
		i, known := open[key]
		if !known {
			i = len(episodes)
			open[key] = i
			episodes = append(episodes, Episode{Server: r.Incident.Finding.Server, Code: r.Incident.Finding.Code, From: r.Incident.Times.Opened})
		}
		e := &episodes[i]
		e.Told = append(e.Told, Telling{r.At, r.Kind})
		e.Peak, e.Worst = max(e.Peak, r.Incident.Peak), max(e.Worst, r.Incident.Worst)
		if r.Kind == Resolved {
			e.Until = r.At
			delete(open, key)
		}
	}
	slices.SortStableFunc(episodes, func(a, b Episode) int { return a.From.Compare(b.From) })
	return episodes
}
