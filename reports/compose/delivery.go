package compose

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// Again marks a message that may have arrived before: how its sending ended is not
// known.
func Again(w Writer, m reports.Message) reports.Message {
	m.Sections = append(slices.Clip(m.Sections), reports.Section{Text: w.Say("delivery.again")})
	return m
}

// Replacement marks a message that takes the place of one which cannot be edited any more.
func Replacement(w Writer, m reports.Message) reports.Message {
	m.Sections = append(slices.Clip(m.Sections), reports.Section{Text: w.Say("delivery.replacement")})
	return m
}

// Details are what is folded in a message, as a message of its own, of when it was
// composed. It has no sections if nothing is folded.
func Details(w Writer, m reports.Message, at time.Time) reports.Message {
	_, folded := reports.Unfold(m.Sections)
	return reports.Message{Language: m.Language, Title: w.Say("delivery.details", i18n.Args{"At": w.dateTime(at)}), Sections: folded, Silent: true}
}

// Late says of a message that waited when it was made, and by which way it went
// before; empty: by none.
func Late(w Writer, m reports.Message, made time.Time, spared string) reports.Message {
	late := w.Say("delivery.late", i18n.Args{"At": w.dateTime(made), "Ago": w.Now.Sub(made)})
	if spared != "" {
		late += " " + w.Say("delivery.spared", i18n.Args{"Way": w.way(spared)})
	}
	m.Sections = slices.Insert(slices.Clone(m.Sections), 0, reports.Section{Text: late})
	return m
}

// Spare is a message that goes another way than usual, with the reason.
func Spare(w Writer, m reports.Message, why string) reports.Message {
	m.Silent = false
	m.Sections = slices.Insert(slices.Clone(m.Sections), 0, reports.Section{Text: why + " " + w.Say("delivery.spare")})
	return m
}

// maxMissed is how many problems a late message names.
const maxMissed = 30

// Missed tells in one message what came and went before it could be told, each
// problem once.
func Missed(w Writer, missed []reports.Missed) reports.Message {
	first, last := missed[0].Began, missed[0].Ended
	var lines []reports.Missed
	times := map[string]int{} // by title
	for _, x := range missed {
		if x.Began.Before(first) {
			first = x.Began
		}
		if x.Ended.After(last) {
			last = x.Ended
		}
		if times[x.Title]++; times[x.Title] == 1 {
			lines = append(lines, x)
		}
	}
	m := w.message(reports.ToneOver, w.Count("delivery.missed", len(missed), i18n.Args{"From": w.dateTime(first), "To": w.dateTime(last)}))
	m.Silent = true
	section := reports.Section{Left: max(0, len(lines)-maxMissed)}
	for _, x := range lines[:min(len(lines), maxMissed)] {
		note := w.Say("delivery.lasted", i18n.Args{"From": w.Clock(x.Began), "To": w.Clock(x.Ended)})
		if n := times[x.Title]; n > 1 {
			note = w.Count("delivery.times", n)
		}
		section.Items = append(section.Items, reports.Item{Text: x.Title, Note: note})
	}
	m.Sections = []reports.Section{section}
	return m
}

// ChatClosed says why a chat gets no messages.
func ChatClosed(w Writer, chat, reason string, since time.Time) string {
	return w.Say("delivery.closed.why", i18n.Args{"Chat": chat, "Reason": reason, "Since": w.dateTime(since)})
}

// MessengerOut says why a messenger gets no messages.
func MessengerOut(w Writer, messenger string, since time.Time, token bool) string {
	key := "delivery.out.why"
	if token {
		key = "delivery.token.why"
	}
	return w.Say(key, i18n.Args{"Messenger": w.messenger(messenger), "Since": w.dateTime(since)})
}

// ChatClosedNotice tells elsewhere that a chat gets no messages any more.
func ChatClosedNotice(w Writer, chat, reason string) reports.Message {
	m := w.message(reports.ToneWarning, w.Say("delivery.closed.title", i18n.Args{"Chat": chat}))
	m.Sections = []reports.Section{{Text: w.Say("delivery.closed.text", i18n.Args{"Reason": reason})}, w.ourStep("delivery.closed.next")}
	return m
}

// TokenRefused tells elsewhere that a messenger refuses the token.
func TokenRefused(w Writer, messenger, reason string) reports.Message {
	m := w.message(reports.ToneBad, w.Say("delivery.token.title", i18n.Args{"Messenger": w.messenger(messenger)}))
	m.Sections = []reports.Section{{Text: w.Say("delivery.token.text", i18n.Args{"Reason": reason})}, w.ourStep("delivery.token.next")}
	return m
}

// ourStep is a next step that is ours.
func (w Writer) ourStep(key string) reports.Section {
	return reports.Section{Text: w.Say("next.line", i18n.Args{"Step": w.Say(key), "Who": w.Say("who." + string(checks.Us))})}
}

// messenger is the name of a messenger for people.
func (w Writer) messenger(name string) string {
	if key := "messenger." + name; w.Has(key) {
		return w.Say(key)
	}
	return name
}

// way is an address for people: its messenger and the rest.
func (w Writer) way(address string) string {
	for i, r := range address {
		if r == ':' {
			return w.messenger(address[:i]) + " " + address[i+1:]
		}
	}
	return address
}

