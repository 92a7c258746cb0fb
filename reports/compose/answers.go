package compose

import (
	"domovoy/i18n"
	"domovoy/reports"
)

// Refusal says why a request was not met.
func (w Writer) Refusal(text string) reports.Message { return w.message(reports.Plain, text) }

// Person is the one who asks.
type Person struct {
	ID, Role, Chat string
}

// Whoami tells a person their id and role.
func (w Writer) Whoami(p Person) reports.Message {
	m := w.message(reports.Plain, w.Locale.Say("whoami.title", i18n.Args{"Person": p.ID, "Role": w.Locale.Say("role." + p.Role)}))
	m.Sections = []reports.Section{{Text: w.Locale.Say("whoami.chat", i18n.Args{"Chat": p.Chat})}}
	return m
}

// Language confirms the language, in that language.
func (w Writer) Language() reports.Message { return w.message(reports.Plain, w.Locale.Say("lang.set")) }

// Topic is a command to explain.
type Topic struct{ Command string }

// Help is what one may ask for.
type Help struct {
	Topics    []Topic
	AtConsole bool // which one leaves by a word; a chat has none
}

// Help lists commands.
func (w Writer) Help(h Help) reports.Message {
	m := w.message(reports.Plain, w.Locale.Say("help.title"))
	section := reports.Section{}
	for _, t := range h.Topics {
		section.Items = append(section.Items, reports.Item{Text: w.Locale.Say("help." + t.Command + ".usage"), Note: w.Locale.Say("help." + t.Command + ".text")})
	}
	if h.AtConsole {
		section.Items = append(section.Items, reports.Item{Text: w.Locale.Say("help.quit.usage"), Note: w.Locale.Say("help.quit.text")})
	}
	m.Sections = []reports.Section{section, {Text: w.Locale.Say("help.more")}}
	return m
}

// Topic explains one command.
func (w Writer) Topic(t Topic) reports.Message {
	m := w.message(reports.Plain, w.Locale.Say("help."+t.Command+".usage"))
	m.Sections = []reports.Section{{Text: w.Locale.Say("help." + t.Command + ".text")}, {Text: w.Locale.Say("help." + t.Command + ".details")}}
	return m
}

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
