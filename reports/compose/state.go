package compose

import (
	"time"

	"domovoy/i18n"
	"domovoy/reports"
)

// StateEvent is what became of the bot's own state file.
type StateEvent struct {
	Kind string // restored, renewed, lost or again; of two bots, of which one speaks: taken, handed or bare
	Path string // of the state, or of the damaged one; may be empty
	Lost int64  // entries of the audit that are gone with the state before it

	Host   string    // of taken, handed and bare: where the bot is that spoke before
	Memory time.Time // of these: what happened until then is in the state; zero: nothing is
}

// StateFault says that the state cannot be kept, and what to do about it. reason is
// a word of the catalogs, under "state.why.".
func StateFault(w Writer, reason, path string) reports.Message {
	m := w.message(reports.ToneBad, w.Say("state.fault", i18n.Args{"Why": w.Say("state.why." + reason)}))
	m.Sections = []reports.Section{{Text: w.Say("state.mute")}, {Text: w.Say("state.next."+reason, i18n.Args{"Path": path})}}
	return m
}

// StateUnopened says that the program cannot start without its state, and what to do
// about it. reason is a word of the catalogs, under "state.why.".
func StateUnopened(w Writer, reason, path string) reports.Message {
	m := w.message(reports.ToneBad, w.Say("state.unopened", i18n.Args{"Why": w.Say("state.why." + reason)}))
	m.Sections = []reports.Section{{Text: w.Say("state.absent")}, {Text: w.Say("state.start."+reason, i18n.Args{"Path": path})}}
	return m
}

// StateExcuse answers a request that cannot be stored.
func StateExcuse(w Writer, reason string) reports.Message {
	return w.message(reports.ToneUnknown, w.Say("state.excuse", i18n.Args{"Why": w.Say("state.why." + reason)}))
}

// State says what became of the state.
func State(w Writer, e StateEvent) reports.Message {
	tone := reports.ToneWarning
	if e.Kind == "again" {
		tone = reports.ToneOver
	}
	m := w.message(tone, w.Say("state."+e.Kind, i18n.Args{"Host": e.Host, "At": w.Clock(w.Now)}))
	if e.Kind != "again" {
		args := i18n.Args{"Path": e.Path, "Entries": int(e.Lost), "Memory": ""}
		if !e.Memory.IsZero() {
			args["Memory"] = w.dateTime(e.Memory)
		}
		m.Sections = []reports.Section{{Text: w.Say("state.about."+e.Kind, args)}}
	}
	return m
}

// faultsShown is how many faults of a configuration a message lists.
const faultsShown = 5

// ConfigRefused says that a new configuration is not used, and why.
func ConfigRefused(w Writer, faults []string) reports.Message {
	m := w.message(reports.ToneWarning, w.Say("reload.refused"))
	section := reports.Section{Text: w.Count("reload.faults", len(faults))}
	for _, f := range faults[:min(faultsShown, len(faults))] {
		section.Items = append(section.Items, reports.Item{Text: f})
	}
	m.Sections = []reports.Section{section}
	return m
}

// SelfTest is one thing that was tested of the bot itself.
type SelfTest struct {
	Name    string               // state, audit, panel, alarm or chat
	Of      string               // the panel or the chat; else empty
	Error   string               // why it does not work, for programs; empty: it does
	Why     string               // then: the key of the text; empty for the audit and the alarm
	Trail   AuditTrail           // of the audit
	Alarm   *reports.CanaryFault // of the alarm, with Error
	Last    time.Time            // the last success of a panel or a chat; zero: there was none yet
	Waiting int                  // messages that wait for a chat
}

// SelfTested says whether the bot itself works.
func SelfTested(w Writer, all []SelfTest) reports.Message {
	bad := 0
	var section reports.Section
	for _, t := range all {
		item := reports.Item{Text: w.Say("selftest.of."+t.Name, i18n.Args{"Of": t.Of}), Note: w.Say("selftest.good")}
		switch {
		case t.Error != "" && t.Name == "audit":
			item.Note = t.Trail.fault(w)
		case t.Error != "" && t.Name == "alarm":
			item.Note = CanaryWhy(w, t.Alarm)
		case t.Error != "":
			item.Note = w.Say(t.Why, i18n.Args{"N": t.Waiting, "What": ""})
		case t.Name == "panel", (t.Name == "chat" || t.Name == "alarm") && !t.Last.IsZero():
			item.Note = w.Say("selftest.last."+t.Name, i18n.Args{"At": w.dateTime(t.Last)})
		case t.Name == "chat":
			item.Note = w.Say("selftest.unused")
		}
		if t.Error != "" {
			bad++
		}
		section.Items = append(section.Items, item)
	}
	m := w.message(reports.ToneOver, w.Say("selftest.well"))
	if bad > 0 {
		m = w.message(reports.ToneBad, w.Count("selftest.ill", bad))
	}
	m.Sections = []reports.Section{section}
	return m
}
