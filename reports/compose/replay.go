package compose

import (
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// ReplayResult is the alerts that today's thresholds would have raised over the
// last days.
type ReplayResult struct {
	Days     int
	Since    time.Time // the first reading there is; zero: there is none
	Episodes []reports.Episode
}

// Replay says when and how often today's thresholds would have alerted.
func Replay(w Writer, r ReplayResult) reports.Message {
	if r.Since.IsZero() {
		return w.message(reports.ToneUnknown, w.Say("replay.nothing"))
	}
	m := w.message(reports.Plain, w.Count("replay.title", len(r.Episodes), i18n.Args{"Days": w.Count("days", r.Days)}))
	if from := w.Now.AddDate(0, 0, -r.Days); r.Since.Sub(from) > 24*time.Hour {
		m.Sections = append(m.Sections, reports.Section{Text: w.Say("replay.short", i18n.Args{"Date": w.date(r.Since)})})
	}
	for _, code := range checks.Codes() {
		s := reports.Section{}
		for _, e := range r.Episodes {
			if e.Code == code {
				s.Items = append(s.Items, reports.Item{Tone: toneOf(e.Worst), Text: w.dateTime(e.From), Note: episode(w, e)})
			}
		}
		if len(s.Items) > 0 {
			s.Heading = w.Count("replay.times", len(s.Items), i18n.Args{"Title": w.title(code)})
			m.Sections = append(m.Sections, s)
		}
	}
	return m
}

// episode says where, how high and how long.
func episode(w Writer, e reports.Episode) string {
	lasted := w.Say("replay.goeson")
	if !e.Until.IsZero() {
		lasted = w.Age(e.Until.Sub(e.From))
	}
	return strings.Join([]string{e.Server, w.Say("replay.peak", i18n.Args{"N": e.Peak}), lasted, w.Count("replay.told", len(e.Messages))}, " · ")
}
