package reports

import "domovoy/i18n"

// Stop is a task that somebody wants to end.
type Stop struct {
	Task string // its number
	Open bool   // it was still under way
}

// Stop says that a task ends, or has ended before.
func (w Writer) Stop(s Stop) Message {
	key := "stop.over"
	if s.Open {
		key = "stop.soon"
	}
	return w.message(Plain, w.Locale.Say(key, i18n.Args{"Task": s.Task}))
}

// Stopped says that a task ended before there was anything to tell.
func (w Writer) Stopped() Message { return w.message(Plain, w.Locale.Say("task.stopped")) }

// StopAction is the button that stops a task.
func (w Writer) StopAction(task string) Action {
	return Action{Label: w.Locale.Say("action.stop"), Command: "stop " + task}
}
