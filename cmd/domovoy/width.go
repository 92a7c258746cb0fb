package main

import (
	"os"
	"strconv"

	"golang.org/x/term"
)

// Columns of a text.
const (
	mostColumns  = 100 // a text that is wider is hard to read
	leastColumns = 20
)

// width is how many columns a text may have: as many as COLUMNS says, as for other
// programs that break lines, else those of the
// terminal; a file has the most.
func (p *program) width() int {
	if value, ok := p.env("COLUMNS"); ok {
		if n, err := strconv.Atoi(value); err == nil && n > 0 {
			return max(n, leastColumns)
		}
	}
	if f, ok := p.out.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return max(min(columns, mostColumns), leastColumns)
		}
	}
	return mostColumns
}
