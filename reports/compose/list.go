package compose

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"strconv"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// PageSize is how many rows of a list a message shows.
const PageSize = 20

// Page is the page of a list that is asked for.
type Page struct {
	Kind    string
	Command string                              // what was asked, without the page
	Filter  string                              // what narrows the list, as it was typed; empty: nothing
	ByOwner bool                                // a row is an owner, with one or more sites
	Number  int                                 // from 1; what is beyond the ends becomes the nearest page
	Unread  []string                            // servers that could not be listed
	Stale   []reports.Server                    // servers that are listed as they were when last read
	Looked  []reports.Server                    // servers whose checks from outside the list rests on
	Instead Instead                             // what to say where the filter matches nothing
	Within  time.Duration                       // of a list about registrations: how soon they end; 0: checks.EndingWithin
	Domains map[checks.RegistrationStanding]int // of a list about registrations: what is known of the domains; nil: registries are not asked
	Unasked []reports.Unasked                   // of a list about registrations: the registries that could not be asked
	Drop    *reports.Dropping                   // of a list of droppable sites: what else is known of them; else nil
	At      time.Time                           // the snapshot that the list is of; zero: it is of now
}

// Instead is what a filter that matches nothing leaves out.
type Instead struct {
	All   int    // rows without the filter
	Owner string // a pattern that matches what a mistyped owner was probably about; empty: there is none
	Found int    // rows that Owner matches
}

// List shows one page of a list, with buttons to the others.
func List(w Writer, rows []reports.Row, p Page) reports.Message {
	pages := max(1, (len(rows)+PageSize-1)/PageSize)
	beyond := p.Number > pages
	p.Number = min(max(1, p.Number), pages)
	if len(rows) == 0 && p.Filter != "" && p.Instead.All > 0 {
		return nothingMatches(w, p)
	}
	m := w.message(reports.Plain, p.title(w, rows))
	m.Sections = listLacks(w, p)
	if p.Filter != "" { // else some would be taken for all
		m.Sections = append(m.Sections, reports.Section{Text: w.Say("list.pages.filter", i18n.Args{"Filter": p.Filter})})
	}
	if beyond && len(rows) > 0 {
		m.Sections = append(m.Sections, reports.Section{Text: w.Count("list.pages.beyond", pages)})
	}
	if p.Drop != nil && p.Drop.Unsure() > 0 {
		m.Sections = append(m.Sections, reports.Section{Text: w.Count("drop.unsure", p.Drop.Unsure())})
	}
	if len(rows) == 0 {
		return m
	}
	from := (p.Number - 1) * PageSize
	section := reports.Section{}
	var opens []reports.Action
	for n, r := range rows[from:min(from+PageSize, len(rows))] {
		open, ok := p.open(r, from+n+1)
		if string(r.Code) == "panel."+p.Kind {
			r.Code = "" // the title says it of them all
		}
		item := rowItem(w, r)
		if ok {
			item.Row, opens = open.Row, append(opens, open)
		}
		section.Items = append(section.Items, item)
	}
	m.Sections = append(m.Sections, section)
	if p.Drop != nil {
		m.Sections = append(m.Sections, dropPrice(w, p.Drop.Prices)...)
	}
	if pages == 1 {
		m.Actions = opens
		return m
	}
	m.Sections = append(m.Sections, reports.Section{Text: w.Say("list.pages.where", i18n.Args{"Page": p.Number, "Pages": pages})})
	if p.Number > 1 {
		m.Actions = append(m.Actions, reports.Action{Label: w.Say("action.previous"), Command: p.to(p.Number - 1)})
	}
	if p.Number < pages {
		m.Actions = append(m.Actions, reports.Action{Label: w.Say("action.next"), Command: p.to(p.Number + 1)})
	}
	m.Actions = append(m.Actions, reports.Action{Label: w.Say("action.file"), Command: p.Command + " file"})
	m.Actions = append(m.Actions, opens...) // the others keep their numbers at the console
	return m
}

