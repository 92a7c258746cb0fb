package files

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"domovoy/reports"
	"domovoy/reports/compose"
)

// workbook writes a report and opens it.
func workbook(t *testing.T, w compose.Writer, r reports.Weekly) (*excelize.File, []byte) {
	t.Helper()
	var buf bytes.Buffer
	if err := XLSX(&buf, w, r); err != nil {
		t.Fatal(err)
	}
	data := buf.Bytes()
	f, err := excelize.OpenReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, data
}

func TestSheets(t *testing.T) {
	for lang, want := range map[string][]string{
		"en": {"Summary", "To do", "All", "Fixed and removed", "Domains ending", "Aliases to remove", "By owner", "Key figures"},
		"ru": {"Главное", "Что делать", "Все", "Исправлено и удалено", "Домены на исходе", "Лишние псевдонимы", "По владельцам", "Показатели"},
	} {
		f, data := workbook(t, writer(t, lang), sample(t))
		if diff := cmp.Diff(want, f.GetSheetList()); diff != "" {
			t.Errorf("%s: sheets (-want +got):\n%s", lang, diff)
		}
		for i, name := range want {
			if n := utf8.RuneCountInString(name); n > 31 || strings.ContainsAny(name, `[]:*?/\'`) {
				t.Errorf("%q is no name of a sheet", name) // ECMA-376 part 1, 18.2.19, and Excel's own rules
			}
			if p, err := f.GetPanes(name); i > 0 && (err != nil || !p.Freeze || p.YSplit != 1 || p.XSplit != 1) {
				t.Errorf("%s, %s: the headings and the names are not frozen: %+v, %v", lang, name, p, err)
			}
			written := entry(t, data, sheetPath(i))
			if buttons := bytes.Contains(written, []byte("<autoFilter ref=")); buttons != (i > 0 && i < 7) {
				t.Errorf("%s, %s: filter buttons: %v", lang, name, buttons)
			}
			if !bytes.Contains(written, []byte(`fitToPage="true"`)) || bytes.Contains(written, []byte("filterMode")) {
				t.Errorf("%s, %s begins as %.300s", lang, name, written[bytes.Index(written, []byte("<sheetPr")):])
			}
			wellFormed(t, written)
			if width, err := f.GetColWidth(name, "A"); err != nil || width < 25 {
				t.Errorf("%s, %s: the first column is %v wide, %v", lang, name, width, err)
			}
		}
	}
}

// wellFormed parses XML to its end, and checks the order of its columns and
// rows.
func wellFormed(t *testing.T, data []byte) {
	t.Helper()
	last := map[string]int{}
	for d := xml.NewDecoder(bytes.NewReader(data)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		e, ok := token.(xml.StartElement)
		if kind := e.Name.Local; ok && (kind == "col" || kind == "row") {
			at := slices.IndexFunc(e.Attr, func(a xml.Attr) bool { return a.Name.Local == "min" || a.Name.Local == "r" })
			n, err := strconv.Atoi(e.Attr[at].Value)
			if err != nil || n <= last[kind] {
				t.Errorf("%s %d comes after %[1]s %[3]d, %v", kind, n, last[kind], err)
			}
			last[kind] = n
		}
	}
}

// sheetPath is the path of the i-th sheet in the archive. The one that excelize
// adds to a new workbook had the number one.
func sheetPath(i int) string { return "xl/worksheets/sheet" + strconv.Itoa(i+2) + ".xml" }

