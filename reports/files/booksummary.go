package files

import (
	"strconv"
	"time"

	"github.com/xuri/excelize/v2"
)

// summarySheet is the first sheet while it is filled, row by row. It is small, so its
// cells are written one by one.
type summarySheet struct {
	*book
	name                      string
	title, text, label, value int // styles
	day, heading, number      int
	row                       int // the row written last
}

// summaryColumns are the widths of the sheet: a name and its number, twice, with a gap
// between; the weeks have a day and three numbers.
func summaryColumns() []float64 { return []float64{38, 14, 14, 14, 4, 38, 14} }

// summary is the first sheet: the answer, the numbers that matter, the owners and the
// causes with the most problems, and the weeks with their chart. It prints on one page.
func (b *book) summary() error {
	s := &summarySheet{book: b, name: b.sheetName("summary")}
	for _, step := range []func() error{s.layout, s.styles, s.answer, s.counts, s.ranks, s.weeks} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// layout sets the columns and the paper.
func (s *summarySheet) layout() error {
	for i, width := range summaryColumns() {
		letter, err := excelize.ColumnNumberToName(i + 1)
		if err != nil {
			return err
		}
		if err := s.file.SetColWidth(s.name, letter, letter, width); err != nil {
			return err
		}
	}
	fit, landscape, a4, one, lines := true, "landscape", 9, 1, false
	if err := s.file.SetSheetProps(s.name, &excelize.SheetPropsOptions{FitToPage: &fit}); err != nil {
		return err
	}
	if err := s.file.SetSheetView(s.name, 0, &excelize.ViewOptions{ShowGridLines: &lines}); err != nil {
		return err
	}
	return s.file.SetPageLayout(s.name, &excelize.PageLayoutOptions{Orientation: &landscape, Size: &a4, FitToWidth: &one, FitToHeight: &one})
}

// styles makes how the cells look.
func (s *summarySheet) styles() error {
	day := s.Say("files.format.day")
	for _, x := range []struct {
		id    *int
		style excelize.Style
	}{
		{&s.title, excelize.Style{Font: &excelize.Font{Size: 12, Family: family, Color: "57606A"}}},
		{&s.text, excelize.Style{Font: &excelize.Font{Bold: true, Size: 16, Family: family}, Alignment: &excelize.Alignment{Vertical: "top", WrapText: true}}},
		{&s.label, excelize.Style{Alignment: &excelize.Alignment{Vertical: "top", WrapText: true}}},
		{&s.value, excelize.Style{Font: &excelize.Font{Bold: true, Family: family, Size: 11}, NumFmt: 3, Alignment: &excelize.Alignment{Horizontal: "right", Vertical: "top"}}},
		{&s.day, excelize.Style{CustomNumFmt: &day, Alignment: &excelize.Alignment{Horizontal: "left"}}},
	} {
		id, err := s.file.NewStyle(&x.style)
		if err != nil {
			return err
		}
		*x.id = id
	}
	var err error
	if s.heading, err = s.headStyle(false); err != nil {
		return err
	}
	s.number, err = s.headStyle(true)
	return err
}

// put writes a cell of a row; columns count from 1.
func (s *summarySheet) put(column, row int, value any, style int) error {
	at, err := excelize.CoordinatesToCellName(column, row)
	if err != nil {
		return err
	}
	if err := s.file.SetCellStyle(s.name, at, at, style); err != nil {
		return err
	}
	if text, ok := value.(string); ok { // whatever it begins with
		return s.file.SetCellStr(s.name, at, text)
	}
	return s.file.SetCellValue(s.name, at, value)
}

// across writes a text over the whole width, as high as it needs in letters that are so
// much larger than the usual ones.
func (s *summarySheet) across(text string, style int, larger float64) error {
	s.row++
	width := 0.0
	for _, w := range summaryColumns() {
		width += w
	}
	from, to := "A"+strconv.Itoa(s.row), "G"+strconv.Itoa(s.row)
	if err := s.file.MergeCell(s.name, from, to); err != nil {
		return err
	}
	if err := s.file.SetRowHeight(s.name, s.row, lineHigh*larger*float64(linesOf(text, width/larger))); err != nil {
		return err
	}
	return s.put(1, s.row, text, style)
}

// answer writes the title, the sentence and the time of the data.
func (s *summarySheet) answer() error {
	if err := s.across(s.document.title(), s.title, 1.2); err != nil {
		return err
	}
	if err := s.across(s.document.answer(), s.text, 1.5); err != nil {
		return err
	}
	for _, note := range s.notes() {
		if err := s.across(note, s.label, 1); err != nil {
			return err
		}
	}
	s.row++
	return nil
}

// counts writes the headlines, and beside them the others that are not zero.
func (s *summarySheet) counts() error {
	if s.week.Data.IsZero() {
		return nil
	}
	var left []ranked
	for _, h := range s.headlines() {
		for _, x := range h.values {
			left = append(left, ranked{s.Say("files.number." + x.key), x.n})
		}
	}
	return s.beside(ranking{title: s.Say("files.column.number"), top: left}, ranking{title: s.Say("files.column.number"), top: s.others()})
}

// ranks writes the owners and causes with the most problems.
func (s *summarySheet) ranks() error {
	r := s.rankings()
	if len(r[0].top) == 0 {
		return nil
	}
	for i := range r {
		if r[i].others > 0 {
			r[i].top = append(r[i].top, ranked{s.Say("files.page.remaining"), r[i].others})
		}
	}
	return s.beside(r[0], r[1])
}

// beside writes two lists of names with their numbers, one beside the other.
func (s *summarySheet) beside(left, right ranking) error {
	first, longest := s.row+1, 0
	for i, list := range []ranking{left, right} {
		column := 1 + 5*i
		if len(list.top) == 0 {
			continue
		}
		if err := s.put(column, first, list.title, s.heading); err != nil {
			return err
		}
		if err := s.put(column+1, first, s.Say("files.column.value"), s.number); err != nil {
			return err
		}
		for n, x := range list.top {
			if err := s.put(column, first+1+n, x.name, s.label); err != nil {
				return err
			}
			if err := s.put(column+1, first+1+n, x.n, s.value); err != nil {
				return err
			}
		}
		longest = max(longest, len(list.top))
	}
	for n := range longest {
		lines := 1
		for _, list := range []ranking{left, right} {
			if n < len(list.top) {
				lines = max(lines, linesOf(list.top[n].name, summaryColumns()[0]))
			}
		}
		if err := s.file.SetRowHeight(s.name, first+1+n, lineHigh*float64(lines)); err != nil {
			return err
		}
	}
	s.row = first + longest + 1
	return nil
}

// weeks writes the points of the chart, and the chart beside them.
func (s *summarySheet) weeks() error {
	if lastKnown(s.weekPoints()) == nil {
		return nil
	}
	first := s.row + 1
	for i, heading := range []string{s.Say("files.page.weeks"), s.Say("files.column.open"), s.Say("files.column.new"), s.Say("files.column.fixed")} {
		style := s.number
		if i == 0 {
			style = s.heading
		}
		if err := s.put(i+1, first, heading, style); err != nil {
			return err
		}
	}
	s.row = first
	for _, p := range s.week.Points {
		s.row++
		if err := s.put(1, s.row, s.document.day(p.At.AddDate(0, 0, -7)).In(time.UTC), s.day); err != nil {
			return err
		}
		if !p.Known {
			continue // a gap
		}
		for i, n := range []int{p.Open, p.Added, p.Fixed} {
			if err := s.put(i+2, s.row, n, s.value); err != nil {
				return err
			}
		}
	}
	return s.chart(first)
}

// chart draws the weeks that stand below a row of headings.
func (s *summarySheet) chart(first int) error {
	cells := func(column string, from, to int) string {
		return "'" + s.name + "'!$" + column + "$" + strconv.Itoa(from) + ":$" + column + "$" + strconv.Itoa(to)
	}
	series := func(column, color string) excelize.ChartSeries {
		return excelize.ChartSeries{Name: "'" + s.name + "'!$" + column + "$" + strconv.Itoa(first), Categories: cells("A", first+1, s.row), Values: cells(column, first+1, s.row),
			Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{color}}, Line: excelize.LineOptions{Width: 2.25},
			Marker: excelize.ChartMarker{Symbol: map[string]string{"B": "circle", "C": "triangle", "D": "square"}[column], Size: 6}}
	}
	no := false
	return s.file.AddChart(s.name, "F"+strconv.Itoa(first), &excelize.Chart{
		Type:      excelize.Line,
		Series:    []excelize.ChartSeries{series("B", "0072B2"), series("C", "D55E00"), series("D", "009E73")}, // Okabe and Ito's
		Format:    excelize.GraphicOptions{ScaleX: 0.86, ScaleY: 1},
		Legend:    excelize.ChartLegend{Position: "bottom"},
		Title:     excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: s.Say("files.page.chart")}}},
		XAxis:     excelize.ChartAxis{NumFmt: excelize.ChartNumFmt{CustomNumFmt: "dd.mm", SourceLinked: no}},
		YAxis:     excelize.ChartAxis{MajorGridLines: true},
		Dimension: excelize.ChartDimension{Width: 440, Height: uint(20 * (s.row - first + 1))},
	})
}
