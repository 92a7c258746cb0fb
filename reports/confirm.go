package reports

import (
	"time"

	"domovoy/i18n"
)

// Confirmation is somebody's yes to a plan that needs another one.
type Confirmation struct {
	Plan string
	Name string        // who confirmed
	Left time.Duration // until the plan expires
}

// Confirmed says that a plan is being carried out.
func (w Writer) Confirmed(plan string) Message {
	m := w.message(Plain, w.Locale.Say("confirm.begun", i18n.Args{"Plan": plan}))
	m.Actions = []Action{w.StopAction("{task}")} // the mark of the journal
	return m
}

// ConfirmedFirst asks for another one's yes.
func (w Writer) ConfirmedFirst(c Confirmation) Message {
	m := w.message(ToneUnknown, w.Locale.Say("confirm.first", i18n.Args{"Name": c.Name, "Age": c.Left, "Plan": c.Plan}))
	m.Actions = []Action{{Label: w.Locale.Say("action.confirm"), Command: "confirm " + c.Plan, Danger: true}}
	return m
}
