package files

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"domovoy/reports"
)

func sheets() []sheetKind {
	return []sheetKind{
		rowsSheet("todo", columns("name", "ascii", "owner", "server", "cause", "to", "step", "who", "since", "change", "free", "ends"), toDo),
		rowsSheet("all", columns(), every),
		rowsSheet("over", columns("name", "ascii", "owner", "server", "cause", "change", "since", "until"), isOver),
		{key: "owners", make: (*book).ownersHead, rows: (*book).owners},
		{key: "numbers", make: (*book).numbers},
	}
}

// rowsSheet is a sheet of the rows that keep lets through.
func rowsSheet(key string, columns []column, keep func(reports.WeekRow) bool) sheetKind {
	return sheetKind{
		key: key,
		make: func(b *book) error {
			widths := make([]float64, len(columns))
			for i, c := range columns {
				widths[i] = c.width
			}
			return b.table(key, b.headings(columns), widths, b.count(keep))
		},
		rows: func(b *book, w *rowWriter) {
			for l := range b.lines(keep) {
				w.begin()
				for _, c := range columns {
					if c.day != nil {
						w.date(c.day(l))
					} else {
						w.text(c.text(l))
					}
				}
				w.end()
			}
		},
	}
}

func (b *book) ownersHead() error {
	keys := ownerKeys()
	headings := make([]string, len(keys))
	for i, key := range keys {
		headings[i] = b.Say("files.column." + key)
	}
	return b.table("owners", headings, []float64{30, 14, 14, 14, 14}, len(b.week.Owners()))
}

func (b *book) owners(w *rowWriter) {
	for _, o := range b.week.Owners() {
		w.begin()
		w.text(b.owner(o.Owner))
		for _, n := range []int{o.Open, o.Was, o.New, o.Fixed} {
			w.number(n)
		}
		w.end()
	}
}

// owner names an owner; a site may have none.
func (p *paper) owner(name string) string {
	if name == "" {
		return p.Say("files.noowner")
	}
	return clean(name)
}

// The column of the numbers with the long texts, and its width in characters.
const (
	meaning      = 3
	meaningWidth = 110
)

// numbers writes what the report counts, what each count means, and of what
// it was made.
func (b *book) numbers() error {
	name := b.sheetName("numbers")
	headings := []string{b.Say("files.column.number"), b.Say("files.column.value"), b.Say("files.column.delta"), b.Say("files.column.meaning")}
	if err := b.head(name, headings, []float64{44, 38, 14, meaningWidth}); err != nil {
		return err
	}
	bold := excelize.Style{Font: &excelize.Font{Bold: true, Family: family, Size: 11}}
	rows := [][]any{}
	for _, n := range b.figures() {
		row := []any{n.name, n.value, nil, n.meaning}
		if n.compared {
			row[2] = n.delta
		}
		rows = append(rows, row)
	}
	var titles []int // rows
	for _, part := range b.parts() {
		rows = append(rows, nil, []any{part.title})
		titles = append(titles, len(rows)+1)
		for _, f := range part.facts {
			rows = append(rows, []any{f.name, f.value, nil, f.note})
		}
	}
	for i, row := range rows {
		if err := b.facts(name, i+2, row); err != nil {
			return err
		}
	}
	for _, row := range titles {
		if err := b.look(name, "A"+strconv.Itoa(row), bold); err != nil {
			return err
		}
	}
	return b.file.SetSheetDimension(name, "A1:D"+strconv.Itoa(len(rows)+1))
}

// facts writes one row of the numbers: a name, a value, its change, a text.
func (b *book) facts(sheet string, row int, cells []any) error {
	if len(cells) > meaning { // not every program finds the height itself
		lines := 1 + utf8.RuneCountInString(cells[meaning].(string))/meaningWidth
		if err := b.file.SetRowHeight(sheet, row, float64(15*lines)); err != nil {
			return err
		}
	}
	for i, value := range cells {
		if value == nil || value == "" {
			continue
		}
		cell, err := excelize.CoordinatesToCellName(i+1, row)
		if err != nil {
			return err
		}
		style := excelize.Style{Alignment: &excelize.Alignment{Vertical: "top", WrapText: i == meaning}}
		if i == 1 {
			style.Alignment.Horizontal = "left"
		}
		if i == 2 {
			signed := "+#,##0;−#,##0;0"
			style.CustomNumFmt = &signed
		}
		if at, ok := value.(time.Time); ok {
			moment := b.Say("files.format.moment")
			style.CustomNumFmt, value = &moment, b.Local(at)
		}
		if err := b.file.SetCellValue(sheet, cell, value); err != nil {
			return err
		}
		if err := b.look(sheet, cell, style); err != nil {
			return err
		}
	}
	return nil
}

// look gives a cell its style; excelize keeps equal ones once.
func (b *book) look(sheet, cell string, style excelize.Style) error {
	id, err := b.file.NewStyle(&style)
	if err != nil {
		return err
	}
	return b.file.SetCellStyle(sheet, cell, cell, id)
}
