package reports

import (
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
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

// Replay is what today's thresholds would have told of some days.
type Replay struct {
	Days     int
	Since    time.Time // the first reading there is; zero: there is none
	Episodes []Episode
}

// Replay says when and how often today's thresholds would have alerted.
func (w Writer) Replay(r Replay) Message {
	if r.Since.IsZero() {
		return w.message(ToneUnknown, w.Locale.Say("replay.nothing"))
	}
	m := w.message(Plain, w.Locale.Count("replay.title", len(r.Episodes), i18n.Args{"Days": w.Locale.Count("days", r.Days)}))
	if from := w.Now.AddDate(0, 0, -r.Days); r.Since.Sub(from) > 24*time.Hour {
		m.Sections = append(m.Sections, Section{Text: w.Locale.Say("replay.short", i18n.Args{"Date": w.Locale.Date(r.Since, w.Now)})})
	}
	for _, code := range checks.Codes() {
		s := Section{}
		for _, e := range r.Episodes {
			if e.Code == code {
				s.Items = append(s.Items, Item{Tone: toneOf(e.Worst), Text: w.Locale.DateTime(e.From, w.Now), Note: w.episode(e)})
			}
		}
		if len(s.Items) > 0 {
			s.Heading = w.Locale.Count("replay.times", len(s.Items), i18n.Args{"Title": w.title(code)})
			m.Sections = append(m.Sections, s)
		}
	}
	return m
}

// episode says where, how high and how long.
func (w Writer) episode(e Episode) string {
	lasted := w.Locale.Say("replay.goeson")
	if !e.Until.IsZero() {
		lasted = w.Locale.Age(e.Until.Sub(e.From))
	}
	return strings.Join([]string{e.Server, w.Locale.Say("replay.peak", i18n.Args{"N": e.Peak}), lasted, w.Locale.Count("replay.told", len(e.Told))}, " · ")
}
