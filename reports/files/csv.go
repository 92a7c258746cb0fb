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
	if err := writeCSV(out, newPaper(w, r), columns()); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	return nil
}

func writeCSV(out io.Writer, p *paper, all []column) error {
	if _, err := io.WriteString(out, "\uFEFF"); err != nil {
		return err
	}
	table := csv.NewWriter(out)
	table.Comma = ';'
	table.UseCRLF = true // RFC 4180, section 2
	record := p.headings(all)
	if err := table.Write(record); err != nil {
		return err
	}
	for l := range p.lines(every) {
		for i, c := range all {
			record[i] = c.plain(l)
		}
		if err := table.Write(record); err != nil {
			return err
		}
	}
	table.Flush()
	return table.Error()
}

// plain is a cell as text that no spreadsheet takes for a formula.
func (c column) plain(l line) string {
	if c.day == nil {
		return reports.PlainCell(c.text(l))
	}
	if day := c.day(l); !day.IsZero() {
		return day.Format(time.DateOnly)
	}
	return ""
}
