package files

import (
	"iter"
	"slices"
	"time"

	"domovoy/reports"
	"domovoy/reports/compose"
)

// endingKeys are the columns about registrations that end.
func endingKeys() []string {
	return []string{"name", "domain", "owner", "server", "paidtill", "free", "who", "remark"}
}

// endingRow is a site whose domain's registration ends, in the reader's language.
type endingRow struct {
	name, ascii, domain, owner, server, who, remark string
	ends, free                                      time.Time // the registry's days; free may be zero
}

// endingRows are those of the report, the soonest first.
func (d *document) endingRows() iter.Seq[endingRow] {
	w := compose.Writer{Locale: d.Locale, Now: d.now}
	return func(yield func(endingRow) bool) {
		for _, e := range d.week.Endings {
			row := endingRow{name: unicodeName(e.Site), ascii: clean(e.Site), domain: unicodeName(e.Domain), owner: clean(e.Owner), server: e.Server,
				who: d.Say("who." + string(e.Who)), remark: clean(w.EndingRemark(e)), ends: midnight(e.Ends), free: midnight(e.Free)}
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
	return d.Date(t.Add(12*time.Hour-time.Minute), t.AddDate(1, 0, 0)) // the same day in every time zone
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
	keys := slices.Insert(endingKeys(), 1, "ascii")
	headings := make([]string, len(keys))
	for i, key := range keys {
		headings[i] = b.Say("files.column." + key)
	}
	s, err := b.sheet("ending", headings, []float64{30, 30, 30, 18, 12, 14, 14, 16, 44}, len(b.week.Endings))
	if err != nil {
		return err
	}
	day, err := b.dayStyle()
	if err != nil {
		return err
	}
	for r := range b.endingRows() {
		if err := s.add([]any{r.name, r.ascii, r.domain, r.owner, r.server, dayCell(r.ends, day), dayCell(r.free, day), r.who, r.remark}); err != nil {
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
	keys := endingKeys()
	rows := func(yield func([]cell) bool) {
		for r := range d.endingRows() {
			cells := []cell{{Text: r.name}, {Text: r.domain}, {Text: r.owner}, {Text: r.server}, {Text: d.dayOf(r.ends), Sort: sortedDay(r.ends)}, {Text: d.dayOf(r.free), Sort: sortedDay(r.free)}, {Text: r.who}, {Text: r.remark}}
			if r.ascii != r.name {
				cells[0].Note = r.ascii
			}
			for i, key := range keys {
				cells[i].Key, cells[i].Label = key, d.Say("files.column."+key)
			}
			if !yield(cells) {
				return
			}
		}
	}
	return d.table("ending", keys, n, min(n, pageRows/3), rows), true
}

// undated is the part of a server's note about domains of which it is not known
// when their registration ends; empty: it is known of all.
func (d *document) undated(s reports.ServerWeek) string {
	if s.Undated == 0 {
		return ""
	}
	return d.Count("files.server.undated", s.Undated)
}
