package compose

import (
	"domovoy/i18n"
	"domovoy/reports"
)

// CanaryCarried is the line by which a digest carries a test alarm.
func CanaryCarried(w Writer, m reports.Message) reports.Message {
	m.Sections = append(m.Sections[:len(m.Sections):len(m.Sections)], reports.Section{Text: w.Say("canary.carried")})
	return m
}

// Canary is the message that carries a test alarm, as far as it came: a quiet line if
// all is well or a panel could not be read, of which an alert of its own tells.
func Canary(w Writer, fault *reports.CanaryFault) reports.Message {
	switch {
	case fault == nil:
		m := w.message(reports.Plain, w.Say("canary.well"))
		m.Silent = true
		return m
	case fault.Step == reports.CanaryPanel:
		m := w.message(reports.ToneUnknown, w.Say("canary.blind", i18n.Args{"Of": fault.Of}))
		m.Sections = []reports.Section{{Text: w.Say("trouble."+fault.Reason) + " " + w.Say("canary.rest")}}
		m.Silent = true
		return m
	}
	m := w.message(reports.ToneBad, w.Say("canary.broken", i18n.Args{"Why": CanaryWhy(w, fault)}))
	m.Sections = []reports.Section{{Text: w.Say("canary.mute")}, {Text: w.Say("next.line", i18n.Args{"Step": w.Say("canary.next"), "Who": w.Say("who.us")})}}
	return m
}

// CanaryLost tells others that a test alarm does not arrive in a chat.
func CanaryLost(w Writer, fault *reports.CanaryFault) reports.Message {
	m := w.message(reports.ToneWarning, w.Say("canary.lost", i18n.Args{"Why": CanaryWhy(w, fault)}))
	m.Sections = []reports.Section{{Text: w.Say("canary.deaf")}}
	return m
}

// CanaryWhy says where a test alarm failed, as a part of a sentence.
func CanaryWhy(w Writer, fault *reports.CanaryFault) string {
	return w.Say("canary.fault."+string(fault.Step), i18n.Args{"Of": fault.Of, "Reason": fault.Reason})
}

// canary is the line of status about the test alarms; empty: there are none.
func (w Writer) canary(c reports.Canary) string {
	var line string
	switch {
	case c.Since.IsZero():
		return ""
	case c.Last.IsZero():
		line = w.Say("canary.never")
	case c.Late(w.Now):
		line = w.Say("canary.late", i18n.Args{"Age": w.Now.Sub(c.Last)})
	default:
		line = w.Say("canary.last", i18n.Args{"At": w.dateTime(c.Last)})
	}
	if fault := c.Missing(); fault != nil {
		line += " " + w.Say("canary.latest", i18n.Args{"Why": CanaryWhy(w, fault)})
	}
	return line
}
