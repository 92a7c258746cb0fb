package compose

import (
	"slices"
	"strings"

	"domovoy/i18n"
	"domovoy/reports"
)

// note is a number of a message, with the panel that it is of; empty: not of one.
type note struct {
	reports.Number
	panel string
}

// counting is the writer with a place for the numbers of one message.
func (w Writer) counting() Writer {
	w.notes = new([]note)
	return w
}

// of is the writer for the numbers of one panel.
func (w Writer) of(s reports.Server) Writer {
	w.panel = s.Name
	return w
}

// listed notes that the message says the length of a list, and returns it. The label
// is what its button says before the number; the words are the list's kind and
// filters. Every number of a digest, a weekly report or a status is said this way,
// in the order of the text, unless it counts nothing that could be listed: a
// threshold, a difference, a date.
func (w Writer) listed(n int, label string, words ...string) int {
	if w.notes == nil {
		return n
	}
	if w.panel != "" {
		words = append(words[:len(words):len(words)], "server="+w.panel)
	}
	*w.notes = append(*w.notes, note{reports.Number{N: n, Label: label, Command: listCommand(words)}, w.panel})
	return n
}

// numbers are those that were noted.
func (w Writer) numbers() []reports.Number {
	var all []reports.Number
	for _, x := range *w.notes {
		all = append(all, x.Number)
	}
	return all
}

// maxLists is how many buttons with lists a message has before those of each panel
// become one.
const maxLists = 24

// buttons open the lists behind the noted numbers: first those of no panel, then
// those of each panel in the given order. If these are too many, each panel has one
// button, to its status, which has them all. Without panels all are in the order of
// the text. How many sites there are comes last: it matters least.
func (w Writer) buttons(panels []string) []reports.Action {
	groups, all := map[string][]reports.Action{}, 0
	for _, x := range *w.notes {
		if x.N == 0 {
			continue
		}
		group, label := x.panel, x.Label
		if len(panels) == 0 {
			group = ""
		}
		if len(panels) > 1 && group != "" {
			label = group + " · " + label
		}
		all++
		groups[group] = append(groups[group], reports.Action{Label: w.counted(label, x.N), Command: x.Command})
	}
	buttons := sitesLast(groups[""])
	for _, panel := range panels {
		own := sitesLast(groups[panel])
		if len(own) > 0 && all > maxLists {
			own = []reports.Action{{Label: w.Say("action.panel", i18n.Args{"Server": panel}), Command: "status server=" + panel}}
		}
		buttons = append(buttons, own...)
	}
	return buttons
}

func sitesLast(actions []reports.Action) []reports.Action {
	last := func(a reports.Action) int {
		if strings.HasPrefix(a.Command, "list sites ") {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(actions, func(a, b reports.Action) int { return last(a) - last(b) })
	return actions
}
