package files

import (
	"iter"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// paper is one report on its way into a file: what it says, and to whom.
type paper struct {
	*i18n.Locale
	now   time.Time
	week  reports.Weekly
	sums  reports.Sums
	codes map[checks.Code]words // what is said of a code, once for all its rows
}

// words are what a row says of its code.
type words struct{ cause, step, who string }

func newPaper(w compose.Writer, r reports.Weekly) *paper {
	p := &paper{Locale: w.Locale, now: w.Now, week: r, sums: r.Sums(), codes: map[checks.Code]words{}}
	for _, row := range r.Rows {
		p.codes[row.Code], p.codes[row.Was] = words{}, words{}
	}
	for code := range p.codes {
		if code == "" {
			continue
		}
		p.codes[code] = words{
			cause: p.Say("code." + string(code) + ".title"),
			step:  p.Say("code." + string(code) + ".next"),
			who:   p.Say("who." + string(code.Who())),
		}
	}
	return p
}

// line is one row in the reader's words. Its days are midnights of the
// reader's zone; zero: not known, or none.
type line struct {
	words
	name, ascii, owner, server string
	to                         string // where a name that leads elsewhere leads; may be empty
	change                     string
	since, until, free, ends   time.Time
}

// line words a row.
func (p *paper) line(r reports.WeekRow) line {
	return line{
		words: p.codes[r.Code], name: unicodeName(r.Site), ascii: clean(r.Site), owner: clean(r.Owner), server: r.Server, to: clean(r.To),
		change: p.change(r), since: p.day(r.Since), until: p.day(r.Until), free: r.Free.UTC(), ends: p.day(r.Expires),
	}
}

// clean takes from a foreign text what no cell can hold and what turns its
// letters around; every name of 253 characters fits.
func clean(s string) string {
	if len(s) > 300 {
		return checks.Clean(s, 300)
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7F {
			return checks.Clean(s, 300)
		}
	}
	return s // nearly every name: there is nothing to do
}

// unicodeName is a name as people read it.
func unicodeName(ascii string) string {
	if !strings.Contains(ascii, "xn--") {
		return clean(ascii)
	}
	return clean(checks.ToUnicode(ascii))
}

// change tells a row against the week before.
func (p *paper) change(r reports.WeekRow) string {
	if r.Change.Open() && p.week.Before.IsZero() {
		return ""
	}
	if r.Change == reports.WeekCause {
		return p.Say("files.change.cause", i18n.Args{"Was": p.codes[r.Was].cause})
	}
	return p.Say("files.change." + string(r.Change))
}

// day is the reader's day of a moment; zero stays zero.
func (p *paper) day(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	t = p.Local(t)
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// lines words the rows that keep lets through.
func (p *paper) lines(keep func(reports.WeekRow) bool) iter.Seq[line] {
	return func(yield func(line) bool) {
		for _, r := range p.week.Rows {
			if keep(r) && !yield(p.line(r)) {
				return
			}
		}
	}
}

// toDo reports whether somebody has to do something about a row. Where the CA
// is at fault, or a limit, one can only wait.
func toDo(r reports.WeekRow) bool {
	who := r.Code.Who()
	return r.Change.Open() && who != checks.CA && who != checks.Nobody
}

func toWait(r reports.WeekRow) bool { return r.Change.Open() && !toDo(r) }
func isOver(r reports.WeekRow) bool { return !r.Change.Open() }
func every(reports.WeekRow) bool    { return true }
