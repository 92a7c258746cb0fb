package compose

import (
	"slices"
	"strconv"

	"domovoy/i18n"
	"domovoy/reports"
)

// takeButtons is how many problems of a list get a button.
const takeButtons = 5

// Problems lists the open problems with the numbers by which they are taken and
// silenced.
func Problems(w Writer, problems []reports.Problem) reports.Message {
	if len(problems) == 0 {
		return w.message(reports.Plain, w.Say("problems.none"))
	}
	m := w.message(reports.Plain, w.Say("problems.title", i18n.Args{"N": len(problems)}))
	section := reports.Section{}
	for _, p := range problems {
		number := strconv.FormatInt(p.ID, 10)
		section.Items = append(section.Items, reports.Item{Tone: toneOf(p.Told.Severity), Text: number + " · " + problemTitle(w, p), Note: problemNote(w, p)})
		if !p.IsTaken(w.Now) && len(m.Actions) < takeButtons {
			m.Actions = append(m.Actions, reports.Action{Label: w.Say("action.takeone", i18n.Args{"N": p.ID}), Command: "ack " + number})
		}
	}
	m.Sections = []reports.Section{section}
	return m
}

// ProblemActions are buttons that name problems to a command, the worst first. To escalate one
// calls people.
func ProblemActions(w Writer, problems []reports.Problem, command string) []reports.Action {
	problems = slices.Clone(problems)
	slices.SortStableFunc(problems, func(a, b reports.Problem) int { return int(b.Told.Severity - a.Told.Severity) })
	var all []reports.Action
	for _, p := range problems {
		number := strconv.FormatInt(p.ID, 10)
		all = append(all, reports.Action{Label: number + " · " + problemTitle(w, p), Command: command + " " + number, Danger: command == "escalate"})
	}
	return all
}

// problemTitle is a problem with its number of sites or its count.
func problemTitle(w Writer, p reports.Problem) string {
	if p.Told.Value == 0 {
		return problemName(w, p)
	}
	return problemName(w, p) + " — " + w.Number(p.Told.Value)
}

// problemNote says since when it is there and who takes care of it.
func problemNote(w Writer, p reports.Problem) string {
	note := w.Say("problems.since", i18n.Args{"At": w.dateTime(p.Opened)})
	for _, s := range standing(w, p) {
		note += "; " + s.Text
	}
	return note
}

// Taken answers the one who took a problem.
func Taken(w Writer, p reports.Problem) reports.Message {
	m := w.message(reports.Plain, w.Say("ack.title", i18n.Args{"Problem": p.ID, "What": problemName(w, p)}))
	m.Sections = []reports.Section{{Text: w.Say("ack.text", i18n.Args{"Until": w.dateTime(p.Life.Taken.Until)})}}
	m.Silent = true
	return m
}

// Handed answers the one who offered a problem to somebody.
func Handed(w Writer, p reports.Problem) reports.Message {
	m := w.message(reports.Plain, w.Say("hand.title", i18n.Args{"Problem": p.ID, "To": p.Life.Handed.To, "What": problemName(w, p)}))
	m.Sections = []reports.Section{{Text: w.Say("hand.text")}}
	m.Silent = true
	return m
}

// EscalatedTo answers the one who asked for the next step of the escalation.
func EscalatedTo(w Writer, problem int64, step reports.Step) reports.Message {
	m := w.message(reports.Plain, w.Say("escalate.title", i18n.Args{"Problem": problem, "To": step.To}))
	m.Silent = true
	return m
}

// Silenced answers the one who asked for a silence.
func Silenced(w Writer, s reports.Silence) reports.Message {
	key := "silence.begun"
	if s.Start.After(w.Now) {
		key = "silence.planned"
	}
	m := w.message(reports.Plain, w.Say(key, silenceArgs(w, s)))
	m.Sections = []reports.Section{{Text: w.Say("silence.text")}}
	m.Actions = []reports.Action{unsilence(w, s)}
	m.Silent = true
	return m
}

// Unsilenced answers the one who ended a silence.
func Unsilenced(w Writer, s reports.Silence) reports.Message {
	m := w.message(reports.Plain, w.Say("silence.ended", silenceArgs(w, s)))
	m.Silent = true
	return m
}

// Silences lists the silences that last or are to come, with buttons for open
// problems that could be silenced, too.
func Silences(w Writer, silences []reports.Silence, open []reports.Problem) reports.Message {
	m := w.message(reports.Plain, w.Say("silence.none"))
	if len(silences) > 0 {
		m = silenced(w, silences)
	}
	if len(open) > 0 {
		m.Sections = append(m.Sections, reports.Section{Text: w.Say("silence.pick")})
		m.Actions = append(m.Actions, ProblemActions(w, open, "silence")...)
	}
	return m
}

func silenced(w Writer, silences []reports.Silence) reports.Message {
	m := w.message(reports.Plain, w.Say("silence.title", i18n.Args{"N": len(silences)}))
	section := reports.Section{}
	for _, s := range silences {
		key := "silence.lasts"
		if s.Start.After(w.Now) {
			key = "silence.coming"
		}
		section.Items = append(section.Items, reports.Item{Text: w.Say(key, silenceArgs(w, s)), Note: silencedBy(s) + ": " + s.Reason})
		if len(m.Actions) < takeButtons {
			m.Actions = append(m.Actions, unsilence(w, s))
		}
	}
	m.Sections = []reports.Section{section}
	return m
}

func unsilence(w Writer, s reports.Silence) reports.Action {
	return reports.Action{Label: w.Say("action.unsilence", i18n.Args{"N": s.ID}), Command: "unsilence " + strconv.FormatInt(s.ID, 10)}
}

func silenceArgs(w Writer, s reports.Silence) i18n.Args {
	return i18n.Args{"Silence": s.ID, "About": MatchText(w, s.Match), "Reason": s.Reason,
		"From": w.dateTime(s.Start), "Until": w.dateTime(s.End)}
}

// silencedBy is the name of who asked for a silence.
func silencedBy(s reports.Silence) string {
	if s.Name == "" {
		return s.Person
	}
	return s.Name
}

// MatchText says what a silence is about, as one types it.
func MatchText(w Writer, m reports.Match) string {
	text := ""
	add := func(s string) {
		if text != "" {
			text += " "
		}
		text += s
	}
	if m.Problem != 0 {
		add(w.Say("silence.problem", i18n.Args{"Problem": m.Problem}))
	}
	for _, x := range []struct{ key, value string }{{"name", m.Site}, {"owner", m.Owner}, {"cause", m.Cause}, {"server", m.Server}} {
		if x.value != "" {
			add(x.key + "=" + x.value)
		}
	}
	return text
}
