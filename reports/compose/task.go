package compose

import (
	"domovoy/i18n"
	"domovoy/reports"
)

// Stop is a task that somebody wants to end.
type Stop struct {
	Task string // its number
	Open bool   // it was still under way
}

// Stop says that a task ends, or has ended before.
func (w Writer) Stop(s Stop) reports.Message {
	key := "stop.over"
	if s.Open {
		key = "stop.soon"
	}
	return w.message(reports.Plain, w.Locale.Say(key, i18n.Args{"Task": s.Task}))
}

// Stopped says that a task ended before there was anything to tell.
func (w Writer) Stopped() reports.Message {
	return w.message(reports.Plain, w.Locale.Say("task.stopped"))
}

// StopAction is the button that stops a task.
func (w Writer) StopAction(task string) reports.Action {
	return reports.Action{Label: w.Locale.Say("action.stop"), Command: "stop " + task}
}
