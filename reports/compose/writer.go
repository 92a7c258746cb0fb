package compose

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// Writer is the reader a message is written for: in one language, at one
// moment. Its methods word what several topics share; each message itself is
// a function of a Writer and its facts.
type Writer struct {
	*i18n.Locale
	Now time.Time

	// Secrets lets links through that act in the account's name at the CA: only
	// for an administrator who reads alone.
	Secrets bool

	notes *[]note // where listed notes numbers; nil: nowhere
	panel string  // whose numbers are said; empty: not of one panel
}

// message begins a message in the reader's language.
func (w Writer) message(tone reports.Tone, title string) reports.Message {
	return reports.Message{Language: w.Language(), Tone: tone, Title: title}
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
	return w.Say("code." + string(code) + ".title")
}

// explain says what a finding means, with its arguments.
func (w Writer) explain(f checks.Finding) string {
	return w.Say("code."+string(f.Code)+".explain", w.args(f.Args))
}

// next is the next step and who takes it. Where one can only wait, nobody is
// named.
func (w Writer) next(f checks.Finding) reports.Section { return w.nextOf(f, "") }

// nextOf is next for one site: a customer who acts is named.
func (w Writer) nextOf(f checks.Finding, owner string) reports.Section {
	key := "next.line"
	who := f.Who()
	name := w.Say("who." + string(who))
	switch {
	case who == checks.CA || who == checks.Nobody:
		key = "next.wait"
	case who == checks.Customer && owner != "":
		name += " " + owner
	}
	return reports.Section{Text: w.Say(key, i18n.Args{"Step": w.Step(f), "Who": name})}
}

// Step says what to do about a finding. A reader who may not see the link that
// the step needs reads who can get it instead.
func (w Writer) Step(f checks.Finding) string {
	code := f.Code
	if f.Args[reports.DownArg] == true {
		code = checks.CADown
	}
	step := w.Say("code."+string(code)+".next", w.args(f.Args))
	if link, _ := w.Visible(f.Args)[checks.Secret].(string); f.Code == checks.CAPaused && link == "" {
		step += " " + w.Say("next.link")
	}
	return step
}

// args turns a finding's arguments into those of a text: moments become dates,
// a registry's dates (RFC 3339, midnight UTC) without the clock.
func (w Writer) args(a checks.Args) i18n.Args {
	words := i18n.Args{}
	for name, v := range w.Visible(a) {
		switch value := v.(type) {
		case time.Time:
			if v = w.when(value); name == "paid_till" || name == "free_date" {
				v = w.registryDay(value)
			}
		case int:
			if name == "port" { // a number, but not of anything
				v = strconv.Itoa(value)
			}
		case string:
			if name == "name" { // the name that the CA's words are about
				v = checks.Show(value)
			}
			if name == "tld" {
				v = checks.ToUnicode(value)
			}
		}
		if code, ok := v.(string); ok && name == "code" {
			words["Title"] = w.title(checks.Code(code))
		}
		words[name] = v
	}
	return words
}

// Visible is a finding's arguments that this reader may see; never nil.
func (w Writer) Visible(a checks.Args) checks.Args {
	switch {
	case a == nil:
		return checks.Args{}
	case w.Secrets:
		return a
	}
	return a.Open()
}

// date says the day of a moment.
func (w Writer) date(t time.Time) string { return w.Date(t, w.Now) }

// dateTime says a moment to the minute.
func (w Writer) dateTime(t time.Time) string { return w.DateTime(t, w.Now) }

// farOff is how far from now a moment is named by its day alone.
const farOff = 7 * 24 * time.Hour

// when says a moment to the minute, or its day alone if it is far from now.
func (w Writer) when(t time.Time) string {
	if t.Sub(w.Now).Abs() > farOff {
		return w.date(t)
	}
	return w.dateTime(t)
}

// causeName is the title of a share's cause; of several causes, that they are the others.
func (w Writer) causeName(s reports.Share) string {
	if len(s.Codes) > 1 {
		return w.Say("cause.rest")
	}
	return w.title(s.Codes[0])
}

