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
	Command string           // what was asked, without the page
	Filter  string           // what narrows the list, as it was typed; empty: nothing
	Number  int              // from 1; what is beyond the ends becomes the nearest page
	Unread  []string         // servers that could not be listed
	Stale   []reports.Server // servers that are listed as they were when last read
	Looked  []reports.Server // servers whose checks from outside the list rests on
}

// List shows one page of a list, with buttons to the others.
func List(w Writer, rows []reports.Row, p Page) reports.Message {
	pages := max(1, (len(rows)+PageSize-1)/PageSize)
	p.Number = min(max(1, p.Number), pages)
	m := w.message(reports.Plain, listTitle(w, p.Kind, len(rows)))
	m.Sections = listLacks(w, p)
	if p.Filter != "" { // else some would be taken for all
		m.Sections = append(m.Sections, reports.Section{Text: w.Say("list.pages.filter", i18n.Args{"Filter": p.Filter})})
	}
	if len(rows) == 0 {
		return m
	}
	from := (p.Number - 1) * PageSize
	section := reports.Section{}
	for _, r := range rows[from:min(from+PageSize, len(rows))] {
		if string(r.Code) == "panel."+p.Kind {
			r.Code = "" // the title says it of them all
		}
		section.Items = append(section.Items, reports.Item{Text: checks.Show(r.Domain), Note: rowNote(w, r)})
	}
	m.Sections = append(m.Sections, section)
	if pages == 1 {
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
	return m
}

func (p Page) to(number int) string { return p.Command + " page " + strconv.Itoa(number) }

// listTitle says how many there are; of none, that there are none.
func listTitle(w Writer, kind string, n int) string {
	if n == 0 {
		return w.Say("list." + kind + ".none")
	}
	return w.Count("list."+kind+".title", n)
}

// listLacks says what the list cannot know.
func listLacks(w Writer, p Page) []reports.Section {
	var lacks []reports.Section
	if len(p.Unread) > 0 {
		lacks = append(lacks, reports.Section{Text: w.Say("list.unread.some", i18n.Args{"Servers": p.Unread})})
	}
	for _, s := range p.Stale {
		lacks = append(lacks, reports.Section{Text: s.Name + ": " + w.trouble(s)})
	}
	unseen, since := 0, time.Time{}
	for _, s := range p.Looked {
		n, oldest := s.LookCoverage()
		unseen += n
		if since.IsZero() || !oldest.IsZero() && oldest.Before(since) {
			since = oldest
		}
	}
	if !since.IsZero() {
		text := w.Say("list.look.since", i18n.Args{"At": w.dateTime(since)})
		if unseen > 0 {
			text += " " + w.Count("list.look.unseen", unseen)
		}
		lacks = append(lacks, reports.Section{Text: text})
	}
	return lacks
}

// rowNote says why, whose and since when.
func rowNote(w Writer, r reports.Row) string {
	var parts []string
	if r.Name != "" {
		parts = append(parts, checks.Show(r.Name))
	}
	switch blind := blindTo(w, r); {
	case blind != "":
		parts = append(parts, w.Say("list.look.blind", i18n.Args{"What": blind}))
	case r.Code != "":
		parts = append(parts, w.title(r.Code))
	}
	if more := rowMore(w, r); more != "" {
		parts = append(parts, more)
	}
	if r.Owner != "" {
		parts = append(parts, r.Owner)
	}
	if !r.Since.IsZero() {
		parts = append(parts, w.Say("when.since", i18n.Args{"Date": w.date(r.Since)}))
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
func ListFile(w Writer, rows []reports.Row, kind string) (reports.Message, error) {
	var buf bytes.Buffer
	buf.WriteString("\uFEFF")
	out := csv.NewWriter(&buf)
	out.Comma = ';'
	head := []string{"domain", "unicode", "owner", "server", "code", "cause", "since"}
	more := map[string]string{"elsewhere": "to", "free": "free", "unknown": "blind"}[kind]
	if more != "" {
		head = append(head, "name", more)
	}
	for i, h := range head {
		head[i] = w.Say("list.column." + h)
	}
	records := [][]string{head}
	for _, r := range rows {
		since := ""
		if !r.Since.IsZero() {
			since = w.Stamp(r.Since)
		}
		record := []string{reports.PlainCell(r.Domain), reports.PlainCell(checks.ToUnicode(r.Domain)), reports.PlainCell(r.Owner), reports.PlainCell(r.Server), string(r.Code), w.title(r.Code), since}
		if more != "" {
			record = append(record, reports.PlainCell(checks.ToUnicode(r.Name)), reports.PlainCell(moreCell(w, r)))
		}
		records = append(records, record)
	}
	if err := out.WriteAll(records); err != nil {
		return reports.Message{}, err
	}
	m := w.message(reports.Plain, listTitle(w, kind, len(rows)))
	m.Files = []reports.File{{Name: kind + "-" + w.Now.Format(time.DateOnly) + ".csv", Type: "text/csv", Data: buf.Bytes()}}
	return m, nil
}

// moreCell is rowMore for a spreadsheet: a day that can be sorted by, as the
// registry gives it (midnight UTC).
func moreCell(w Writer, r reports.Row) string {
	if !r.Free.IsZero() {
		return r.Free.UTC().Format(time.DateOnly)
	}
	return cmp.Or(blindTo(w, r), r.To)
}