// entry is a file of the archive.
func entry(t *testing.T, data []byte, name string) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	file, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(file); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestCells reads the sheet of what is to do: every text is a text, whatever it begins
// with, and every day is a date with which a spreadsheet can calculate.
func TestCells(t *testing.T) {
	w, r := writer(t, "en"), sample(t)
	f, _ := workbook(t, w, r)
	rows, err := f.GetRows("To do", excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	if want := 1 + newDocument(w, r).count(newDocument(w, r).toDo); len(rows) != want {
		t.Fatalf("%d rows, want %d", len(rows), want)
	}
	column := func(heading string) int { return slices.Index(rows[0], heading) }
	row := rows[2] // пример.рф
	for heading, want := range map[string]string{
		"Domain": "пример.рф (xn--e1afmkfd.xn--p1ai)", "Owner": hostile.formula, "Server": "isp1",
		"What is wrong": "domain is free to register", "Who does it": "on call", "Since last week": "unchanged",
	} {
		at, _ := excelize.CoordinatesToCellName(column(heading)+1, 3)
		kind, err := f.GetCellType("To do", at)
		formula, _ := f.GetCellFormula("To do", at)
		if got := row[column(heading)]; got != want || err != nil || formula != "" || kind != excelize.CellTypeInlineString && kind != excelize.CellTypeSharedString {
			t.Errorf("%s = %q (type %v, formula %q), want the text %q; %v", heading, got, kind, formula, want, err)
		}
	}
	for heading, want := range map[string]string{"Since": "2026-10-03"} {
		number, err := strconv.ParseFloat(row[column(heading)], 64)
		if err != nil {
			t.Fatalf("%s is no date: %v", heading, err)
		}
		day, err := excelize.ExcelDateToTime(number, false)
		if got := day.Format(time.DateOnly); got != want || err != nil {
			t.Errorf("%s = %s, want %s; %v", heading, got, want, err)
		}
		at, _ := excelize.CoordinatesToCellName(column(heading)+1, 3)
		if shown, err := f.GetCellValue("To do", at); err != nil || !strings.Contains(shown, "2026") {
			t.Errorf("%s is shown as %q, %v", heading, shown, err)
		}
	}
}

// TestSheetsAsSeenAndPrinted checks what excelize stores besides the cells:
// widths, heights and formats, the area of the filter and of the sheet, and the
// print settings.
func TestSheetsAsSeenAndPrinted(t *testing.T) {
	w, r := writer(t, "en"), sample(t)
	f, data := workbook(t, w, r)
	printed := map[string]string{}
	for _, name := range f.GetDefinedName() {
		printed[name.Name+" of "+name.Scope] = name.RefersTo
	}
	all := len(r.Rows) + 1
	for i, tt := range []struct {
		name, area string
		widths     []float64
		filter     bool
		numbers    string // the columns of numbers
	}{
		{"To do", "A1:I" + strconv.Itoa(newDocument(w, r).count(newDocument(w, r).toDo)+1), []float64{34, 18, 11, 26, 16, 48, 12, 13, 20}, true, ""},
		{"All", "A1:M" + strconv.Itoa(all), []float64{34, 18, 11, 26, 16, 48, 12, 13, 11, 13, 20, 13, 15}, true, ""},
		{"Fixed and removed", "A1:G" + strconv.Itoa(newDocument(w, r).count(isOver)+1), []float64{34, 18, 11, 26, 20, 13, 13}, true, ""},
		{"Domains ending", "A1:G4", []float64{34, 18, 11, 13, 13, 12, 44}, true, ""},
		{"Aliases to remove", "A1:H3", []float64{34, 18, 11, 26, 44, 44, 26, 20}, true, ""},
		{"By owner", "A1:E" + strconv.Itoa(len(r.Owners())+1), []float64{30, 14, 14, 14, 14}, true, "BCDE"},
		{"Key figures", "", []float64{34, 22, 12, 62, 34}, false, "C"},
	} {
		area, err := f.GetSheetDimension(tt.name)
		if err != nil || tt.area != "" && area != tt.area {
			t.Errorf("%s reaches over %s, want %s; %v", tt.name, area, tt.area, err)
		}
		for column, want := range tt.widths {
			letter, _ := excelize.ColumnNumberToName(column + 1)
			if got, err := f.GetColWidth(tt.name, letter); got != want || err != nil {
				t.Errorf("%s: column %s is %v wide, want %v; %v", tt.name, letter, got, want, err)
			}
		}
		if height, err := f.GetRowHeight(tt.name, 1); height != 32 || err != nil {
			t.Errorf("%s: the headings are %v high, %v", tt.name, height, err)
		}
		if s := style(t, f, tt.name, "A1"); !s.Font.Bold || s.Font.Color != "FFFFFF" || s.Fill.Color[0] != "1F4E78" || !s.Alignment.WrapText {
			t.Errorf("%s: the headings look like %+v", tt.name, s)
		}
		for column := range tt.widths {
			letter, _ := excelize.ColumnNumberToName(column + 1)
			if right := style(t, f, tt.name, letter+"1").Alignment.Horizontal == "right"; right != strings.Contains(tt.numbers, letter) {
				t.Errorf("%s: the heading of column %s stands to the right: %v", tt.name, letter, right)
			}
		}
		layout, err := f.GetPageLayout(tt.name)
		if err != nil || *layout.Orientation != "landscape" || *layout.Size != 9 || *layout.FitToWidth != 1 || *layout.FitToHeight != 0 {
			t.Errorf("%s is printed as %+v, %v", tt.name, layout, err)
		}
		if got, want := printed["_xlnm.Print_Titles of "+tt.name], "'"+tt.name+"'!$1:$1"; got != want {
			t.Errorf("%s: each page begins with %q, want %q", tt.name, got, want)
		}
		written := bytes.ReplaceAll(entry(t, data, sheetPath(i+1)), []byte("$"), nil)
		if filter := bytes.Contains(written, []byte(`<autoFilter ref="`+tt.area+`"`)); filter != tt.filter {
			t.Errorf("%s: filter buttons over %s: %v", tt.name, tt.area, filter)
		}
	}
	for _, cell := range []string{"H3", "L4"} { // since, free from
		if s := style(t, f, "All", cell); s.CustomNumFmt == nil || *s.CustomNumFmt != w.Say("files.format.day") || s.Alignment.Horizontal != "left" {
			t.Errorf("%s looks like %+v", cell, s)
		}
	}
	const numbers = "Key figures"
	if s := style(t, f, numbers, "C2"); s.CustomNumFmt == nil || *s.CustomNumFmt != "+#,##0;−#,##0;0" {
		t.Errorf("a change looks like %+v", s)
	}
	if s := style(t, f, numbers, "D2"); !s.Alignment.WrapText || s.Alignment.Vertical != "top" {
		t.Errorf("a meaning looks like %+v", s)
	}
}

// style returns the format of a cell.
func style(t *testing.T, f *excelize.File, sheet, cell string) *excelize.Style {
	t.Helper()
	id, err := f.GetCellStyle(sheet, cell)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.GetStyle(id)
	if err != nil {
		t.Fatal(err)
	}
	if s.Alignment == nil {
		s.Alignment = &excelize.Alignment{}
	}
	return s
}

// TestNothingIsClipped checks that each text that is longer than its column is wrapped,
// in a row that is high enough for it.
func TestNothingIsClipped(t *testing.T) {
	for _, lang := range []string{"en", "ru"} {
		f, _ := workbook(t, writer(t, lang), sample(t))
		for _, name := range f.GetSheetList()[1:] {
			rows, err := f.GetRows(name)
			if err != nil {
				t.Fatal(err)
			}
			for y, row := range rows {
				height, _ := f.GetRowHeight(name, y+1)
				for x, text := range row {
					letter, _ := excelize.ColumnNumberToName(x + 1)
					width, _ := f.GetColWidth(name, letter)
					needed := math.Ceil(float64(utf8.RuneCountInString(text)) / width)
					if needed > 1 && (height < lineHigh*needed || !style(t, f, name, letter+strconv.Itoa(y+1)).Alignment.WrapText) {
						t.Errorf("%s, %s: %s%d is clipped: %v points for %q", lang, name, letter, y+1, height, text)
					}
				}
			}
		}
	}
}

func TestLinesOf(t *testing.T) {
	for text, want := range map[string]int{
		"": 1, "ten digits": 1, "eleven char": 2, "one two three four": 2, "one two three four five": 3, "abcdefghijklmnopqrstuvwxy": 3,
		"слово слово слово": 3, "a abcdefghijklm b": 3,
	} {
		if got := linesOf(text, 10); got != want {
			t.Errorf("%q takes %d lines, want %d", text, got, want)
		}
	}
}

// TestSummarySheet reads what a manager sees first, and prints it on one page.
func TestSummarySheet(t *testing.T) {
	w, r := writer(t, "ru"), sample(t)
	f, _ := workbook(t, w, r)
	const name = "Главное"
	if at := f.GetActiveSheetIndex(); f.GetSheetList()[at] != name {
		t.Errorf("the workbook opens at %s", f.GetSheetList()[at])
	}
	rows, err := f.GetRows(name)
	if err != nil {
		t.Fatal(err)
	}
	d := newDocument(w, r)
	if rows[0][0] != d.title() || rows[1][0] != compose.WeekAnswer(w, r) {
		t.Errorf("it begins with %q and %q", rows[0], rows[1])
	}
	var all []string
	for _, row := range rows {
		all = append(all, strings.Join(row, "|"))
	}
	text := strings.Join(all, "\n")
	for _, want := range []string{"С проблемами|10|", "Новых|5|", "Исправлено|1|", "Ждут ответа клиента (сайтов)|4|", "client17|3|", "|CAA запрещает выпуск|3", "09.11.2026|9|4|1"} {
		if !strings.Contains(text, want) {
			t.Errorf("it has no %q:\n%s", want, text)
		}
	}
	layout, err := f.GetPageLayout(name)
	if err != nil || *layout.FitToWidth != 1 || *layout.FitToHeight != 1 {
		t.Errorf("it is printed as %+v, %v", layout, err)
	}
}

// TestWorkbookIsRepeatable composes the same week on another day.
func TestWorkbookIsRepeatable(t *testing.T) {
	w := writer(t, "ru")
	first, _ := workbook(t, w, sample(t))
	w.Now = w.Now.AddDate(0, 3, 0)
	second, _ := workbook(t, w, sample(t))
	for _, name := range first.GetSheetList() {
		a, _ := first.GetRows(name)
		b, _ := second.GetRows(name)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s changed with the day (-then +later):\n%s", name, diff)
		}
	}
}

