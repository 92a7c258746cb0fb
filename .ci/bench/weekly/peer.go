package main

import (
	"io"
	"strconv"
	"time"

	"github.com/xuri/excelize/v2"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// peer writes the same cells as the workbook of the report by the plain means of
// excelize's StreamWriter, with nothing else: rows in three sheets, and the owners. What
// the report takes beyond it is wording, widths, heights and the other sheets.
func peer(out io.Writer, w compose.Writer, r reports.Weekly) error {
	file := excelize.NewFile()
	defer file.Close()
	format := "dd.mm.yyyy"
	day, err := file.NewStyle(&excelize.Style{CustomNumFmt: &format})
	if err != nil {
		return err
	}
	text, err := file.NewStyle(&excelize.Style{Alignment: &excelize.Alignment{Vertical: "top", WrapText: true}})
	if err != nil {
		return err
	}
	texts := map[string]string{}
	say := func(key string) string {
		if _, known := texts[key]; !known {
			texts[key] = w.Say(key)
		}
		return texts[key]
	}
	date := func(t time.Time) any {
		if t.IsZero() {
			return nil
		}
		return excelize.Cell{StyleID: day, Value: t.UTC()}
	}
	row := func(x reports.WeekRow) []any {
		return []any{x.Site, x.Owner, say("code." + string(x.Code) + ".title"), nil, say("code." + string(x.Code) + ".next"),
			say("who." + string(x.Acts())), date(x.Since), nil, date(x.Until), say("files.change." + string(x.Change)), date(x.Free), date(x.Expires)}
	}
	for _, sheet := range []struct {
		name    string
		columns []int
		keep    func(reports.WeekRow) bool
	}{
		{"todo", []int{0, 1, 2, 3, 4, 5, 6, 9}, func(x reports.WeekRow) bool {
			return x.Change.Open() && x.Acts() != checks.CA && x.Acts() != checks.Nobody
		}},
		{"all", []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, func(reports.WeekRow) bool { return true }},
		{"over", []int{0, 1, 2, 9, 6, 8}, func(x reports.WeekRow) bool { return !x.Change.Open() }},
	} {
		if _, err := file.NewSheet(sheet.name); err != nil {
			return err
		}
		stream, err := file.NewStreamWriter(sheet.name)
		if err != nil {
			return err
		}
		n := 0
		for _, x := range r.Rows {
			if !sheet.keep(x) {
				continue
			}
			all, cells := row(x), make([]any, len(sheet.columns))
			for i, column := range sheet.columns {
				cells[i] = all[column]
			}
			n++
			if err := stream.SetRow("A"+strconv.Itoa(n), cells, excelize.RowOpts{StyleID: text}); err != nil {
				return err
			}
		}
		if err := stream.Flush(); err != nil {
			return err
		}
	}
	return file.Write(out)
}
