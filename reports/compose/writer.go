package compose

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// Writer composes messages for one reader: in one language, at one moment.
type Writer struct {
	Locale *i18n.Locale
	Now    time.Time

	// Secrets lets links through that act in the account's name at the CA: only
	// for an administrator who reads alone.
	Secrets bool
}

// message begins a message in the reader's language.
func (w Writer) message(tone reports.Tone, title string) reports.Message {
	return reports.Message{Language: w.Locale.Language(), Tone: tone, Title: title}
}

// toneOf is the mark of a severity.
func toneOf(s checks.Severity) reports.Tone {
	switch s {
	case checks.Critical:
		return reports.ToneBad
	case checks.Warning:
		return reports.ToneWarning
	}
	return reports.Plain
}

// title says a code as it stands in a list.
func (w Writer) title(code checks.Code) string {
	return w.Locale.Say("code." + string(code) + ".title")
}

// explain says what a finding means, with its arguments.
func (w Writer) explain(f checks.Finding) string {
	return w.Locale.Say("code."+string(f.Code)+".explain", w.args(f.Args))
}

// next is the next step with the one who takes it. Where one can only wait,
// there is nobody to name.
func (w Writer) next(f checks.Finding) reports.Section {
	key := "next.line"
	if who := f.Code.Who(); who == checks.CA || who == checks.Nobody {
		key = "next.wait"
	}
	return reports.Section{Text: w.Locale.Say(key, i18n.Args{
		"Step": w.Step(f),
		"Who":  w.Locale.Say("who." + string(f.Code.Who())),
	})}
}

// Step says what to do about a finding, in a chat: one who may not see the link
// that a step needs is told how to come by it.
func (w Writer) Step(f checks.Finding) string {
	step := w.Locale.Say("code."+string(f.Code)+".next", w.args(f.Args))
	if link, _ := w.Visible(f.Args)[checks.Secret].(string); f.Code == checks.CAPaused && link == "" {
		step += " " + w.Locale.Say("next.link")
	}
	return step
}

// args turns a finding's arguments into those of a text: moments are told as
// a reader says them, those far off or of a registry by their day.
func (w Writer) args(a checks.Args) i18n.Args {
	words := i18n.Args{}
	for name, v := range w.Visible(a) {
		switch value := v.(type) {
		case time.Time:
			v = w.when(name, value)
		case string:
			if name == "name" { // whose trouble the CA tells of
				v = checks.Show(value)
			}
		}
		if code, ok := v.(string); ok && name == "code" {
			words["Title"] = w.title(checks.Code(code))
		}
		words[name] = v
	}
	return words
}

// Seen gives the arguments that the reader may see; never nil.
func (w Writer) Visible(a checks.Args) checks.Args {
	switch {
	case a == nil:
		return checks.Args{}
	case w.Secrets:
		return a
	}
	return a.Open()
}

// farOff is how far away a moment is told without its clock.
const farOff = 7 * 24 * time.Hour

// when tells a moment by its day where the clock says nothing: far from
// now, or given as a date (RFC 3339 of a registry: midnight UTC).
func (w Writer) when(name string, t time.Time) string {
	if name == "paid_till" || name == "free_date" || t.Sub(w.Now).Abs() > farOff {
		return w.Locale.Date(t, w.Now)
	}
	return w.Locale.DateTime(t, w.Now)
}

// tally is how many sites share a cause.
type tally struct {
	code checks.Code
	n    int
}

// causes counts codes, the most frequent first.
func causes(codes []checks.Code) []tally {
	counts := map[checks.Code]int{}
	for _, c := range codes {
		counts[c]++
	}
	tallies := make([]tally, 0, len(counts))
	for _, code := range slices.Sorted(maps.Keys(counts)) {
		tallies = append(tallies, tally{code, counts[code]})
	}
	slices.SortStableFunc(tallies, func(a, b tally) int { return cmp.Compare(b.n, a.n) })
	return tallies
}

// causeItems writes tallies as a list: "52  points elsewhere". What is beyond
// most becomes one line.
func (w Writer) causeItems(tallies []tally, most int) []reports.Item {
	var items []reports.Item
	rest := 0
	for i, t := range tallies {
		if i >= most {
			rest += t.n
			continue
		}
		items = append(items, reports.Item{Text: w.Locale.Number(t.n) + "  " + w.title(t.code)})
	}
	if rest > 0 {
		items = append(items, reports.Item{Text: w.Locale.Number(rest) + "  " + w.Locale.Say("cause.rest")})
	}
	return items
}

// sentence makes one of a clause: a capital, a full stop.
func sentence(clause string) string {
	first, size := utf8.DecodeRuneInString(clause)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(clause[size:], ".") + "."
}

// setMost names of a set are shown.
const setMost = 3

// showSet writes a budget's subject: a name, a registered domain, or names
// with commas between.
func showSet(subject string) string {
	names := strings.Split(subject, ",")
	more := len(names) - setMost
	for i, name := range names {
		names[i] = checks.Show(name)
	}
	if more > 0 {
		return strings.Join(names[:setMost], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}
