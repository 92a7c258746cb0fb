package files

import (
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"domovoy/i18n"
	"domovoy/reports"
)

// pageRows is how many rows a page shows at most: with more it opens slowly on a
// phone.
const pageRows = 3000

// table is a table of the page.
type table struct {
	ID, Title, Count string
	Note             string // what is not shown; empty: nothing
	Head             []heading
	Groups           []group
}

// heading is the head of a column; its key is its class.
type heading struct{ Key, Name string }

// group are rows that share what their title says; without a title, they share
// nothing.
type group struct {
	Title, Count string
	Step         string // what to do about each of them; empty: nothing
	Rows         iter.Seq[[]cell]
}

// cell is a cell of the page, with a less important note and with what to sort by
// instead of its text; both may be empty.
type cell struct{ Key, Label, Text, Note, Sort string }

// tables are those of the page: what is to be done by us and by customers, what ends,
// what one can only wait for, what is over, and the owners. The first take as many rows
// as they need.
func (d *document) tables() []table {
	room := pageRows
	open, over := []string{"name", "owner", "server", "since", "change"}, []string{"name", "owner", "server", "cause", "since", "until"}
	reserved := min(d.count(d.forCustomer), pageRows/3)
	room -= reserved
	tables := d.rowTable("us", d.forUs, open, d.byStep(), &room)
	room += reserved
	tables = append(tables, d.rowTable("customer", d.forCustomer, open, d.byStep(), &room)...)
	if callers := d.week.Callers(); len(callers) > 0 {
		tables = append(tables, d.table("callers", callerKeys(), len(callers), min(len(callers), pageRows/3), d.callerViews(callers)))
	}
	if t, ok := d.endingTable(); ok {
		tables = append(tables, t)
	}
	if t, ok := d.dropTable(); ok {
		tables = append(tables, t)
	}
	tables = append(tables, d.rowTable("wait", d.toWait, open, d.byStep(), &room)...)
	tables = append(tables, d.rowTable("over", isOver, over, d.byChange(), &room)...)
	if owners := d.week.Owners(); len(owners) > 0 {
		tables = append(tables, d.table("owners", ownerKeys(), len(owners), min(len(owners), pageRows/3), d.ownerViews(owners)))
	}
	return tables
}

func (d *document) count(keep func(reports.WeekRow) bool) int {
	n := 0
	for _, r := range d.week.Rows {
		if keep(r) {
			n++
		}
	}
	return n
}

// rowTable is a table of the rows for which keep is true, in groups; none, if there are
// no rows. What it shows is taken from room. If not all rows of those that are over, or
// that one waits for, have room, it has none: a part of these is of no use.
func (d *document) rowTable(id string, keep func(reports.WeekRow) bool, keys []string, by grouping, room *int) []table {
	n := d.count(keep)
	if n == 0 {
		return nil
	}
	shown := min(n, *room)
	if shown < n && (id == "wait" || id == "over") {
		shown = 0
	}
	*room -= shown
	keys = d.shownColumns(keys...)
	t := d.table(id, keys, n, shown, nil)
	t.Groups = d.groups(keep, keys, by, shown)
	return []table{t}
}

// grouping says what rows share: those with the same key are a group, which begins with
// what it says of one of them.
type grouping struct {
	key func(reports.WeekRow) any
	say func(reports.WeekRow) group
}

// byStep groups open rows by their cause and by what to do.
func (d *document) byStep() grouping {
	return grouping{func(r reports.WeekRow) any { return d.stepBy(r) }, func(r reports.WeekRow) group {
		return group{Title: d.codes[r.Code].cause, Step: d.Say("files.column.step") + ": " + d.steps[d.stepBy(r)]}
	}}
}

// byChange groups rows that are over by how they ended.
func (d *document) byChange() grouping {
	return grouping{func(r reports.WeekRow) any { return r.Change }, func(r reports.WeekRow) group {
		return group{Title: d.Say("files.change." + string(r.Change))}
	}}
}

// groups are the first rows for which keep is true, as many as are shown, in groups: in
// the order in which these begin.
func (d *document) groups(keep func(reports.WeekRow) bool, keys []string, by grouping, shown int) []group {
	taken := columns(keys...)
	labels := d.headings(taken)
	index, rows, counts := map[any]int{}, [][]reports.WeekRow{}, []int{}
	var groups []group
	for _, r := range d.week.Rows {
		if !keep(r) {
			continue
		}
		key := by.key(r)
		i, known := index[key]
		if !known {
			if shown == 0 {
				continue
			}
			i = len(groups)
			index[key] = i
			g := by.say(r)
			g.Title = capital(g.Title)
			groups, rows, counts = append(groups, g), append(rows, nil), append(counts, 0)
		}
		if counts[i]++; shown > 0 {
			rows[i] = append(rows[i], r)
			shown--
		}
	}
	for i := range groups {
		groups[i].Count, groups[i].Rows = d.Number(counts[i]), d.views(taken, labels, rows[i])
	}
	return groups
}

// capital is a text that begins with a capital letter.
func capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}

