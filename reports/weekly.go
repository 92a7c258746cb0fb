package reports

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// Weekly is everything a weekly report says: facts, not yet words. The same
// history and week give the same Weekly, whenever it is composed.
type Weekly struct {
	Week    Week
	Data    time.Time // the snapshot that the week ended with; zero: there is none
	Before  time.Time // the snapshot it is compared with; zero: there is none, and no change is told
	Rules   string    // version of the rules that judged
	Manager string    // whose customers these are, by the address of their chat; empty: everybody's
	Servers []ServerWeek
	Rows    []WeekRow // worst first, then by age
	Orphans []string  // owners of rows whom no manager has; nil where there are no managers
	Points  []WeekPoint
}

// Week is a week of ISO 8601 in a zone: [From, To).
type Week struct {
	Year, Number int
	From, To     time.Time
}

// ServerWeek is what a panel counted at the end of the week, and what was not
// looked at.
type ServerWeek struct {
	Name    string
	Sites   int  // 0: not known
	Unknown int  // could not be told
	Unread  bool // the panel could not be read at the end of the week
	Days    int  // of the week's seven that have a snapshot
}

// WeekChange is how a site's row compares with the week before.
type WeekChange string

// The changes. Of these, still, cause, new and back are in trouble at the end
// of the week; the others are not.
const (
	WeekNew     WeekChange = "new"
	WeekBack    WeekChange = "back"  // was fixed before, and fails again
	WeekStill   WeekChange = "still" // as a week ago
	WeekCause   WeekChange = "cause" // in trouble then and now, for another reason
	WeekFixed   WeekChange = "fixed"
	WeekLeft    WeekChange = "left"    // no longer on the panel, or no longer this manager's
	WeekPassing WeekChange = "passing" // came and went within the week
)

// Open reports whether the site is in trouble at the end of the week.
func (c WeekChange) Open() bool {
	return c == WeekNew || c == WeekBack || c == WeekStill || c == WeekCause
}

// WeekRow is one site of the report.
type WeekRow struct {
	Server   string
	Standing             // at the end of the week, or the last before it was over
	Was      checks.Code // the cause a week ago; empty: it was not in trouble
	Since    time.Time   // in trouble since
	Until    time.Time   // when it was over; zero: it is not
	Change   WeekChange
}

// WeekPoint is the end of one week of the chart.
type WeekPoint struct {
	At                 time.Time
	Open, Added, Fixed int
	Known              bool // there is a snapshot of that week
}

// History is what is remembered of a time: the spells that touch it, and the
// snapshots within.
type History struct {
	Spells  []Spell
	Tallies []Tally // in order of time
}

// chartWeeks is how many weeks the chart shows.
const chartWeeks = 12

// Reach is how far back from its beginning a week needs history: for the
// chart, and to tell what comes back from what is new.
const Reach = chartWeeks * 7 * 24 * time.Hour

// ISOWeek is the week of a year in a zone (ISO 8601: weeks begin on Monday,
// the first has the year's first Thursday). False: the year has no such week.
func ISOWeek(year, number int, zone *time.Location) (Week, bool) {
	fourth := time.Date(year, time.January, 4, 0, 0, 0, 0, zone) // always in the first week
	monday := fourth.AddDate(0, 0, -(int(fourth.Weekday())+6)%7)
	from := monday.AddDate(0, 0, 7*(number-1))
	y, n := from.AddDate(0, 0, 3).ISOWeek()
	return Week{Year: year, Number: number, From: from, To: from.AddDate(0, 0, 7)}, y == year && n == number
}

// WeekOf is the week that a moment is in.
func WeekOf(at time.Time, zone *time.Location) Week {
	year, number := at.In(zone).ISOWeek()
	w, _ := ISOWeek(year, number, zone)
	return w
}

// Before is the week before.
func (w Week) Before() Week { return WeekOf(w.From.AddDate(0, 0, -1), w.From.Location()) }

// ComposeWeek folds a history into one week's report, of the owners that mine
// lets through; nil: of all.
func ComposeWeek(h History, week Week, mine func(owner string) bool) Weekly {
	if mine != nil {
		h.Spells = slices.DeleteFunc(slices.Clone(h.Spells), func(s Spell) bool { return !mine(s.Owner) })
	}
	r := Weekly{Week: week, Data: h.last(week.To, week.From), Before: h.last(week.From, week.From.AddDate(0, 0, -7))}
	for _, t := range h.Tallies {
		if !t.At.After(week.To) && t.Rules != "" {
			r.Rules = t.Rules
		}
	}
	r.Servers = h.servers(week)
	for _, spells := range bySite(h.Spells) {
		if row, ok := weekRow(spells, week, !r.Before.IsZero()); ok {
			r.Rows = append(r.Rows, row)
		}
	}
	sortRows(r.Rows)
	r.Points = h.points(week)
	return r
}