// DeliveryReport is the state of the delivery.
type DeliveryReport struct {
	Delivery
	Chats    []ChatReport
	Refusals []Refused
	Next     []DeliveryLine // that wait, in the order of sending
	Dropped  []DeliveryLine // that no messenger took
	Spares   int            // messages that went another way
	MayRetry bool           // the reader may have everything tried now
}

// ChatReport counts the messages of a chat, without its topics.
type ChatReport struct {
	Chat                   string
	Sent, Dropped, Waiting int
	Last                   time.Time // zero: none was accepted
	HeldUntil              time.Time // zero: the messenger did not ask to wait
}

// Refused is a chat that takes no messages.
type Refused struct {
	Chat   string
	Since  time.Time
	Reason string
}

// DeliveryLine is one message to one chat.
type DeliveryLine struct {
	Chat, Title, Rank string
	Made, Next        time.Time // Next may be zero
	Tries             int
	Error             string // may be empty
}

// Deliveries shows what was sent where, what waits and why, and which ways are
// closed.
func Deliveries(w Writer, r DeliveryReport) reports.Message {
	m := w.message(reports.Plain, w.Say("delivery.title"))
	if r.Waiting > 0 {
		m.Title = w.Count("delivery.waiting", r.Waiting)
	}
	closed := reports.Section{Heading: w.Say("delivery.heading.closed")}
	for _, o := range r.Out {
		closed.Items = append(closed.Items, reports.Item{Tone: reports.ToneBad, Text: MessengerOut(w, o.Messenger, o.Since, o.Token)})
	}
	for _, c := range r.Refusals {
		closed.Items = append(closed.Items, reports.Item{Tone: reports.ToneWarning, Text: ChatClosed(w, c.Chat, c.Reason, c.Since)})
	}
	chats := reports.Section{Heading: w.Say("delivery.heading.chats")}
	for _, c := range r.Chats {
		chats.Items = append(chats.Items, w.chatLine(c))
	}
	waiting := reports.Section{Heading: w.Say("delivery.heading.waiting"), Left: max(0, r.Waiting-len(r.Next))}
	for _, d := range r.Next {
		waiting.Items = append(waiting.Items, reports.Item{Text: strings.TrimSuffix(d.Chat+" · "+d.Title, " · "), Note: w.waitingNote(d)})
	}
	dropped := reports.Section{Heading: w.Say("delivery.heading.dropped"), Left: max(0, r.Lost-len(r.Dropped))}
	for _, d := range r.Dropped {
		dropped.Items = append(dropped.Items, reports.Item{Text: cmp.Or(d.Title, w.Say("delivery.rank."+d.Rank)), Note: w.Say("delivery.reason", i18n.Args{
			"Chat": d.Chat, "At": w.dateTime(d.Made), "Reason": checks.Clean(d.Error, maxReason)})})
	}
	for _, s := range []reports.Section{closed, waiting, dropped, chats} {
		if len(s.Items) > 0 {
			m.Sections = append(m.Sections, s)
		}
	}
	if r.Spares > 0 {
		m.Sections = append(m.Sections, reports.Section{Text: w.Say("delivery.spares", i18n.Args{"N": r.Spares})})
	}
	if r.MayRetry && r.Waiting > 0 {
		m.Actions = append(m.Actions, reports.Action{Label: w.Say("delivery.retry"), Command: "delivery retry"})
	}
	return m
}

// maxReason is how much of an error's text is shown, in runes.
const maxReason = 160

func (w Writer) waitingNote(d DeliveryLine) string {
	args := i18n.Args{"Rank": w.Say("delivery.rank." + d.Rank), "At": w.dateTime(d.Made), "Tries": d.Tries, "Next": "", "Error": checks.Clean(d.Error, maxReason)}
	if d.Next.After(w.Now) {
		args["Next"] = w.dateTime(d.Next)
	}
	return w.Say("delivery.tries", args)
}

func (w Writer) chatLine(c ChatReport) reports.Item {
	notes := []string{w.Say("delivery.sent", i18n.Args{"N": c.Sent})}
	if !c.Last.IsZero() {
		notes = append(notes, w.Say("delivery.last", i18n.Args{"At": w.dateTime(c.Last)}))
	}
	if c.Waiting > 0 {
		notes = append(notes, w.Say("delivery.waits", i18n.Args{"N": c.Waiting}))
	}
	if c.Dropped > 0 {
		notes = append(notes, w.Say("delivery.lost", i18n.Args{"N": c.Dropped}))
	}
	if c.HeldUntil.After(w.Now) {
		notes = append(notes, w.Say("delivery.held", i18n.Args{"At": w.dateTime(c.HeldUntil)}))
	}
	return reports.Item{Text: c.Chat, Note: strings.Join(notes, ", ")}
}

// DeliveryTried says that what waits is being tried.
func DeliveryTried(w Writer, n int) reports.Message {
	return w.message(reports.Plain, w.Say("delivery.tried", i18n.Args{"N": n}))
}

// ChatEnabled says that messages go to a chat again, or that they always did.
func ChatEnabled(w Writer, chat string, was bool) reports.Message {
	if was {
		return w.message(reports.Plain, w.Say("delivery.opened", i18n.Args{"Chat": chat}))
	}
	return w.message(reports.Plain, w.Say("delivery.open", i18n.Args{"Chat": chat}))
}