// TestLibreOfficeReadsTheSame reads the workbooks with another program.
func TestLibreOfficeReadsTheSame(t *testing.T) {
	office, dir := program(t, "soffice", "libreoffice"), t.TempDir()
	// Semicolon, quote, UTF-8, from the first line; cells as shown; every sheet.
	format := `csv:Text - txt - csv (StarCalc):59,34,76,1,,0,false,true,true,false,false,-1`
	cmd := exec.CommandContext(t.Context(), office, "--headless", "-env:UserInstallation=file://"+filepath.ToSlash(dir)+"/profile",
		"--convert-to", format, "--outdir", dir)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8") // otherwise it cannot write a file with a Russian name
	books := map[string]*excelize.File{}
	for _, lang := range []string{"ru", "en"} {
		f, data := workbook(t, writer(t, lang), sample(t))
		path := filepath.Join(dir, lang+".xlsx")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		books[lang], cmd.Args = f, append(cmd.Args, path)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for lang, f := range books {
		for _, name := range f.GetSheetList() {
			want, err := f.GetRows(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(square(want), square(readCSV(t, filepath.Join(dir, lang+"-"+name+".csv")))); diff != "" {
				t.Errorf("%s, %s (-excelize +LibreOffice):\n%s", lang, name, diff)
			}
		}
	}
}

func readCSV(t *testing.T, path string) [][]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r := csv.NewReader(file)
	r.Comma, r.FieldsPerRecord = ';', -1
	records, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// square removes empty cells at the ends of rows, and empty rows, which the two
// programs count differently.
func square(rows [][]string) [][]string {
	var all [][]string
	for _, row := range rows {
		for len(row) > 0 && row[len(row)-1] == "" {
			row = row[:len(row)-1]
		}
		if len(row) > 0 {
			all = append(all, row)
		}
	}
	return all
}
