package compose

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// CancelProgress is how many authorizations have been cancelled.
type CancelProgress struct {
	Task        int64
	Done, Total int
	Rest        time.Duration // time left; 0: not known
	Until       time.Time     // when it resumes after a pause; zero: it is not paused
	Busy        bool          // the CA asked for the pause; false: the CA is unreachable
}

// Cancelling shows the progress, with the button that stops it.
func Cancelling(w Writer, c CancelProgress) reports.Message {
	m := w.message(reports.Plain, w.Say("cancel.progress", i18n.Args{"Done": c.Done, "Total": c.Total}))
	if c.Rest > 0 {
		m.Sections = []reports.Section{{Text: w.Say("cancel.rest", i18n.Args{"Age": c.Rest})}}
	}
	m.Actions = []reports.Action{w.stopAction(fmt.Sprint(c.Task))}
	return m
}

// CancelWaits says why cancelling is paused, and until when.
func CancelWaits(w Writer, c CancelProgress) reports.Message {
	m := Cancelling(w, CancelProgress{Task: c.Task, Done: c.Done, Total: c.Total})
	key := "cancel.waits.offline"
	if c.Busy {
		key = "cancel.waits.busy"
	}
	m.Sections = []reports.Section{{Text: w.Say(key, i18n.Args{"At": w.when(c.Until)})}}
	return m
}

// CancelResult is how a plan ended.
type CancelResult struct {
	Servers                           []string
	Stopped, Known                    bool // Known: the CA's price is known
	Deactivated, Skipped, Left, Price int
	Why                               map[string]int // of what was skipped
	Failed                            []CancelFailed
}

// CancelFailed is an authorization that could not be cancelled.
type CancelFailed struct {
	Name   string
	Why    string
	Detail string // may be empty
}

// Cancelled says how a plan ended.
func Cancelled(w Writer, r CancelResult) reports.Message {
	total := r.Deactivated + r.Skipped + r.Left + len(r.Failed)
	key := "cancel.result"
	if r.Stopped {
		key = "cancel.stopped"
	}
	tone := reports.ToneOver
	switch {
	case len(r.Failed) > 0:
		tone = reports.ToneWarning
	case r.Stopped:
		tone = reports.Plain
	}
	m := w.message(tone, w.Say(key, i18n.Args{"Servers": strings.Join(r.Servers, ", "), "Done": r.Deactivated, "Total": total}))
	var lines []string
	for _, why := range slices.Sorted(maps.Keys(r.Why)) {
		lines = append(lines, w.Say(skipKey(w, why), i18n.Args{"N": r.Why[why]}))
	}
	if r.Left > 0 {
		lines = append(lines, w.Say("cancel.skipped.left", i18n.Args{"N": r.Left}))
	}
	switch {
	case !r.Known && r.Deactivated > 0:
		lines = append(lines, w.Say("cancel.spent.unknown"))
	case r.Price > 0:
		lines = append(lines, w.Count("cancel.spent.failed", r.Price))
	}
	if len(lines) > 0 {
		m.Sections = append(m.Sections, reports.Section{Text: strings.Join(lines, "\n")})
	}
	if len(r.Failed) > 0 {
		m.Sections = append(m.Sections, failedOnes(w, r.Failed))
	}
	return m
}

// skipKey is the text of why something was skipped; a state of another CA has
// none of its own.
func skipKey(w Writer, why string) string {
	if key := "cancel.skipped." + why; w.Has(key) {
		return key
	}
	return "cancel.skipped.changed"
}

func failedOnes(w Writer, failed []CancelFailed) reports.Section {
	s := reports.Section{Heading: w.Say("cancel.failures", i18n.Args{"N": len(failed)})}
	for i, f := range failed {
		if i == mostNames {
			s.Left = len(failed) - mostNames
			break
		}
		key := "cancel.failed.trouble"
		if own := "cancel.failed." + f.Why; w.Has(own) {
			key = own
		}
		s.Items = append(s.Items, reports.Item{Text: checks.Show(f.Name), Note: w.Say(key) + f.Detail})
	}
	return s
}
