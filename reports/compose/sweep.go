package compose

import (
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// SweepBegun says that so many sites are going to be looked at. The message
// then shows how far that is, until the summary takes its place.
func SweepBegun(w Writer, total int) reports.Message {
	m := w.message(reports.Plain, w.Locale.Count("sweep.begun", total))
	m.Actions = []reports.Action{w.stopAction("{task}")} // the mark of the journal
	return m
}

// Sweeping shows how far a sweep is.
func Sweeping(w Writer, task string, done, total int) reports.Message {
	m := w.message(reports.Plain, w.Locale.Say("sweep.progress", i18n.Args{"Done": done, "Total": total}))
	m.Actions = []reports.Action{w.stopAction(task)}
	return m
}

// SweepStopped says how far a sweep came that somebody stopped.
func SweepStopped(w Writer, done, total int) reports.Message {
	m := w.message(reports.Plain, w.Locale.Say("sweep.stopped", i18n.Args{"Done": done, "Total": total}))
	m.Sections = []reports.Section{{Text: w.Locale.Say("sweep.kept")}}
	return m
}

// Swept is what a sweep found.
type SweepResult struct {
	Domains int
	ByCode  map[checks.Code]int // sites by their verdicts
	Took    time.Duration
}

// Swept sums a sweep up where somebody reads it, with the lists it fills.
func Swept(w Writer, s SweepResult) reports.Message {
	m := Summary(w, s.Domains, s.ByCode, s.Took)
	for _, l := range []struct {
		kind string
		n    int
	}{
		{"elsewhere", s.ByCode[checks.DNSElsewhere] + s.ByCode[checks.DNSPartly]},
		{"free", s.ByCode[checks.DNSUnregistered]},
		{"unknown", s.ByCode[checks.Unknown]},
	} {
		if l.n > 0 {
			m.Actions = append(m.Actions, reports.Action{Label: w.Locale.Say("action." + l.kind), Command: "list " + l.kind})
		}
	}
	return m
}

// Summary composes what a sweep found.
func Summary(w Writer, domains int, byCode map[checks.Code]int, took time.Duration) reports.Message {
	var codes []checks.Code
	for code, n := range byCode {
		if code == checks.OK {
			continue
		}
		for range n {
			codes = append(codes, code)
		}
	}
	m := w.message(reports.Plain, w.Locale.Count("sweep.title", domains, i18n.Args{"Age": took, "OK": byCode[checks.OK]}))
	if len(codes) > 0 {
		m.Sections = []reports.Section{{Items: w.causeItems(causes(codes), len(byCode))}}
	}
	return m
}
