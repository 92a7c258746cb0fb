package files

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"io"
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

// workbook writes a report and opens it again.
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
		"en": {"To do", "All", "Fixed and gone", "By owner", "Numbers and their meaning"},
		"ru": {"Что делать", "Все", "Исправлено и ушло", "По владельцам", "Числа и что они значат"},
	} {
		f, data := workbook(t, writer(t, lang), sample(t))
		if diff := cmp.Diff(want, f.GetSheetList()); diff != "" {
			t.Errorf("%s: sheets (-want +got):\n%s", lang, diff)
		}
		for i, name := range want {
			if n := utf8.RuneCountInString(name); n > 31 || strings.ContainsAny(name, `[]:*?/\'`) {
				t.Errorf("%q is no name of a sheet", name) // ECMA-376 part 1, 18.2.19, and Excel's own rules
			}
			if p, err := f.GetPanes(name); err != nil || !p.Freeze || p.YSplit != 1 {
				t.Errorf("%s, %s: the headings are not frozen: %+v, %v", lang, name, p, err)
			}
			written := entry(t, data, sheetPath(i))
			if buttons := bytes.Contains(written, []byte("<autoFilter ref=")); buttons != (i < 4) {
				t.Errorf("%s, %s: filter buttons: %v", lang, name, buttons)
			}
			if !bytes.Contains(written, []byte(`<pageSetUpPr fitToPage="true">`)) || bytes.Contains(written, []byte("filterMode")) {
				t.Errorf("%s, %s begins as %.300s", lang, name, written[bytes.Index(written, []byte("<sheetPr")):])
			}
			wellFormed(t, written)
			if width, err := f.GetColWidth(name, "A"); err != nil || width < 25 {
				t.Errorf("%s, %s: the first column is %v wide, %v", lang, name, width, err)
			}
		}
	}
}

// wellFormed reads XML to its end, and its rows and cells in their order.
func wellFormed(t *testing.T, data []byte) {
	t.Helper()
	last := 0
	for d := xml.NewDecoder(bytes.NewReader(data)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if row, ok := token.(xml.StartElement); ok && row.Name.Local == "row" {
			n, err := strconv.Atoi(row.Attr[0].Value)
			if err != nil || n <= last {
				t.Errorf("row %s comes after row %d", row.Attr[0].Value, last)
			}
			last = n
		}
	}
}

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

// TestCells reads the first sheet again: every text is a text, whatever it
// begins with, and every day is a date that a spreadsheet can count with.
func TestCells(t *testing.T) {
	w, r := writer(t, "en"), sample(t)
	f, _ := workbook(t, w, r)
	rows, err := f.GetRows("To do", excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	if want := 1 + newDocument(w, r).count(toDo); len(rows) != want {
		t.Fatalf("%d rows, want %d", len(rows), want)
	}
	column := func(heading string) int { return slices.Index(rows[0], heading) }
	row := rows[2] // пример.рф
	for heading, want := range map[string]string{
		"Domain": "пример.рф", "Domain (ASCII)": "xn--e1afmkfd.xn--p1ai", "Owner": hostile.formula, "Server": "isp1",
		"What is wrong": "the domain is free", "Who does it": "on call", "Against last week": "as it was",
	} {
		at, _ := excelize.CoordinatesToCellName(column(heading)+1, 3)
		kind, err := f.GetCellType("To do", at)
		formula, _ := f.GetCellFormula("To do", at)
		if got := row[column(heading)]; got != want || err != nil || formula != "" || kind != excelize.CellTypeInlineString && kind != excelize.CellTypeSharedString {
			t.Errorf("%s = %q (type %v, formula %q), want the text %q; %v", heading, got, kind, formula, want, err)
		}
	}
	for heading, want := range map[string]string{"Since": "2026-10-03", "Free from": "2026-12-14"} {
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

// TestLibreOfficeReadsTheSame has another program read the workbook.
func TestLibreOfficeReadsTheSame(t *testing.T) {
	office := program(t, "soffice", "libreoffice")
	for _, lang := range []string{"ru", "en"} {
		f, data := workbook(t, writer(t, lang), sample(t))
		dir := t.TempDir()
		path := filepath.Join(dir, "report.xlsx")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		// Semicolon, quote, UTF-8, from the first line; cells as shown; every sheet.
		format := `csv:Text - txt - csv (StarCalc):59,34,76,1,,0,false,true,true,false,false,-1`
		cmd := exec.CommandContext(t.Context(), office, "--headless", "-env:UserInstallation=file://"+filepath.ToSlash(dir)+"/profile",
			"--convert-to", format, "--outdir", dir, path)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, name := range f.GetSheetList() {
			want, err := f.GetRows(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(square(want), square(readCSV(t, filepath.Join(dir, "report-"+name+".csv")))); diff != "" {
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

// square drops empty cells at the ends of rows, and empty rows, which the two
// count differently.
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
