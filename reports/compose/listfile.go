package compose

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"time"

	"domovoy/checks"
	"domovoy/reports"
)

// ListFile is a whole list as a file for a spreadsheet: UTF-8 with a mark and
// semicolons, as Excel wants it.
func (w Writer) ListFile(rows []reports.Row, kind string) (reports.Message, error) {
	var buf bytes.Buffer
	buf.WriteString("\uFEFF")
	out := csv.NewWriter(&buf)
	out.Comma = ';'
	head := []string{"domain", "unicode", "owner", "server", "code", "cause", "since"}
	more := map[string]string{"elsewhere": "to", "free": "free", "unknown": "blind"}[kind]
	if more != "" {
		head = append(head, "name", more)
	}
	for i, h := range head {
		head[i] = w.Locale.Say("list.column." + h)
	}
	records := [][]string{head}
	for _, r := range rows {
		since := ""
		if !r.Since.IsZero() {
			since = w.Locale.Stamp(r.Since)
		}
		record := []string{reports.PlainCell(r.Domain), reports.PlainCell(checks.ToUnicode(r.Domain)), reports.PlainCell(r.Owner), reports.PlainCell(r.Server), string(r.Code), w.title(r.Code), since}
		if more != "" {
			record = append(record, reports.PlainCell(checks.ToUnicode(r.Name)), reports.PlainCell(w.moreCell(r)))
		}
		records = append(records, record)
	}
	if err := out.WriteAll(records); err != nil {
		return reports.Message{}, err
	}
	m := w.message(reports.Plain, w.listTitle(kind, len(rows)))
	m.Files = []reports.File{{Name: kind + "-" + w.Now.Format(time.DateOnly) + ".csv", Type: "text/csv", Data: buf.Bytes()}}
	return m, nil
}

// moreCell is rowMore for a spreadsheet: a day that can be sorted by, as the
// registry tells it (midnight UTC).
func (w Writer) moreCell(r reports.Row) string {
	if !r.Free.IsZero() {
		return r.Free.UTC().Format(time.DateOnly)
	}
	return cmp.Or(w.blindTo(r), r.To)
}
