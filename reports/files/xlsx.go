package files

import (
	"archive/zip"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"domovoy/reports"
	"domovoy/reports/compose"
)

// XLSX writes the report as a workbook: a summary, what is to be done, every row,
// what is over, the owners, and the numbers with their meaning. It takes
// about 100 MB of memory for 100,000 rows; excelize keeps what is above 16 MB of
// a sheet in a temporary file, if it can make one.
func XLSX(out io.Writer, w compose.Writer, r reports.Weekly) error {
	b := &book{document: newDocument(w, r), file: excelize.NewFile()}
	defer b.file.Close()
	if err := b.fill(); err != nil {
		return fmt.Errorf("making the workbook: %w", err)
	}
	// The archive goes straight out: excelize would make it in memory first.
	b.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return archive(out) })
	if err := b.file.Write(io.Discard); err != nil {
		return fmt.Errorf("writing the workbook: %w", err)
	}
	return nil
}

// archive compresses at a level of deflate that takes no longer than making
// what it compresses.
func archive(out io.Writer) *zip.Writer {
	z := zip.NewWriter(out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, 3)
	})
	return z
}

// book is a workbook under construction.
type book struct {
	*document
	file *excelize.File
}

// fill makes the sheets, all of them before the rows of any: excelize would
// read rows that are written already again.
func (b *book) fill() error {
	at := "" // of the data, not of the writing: the same week makes the same workbook
	if !b.week.Data.IsZero() {
		at = b.week.Data.UTC().Format(time.RFC3339)
	}
	sheets := []string{"summary", "todo", "all", "over", "owners", "numbers"}
	if b.week.Drop != nil {
		sheets = slices.Insert(sheets, 4, reports.Droppable)
	}
	if len(b.week.Endings) > 0 {
		sheets = slices.Insert(sheets, 4, "ending")
	}
	for _, key := range sheets {
		if _, err := b.file.NewSheet(b.sheetName(key)); err != nil {
			return err
		}
	}
	if err := b.file.DeleteSheet("Sheet1"); err != nil { // which excelize puts into a new workbook
		return err
	}
	return errors.Join(
		b.summary(),
		b.table("todo", columns(b.shownColumns("shown", "owner", "server", "cause", "to", "step", "who", "since", "change")...), b.toDo),
		b.table("all", columns(b.shownColumns("shown", "owner", "server", "cause", "to", "step", "who", "since", "least", "until", "change", "free", "ends")...), every),
		b.table("over", columns(b.shownColumns("shown", "owner", "server", "cause", "change", "since", "until")...), isOver),
		b.ending(),
		b.droppable(),
		b.owners(),
		b.numbers(),
		b.file.SetDocProps(&excelize.DocProperties{Creator: "Domovoy", LastModifiedBy: "Domovoy", Language: b.Language(),
			Title: b.title(), Created: at, Modified: at}),
	)
}

func (d *document) sheetName(key string) string { return d.Say("files.sheet." + key) }

// sheet is a sheet whose rows are written one after the other.
type sheet struct {
	*excelize.StreamWriter
	name, area string    // area is that of all cells, such as A1:D10
	widths     []float64 // of its columns
	text       int       // the style of a cell without one of its own: its text is wrapped
	last       int       // the row written last

	lines map[place]int // how many lines long texts take; at most placesKept of them
}

// place is a text in a column of a width.
type place struct {
	text  string
	width float64
}

// placesKept is how many long texts are measured once: what to do is the same in many
// rows.
const placesKept = 1000

// linesOf is linesOf for a column of the sheet.
func (s *sheet) linesOf(text string, column int) int {
	at := place{text, s.widths[column]}
	if float64(len(text)) <= at.width {
		return 1
	}
	n, known := s.lines[at]
	if !known {
		if n = linesOf(text, at.width); len(s.lines) < placesKept {
			s.lines[at] = n
		}
	}
	return n
}

// add writes the next row, as high as its longest text is when it is wrapped: not every
// program finds that itself. Strings stay texts, whatever they begin with; an empty
// one, or nil, is no cell.
func (s *sheet) add(cells []any) error {
	lines := 1
	for i, c := range cells {
		switch text := c.(type) {
		case string:
			if text == "" {
				cells[i] = nil
			}
			lines = max(lines, s.linesOf(text, i))
		case excelize.Cell:
			if text, ok := text.Value.(string); ok {
				lines = max(lines, s.linesOf(text, i))
			}
		}
	}
	opts := excelize.RowOpts{StyleID: s.text}
	if lines > 1 {
		opts.Height = lineHigh * float64(lines)
	}
	s.last++
	return s.SetRow("A"+strconv.Itoa(s.last), cells, opts)
}

