package files

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/xml"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// XLSX writes the report as a workbook: what is to be done, every row, what
// is over, the owners, and the numbers with their meaning.
func XLSX(out io.Writer, w compose.Writer, r reports.Weekly) error {
	b, err := newBook(newDocument(w, r))
	if err != nil {
		return fmt.Errorf("making the workbook: %w", err)
	}
	defer b.file.Close()
	archive := zip.NewWriter(out)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, packing)
	})
	if err := b.write(archive); err != nil {
		return fmt.Errorf("writing the workbook: %w", err)
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("writing the workbook: %w", err)
	}
	return nil
}

// packing is a level of deflate at which packing takes no longer than what
// is packed takes to make.
const packing = 3

// write has excelize write the workbook, and puts the rows into its sheets on
// the way. They go straight out: excelize would keep all of them, its own
// streams 16 MB and more of each sheet, and the archive beside.
func (b *book) write(archive *zip.Writer) error {
	p := &parts{archive: archive, sheets: map[string]*bytes.Buffer{}}
	for i := range sheets() {
		p.sheets[sheetPath(i)] = new(bytes.Buffer)
	}
	b.file.SetZipWriter(p.open)
	if err := b.file.Write(io.Discard); err != nil {
		return err
	}
	for i, s := range sheets() {
		if err := b.fill(archive, sheetPath(i), p.sheets[sheetPath(i)].Bytes(), s); err != nil {
			return fmt.Errorf("sheet %s: %w", s.key, err)
		}
	}
	return nil
}

// fill writes a sheet that has its headings, with its rows behind them.
func (b *book) fill(archive *zip.Writer, path string, sheet []byte, kind sheetKind) error {
	// There are filter buttons, and nothing is filtered.
	sheet = bytes.Replace(sheet, []byte(` filterMode="true"`), nil, 1)
	end := bytes.LastIndex(sheet, []byte("</sheetData>"))
	if end < 0 {
		return fmt.Errorf("%s has no place for rows", path)
	}
	out, err := archive.Create(path)
	if err != nil {
		return err
	}
	if _, err := out.Write(sheet[:end]); err != nil {
		return err
	}
	if kind.rows != nil {
		rows := newRowWriter(out, b.dayStyle)
		kind.rows(b, rows)
		if err := rows.flush(); err != nil {
			return err
		}
	}
	_, err = out.Write(sheet[end:])
	return err
}

// parts takes a workbook apart as excelize writes it: the sheets stay, the
// rest goes into the archive.
type parts struct {
	archive *zip.Writer
	sheets  map[string]*bytes.Buffer
}

// Create begins a file of the archive.
func (p *parts) Create(path string) (io.Writer, error) {
	if sheet, ok := p.sheets[path]; ok {
		return sheet, nil
	}
	return p.archive.Create(path)
}

// AddFS is of no use to a workbook.
func (p *parts) AddFS(fs.FS) error { return nil }

// Close leaves the archive open for the sheets.
func (p *parts) Close() error { return nil }

// book is a workbook without the rows of its tables.
type book struct {
	*document
	file     *excelize.File
	dayStyle int // the workbook's own number of how a day looks
}

// sheetKind is one of the workbook's sheets.
type sheetKind struct {
	key  string                  // of its name in the catalogs
	make func(*book) error       // all but the rows
	rows func(*book, *rowWriter) // the rows of a table; nil: it has none
}

// bornWith is the sheet that excelize puts into a new workbook. It has the
// number one, and goes.
const bornWith = "Sheet1"

// sheetPath is the i-th sheet's place in the archive.
func sheetPath(i int) string { return "xl/worksheets/sheet" + strconv.Itoa(i+2) + ".xml" }

func newBook(d *document) (*book, error) {
	b := &book{document: d, file: excelize.NewFile()}
	day := d.Say("files.format.day")
	var err error
	b.dayStyle, err = b.file.NewStyle(&excelize.Style{CustomNumFmt: &day, Alignment: &excelize.Alignment{Horizontal: "left"}})
	if err != nil {
		return nil, err
	}
	for _, s := range sheets() {
		if err := b.add(b.sheetName(s.key)); err != nil {
			return nil, err
		}
		if err := s.make(b); err != nil {
			return nil, err
		}
		fit := true // at last: AutoFilter forgets it
		if err := b.file.SetSheetProps(b.sheetName(s.key), &excelize.SheetPropsOptions{FitToPage: &fit}); err != nil {
			return nil, err
		}
	}
	if err := b.file.DeleteSheet(bornWith); err != nil {
		return nil, err
	}
	b.file.SetActiveSheet(0)
	// When the data were, not when they were written: the same week makes the same workbook.
	at := ""
	if !d.week.Data.IsZero() {
		at = d.week.Data.UTC().Format(time.RFC3339)
	}
	return b, b.file.SetDocProps(&excelize.DocProperties{Creator: "Domovoy", LastModifiedBy: "Domovoy", Language: b.Language(),
		Title: b.Say("files.title", i18n.Args{"Span": b.span()}), Created: at, Modified: at})
}

func (d *document) sheetName(key string) string { return d.Say("files.sheet." + key) }

