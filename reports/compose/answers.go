package compose

import (
	"slices"

	"domovoy/i18n"
	"domovoy/reports"
)

// Refusal says why a request was not met.
func Refusal(w Writer, text string) reports.Message { return w.message(reports.Plain, text) }

// Person is the one who asks.
type Person struct {
	ID, Role, Chat string
}

// Whoami tells a person their id and role.
func Whoami(w Writer, p Person) reports.Message {
	m := w.message(reports.Plain, w.Locale.Say("whoami.title", i18n.Args{"Person": p.ID, "Role": w.Locale.Say("role." + p.Role)}))
	m.Sections = []reports.Section{{Text: w.Locale.Say("whoami.chat", i18n.Args{"Chat": p.Chat})}}
	return m
}

// Language confirms the language, in that language.
func LanguageSet(w Writer) reports.Message { return w.message(reports.Plain, w.Locale.Say("lang.set")) }

// Help lists commands by name. At a console it adds the word that leaves it,
// which a chat does not have.
func Help(w Writer, commands []string, atConsole bool) reports.Message {
	m := w.message(reports.Plain, w.Locale.Say("help.title"))
	section := reports.Section{}
	if atConsole {
		commands = append(slices.Clone(commands), "quit")
	}
	for _, c := range commands {
		section.Items = append(section.Items, reports.Item{Text: w.Locale.Say("help." + c + ".usage"), Note: w.Locale.Say("help." + c + ".text")})
	}
	m.Sections = []reports.Section{section, {Text: w.Locale.Say("help.more")}}
	return m
}

// Topic explains one command.
func HelpTopic(w Writer, command string) reports.Message {
	m := w.message(reports.Plain, w.Locale.Say("help."+command+".usage"))
	m.Sections = []reports.Section{{Text: w.Locale.Say("help." + command + ".text")}, {Text: w.Locale.Say("help." + command + ".details")}}
	return m
}

// Stop says that a task ends, or, where it is not open, that it had ended
// before.
func StopTask(w Writer, task string, open bool) reports.Message {
	key := "stop.over"
	if open {
		key = "stop.soon"
	}
	return w.message(reports.Plain, w.Locale.Say(key, i18n.Args{"Task": task}))
}

// Stopped says that a task ended before there was anything to tell.
func Stopped(w Writer) reports.Message {
	return w.message(reports.Plain, w.Locale.Say("task.stopped"))
}

// StopAction is the button that stops a task.
func (w Writer) stopAction(task string) reports.Action {
	return reports.Action{Label: w.Locale.Say("action.stop"), Command: "stop " + task}
}