// lineHigh is the height of a line in points.
const lineHigh = 15

// linesOf is how many lines a text takes in a column, broken between words. A column
// is as wide as so many digits, and most letters are narrower than those.
func linesOf(text string, width float64) int {
	if float64(len(text)) <= width {
		return 1
	}
	lines, line := 1, 0
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case line == 0:
			line = n
		case float64(line+1+n) > width:
			lines, line = lines+1, n
		default:
			line += 1 + n
		}
		for float64(line) > width { // a word that is longer than a line
			lines, line = lines+1, line-int(width)
		}
	}
	return lines
}

// family is the font that excelize gives a cell without a style.
const family = "Calibri"

// heads are the headings of a sheet with the widths of their columns in characters, as
// spreadsheets measure them.
type heads struct {
	names   []string
	widths  []float64
	numbers []int // the columns of numbers, from 0: their headings stand to the right, as numbers do
}

// sheet begins a sheet with its headings, which stay in sight together with its first
// column, for so many rows below them. On paper it is A4, as wide as the page, with the
// headings on each. The properties come first: the stream begins with them.
func (b *book) sheet(key string, h heads, rows int) (*sheet, error) {
	corner, err := excelize.CoordinatesToCellName(len(h.names), rows+1)
	if err != nil {
		return nil, err
	}
	s := &sheet{name: b.sheetName(key), area: "A1:" + corner, widths: h.widths, lines: map[place]int{}}
	fit, landscape, a4, wide, tall := true, "landscape", 9, 1, 0
	err = errors.Join(
		b.file.SetSheetProps(s.name, &excelize.SheetPropsOptions{FitToPage: &fit}),
		b.file.SetSheetDimension(s.name, s.area),
		b.file.SetPageLayout(s.name, &excelize.PageLayoutOptions{Orientation: &landscape, Size: &a4, FitToWidth: &wide, FitToHeight: &tall}),
		b.file.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", RefersTo: "'" + s.name + "'!$1:$1", Scope: s.name}),
	)
	if err != nil {
		return nil, err
	}
	if s.StreamWriter, err = b.file.NewStreamWriter(s.name); err != nil {
		return nil, err
	}
	for i, width := range slices.Backward(h.widths) { // the stream writes the newest first, and Excel wants the first first
		if err := s.SetColWidth(i+1, i+1, width); err != nil {
			return nil, err
		}
	}
	if err := s.SetPanes(&excelize.Panes{Freeze: true, XSplit: 1, YSplit: 1, TopLeftCell: "B2", ActivePane: "bottomRight"}); err != nil {
		return nil, err
	}
	if s.text, err = b.file.NewStyle(&excelize.Style{Border: underline(), Alignment: &excelize.Alignment{Vertical: "top", WrapText: true}}); err != nil {
		return nil, err
	}
	return s, b.head(s, h)
}

// head writes the row of the headings.
func (b *book) head(s *sheet, h heads) error {
	cells := make([]any, len(h.names))
	for i, name := range h.names {
		style, err := b.headStyle(slices.Contains(h.numbers, i))
		if err != nil {
			return err
		}
		cells[i] = excelize.Cell{StyleID: style, Value: name}
	}
	s.last++
	return s.SetRow("A1", cells, excelize.RowOpts{Height: 32})
}

// headStyle is how a heading looks.
func (b *book) headStyle(number bool) (int, error) {
	side := "left"
	if number {
		side = "right"
	}
	return b.file.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true, Color: "FFFFFF", Family: family, Size: 11},
		Fill:      excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"1F4E78"}},
		Alignment: &excelize.Alignment{Horizontal: side, Vertical: "center", WrapText: true}})
}

// finish gives the sheet filter buttons and ends it. The filter would mark the
// sheet as one with hidden rows, had the stream not begun by now.
func (b *book) finish(s *sheet) error {
	if err := b.file.AutoFilter(s.name, s.area, nil); err != nil {
		return err
	}
	return s.Flush()
}

