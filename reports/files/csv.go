package files

import (
	"encoding/csv"
	"fmt"
	"io"
	"time"

	"domovoy/reports"
	"domovoy/reports/compose"
)

// CSV writes every row of the report, open or over, for a spreadsheet or a
// script: UTF-8 with a mark and semicolons, as Excel wants it, days as
// 2026-11-16.
func CSV(out io.Writer, w compose.Writer, r reports.Weekly) error {
	if err := writeCSV(out, newDocument(w, r), columns(csvKeys()...)); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	return nil
}

func writeCSV(out io.Writer, d *document, all []column) error {
	if _, err := io.WriteString(out, "\uFEFF"); err != nil {
		return err
	}
	table := csv.NewWriter(out)
	table.Comma = ';'
	table.UseCRLF = true // RFC 4180, section 2
	record := d.headings(all)
	if err := table.Write(record); err != nil {
		return err
	}
	for r := range d.rows(every) {
		for i, c := range all {
			record[i] = c.plain(r)
		}
		if err := table.Write(record); err != nil {
			return err
		}
	}
	table.Flush()
	return table.Error()
}

// plain is a cell as text that no spreadsheet takes for a formula.
func (c column) plain(r reportRow) string {
	if c.day == nil {
		return reports.PlainCell(c.text(r))
	}
	if day := c.day(r); !day.IsZero() {
		return day.Format(time.DateOnly)
	}
	return ""
}
