package files

import (
	"bufio"
	"encoding/xml"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

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
