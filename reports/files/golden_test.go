package files

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares data with a file of testdata, byte by byte.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; rewrite it with -update):\n%s", path, diff)
	}
}

// TestWords shows every cell of the workbook as a reader sees it.
func TestWords(t *testing.T) {
	for _, lang := range []string{"en", "ru"} {
		f, _ := workbook(t, writer(t, lang), sample(t))
		var b strings.Builder
		for _, name := range f.GetSheetList() {
			b.WriteString("== " + name + "\n")
			rows, err := f.GetRows(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				b.WriteString(strings.TrimRight(strings.Join(row, " | "), " |") + "\n")
			}
		}
		golden(t, "workbook."+lang+".txt", []byte(b.String()))
	}
}

func TestCSV(t *testing.T) {
	for _, lang := range []string{"en", "ru"} {
		var buf bytes.Buffer
		if err := CSV(&buf, writer(t, lang), sample(t)); err != nil {
			t.Fatal(err)
		}
		golden(t, "week."+lang+".csv", buf.Bytes())
	}
}

func TestNames(t *testing.T) {
	for lang, want := range map[string]string{
		"en": "domovoy-week-2026-W46.xlsx domovoy-week-2026-W46.html domovoy-week-2026-W46.csv",
		"ru": "domovoy-неделя-2026-W46.xlsx domovoy-неделя-2026-W46.html domovoy-неделя-2026-W46.csv",
	} {
		xlsx, html, csv := Names(writer(t, lang), sample(t))
		if got := xlsx + " " + html + " " + csv; got != want {
			t.Errorf("Names = %s, want %s", got, want)
		}
	}
}

// TestCharts compares pictures by their visible differences: rounding may
// differ between machines, the content may not.
func TestCharts(t *testing.T) {
	r, none := sample(t), reports.Weekly{}
	unknown := sample(t)
	unknown.Points[11].Known = false
	for name, draw := range map[string]func(compose.Writer) ([]byte, error){
		"weeks":   func(w compose.Writer) ([]byte, error) { return WeekChart(w, r) },
		"days":    func(w compose.Writer) ([]byte, error) { return DayChart(w, days(t)) },
		"unknown": func(w compose.Writer) ([]byte, error) { return WeekChart(w, unknown) },
		"none":    func(w compose.Writer) ([]byte, error) { return WeekChart(w, none) },
	} {
		for _, lang := range []string{"en", "ru"} {
			got, err := draw(writer(t, lang))
			if err != nil {
				t.Fatal(err)
			}
			goldenPicture(t, name+"."+lang+".png", got)
		}
	}
}

// mayDiffer is how many pixels of a picture may differ because of rounding:
// fewer than one digit of a heading has.
const mayDiffer = 60

// goldenPicture compares a PNG with one of testdata.
func goldenPicture(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	a, b := decode(t, want), decode(t, got)
	if a.Bounds() != b.Bounds() {
		t.Fatalf("%s is %v, was %v", name, b.Bounds(), a.Bounds())
	}
	if n := unlike(a, b); n > mayDiffer {
		t.Errorf("%s: %d pixels differ, more than %d", name, n, mayDiffer)
		if err := os.WriteFile(filepath.Join(t.ArtifactDir(), name), got, 0o600); err != nil {
			t.Error(err)
		}
	}
}

func decode(t *testing.T, data []byte) image.Image {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// unlike counts pixels whose difference is visible.
func unlike(a, b image.Image) int {
	n := 0
	for y := a.Bounds().Min.Y; y < a.Bounds().Max.Y; y++ {
		for x := a.Bounds().Min.X; x < a.Bounds().Max.X; x++ {
			p, q := color.GrayModel.Convert(a.At(x, y)).(color.Gray), color.GrayModel.Convert(b.At(x, y)).(color.Gray)
			if max(p.Y, q.Y)-min(p.Y, q.Y) > 48 {
				n++
			}
		}
	}
	return n
}

// TestPicturesCanDiffer checks that the comparison notices one changed digit,
// here of the heading: +7 by the points, +8 as a digest counts.
func TestPicturesCanDiffer(t *testing.T) {
	p := newDocument(writer(t, "en"), reports.Weekly{})
	c := chart{title: "files.chart.day", every: 1,
		points: []point{{open: 102, known: true}, {open: 109, added: 10, fixed: 2, known: true}}}
	before, err := p.draw(c)
	if err != nil {
		t.Fatal(err)
	}
	c.daily = true
	after, err := p.draw(c)
	if err != nil {
		t.Fatal(err)
	}
	if n := unlike(decode(t, before), decode(t, after)); n <= mayDiffer {
		t.Errorf("a changed figure changes %d pixels, and %d are let through", n, mayDiffer)
	}
}

func TestStep(t *testing.T) {
	for top, want := range map[int]int{0: 1, 1: 1, 5: 1, 6: 2, 11: 2, 12: 5, 34: 10, 96: 20, 131: 50, 3412: 1000} {
		if got := step(top); got != want {
			t.Errorf("step(%d) = %d, want %d", top, got, want)
		}
	}
}

// TestEveryCodeHasItsWords checks that no row needs what the history does not
// store: arguments of a text.
func TestEveryCodeHasItsWords(t *testing.T) {
	for _, lang := range []string{"en", "ru"} {
		var r reports.Weekly
		for _, code := range checks.Codes() {
			r.Rows = append(r.Rows, reports.WeekRow{Change: reports.WeekStill, SiteState: reports.SiteState{Code: code}})
		}
		p := newDocument(writer(t, lang), r)
		for code, text := range p.codes {
			if said := text.cause + text.step; code != "" && (said == "" || strings.Contains(said, "⟨")) {
				t.Errorf("%s, %s: %q", lang, code, said)
			}
		}
	}
}

// TestEmptyWeeks writes reports without any rows.
func TestEmptyWeeks(t *testing.T) {
	week, _ := reports.ISOWeek(2026, 47, moscow(t))
	for name, r := range map[string]reports.Weekly{
		"no snapshot": {Week: week}, "nothing wrong": {Week: week, Data: week.To, Before: week.From}, "not over": {Week: week, Data: week.From.Add(day)},
	} {
		for _, lang := range []string{"en", "ru"} {
			w := writer(t, lang)
			f, _ := workbook(t, w, r)
			if rows, err := f.GetRows(f.GetSheetList()[1]); err != nil || len(rows) != 1 {
				t.Errorf("%s: %d rows to do, %v", name, len(rows), err)
			}
			var page, table bytes.Buffer
			if err := HTML(&page, w, r); err != nil || bytes.Contains(page.Bytes(), []byte("<table")) || strings.Contains(page.String(), "⟨") {
				t.Errorf("%s: %v\n%s", name, err, page.String())
			}
			if err := CSV(&table, w, r); err != nil || bytes.Count(table.Bytes(), []byte("\n")) != 1 {
				t.Errorf("%s: %v, %q", name, err, table.String())
			}
			if state := newDocument(w, r).state(); (state == "") != (name == "nothing wrong") {
				t.Errorf("%s: the state is %q", name, state)
			}
		}
	}
}
