package files

import (
	"time"

	"github.com/xuri/excelize/v2"

	"domovoy/reports"
)

func (b *book) toDo(s *sheet) error {
	return b.rows(s, columns("name", "ascii", "owner", "server", "cause", "to", "step", "who", "since", "change", "free", "ends"), toDo)
}

func (b *book) all(s *sheet) error { return b.rows(s, columns(), every) }

func (b *book) over(s *sheet) error {
	return b.rows(s, columns("name", "ascii", "owner", "server", "cause", "change", "since", "until"), isOver)
}

// rows writes a table of the rows that keep lets through.
func (b *book) rows(s *sheet, columns []column, keep func(reports.WeekRow) bool) error {
	widths := make([]float64, len(columns))
	for i, c := range columns {
		widths[i] = c.width
	}
	if err := s.begin(b.headings(columns), widths); err != nil {
		return err
	}
	cells := make([]any, len(columns))
	for l := range b.lines(keep) {
		for i, c := range columns {
			cells[i] = b.cell(c, l)
		}
		if err := s.add(cells...); err != nil {
			return err
		}
	}
	return b.filter(s, len(columns))
}

// cell is a value that a spreadsheet takes for what it is: a day is a date,
// and a text stays one, whatever it begins with.
func (b *book) cell(c column, l line) any {
	if c.day == nil {
		return textCell(c.text(l))
	}
	if day := c.day(l); !day.IsZero() {
		return excelize.Cell{StyleID: b.style.day, Value: day}
	}
	return nil
}

// textCell is a cell's value; nil: an empty cell, which takes no room.
func textCell(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (b *book) owners(s *sheet) error {
	var headings []string
	for _, key := range []string{"owner", "open", "was", "new", "fixed"} {
		headings = append(headings, b.Say("files.column."+key))
	}
	if err := s.begin(headings, []float64{30, 14, 14, 14, 14}); err != nil {
		return err
	}
	for _, o := range b.week.Owners() {
		if err := s.add(b.owner(o.Owner), o.Open, o.Was, o.New, o.Fixed); err != nil {
			return err
		}
	}
	return b.filter(s, len(headings))
}

// owner names an owner; a site may have none.
func (p *paper) owner(name string) string {
	if name == "" {
		return p.Say("files.noowner")
	}
	return clean(name)
}

// numbers writes what the report counts, what each count means, and of what
// it was made.
func (b *book) numbers(s *sheet) error {
	headings := []string{b.Say("files.column.number"), b.Say("files.column.value"), b.Say("files.column.delta"), b.Say("files.column.meaning")}
	if err := s.begin(headings, []float64{44, 18, 14, 100}); err != nil {
		return err
	}
	for _, n := range b.figures() {
		delta := any(nil)
		if n.compared {
			delta = excelize.Cell{StyleID: b.style.change, Value: n.delta}
		}
		if err := s.add(n.name, n.value, delta, excelize.Cell{StyleID: b.style.wrap, Value: n.meaning}); err != nil {
			return err
		}
	}
	for _, part := range b.parts() {
		if err := s.add(); err != nil {
			return err
		}
		if err := s.add(excelize.Cell{StyleID: b.style.bold, Value: part.title}); err != nil {
			return err
		}
		for _, f := range part.facts {
			if err := s.add(f.name, b.value(f.value), nil, textCell(f.note)); err != nil {
				return err
			}
		}
	}
	return nil
}

// value is a fact's value as a cell.
func (b *book) value(v any) any {
	if at, ok := v.(time.Time); ok {
		return excelize.Cell{StyleID: b.style.moment, Value: b.Local(at)}
	}
	return v
}
