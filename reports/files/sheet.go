package files

import (
	"fmt"
	"strconv"

	"github.com/xuri/excelize/v2"
)

// sheet is a sheet being written from its top to its bottom: excelize keeps
// what is streamed out of memory, and takes nothing back.
type sheet struct {
	*excelize.StreamWriter
	head int // style of the headings
	row  int // the last written
}

// maxRows is how many rows a sheet of XLSX holds.
const maxRows = 1 << 20

// sheet adds a sheet and has it written.
func (b *book) sheet(key string, write func(*sheet) error) error {
	name := b.Say("files.sheet." + key)
	if _, err := b.file.NewSheet(name); err != nil {
		return err
	}
	if err := b.printed(name); err != nil {
		return err
	}
	stream, err := b.file.NewStreamWriter(name)
	if err != nil {
		return err
	}
	if err := write(&sheet{StreamWriter: stream, head: b.style.head}); err != nil {
		return err
	}
	return stream.Flush()
}

// printed lays a sheet out for A4: as wide as the page, headings on each.
func (b *book) printed(name string) error {
	yes, landscape, a4, wide, tall := true, "landscape", 9, 1, 0
	if err := b.file.SetSheetProps(name, &excelize.SheetPropsOptions{FitToPage: &yes}); err != nil {
		return err
	}
	if err := b.file.SetPageLayout(name, &excelize.PageLayoutOptions{Orientation: &landscape, Size: &a4, FitToWidth: &wide, FitToHeight: &tall}); err != nil {
		return err
	}
	return b.file.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", RefersTo: "'" + name + "'!$1:$1", Scope: name})
}

// begin writes the headings, which stay in sight. It must come first.
func (s *sheet) begin(headings []string, widths []float64) error {
	for i, width := range widths {
		if err := s.SetColWidth(i+1, i+1, width); err != nil {
			return err
		}
	}
	if err := s.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	cells := make([]any, len(headings))
	for i, h := range headings {
		cells[i] = excelize.Cell{StyleID: s.head, Value: h}
	}
	s.row++
	return s.SetRow("A1", cells, excelize.RowOpts{Height: 32})
}

// add writes a row.
func (s *sheet) add(cells ...any) error {
	s.row++
	if s.row > maxRows {
		return fmt.Errorf("more than %d rows", maxRows)
	}
	return s.SetRow("A"+strconv.Itoa(s.row), cells)
}

// filter puts the filter buttons on the headings, when all rows are written.
func (b *book) filter(s *sheet, columns int) error {
	corner, err := excelize.CoordinatesToCellName(columns, s.row)
	if err != nil {
		return err
	}
	return b.file.AutoFilter(s.Sheet, "A1:"+corner, nil)
}