// open is what a row offers: the check of its site, or the sites of its owner; false:
// it has none.
func (p Page) open(r reports.Row, number int) (reports.Action, bool) {
	a := reports.Action{Row: number}
	switch {
	case r.Unreadable != nil, strings.ContainsAny(r.Owner, " *?["), !strings.Contains(r.Domain, "."):
		return a, false
	case r.Sites > 0 && r.Owner == "":
		return a, false
	case r.Sites > 0:
		a.Label, a.Command = r.Owner, listCommand([]string{p.whole(), p.withOwner("owner=" + r.Owner)})
	case r.Code == "":
		return a, false
	default:
		a.Label, a.Command = checks.ToUnicode(r.Domain), "check "+r.Domain
	}
	a.Label = strconv.Itoa(number) + " · " + a.Label
	return a, true
}

func (p Page) to(number int) string { return p.Command + " page " + strconv.Itoa(number) }

// nothingMatches says that it is the filter that leaves nothing, not that all is
// well.
func nothingMatches(w Writer, p Page) reports.Message {
	m := w.message(reports.Plain, w.Say("list.filtered.none", i18n.Args{"List": p.Kind, "Filter": p.Filter}))
	text := w.Count("list.filtered.without", p.Instead.All)
	whole := p.whole()
	m.Actions = []reports.Action{w.listAction(w.Say("action.unfiltered"), p.Instead.All, whole)}
	if p.Instead.Owner != "" {
		owner := "owner=" + p.Instead.Owner
		text += " " + w.Say("list.filtered.owner", i18n.Args{"Filter": owner, "N": p.Instead.Found})
		m.Actions = append([]reports.Action{w.listAction(owner, p.Instead.Found, whole, p.withOwner(owner))}, m.Actions...)
	}
	m.Sections = append([]reports.Section{{Text: text}}, listLacks(w, p)...)
	return m
}

// whole are the words for the list without its filter: its kind, and its week.
func (p Page) whole() string {
	words := strings.TrimSuffix(strings.TrimPrefix(p.Command, "list "), " "+p.Filter)
	return strings.TrimSuffix(words, " "+ByOwner)
}

// withOwner is the filter with this owner in place of another.
func (p Page) withOwner(owner string) string {
	words, found := strings.Fields(p.Filter), false
	for i, word := range words {
		if strings.HasPrefix(word, "owner=") {
			words[i], found = owner, true
		}
	}
	if !found {
		words = append(words, owner)
	}
	return strings.Join(words, " ")
}

// listTitle says how many there are; of none, that there are none.
func listTitle(w Writer, kind string, n int) string {
	if n == 0 {
		return w.Say("list." + kind + ".none")
	}
	return w.Count("list."+kind+".title", n)
}

// listTitle is that of the list; registrations end within so many days.
func (p Page) listTitle(w Writer, n int) string {
	if p.Kind != "ending" {
		return listTitle(w, p.Kind, n)
	}
	args := i18n.Args{"Within": w.Count("days", int(cmp.Or(p.Within, checks.EndingWithin)/(24*time.Hour)))}
	if n == 0 {
		return w.Say("list.ending.none", args)
	}
	return w.Count("list.ending.title", n, args)
}

// title says how many rows there are; of owners, also how many sites they have.
func (p Page) title(w Writer, rows []reports.Row) string {
	if !p.ByOwner || len(rows) == 0 {
		return p.listTitle(w, len(rows))
	}
	sites := 0
	for _, r := range rows {
		sites += r.Sites
	}
	return w.Count("list.owners", len(rows), i18n.Args{"What": p.listTitle(w, sites)})
}