// causes lists how many sites share a cause: "points elsewhere: 52", the most
// frequent first. Causes beyond most become one line.
func (w Writer) causes(counts map[checks.Code]int, most int) []reports.Item {
	var items []reports.Item
	for _, s := range reports.Shares(counts, most) {
		items = append(items, reports.Item{Text: w.counted(w.causeName(s), s.N)})
	}
	return items
}

// troubles is causes for all sites in trouble, of which each number has its list.
func (w Writer) troubles(counts map[checks.Code]int) []reports.Item {
	var items []reports.Item
	for _, s := range reports.Shares(counts, reports.TopCauses) {
		cause, name := string(s.Codes[0]), w.causeName(s)
		if len(s.Codes) > 1 {
			cause = reports.CauseRest
		}
		items = append(items, reports.Item{Text: w.counted(name, w.listed(s.N, name, "trouble", "cause="+cause))})
	}
	return items
}

// counted is a name with its number: "points elsewhere: 52".
func (w Writer) counted(what string, n int) string {
	return w.Say("cause.count", i18n.Args{"What": what, "N": n})
}

// listAction is the button behind a number: its label ends with the number, and
// its command lists as many.
func (w Writer) listAction(what string, n int, words ...string) reports.Action {
	return reports.Action{Label: w.counted(what, n), Command: listCommand(words)}
}

func listCommand(words []string) string {
	return strings.Join(append([]string{"list"}, words...), " ")
}

// countsOf are the panel's counts, and what was found of it as a whole.
func (w Writer) countsOf(s reports.Server) reports.Section {
	sites := w.listed(len(s.Snapshot.Sites), w.Say("action.sites"), "sites")
	heading := w.Count("status.server", sites, i18n.Args{"Server": s.Name})
	return reports.Section{Heading: heading, Items: w.countItems(s)}
}

// countItems are the panel's counts without a heading.
func (w Writer) countItems(s reports.Server) []reports.Item {
	var items []reports.Item
	for _, f := range s.Findings("") {
		if f.Severity <= checks.Info {
			continue // a note below
		}
		items = append(items, reports.Item{Tone: toneOf(f.Severity), Text: w.title(f.Code), Note: lastNote(w, f)})
	}
	for _, r := range s.Readings {
		items = append(items, countItem(w, r))
	}
	return items
}

// lastNote says when the panel's log last had a record, or since when the CA
// fails, if the finding knows.
func lastNote(w Writer, f checks.Finding) string {
	at, ok := f.Args["since"].(time.Time)
	switch {
	case !ok:
		return ""
	case f.Code == checks.CADown:
		return w.Say("down.since", i18n.Args{"At": w.dateTime(at)})
	}
	return w.Say("when.last", i18n.Args{"At": w.dateTime(at)})
}

// countItem is one count: its value, its threshold, its trend.
func countItem(w Writer, r reports.Reading) reports.Item {
	name := w.Say("metric." + string(r.Code))
	if !r.Known() {
		return reports.Item{Tone: reports.ToneUnknown, Text: w.Say("metric.unknown", i18n.Args{"Metric": name}), Note: unreadReason(w, r.Err)}
	}
	value := r.Value
	if kind, ok := listBehind(r.Code); ok {
		value = w.listed(r.Value, name, kind)
	}
	item := reports.Item{Tone: toneOf(r.Severity), Text: w.Say("metric.value", i18n.Args{"Metric": name, "N": value})}
	if t := r.Threshold.Critical; t > 0 {
		item.Text += " " + w.Say("metric.threshold", i18n.Args{"N": t})
	}
	if change := trend(w, r); change != "" {
		item.Text += ", " + change
	}
	switch {
	case r.Excused == 0:
	case r.Excused < r.Value:
		item.Note = w.Say("down.some")
	default:
		item.Note = w.Say("down.all")
	}
	return item
}

