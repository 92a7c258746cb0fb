package compose

import (
	"maps"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// SweepBegun says how many sites are going to be checked. The message is edited
// later: to show progress, and at the end to the summary.
func SweepBegun(w Writer, total int) reports.Message {
	m := w.message(reports.Plain, w.Count("sweep.begun", total))
	m.Actions = []reports.Action{w.stopAction("{task}")} // the mark of the journal
	return m
}

// Sweeping shows the progress of a sweep.
func Sweeping(w Writer, task string, done, total int) reports.Message {
	m := w.message(reports.Plain, w.Say("sweep.progress", i18n.Args{"Done": done, "Total": total}))
	m.Actions = []reports.Action{w.stopAction(task)}
	return m
}

// SweepStopped says how many sites a sweep checked before it was stopped.
func SweepStopped(w Writer, done, total int) reports.Message {
	m := w.message(reports.Plain, w.Say("sweep.stopped", i18n.Args{"Done": done, "Total": total}))
	m.Sections = []reports.Section{{Text: w.Say("sweep.kept")}}
	return m
}

// SweepResult is what a sweep found.
type SweepResult struct {
	Domains int
	ByCode  map[checks.Code]int // sites by their verdicts
	Took    time.Duration
}

// Swept is the summary of a sweep, with buttons to the lists it fills.
func Swept(w Writer, s SweepResult) reports.Message {
	m := Summary(w, s)
	for _, l := range []struct {
		kind string
		n    int
	}{
		{"elsewhere", s.ByCode[checks.DNSElsewhere] + s.ByCode[checks.DNSPartly]},
		{"free", s.ByCode[checks.DNSUnregistered]},
		{"unknown", s.ByCode[checks.Unknown]},
	} {
		if l.n > 0 {
			m.Actions = append(m.Actions, reports.Action{Label: w.Say("action." + l.kind), Command: "list " + l.kind})
		}
	}
	return m
}

// Summary is the summary of a sweep, without buttons.
func Summary(w Writer, s SweepResult) reports.Message {
	causes := maps.Clone(s.ByCode)
	maps.DeleteFunc(causes, func(code checks.Code, n int) bool { return code == checks.OK || n == 0 })
	m := w.message(reports.Plain, w.Count("sweep.title", s.Domains, i18n.Args{"Age": s.Took, "OK": s.ByCode[checks.OK]}))
	if len(causes) > 0 {
		m.Sections = []reports.Section{{Items: w.causes(causes, len(causes))}}
	}
	return m
}