// listLacks says what the list cannot know.
func listLacks(w Writer, p Page) []reports.Section {
	var lacks []reports.Section
	if !p.At.IsZero() {
		lacks = append(lacks, reports.Section{Text: w.Say("weekly.asof", i18n.Args{"At": w.dateTime(p.At)})})
	}
	if len(p.Unread) > 0 {
		lacks = append(lacks, reports.Section{Text: w.Say("list.unread.some", i18n.Args{"Servers": p.Unread})})
	}
	for _, s := range p.Stale {
		lacks = append(lacks, reports.Section{Text: s.Name + ": " + w.trouble(s)})
	}
	if p.Kind == "ending" && p.At.IsZero() {
		lacks = append(lacks, registrationLacks(w, p)...)
	}
	unseen, since := 0, time.Time{}
	for _, s := range p.Looked {
		n, oldest := s.LookCoverage()
		unseen += n
		if since.IsZero() || !oldest.IsZero() && oldest.Before(since) {
			since = oldest
		}
	}
	switch {
	case !since.IsZero():
		text := w.Say("list.look.since", i18n.Args{"At": w.dateTime(since)})
		if unseen > 0 {
			text += " " + w.Count("list.look.unseen", unseen)
		}
		lacks = append(lacks, reports.Section{Text: text})
	case unseen > 0:
		lacks = append(lacks, reports.Section{Text: w.Count("list.look.unseen", unseen)})
	}
	return lacks
}

// registrationLacks says of which domains it is not known when their registration
// ends.
func registrationLacks(w Writer, p Page) []reports.Section {
	text := w.undatedDomains(p.Domains)
	if p.Domains == nil {
		text = w.Say("registration.off")
	}
	if text == "" {
		return nil
	}
	return []reports.Section{{Text: sentences(text, w.unasked(p.Unasked))}}
}

// rowItem is a row of a list: a site, an owner, or a value of the panel's database.
func rowItem(w Writer, r reports.Row) reports.Item {
	switch u := r.Unreadable; {
	case u != nil:
		return reports.Item{Text: w.Say("status.value", i18n.Args{"Place": r.Domain, "Row": u.Row, "Value": u.Value}), Note: r.Server}
	case r.Names != nil && r.Sites == 0:
		return dropItem(w, r)
	case r.Sites == 0:
		return reports.Item{Text: checks.Show(r.Domain), Note: rowNote(w, r)}
	}
	note := w.Count("weekly.sites", r.Sites) + ": " + checks.Show(r.Domain)
	if r.Code != "" && r.Code != checks.OK {
		note += " — " + w.title(r.Code)
	}
	if r.Sites > 1 {
		note += "; …"
	}
	return reports.Item{Text: cmp.Or(r.Owner, w.Say("files.noowner")), Note: note}
}

// rowNote says why, whose and since when.
func rowNote(w Writer, r reports.Row) string {
	if r.Ending != nil {
		return endingRow(w, r)
	}
	var parts []string
	if r.Name != "" {
		parts = append(parts, checks.Show(r.Name))
	}
	switch blind := blindTo(w, r); {
	case blind != "":
		parts = append(parts, w.Say("list.look.blind", i18n.Args{"What": blind}))
	case r.Code != "" && r.Code != checks.OK:
		parts = append(parts, w.title(r.Code))
	}
	if r.Was != "" {
		parts = append(parts, w.Say("list.row.was", i18n.Args{"Cause": w.title(r.Was)}))
	}
	if r.Was != "" && r.Code == "" {
		parts = append(parts, w.Say("list.row.gone"))
	}
	if more := rowMore(w, r); more != "" {
		parts = append(parts, more)
	}
	if r.Owner != "" {
		parts = append(parts, r.Owner)
	}
	if !r.Since.IsZero() && !r.Since.Equal(r.Ends) {
		parts = append(parts, w.since(reports.Start{At: r.Since, Exact: r.Exact}))
	}
	if !r.Until.IsZero() {
		parts = append(parts, w.Say("list.row.over", i18n.Args{"Date": w.date(r.Until)}))
	}
	switch {
	case r.Ends.IsZero():
	case r.Ends.After(w.Now):
		parts = append(parts, w.Say("when.ends", i18n.Args{"At": w.when(r.Ends)}))
	default:
		parts = append(parts, w.Say("when.ended", i18n.Args{"At": w.when(r.Ends)}))
	}
	return strings.Join(parts, " · ")
}

