package files

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/xuri/excelize/v2"

	"domovoy/i18n"
)

// book is a workbook without the rows of its tables.
type book struct {
	*paper
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

func newBook(p *paper) (*book, error) {
	b := &book{paper: p, file: excelize.NewFile()}
	day := p.Say("files.format.day")
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
	if !p.week.Data.IsZero() {
		at = p.week.Data.UTC().Format(time.RFC3339)
	}
	return b, b.file.SetDocProps(&excelize.DocProperties{Creator: "Domovoy", LastModifiedBy: "Domovoy", Language: b.Language(),
		Title: b.Say("files.title", i18n.Args{"Span": b.span()}), Created: at, Modified: at})
}

func (p *paper) sheetName(key string) string { return p.Say("files.sheet." + key) }

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