// table is a sheet of the rows for which keep is true.
func (b *book) table(key string, columns []column, keep func(reports.WeekRow) bool) error {
	h := heads{names: b.headings(columns), widths: make([]float64, len(columns))}
	for i, c := range columns {
		h.widths[i] = c.width
	}
	s, err := b.sheet(key, h, b.count(keep))
	if err != nil {
		return err
	}
	day, err := b.dayStyle()
	if err != nil {
		return err
	}
	cells := make([]any, len(columns))
	for r := range b.rows(keep) {
		for i, c := range columns {
			cells[i] = c.cell(r, day)
		}
		if err := s.add(cells); err != nil {
			return err
		}
	}
	return b.finish(s)
}

// cell is a row's cell in the column; a day looks as the style says.
func (c column) cell(r reportRow, dayStyle int) any {
	if c.day == nil {
		return c.text(r)
	}
	return dayCell(c.day(r), dayStyle)
}

// dayStyle is how a day looks.
func (b *book) dayStyle() (int, error) {
	format := b.Say("files.format.day")
	return b.file.NewStyle(&excelize.Style{CustomNumFmt: &format, Border: underline(), Alignment: &excelize.Alignment{Horizontal: "left", Vertical: "top"}})
}

// underline is the line below a row, which leads the eye on paper.
func underline() []excelize.Border {
	return []excelize.Border{{Type: "bottom", Color: "D0D7DE", Style: 1}}
}

// dayCell is a cell with a day; nil: there is none.
func dayCell(day time.Time, style int) any {
	if day.IsZero() {
		return nil
	}
	return excelize.Cell{StyleID: style, Value: day}
}

// owners is the sheet that counts the problems of each owner.
func (b *book) owners() error {
	owners, keys := b.week.Owners(), ownerKeys()
	headings := make([]string, len(keys))
	for i, key := range keys {
		headings[i] = b.Say("files.column." + key)
	}
	s, err := b.sheet("owners", heads{headings, []float64{30, 14, 14, 14, 14}, []int{1, 2, 3, 4}}, len(owners))
	if err != nil {
		return err
	}
	for _, o := range owners {
		if err := s.add([]any{b.owner(o.Owner), o.Open, o.Was, o.New, o.Fixed}); err != nil {
			return err
		}
	}
	return b.finish(s)
}

// owner names an owner; a site may have none.
func (d *document) owner(name string) string {
	if name == "" {
		return d.Say("files.noowner")
	}
	return clean(name)
}

// numbers is the sheet of what the report counts, what each count means, and
// of what the report was made.
func (b *book) numbers() error {
	var rows [][]any
	for _, n := range b.figures() {
		row := []any{n.name, n.value, nil, n.meaning, n.list}
		if n.compared {
			row[2] = n.delta
		}
		rows = append(rows, row)
	}
	for _, part := range b.parts() {
		rows = append(rows, nil, []any{part.title})
		for _, f := range part.facts {
			rows = append(rows, []any{f.name, f.value, nil, f.note, f.list})
		}
	}
	headings := []string{b.Say("files.column.number"), b.Say("files.column.value"), b.Say("files.column.delta"), b.Say("files.column.meaning"), b.Say("files.column.list")}
	s, err := b.sheet("numbers", heads{headings, []float64{34, 22, 12, 62, 34}, []int{2}}, len(rows))
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := b.facts(s, row); err != nil {
			return err
		}
	}
	return s.Flush()
}

// facts writes a row of the numbers: a name, a value, its change, a text, a command;
// or a title alone; or nothing.
func (b *book) facts(s *sheet, row []any) error {
	for i, value := range row {
		if value == nil || value == "" {
			continue
		}
		style := excelize.Style{Alignment: &excelize.Alignment{Vertical: "top", WrapText: true}}
		switch {
		case len(row) == 1:
			style.Font = &excelize.Font{Bold: true, Family: family, Size: 11}
		case i == 1:
			style.Alignment.Horizontal = "left"
		case i == 2:
			signed := "+#,##0;−#,##0;0"
			style.CustomNumFmt = &signed
		}
		if at, ok := value.(time.Time); ok {
			moment := b.Say("files.format.moment")
			style.CustomNumFmt, value = &moment, b.Local(at)
		}
		id, err := b.file.NewStyle(&style) // equal ones are kept once
		if err != nil {
			return err
		}
		row[i] = excelize.Cell{StyleID: id, Value: value}
	}
	return s.add(row)
}