// trend says how the count changed since an hour and a day ago, where that
// is known and not nothing.
func trend(w Writer, r reports.Reading) string {
	var parts []string
	if r.Hour != nil && *r.Hour != r.Value {
		parts = append(parts, w.Say("trend.hour", i18n.Args{"Change": w.Change(r.Value - *r.Hour)}))
	}
	if r.Day != nil && *r.Day != r.Value {
		parts = append(parts, w.Say("trend.day", i18n.Args{"Change": w.Change(r.Value - *r.Day)}))
	}
	return strings.Join(parts, ", ")
}

// unreadReason says why a count could not be had: "missing: table.column", or the
// word for a panel that could not be read.
func unreadReason(w Writer, err string) string {
	word, what, _ := strings.Cut(err, ": ")
	return w.Say("trouble."+word, i18n.Args{"What": what})
}

// trouble says why a panel could not be read, and when it last was.
func (w Writer) trouble(s reports.Server) string {
	if s.Trouble == reports.NeverRead {
		return w.lastRead(s)
	}
	text := w.Say("trouble."+s.Trouble) + " "
	if slices.Contains(panelDoubts(), s.Trouble) {
		text += w.Say("trouble.believe") + " "
	}
	return text + w.lastRead(s)
}

// lastRead says when a panel was last read as a whole.
func (w Writer) lastRead(s reports.Server) string {
	if s.Read.IsZero() {
		return w.Say("trouble.never")
	}
	return w.Say("trouble.last", i18n.Args{"At": w.dateTime(s.Read)})
}

// since says, as a clause, when a problem began, or that it is at least that old.
// The start must be known.
func (w Writer) since(start reports.Start) string {
	return w.Say("when."+sinceWord(start), i18n.Args{"Date": w.date(start.At)})
}

// lasted says how long a problem lasted until it was over, or that it was at least
// that long. The start must be known.
func (w Writer) lasted(start reports.Start, over time.Time) string {
	key := "why.lasted"
	if !start.Exact {
		key = "why.lasted.least"
	}
	return w.Say(key, i18n.Args{"Age": over.Sub(start.At)})
}

// sinceWord is the last part of the key of a text that says when a problem began.
func sinceWord(start reports.Start) string {
	if start.Exact {
		return "since"
	}
	return "least"
}

// oldest names the site that is in trouble longest, since when and why.
func (w Writer) oldest(site string, start reports.Start, code checks.Code) string {
	return w.Say("weekly.oldest", i18n.Args{"Name": checks.Show(site), "Since": w.since(start), "Cause": w.title(code)})
}

// checkNames names what checks look at, each thing once. Checks of the server as
// a whole have no name and are left out.
func (w Writer) checkNames(names []string) []string {
	var labels []string
	for _, name := range names {
		if key := "looked." + name; w.Has(key) && !slices.Contains(labels, w.Say(key)) {
			labels = append(labels, w.Say(key))
		}
	}
	return labels
}

// limitName names a rate limit; one without a text by its code.
func (w Writer) limitName(code string) string {
	if key := "limits.name." + code; w.Has(key) {
		return w.Say(key)
	}
	return code
}

// coming says what changes at a CA within a month.
func (w Writer) coming(changes []reports.RuleChange) []reports.Section {
	var sections []reports.Section
	for _, c := range changes {
		sections = append(sections, reports.Section{Text: w.Say("limits.next", i18n.Args{"Date": w.date(c.Date), "Text": c.In(w.Language())})})
	}
	return sections
}

// stopAction is the button that stops a task.
func (w Writer) stopAction(task string) reports.Action {
	return reports.Action{Label: w.Say("action.stop"), Command: "stop " + task}
}

// moment says when an attempt was; zero: the log does not say.
func (w Writer) moment(t time.Time) string {
	if t.IsZero() {
		return w.Say("attempt.undated")
	}
	return w.dateTime(t)
}

func names(servers []reports.Server) []string {
	out := make([]string, len(servers))
	for i, s := range servers {
		out[i] = s.Name
	}
	return out
}

// phoneList is how many rows of each list a digest or weekly report shows.
const phoneList = 5