// rowMore is what a check from outside found besides the cause: whose addresses
// the name has, when it will be free.
func rowMore(w Writer, r reports.Row) string {
	if !r.Free.IsZero() {
		return w.Say("when.free", i18n.Args{"Date": w.date(r.Free)})
	}
	return r.To
}

// blindTo names the checks that could not look.
func blindTo(w Writer, r reports.Row) string {
	return w.List(w.checkNames(r.Blind))
}

// ListFile is a whole list as a file for a spreadsheet: UTF-8 with a mark and
// semicolons, as Excel wants it.
func ListFile(w Writer, rows []reports.Row, p Page) (reports.Message, error) {
	kind := p.Kind
	var buf bytes.Buffer
	buf.WriteString("\uFEFF")
	out := csv.NewWriter(&buf)
	out.Comma = ';'
	head := []string{"domain", "unicode", "owner", "server", "code", "cause", "since", "least"}
	more := map[string]string{"elsewhere": "to", "free": "free", "unknown": "blind", "expired": "ends", "expiring": "ends", "overdue": "ends", "ending": "paidtill",
		"fixed": "was", "left": "was", "passing": "was", "unreadable": "value"}[kind]
	if p.ByOwner {
		more = "sites"
	}
	switch {
	case kind == reports.Droppable && !p.ByOwner:
		head = append(head, "drop", "pass")
	case more != "":
		head = append(head, "name", more)
	}
	for i, h := range head {
		head[i] = w.Say("list.column." + h)
	}
	records := [][]string{head}
	for _, r := range rows {
		since, least := "", ""
		if !r.Since.IsZero() {
			since = w.Stamp(r.Since)
			if !r.Exact {
				least = w.Say("files.least")
			}
		}
		cause := ""
		if r.Code != "" {
			cause = w.title(r.Code)
		}
		record := []string{reports.PlainCell(r.Domain), reports.PlainCell(checks.ToUnicode(r.Domain)), reports.PlainCell(r.Owner), reports.PlainCell(r.Place()), string(r.Code), cause, since, least}
		switch {
		case r.Names != nil && !p.ByOwner:
			record = append(record, reports.PlainCell(w.DeadNames(r.Names.Dead)), reports.PlainCell(ShowNames(r.Names.Pass)))
		case more != "":
			record = append(record, reports.PlainCell(checks.ToUnicode(r.Name)), reports.PlainCell(moreCell(w, r)))
		}
		records = append(records, record)
	}
	if err := out.WriteAll(records); err != nil {
		return reports.Message{}, err
	}
	m := w.message(reports.Plain, p.title(w, rows))
	m.Files = []reports.File{{Name: kind + "-" + w.Now.Format(time.DateOnly) + ".csv", Type: "text/csv", Data: buf.Bytes()}}
	return m, nil
}

// moreCell is what the list is about, for a spreadsheet: a moment that can be
// sorted by; a registry's day as it gives it (midnight UTC).
func moreCell(w Writer, r reports.Row) string {
	switch u := r.Unreadable; {
	case u != nil:
		return w.Say("status.value", i18n.Args{"Place": r.Domain, "Row": u.Row, "Value": u.Value})
	case r.Sites > 0:
		return strconv.Itoa(r.Sites)
	case r.Was != "":
		return w.title(r.Was)
	case !r.Free.IsZero():
		return r.Free.UTC().Format(time.DateOnly)
	case r.Ending != nil:
		return r.Ends.UTC().Format(time.DateOnly)
	case !r.Ends.IsZero():
		return w.Stamp(r.Ends)
	}
	return cmp.Or(blindTo(w, r), r.To)
}