// last is the moment of the last snapshot at or before to; zero: there is none
// after from.
func (h History) last(to, from time.Time) time.Time {
	var at time.Time
	for _, t := range h.Tallies {
		if !t.Unread && t.At.After(from) && !t.At.After(to) && t.At.After(at) {
			at = t.At
		}
	}
	return at
}

// servers sums the snapshots of a week up, a server at a time.
func (h History) servers(week Week) []ServerWeek {
	var names []string
	sums := map[string]ServerWeek{}
	for _, t := range h.Tallies {
		if t.At.After(week.To) || !t.At.After(week.From) {
			continue
		}
		s, known := sums[t.Server]
		if !known {
			names = append(names, t.Server)
		}
		s.Name, s.Unread = t.Server, t.Unread
		if !t.Unread {
			s.Sites, s.Unknown = t.Sites, t.Unknown
			s.Days++
		}
		sums[t.Server] = s
	}
	slices.Sort(names)
	servers := make([]ServerWeek, len(names))
	for i, name := range names {
		servers[i] = sums[name]
	}
	return servers
}

// bySite parts spells by site, each part in order of time.
func bySite(spells []Spell) [][]Spell {
	sorted := slices.Clone(spells)
	slices.SortStableFunc(sorted, func(a, b Spell) int {
		return cmp.Or(strings.Compare(a.Server, b.Server), strings.Compare(a.Site, b.Site), a.From.Compare(b.From))
	})
	var parts [][]Spell
	for i, s := range sorted {
		if i == 0 || s.Server != sorted[i-1].Server || s.Site != sorted[i-1].Site {
			parts = append(parts, nil)
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], s)
	}
	return parts
}

// at is the spell that holds at a moment; nil: the site was in order then.
func at(spells []Spell, moment time.Time) *Spell {
	for i := range spells {
		if spells[i].covers(moment) {
			return &spells[i]
		}
	}
	return nil
}

// weekRow is what the week did to a site; false: nothing, and it is in order.
// Without a snapshot to compare with, nothing is new.
func weekRow(spells []Spell, week Week, comparable bool) (WeekRow, bool) {
	was, is := at(spells, week.From), at(spells, week.To)
	if is != nil {
		row := WeekRow{Server: is.Server, Standing: is.Standing, Since: is.Trouble, Change: WeekStill}
		switch {
		case was != nil:
			row.Was = was.Code
			if was.Code != is.Code {
				row.Change = WeekCause
			}
		case !comparable:
		case slices.ContainsFunc(spells, func(s Spell) bool { return s.End == EndFixed && !s.Until.After(is.From) }):
			row.Change = WeekBack
		default:
			row.Change = WeekNew
		}
		return row, true
	}
	last := ended(spells, week)
	if last == nil {
		return WeekRow{}, false
	}
	row := WeekRow{Server: last.Server, Standing: last.Standing, Since: last.Trouble, Until: last.Until, Change: WeekPassing}
	switch {
	case was != nil && last.End != EndFixed: // off the panel, or another's customer
		row.Was, row.Change = was.Code, WeekLeft
	case was != nil:
		row.Was, row.Change = was.Code, WeekFixed
	case !comparable:
		row.Change = WeekFixed
	}
	return row, true
}

// ended is the last spell that ended within the week; nil: none did.
func ended(spells []Spell, week Week) *Spell {
	for i := len(spells) - 1; i >= 0; i-- {
		if s := &spells[i]; s.Until.After(week.From) && !s.Until.After(week.To) {
			return s
		}
	}
	return nil
}

// points are the ends of the chart's weeks, the oldest first.
func (h History) points(week Week) []WeekPoint {
	points := make([]WeekPoint, chartWeeks)
	sites := bySite(h.Spells)
	for i := chartWeeks - 1; i >= 0; i-- {
		p := WeekPoint{At: week.To, Known: !h.last(week.To, week.From).IsZero()}
		comparable := !h.last(week.From, week.From.AddDate(0, 0, -7)).IsZero()
		for _, spells := range sites {
			row, ok := weekRow(spells, week, comparable)
			switch {
			case !ok:
			case row.Change.Open():
				p.Open++
				if row.Change == WeekNew || row.Change == WeekBack {
					p.Added++
				}
			case row.Change == WeekFixed:
				p.Fixed++
			}
		}
		points[i] = p
		week = week.Before()
	}
	return points
}

// sortRows puts what is open first, the worst before the rest, then the
// oldest, then by name.
func sortRows(rows []WeekRow) {
	closed := func(r WeekRow) int {
		if r.Change.Open() {
			return 0
		}
		return 1
	}
	order := map[checks.Code]int{}
	for i, c := range checks.Codes() {
		order[c] = i
	}
	slices.SortStableFunc(rows, func(a, b WeekRow) int {
		return cmp.Or(cmp.Compare(closed(a), closed(b)), cmp.Compare(b.Severity, a.Severity),
			cmp.Compare(order[a.Code], order[b.Code]), a.Since.Compare(b.Since), strings.Compare(a.Site, b.Site))
	})
}
