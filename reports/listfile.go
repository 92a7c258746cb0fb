package reports

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"strings"
	"time"
	"unicode/utf8"

	"domovoy/checks"
)

// ListFile is a whole list as a file for a spreadsheet: UTF-8 with a mark and
// semicolons, as Excel wants it.
func (w Writer) ListFile(rows []Row, kind string) (Message, error) {
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
		record := []string{PlainCell(r.Domain), PlainCell(checks.ToUnicode(r.Domain)), PlainCell(r.Owner), PlainCell(r.Server), string(r.Code), w.title(r.Code), since}
		if more != "" {
			record = append(record, PlainCell(checks.ToUnicode(r.Name)), PlainCell(w.moreCell(r)))
		}
		records = append(records, record)
	}
	if err := out.WriteAll(records); err != nil {
		return Message{}, err
	}
	m := w.message(Plain, w.listTitle(kind, len(rows)))
	m.Files = []File{{Name: kind + "-" + w.Now.Format(time.DateOnly) + ".csv", Type: "text/csv", Data: buf.Bytes()}}
	return m, nil
}

// moreCell is rowMore for a spreadsheet: a day that can be sorted by, as the
// registry tells it (midnight UTC).
func (w Writer) moreCell(r Row) string {
	if !r.Free.IsZero() {
		return r.Free.UTC().Format(time.DateOnly)
	}
	return cmp.Or(w.blindTo(r), r.To)
}

// PlainCell keeps a spreadsheet from taking foreign text for a formula (OWASP,
// CSV injection).
func PlainCell(s string) string {
	if first, _ := utf8.DecodeRuneInString(s); s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + s
	}
	return s
}
