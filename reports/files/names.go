package files

import (
	"fmt"
	"strings"

	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// Names are the names of the report's files in the reader's language, such
// as domovoy-week-2026-W46.xlsx: letters, digits, hyphens and a dot.
func Names(w compose.Writer, r reports.Weekly) (xlsx, html, csv string) {
	week := fmt.Sprintf("%04d-W%02d", r.Week.Year, r.Week.Number) // ISO 8601, section 5.2.4
	name := strings.ReplaceAll(w.Locale.Say("files.name", i18n.Args{"Week": week}), " ", "-")
	return name + ".xlsx", name + ".html", name + ".csv"
}
