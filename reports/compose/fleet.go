package compose

import (
	"fmt"
	"slices"
	"strings"

	"domovoy/i18n"
	"domovoy/reports"
)

// NoFleet says that the configuration has no fleet.
func NoFleet(w Writer) reports.Message { return w.message(reports.Plain, w.Say("fleet.off")) }

// Fleet says how the agents are, in the order in which they come. reached is false if
// the hub does not answer: then only their names are known.
func Fleet(w Writer, agents []reports.Agent, reached bool) reports.Message {
	if len(agents) == 0 && reached {
		return w.message(reports.Plain, w.Say("fleet.none"))
	}
	var list reports.Section
	var found []reports.AgentTrouble
	for _, a := range agents {
		item := reports.Item{Text: agentName(a)}
		if reached {
			trouble := a.Trouble(w.Now)
			if trouble != "" {
				found = append(found, trouble)
			}
			item.Tone, item.Note = agentTone(trouble), w.agentNote(a, trouble)
		}
		list.Items = append(list.Items, item)
	}
	if !reached {
		m := w.message(reports.ToneBad, w.Say("fleet.away"))
		m.Sections = []reports.Section{w.ourStep("fleet.next.away"), list}
		return m
	}
	var bad any = "" // a number is never empty in a text
	if len(found) > 0 {
		bad = len(found)
	}
	m := w.message(reports.ToneOver, w.Count("fleet.title", len(agents), i18n.Args{"Bad": bad}))
	if len(found) > 0 {
		m.Tone = reports.ToneWarning
	}
	if slices.Contains(found, reports.AgentSilent) {
		m.Tone = reports.ToneBad
	}
	m.Sections = []reports.Section{list}
	for _, trouble := range slices.Compact(found) { // the agents are sorted by it
		m.Sections = append(m.Sections, w.ourStep("fleet.next."+string(trouble)))
	}
	return m
}

func agentTone(t reports.AgentTrouble) reports.Tone {
	switch t {
	case "":
		return reports.Plain
	case reports.AgentSilent:
		return reports.ToneBad
	}
	return reports.ToneWarning
}

// agentName is the name with the panels, unless there is one panel of that name.
func agentName(a reports.Agent) string {
	if len(a.Panels) == 0 || len(a.Panels) == 1 && a.Panels[0] == a.Name {
		return a.Name
	}
	return fmt.Sprintf("%s (%s)", a.Name, strings.Join(a.Panels, ", "))
}

// agentNote is what is wrong with an agent, and what else is known of it.
func (w Writer) agentNote(a reports.Agent, trouble reports.AgentTrouble) string {
	if trouble == reports.AgentUnseen {
		return w.Say("fleet.unseen")
	}
	seen := w.Say("fleet.seen", i18n.Args{"Age": w.Now.Sub(a.Seen)})
	if trouble == reports.AgentSilent {
		seen = w.Say("fleet.silent", i18n.Args{"Age": w.Now.Sub(a.Seen)})
	}
	notes := []string{seen}
	if a.Version != "" {
		key := "fleet.version"
		switch {
		case a.Newer:
			key = "fleet.newer"
		case a.Older:
			key = "fleet.older"
		}
		notes = append(notes, w.Say(key, i18n.Args{"Version": a.Version}))
	}
	offset := strings.Replace(fmt.Sprintf("%+.0f", a.Offset.Seconds()), "-", "−", 1)
	notes = append(notes, w.Say("fleet.clock", i18n.Args{"Offset": offset}), w.Say("fleet.backlog", i18n.Args{"N": a.Backlog}))
	if can := w.abilities(a.Abilities); can != "" {
		notes = append(notes, can)
	}
	return strings.Join(notes, " · ")
}

// abilities are what an agent can do. One that is newer may name others.
func (w Writer) abilities(of []string) string {
	var words []string
	for _, ability := range of {
		if key := "fleet.can." + ability; w.Has(key) {
			ability = w.Say(key)
		}
		words = append(words, ability)
	}
	return strings.Join(words, ", ")
}
