package files

import (
	"iter"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// endingKeys are the columns about registrations that end.
func endingKeys() []string {
	return []string{"name", "owner", "server", "paidtill", "free", "who", "remark"}
}

// endingRow is a site whose domain's registration ends, in the reader's language.
type endingRow struct {
	name, shown, ascii, domain, owner, server, who, remark string
	acts                                                   checks.Who
	ends, free                                             time.Time // the registry's days; free may be zero
}

// about is the registered domain, if it is another name than the site's, and what is to
// be remarked.
func (r endingRow) about(between string) string {
	var notes []string
	for _, note := range []string{r.domain, r.remark} {
		if note != "" && note != r.name {
			notes = append(notes, note)
		}
	}
	return strings.Join(notes, between)
}

// endingRows are those of the report, the soonest first.
func (d *document) endingRows() iter.Seq[endingRow] {
	w := compose.Writer{Locale: d.Locale, Now: d.now}
	return func(yield func(endingRow) bool) {
		for _, e := range d.week.Endings {
			row := endingRow{name: unicodeName(e.Site), shown: shownName(e.Site), ascii: clean(e.Site), domain: unicodeName(e.Domain), owner: clean(e.Owner), server: e.Server,
				acts: e.Who, who: d.Say("who." + string(e.Who)), remark: clean(w.EndingRemark(e)), ends: midnight(e.Ends), free: midnight(e.Free)}
			if !yield(row) {
				return
			}
		}
	}
}

// midnight is the beginning of a registry's day, which is in UTC; zero for none.
func midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// dayOf says a registry's day; empty: there is none.
func (d *document) dayOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return d.shortDate(t)
}

// sortedDay is a day by which a table is sorted; empty: there is none.
func sortedDay(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// ending is the sheet about registrations that end; none, if none does.
func (b *book) ending() error {
	if len(b.week.Endings) == 0 {
		return nil
	}
	keys := endingKeys()
	headings := make([]string, len(keys))
	for i, key := range keys {
		headings[i] = b.Say("files.column." + key)
	}
	s, err := b.sheet("ending", heads{names: headings, widths: []float64{34, 18, 11, 13, 13, 12, 44}}, len(b.week.Endings))
	if err != nil {
		return err
	}
	day, err := b.dayStyle()
	if err != nil {
		return err
	}
	for r := range b.endingRows() {
		if err := s.add([]any{r.shown, r.owner, r.server, dayCell(r.ends, day), dayCell(r.free, day), r.who, r.about("; ")}); err != nil {
			return err
		}
	}
	return b.finish(s)
}

// endingTable is the page's table of the same; false: there is nothing to show.
func (d *document) endingTable() (table, bool) {
	n := len(d.week.Endings)
	if n == 0 {
		return table{}, false
	}
	keys := d.shownColumns("name", "owner", "server", "paidtill", "free")
	t := d.table("ending", keys, n, min(n, pageRows/3), nil)
	left := pageRows / 3
	for _, who := range []checks.Who{checks.Us, checks.Customer} {
		count := 0
		var rows []endingRow
		for r := range d.endingRows() {
			if (r.acts == checks.Us) != (who == checks.Us) {
				continue
			}
			if count++; left > 0 {
				rows = append(rows, r)
				left--
			}
		}
		if len(rows) > 0 {
			t.Groups = append(t.Groups, group{Title: d.Say("files.page.renews." + string(who)), Count: d.Number(count), Rows: d.endingViews(keys, rows)})
		}
	}
	return t, true
}

// endingViews are rows as cells.
func (d *document) endingViews(keys []string, rows []endingRow) iter.Seq[[]cell] {
	return func(yield func([]cell) bool) {
		for _, r := range rows {
			notes := slices.DeleteFunc([]string{r.ascii, r.about(" · ")}, func(note string) bool { return note == "" || note == r.name })
			all := map[string]cell{
				"name": {Text: r.name, Note: strings.Join(notes, " · ")}, "owner": {Text: r.owner}, "server": {Text: r.server},
				"paidtill": {Text: d.shortDate(r.ends), Sort: sortedDay(r.ends)}, "free": {Text: d.dayOf(r.free), Sort: sortedDay(r.free)},
			}
			if !yield(d.labelled(keys, all)) {
				return
			}
		}
	}
}

// undated is the part of a server's note about domains of which it is not known
// when their registration ends; empty: it is known of all.
func (d *document) undated(s reports.ServerWeek) string {
	if s.Undated == 0 {
		return ""
	}
	return d.Count("files.server.undated", s.Undated)
}
