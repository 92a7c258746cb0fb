package files

import (
	"iter"
	"strconv"
	"time"

	"domovoy/i18n"
	"domovoy/reports"
)

// pageRows is how many rows a page shows: with more of them it opens slowly
// on a phone, and nobody reads them there.
const pageRows = 3000

// table is a table of the page.
type table struct {
	ID, Title, Count string
	Note             string // what is not shown; empty: nothing
	Head             []heading
	Rows             iter.Seq[[]cell]
}

// heading is the head of a column; its key is its class.
type heading struct{ Key, Name string }

// cell is a cell of the page, with a smaller second line and with what to
// sort by instead of its text; both may be empty.
type cell struct{ Key, Label, Text, Note, Sort string }

// tables are the page's: the rows to do something about, those to wait for,
// those that are over, and the owners. The first take the room they need.
func (p *paper) tables() []table {
	room := pageRows
	var tables []table
	for _, t := range []struct {
		key  string
		keep func(reports.WeekRow) bool
		keys []string
	}{
		{"todo", toDo, []string{"name", "owner", "server", "cause", "step", "since", "change"}},
		{"wait", toWait, []string{"name", "owner", "server", "cause", "step", "since", "change"}},
		{"over", isOver, []string{"name", "owner", "server", "cause", "change", "since", "until"}},
	} {
		n := p.count(t.keep)
		if n == 0 && t.key == "wait" {
			continue
		}
		shown := min(n, room)
		if t.key != "todo" && shown < n {
			shown = 0 // a part of what is of less interest interests nobody
		}
		room -= shown
		tables = append(tables, p.table(t.key, t.keys, n, shown, p.views(t.keys, t.keep)))
	}
	owners := p.week.Owners()
	return append(tables, p.table("owners", ownerKeys(), len(owners), min(len(owners), pageRows/3), p.ownerViews(owners)))
}

func (p *paper) count(keep func(reports.WeekRow) bool) int {
	n := 0
	for _, r := range p.week.Rows {
		if keep(r) {
			n++
		}
	}
	return n
}

// table is a table of n rows, of which some are shown.
func (p *paper) table(key string, keys []string, n, shown int, rows iter.Seq[[]cell]) table {
	t := table{ID: key, Title: p.Say("files.sheet." + key), Count: p.Number(n), Rows: first(rows, shown)}
	for _, k := range keys {
		t.Head = append(t.Head, heading{k, p.Say("files.column." + k)})
	}
	switch {
	case n == 0:
		t.Note, t.Head = p.Say("files.page.nothing"), nil
	case shown == 0:
		t.Note, t.Head = p.Say("files.page.folded", i18n.Args{"All": n}), nil
	case shown < n:
		t.Note = p.Say("files.page.rest", i18n.Args{"Shown": shown, "All": n})
	}
	return t
}

// first are at most n of the rows.
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
func (p *paper) views(keys []string, keep func(reports.WeekRow) bool) iter.Seq[[]cell] {
	taken := columns(keys...)
	labels := p.headings(taken)
	return func(yield func([]cell) bool) {
		for l := range p.lines(keep) {
			cells := make([]cell, len(taken))
			for i, c := range taken {
				cells[i] = p.view(c, l)
				cells[i].Label = labels[i]
			}
			if !yield(cells) {
				return
			}
		}
	}
}

// view is a cell of a row. Where a spreadsheet has two columns, a page has
// one with two lines.
func (p *paper) view(c column, l line) cell {
	v := cell{Key: c.key}
	if c.day != nil {
		if day := c.day(l); !day.IsZero() {
			v.Text, v.Sort = p.dated(day), day.Format(time.DateOnly)
		}
		return v
	}
	v.Text = c.text(l)
	switch c.key {
	case "name":
		if l.ascii != l.name {
			v.Note = l.ascii
		}
	case "cause":
		v.Note = l.to
		if !l.free.IsZero() {
			v.Note = p.Say("files.page.free", i18n.Args{"Date": p.dated(l.free)})
		}
	case "step":
		v.Note = l.who
	case "since", "change":
	}
	return v
}

// dated is a day with its year, short: "3 Oct 2026".
func (p *paper) dated(day time.Time) string {
	return p.short(day) + " " + strconv.Itoa(day.Year())
}

func ownerKeys() []string { return []string{"owner", "open", "was", "new", "fixed"} }

func (p *paper) ownerViews(owners []reports.OwnerWeek) iter.Seq[[]cell] {
	keys := ownerKeys()
	labels := make([]string, len(keys))
	for i, k := range keys {
		labels[i] = p.Say("files.column." + k)
	}
	return func(yield func([]cell) bool) {
		for _, o := range owners {
			cells := []cell{{Key: "owner", Label: labels[0], Text: p.owner(o.Owner)}}
			for i, n := range []int{o.Open, o.Was, o.New, o.Fixed} {
				cells = append(cells, cell{Key: keys[i+1], Label: labels[i+1], Text: p.Number(n), Sort: strconv.Itoa(n)})
			}
			if !yield(cells) {
				return
			}
		}
	}
}

// notes say below the title of what the page was made, and what it lacks.
func (p *paper) notes() []string {
	var notes []string
	for _, f := range p.data()[1:] {
		notes = append(notes, f.name+": "+p.told(f.value))
	}
	if p.week.Manager != "" {
		notes = append(notes, p.Say("files.mine"))
	}
	if state := p.state(); state != "" {
		notes = append(notes, state)
	}
	return notes
}

// told is a fact's value in words.
func (p *paper) told(v any) string {
	switch v := v.(type) {
	case int:
		return p.Number(v)
	case time.Time:
		return p.dated(p.day(v)) + ", " + p.Clock(v)
	case string:
		return v
	}
	return ""
}