// table is a table of n rows, of which some are shown.
func (d *document) table(id string, keys []string, n, shown int, rows iter.Seq[[]cell]) table {
	t := table{ID: id, Title: d.Say("files.sheet." + id), Count: d.Number(n)}
	if rows != nil {
		t.Groups = []group{{Rows: first(rows, shown)}}
	}
	for _, k := range keys {
		t.Head = append(t.Head, heading{k, d.Say("files.column." + k)})
	}
	switch {
	case shown == 0:
		t.Note, t.Head = d.Say("files.page.folded", i18n.Args{"All": n}), nil
	case shown < n:
		t.Note = d.Say("files.page.rest", i18n.Args{"Shown": shown, "All": n})
	}
	return t
}

// first returns at most n of the rows.
func first(rows iter.Seq[[]cell], n int) iter.Seq[[]cell] {
	return func(yield func([]cell) bool) {
		left := n
		for row := range rows {
			if left--; left < 0 || !yield(row) {
				return
			}
		}
	}
}

// views are rows as cells.
func (d *document) views(taken []column, labels []string, rows []reports.WeekRow) iter.Seq[[]cell] {
	return func(yield func([]cell) bool) {
		for _, r := range rows {
			cells := make([]cell, len(taken))
			row := d.row(r)
			for i, c := range taken {
				cells[i] = d.view(c, row)
				cells[i].Label = labels[i]
			}
			if !yield(cells) {
				return
			}
		}
	}
}

// view is a cell of a row. Where a spreadsheet has two columns, a page has one with a
// note.
func (d *document) view(c column, r reportRow) cell {
	v := cell{Key: c.key}
	if c.day != nil {
		if day := c.day(r); !day.IsZero() {
			v.Text, v.Sort = d.shortDate(day), day.Format(time.DateOnly)
		}
		if c.key == "since" {
			v.Note = r.least
		}
		return v
	}
	v.Text = c.text(r)
	if c.key == "name" {
		v.Note = d.nameNote(r)
	}
	return v
}

// nameNote is what is known of a site besides its group: its name in ASCII, where it
// points to, and when it is free.
func (d *document) nameNote(r reportRow) string {
	var notes []string
	if r.ascii != r.name {
		notes = append(notes, r.ascii)
	}
	if r.to != "" {
		notes = append(notes, "→ "+r.to)
	}
	if !r.free.IsZero() {
		notes = append(notes, d.Say("files.page.free", i18n.Args{"Date": d.shortDate(r.free)}))
	}
	return strings.Join(notes, " · ")
}

// shortDate is a day with its year: "3 Oct 2026".
func (d *document) shortDate(day time.Time) string {
	return d.dayMonth(day) + " " + strconv.Itoa(day.Year())
}

// shownColumns are the columns without that of the server, if it would be the same in each row.
func (d *document) shownColumns(keys ...string) []string {
	if len(d.week.Servers) > 1 {
		return keys
	}
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return key == "server" })
}

// labelled are the cells of a row in the order of its columns.
func (d *document) labelled(keys []string, cells map[string]cell) []cell {
	row := make([]cell, len(keys))
	for i, key := range keys {
		row[i] = cells[key]
		row[i].Key, row[i].Label = key, d.Say("files.column."+key)
	}
	return row
}

func callerKeys() []string { return []string{"owner", "calls", "sites"} }

// sitesNamed is how many sites of a customer to contact the page names.
const sitesNamed = 20

// callerViews are the customers to contact, each with the sites to talk about.
func (d *document) callerViews(callers []reports.Caller) iter.Seq[[]cell] {
	keys := callerKeys()
	return func(yield func([]cell) bool) {
		for _, c := range callers {
			cells := []cell{{Text: d.owner(c.Owner)}, {Text: d.Number(len(c.Sites)), Sort: strconv.Itoa(len(c.Sites))}, {Text: d.sitesByCause(c.Sites)}}
			for i, key := range keys {
				cells[i].Key, cells[i].Label = key, d.Say("files.column."+key)
			}
			if !yield(cells) {
				return
			}
		}
	}
}

// sitesByCause names sites, a cause before those that have it.
func (d *document) sitesByCause(rows []reports.WeekRow) string {
	var causes []string
	sites := map[string][]string{}
	for _, r := range rows[:min(sitesNamed, len(rows))] {
		cause := d.codes[r.Code].cause
		if sites[cause] == nil {
			causes = append(causes, cause)
		}
		sites[cause] = append(sites[cause], unicodeName(r.Site))
	}
	for i, cause := range causes {
		causes[i] = cause + ": " + strings.Join(sites[cause], ", ")
	}
	if len(rows) > sitesNamed {
		causes = append(causes, "…")
	}
	return strings.Join(causes, "; ")
}

func ownerKeys() []string { return []string{"owner", "open", "was", "new", "fixed"} }

func (d *document) ownerViews(owners []reports.OwnerWeek) iter.Seq[[]cell] {
	keys := ownerKeys()
	labels := make([]string, len(keys))
	for i, k := range keys {
		labels[i] = d.Say("files.column." + k)
	}
	return func(yield func([]cell) bool) {
		for _, o := range owners {
			cells := []cell{{Key: "owner", Label: labels[0], Text: d.owner(o.Owner)}}
			for i, n := range []int{o.Open, o.Was, o.New, o.Fixed} {
				cells = append(cells, cell{Key: keys[i+1], Label: labels[i+1], Text: d.Number(n), Sort: strconv.Itoa(n)})
			}
			if !yield(cells) {
				return
			}
		}
	}
}
