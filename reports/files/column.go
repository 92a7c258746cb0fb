package files

import "time"

// column is one column of a table of rows.
type column struct {
	key   string  // of its heading in the catalogs
	width float64 // in characters, as spreadsheets measure it
	text  func(line) string
	day   func(line) time.Time // instead of text, for a column of days
}

// columns are those of every row, open or over; a table takes its own of them.
func columns(keys ...string) []column {
	all := []column{
		{key: "name", width: 30, text: func(l line) string { return l.name }},
		{key: "ascii", width: 30, text: func(l line) string { return l.ascii }},
		{key: "owner", width: 18, text: func(l line) string { return l.owner }},
		{key: "server", width: 12, text: func(l line) string { return l.server }},
		{key: "cause", width: 34, text: func(l line) string { return l.cause }},
		{key: "to", width: 16, text: func(l line) string { return l.to }},
		{key: "step", width: 72, text: func(l line) string { return l.step }},
		{key: "who", width: 14, text: func(l line) string { return l.who }},
		{key: "since", width: 13, day: func(l line) time.Time { return l.since }},
		{key: "until", width: 13, day: func(l line) time.Time { return l.until }},
		{key: "change", width: 26, text: func(l line) string { return l.change }},
		{key: "free", width: 13, day: func(l line) time.Time { return l.free }},
		{key: "ends", width: 15, day: func(l line) time.Time { return l.ends }},
	}
	if len(keys) == 0 {
		return all
	}
	taken := make([]column, len(keys))
	for i, key := range keys {
		for _, c := range all {
			if c.key == key {
				taken[i] = c
			}
		}
	}
	return taken
}

// headings are the columns' names in the reader's language.
func (p *paper) headings(columns []column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = p.Say("files.column." + c.key)
	}
	return names
}
