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

// Cancels is how far cancelling is.
type CancelProgress struct {
	Task        int64
	Done, Total int
	Rest        time.Duration // how long it takes yet; 0: not told
	Until       time.Time     // it goes on then; zero: it is under way
	Busy        bool          // the CA asked for the pause; else it cannot be reached
}

// Cancelling shows how far cancelling is.
func Cancelling(w Writer, c CancelProgress) reports.Message {
	m := w.message(reports.Plain, w.Locale.Say("cancel.progress", i18n.Args{"Done": c.Done, "Total": c.Total}))
	if c.Rest > 0 {
		m.Sections = []reports.Section{{Text: w.Locale.Say("cancel.rest", i18n.Args{"Age": c.Rest})}}
	}
	m.Actions = []reports.Action{w.stopAction(fmt.Sprint(c.Task))}
	return m
}

// CancelWaits says why cancelling rests, and until when.
func CancelWaits(w Writer, c CancelProgress) reports.Message {
	m := Cancelling(w, CancelProgress{Task: c.Task, Done: c.Done, Total: c.Total})
	key := "cancel.waits.offline"
	if c.Busy {
		key = "cancel.waits.busy"
	}
	m.Sections = []reports.Section{{Text: w.Locale.Say(key, i18n.Args{"At": w.when("", c.Until)})}}
	return m
}

// CancelResult is what became of a plan.
type CancelResult struct {
	Servers                           []string
	Stopped, Known                    bool
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

// CancelResult says what became of a plan.
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
	m := w.message(tone, w.Locale.Say(key, i18n.Args{"Servers": strings.Join(r.Servers, ", "), "Done": r.Deactivated, "Total": total}))
	var lines []string
	for _, why := range slices.Sorted(maps.Keys(r.Why)) {
		lines = append(lines, w.Locale.Say(skipKey(w, why), i18n.Args{"N": r.Why[why]}))
	}
	if r.Left > 0 {
		lines = append(lines, w.Locale.Say("cancel.skipped.left", i18n.Args{"N": r.Left}))
	}
	switch {
	case !r.Known && r.Deactivated > 0:
		lines = append(lines, w.Locale.Say("cancel.spent.unknown"))
	case r.Price > 0:
		lines = append(lines, w.Locale.Count("cancel.spent.failed", r.Price))
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
	if key := "cancel.skipped." + why; w.Locale.Has(key) {
		return key
	}
	return "cancel.skipped.changed"
}

func failedOnes(w Writer, failed []CancelFailed) reports.Section {
	s := reports.Section{Heading: w.Locale.Say("cancel.failures", i18n.Args{"N": len(failed)})}
	for i, f := range failed {
		if i == mostNames {
			s.Left = len(failed) - mostNames
			break
		}
		key := "cancel.failed.trouble"
		if own := "cancel.failed." + f.Why; w.Locale.Has(own) {
			key = own
		}
		s.Items = append(s.Items, reports.Item{Text: checks.Show(f.Name), Note: w.Locale.Say(key) + f.Detail})
	}
	return s
}