// add adds a sheet, laid out for A4: as wide as the page, headings on each.
func (b *book) add(name string) error {
	if _, err := b.file.NewSheet(name); err != nil {
		return err
	}
	landscape, a4, wide, tall := "landscape", 9, 1, 0
	if err := b.file.SetPageLayout(name, &excelize.PageLayoutOptions{Orientation: &landscape, Size: &a4, FitToWidth: &wide, FitToHeight: &tall}); err != nil {
		return err
	}
	return b.file.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", RefersTo: "'" + name + "'!$1:$1", Scope: name})
}

// family is the letters that excelize gives a cell without a style.
const family = "Calibri"

// head writes the headings, which stay in sight.
func (b *book) head(name string, headings []string, widths []float64) error {
	style, err := b.file.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true, Color: "FFFFFF", Family: family, Size: 11},
		Fill:      excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"1F4E78"}},
		Alignment: &excelize.Alignment{Vertical: "center", WrapText: true}})
	if err != nil {
		return err
	}
	last, err := excelize.ColumnNumberToName(len(headings))
	if err != nil {
		return err
	}
	for i, width := range widths {
		column, err := excelize.ColumnNumberToName(i + 1)
		if err != nil {
			return err
		}
		if err := b.file.SetColWidth(name, column, column, width); err != nil {
			return err
		}
	}
	if err := b.file.SetSheetRow(name, "A1", &headings); err != nil {
		return err
	}
	if err := b.file.SetCellStyle(name, "A1", last+"1", style); err != nil {
		return err
	}
	if err := b.file.SetRowHeight(name, 1, 32); err != nil {
		return err
	}
	return b.file.SetPanes(name, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
}

// maxRows is how many rows a sheet of XLSX holds.
const maxRows = 1 << 20

// table is a sheet of headings with filter buttons for so many rows.
func (b *book) table(key string, headings []string, widths []float64, rows int) error {
	if rows+1 > maxRows {
		return fmt.Errorf("sheet %s would have more than %d rows", key, maxRows)
	}
	name := b.sheetName(key)
	if err := b.head(name, headings, widths); err != nil {
		return err
	}
	corner, err := excelize.CoordinatesToCellName(len(headings), rows+1)
	if err != nil {
		return err
	}
	if err := b.file.SetSheetDimension(name, "A1:"+corner); err != nil {
		return err
	}
	return b.file.AutoFilter(name, "A1:"+corner, nil)
}

// open is for excelize: where its archive goes.
func (p *parts) open(io.Writer) excelize.ZipWriter { return p }

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
			for r := range b.document.rows(keep) {
				w.begin()
				for _, c := range columns {
					if c.day != nil {
						w.date(c.day(r))
					} else {
						w.text(c.text(r))
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
func (d *document) owner(name string) string {
	if name == "" {
		return d.Say("files.noowner")
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

// rowWriter writes the rows of a sheet below its headings (ECMA-376 part 1,
// section 18.3.1.73). Texts stand in their cells, so that nothing has to be
// remembered. The first error of the writer stays for flush.
type rowWriter struct {
	out *bufio.Writer
	row int // the last begun
	col int
	day string // the style of days
}

func newRowWriter(out io.Writer, dayStyle int) *rowWriter {
	return &rowWriter{out: bufio.NewWriterSize(out, 64<<10), row: 1, day: strconv.Itoa(dayStyle)}
}

func (w *rowWriter) begin() {
	w.row++
	w.col = 0
	w.put(`<row r="`, strconv.Itoa(w.row), `">`)
}

func (w *rowWriter) end() { w.put(`</row>`) }

// put writes markup. bufio keeps the first error.
func (w *rowWriter) put(parts ...string) {
	for _, s := range parts {
		_, _ = w.out.WriteString(s)
	}
}

// next begins the next cell of the row. Tables have fewer than 26 columns.
func (w *rowWriter) next() {
	_, _ = w.out.WriteString(`<c r="`)
	_ = w.out.WriteByte(byte('A' + w.col))
	var number [20]byte
	_, _ = w.out.Write(strconv.AppendInt(number[:0], int64(w.row), 10))
	w.col++
}

// text is a cell that stays a text, whatever it begins with. An empty one is
// left out.
func (w *rowWriter) text(s string) {
	if s == "" {
		w.col++
		return
	}
	w.next()
	w.put(`" t="inlineStr"><is><t>`)
	if strings.Contains(s, "_x") {
		s = escape().ReplaceAllString(s, "_x005F$0")
	}
	if strings.ContainsAny(s, "&<>\"'") || !plainASCII(s) {
		_ = xml.EscapeText(w.out, []byte(s))
	} else {
		w.put(s)
	}
	w.put(`</t></is></c>`)
}

// escape is how a spreadsheet writes a character by its number (ECMA-376 part
// 1, section 22.9.2.19): such a text has to be told from it.
func escape() *regexp.Regexp { return regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`) }

func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// number is a cell with a number.
func (w *rowWriter) number(n int) {
	w.next()
	w.put(`"><v>`, strconv.Itoa(n), `</v></c>`)
}

// date is a cell with a day, a midnight UTC: the days since the last day of
// 1899, as spreadsheets count from March 1900 on. Zero: no cell.
func (w *rowWriter) date(day time.Time) {
	if day.IsZero() {
		w.col++
		return
	}
	w.next()
	since := day.Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC))
	w.put(`" s="`, w.day, `"><v>`, strconv.Itoa(int(since/(24*time.Hour))), `</v></c>`)
}

func (w *rowWriter) flush() error { return w.out.Flush() }
