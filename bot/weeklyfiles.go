package bot

import (
	"bytes"
	"io"
	"strings"
	"time"

	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/files"
)

// Media types of a report's files.
const (
	typePNG  = "image/png"
	typeXLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	typeHTML = "text/html"
	typeCSV  = "text/csv"
)

// weeklyFiles are what goes with the message of a weekly report: the chart
// first, for it is looked at on a phone. A report of a week without a
// snapshot has none.
func weeklyFiles(w compose.Writer, r reports.Weekly, csv bool) ([]reports.File, error) {
	if r.Data.IsZero() {
		return nil, nil
	}
	chart, err := files.WeekChart(w, r)
	if err != nil {
		return nil, err
	}
	xlsx, html, comma := files.Names(w, r)
	all := []reports.File{{Name: stem(html) + ".png", Type: typePNG, Data: chart}}
	page := func(out io.Writer, w compose.Writer, r reports.Weekly) error { return files.HTML(out, w, r, chart) }
	kinds := []struct {
		name, kind string
		write      func(io.Writer, compose.Writer, reports.Weekly) error
	}{{xlsx, typeXLSX, files.XLSX}, {html, typeHTML, page}, {comma, typeCSV, files.CSV}}
	if !csv {
		kinds = kinds[:2]
	}
	for _, k := range kinds {
		var buf bytes.Buffer
		if err := k.write(&buf, w, r); err != nil {
			return nil, err
		}
		all = append(all, reports.File{Name: k.name, Type: k.kind, Data: buf.Bytes()})
	}
	return all, nil
}

// stem is a file's name without what follows the last dot.
func stem(name string) string {
	return name[:max(0, strings.LastIndexByte(name, '.'))]
}

// weeklyMessage composes the report with its files.
func (b *Bot) weeklyMessage(l *i18n.Locale, r reports.Weekly, csv bool) (reports.Message, error) {
	w := compose.Writer{Locale: l, Now: time.Now()}
	m := compose.Weekly(w, r)
	var err error
	m.Files, err = weeklyFiles(w, r, csv)
	return m, err
}
