package compose

import (
	"time"

	"domovoy/i18n"
	"domovoy/reports"
)

// Confirmation is somebody's yes to a plan that needs another one.
type Confirmation struct {
	Plan string
	Name string        // who confirmed
	Left time.Duration // until the plan expires
}

// Confirmed says that a plan is being carried out.
func (w Writer) Confirmed(plan string) reports.Message {
	m := w.message(reports.Plain, w.Locale.Say("confirm.begun", i18n.Args{"Plan": plan}))
	m.Actions = []reports.Action{w.StopAction("{task}")} // the mark of the journal
	return m
}

// ConfirmedFirst asks for another one's yes.
func (w Writer) ConfirmedFirst(c Confirmation) reports.Message {
	m := w.message(reports.ToneUnknown, w.Locale.Say("confirm.first", i18n.Args{"Name": c.Name, "Age": c.Left, "Plan": c.Plan}))
	m.Actions = []reports.Action{{Label: w.Locale.Say("action.confirm"), Command: "confirm " + c.Plan, Danger: true}}
	return m
}
