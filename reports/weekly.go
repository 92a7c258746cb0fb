package reports

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// Weekly is the facts of a weekly report. The same history and week always give
// the same Weekly, but for Drop, which is not stored.
type Weekly struct {
	Week    Week
	Data    time.Time // last snapshot of the week; zero: there is none
	Before  time.Time // last snapshot of the week before; zero: there is none, so nothing is new
	Rules   string    // version of the rules that judged
	Manager string    // address of the manager's chat whose customers these are; empty: all customers
	Servers []ServerWeek
	Rows    []WeekRow   // worst first, then by age
	Orphans []string    // owners without a manager; nil if there are no managers
	Blind   []BlindSite // those that the servers' Unknown counts, where their names are known
	Endings []Ending    // registrations that end within a month after the week, the soonest first
	Points  []WeekPoint
	Drop    *Dropping // what removing dead aliases would do, as of the moment of composing; nil: the report is of an older week
}

// Week is a week of ISO 8601 in a time zone: from From until before To.
type Week struct {
	Year, Number int
	From, To     time.Time
}

// ServerWeek is a panel's counts at the end of the week, and what is missing.
type ServerWeek struct {
	Name    string
	Sites   int  // on the panel; 0: not known
	Unknown int  // sites whose state is not known, of the report's owners if Named
	Named   bool // Weekly.Blind has these sites; false: stored before their names were
	Unread  bool // the panel could not be read at the end of the week
	Days    int  // number of days that have a snapshot
	Undated int  // domains of which it is not known when their registration ends, of all owners
}

// WeekChange is how a site's state changed within the week.
type WeekChange string

// The changes. New, back, still and cause mean in trouble at the end of the week;
// the others do not.
const (
	WeekNew     WeekChange = "new"
	WeekBack    WeekChange = "back"  // in trouble again after it was fixed
	WeekStill   WeekChange = "still" // in trouble for the same reason as a week ago
	WeekCause   WeekChange = "cause" // in trouble for another reason than a week ago
	WeekFixed   WeekChange = "fixed"
	WeekLeft    WeekChange = "left"    // no longer on the panel, or with another owner
	WeekPassing WeekChange = "passing" // began and ended within the week
)

// Open reports whether the site is in trouble at the end of the week.
func (c WeekChange) Open() bool {
	return c == WeekNew || c == WeekBack || c == WeekStill || c == WeekCause
}

// WeekRow is one site of the report.
type WeekRow struct {
	Server    string
	SiteState             // at the end of the week, or the last one in trouble; Since is never zero
	Was       checks.Code // root cause a week ago; empty: not in trouble
	Until     time.Time   // end of the trouble; zero: ongoing
	Change    WeekChange
}

// WeekPoint is one week of the chart.
type WeekPoint struct {
	At                 time.Time
	Open, Added, Fixed int
	Known              bool // there is a snapshot of that week
}

// History is what the journal knows of a period: the outages that touch it, and
// the counts of its snapshots.
type History struct {
	Outages []Outage
	Tallies []Tally     // in order of time
	Blind   []BlindSite // of the last snapshot of each server
	Endings []Ending    // of the last snapshot of each server
}

// QuarterWeeks is how many weeks a quarter has.
const QuarterWeeks = 13

// chartWeeks is how many weeks the chart shows: the last one, and those up to a
// quarter before it.
const chartWeeks = QuarterWeeks + 1

// Reach is how much history before its beginning a week's report needs: for the
// chart, and to distinguish what is back from what is new.
const Reach = chartWeeks * 7 * 24 * time.Hour

// ISOWeek is a week of a year in a time zone. By ISO 8601 weeks begin on Monday,
// and the first one has the year's first Thursday. False: the year has no such
// week.
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

// FoldWeek folds a history into one week's report about the owners for whom mine
// is true; nil: all.
func FoldWeek(h History, week Week, mine func(owner string) bool) Weekly {
	if mine != nil {
		h.Outages = slices.DeleteFunc(slices.Clone(h.Outages), func(s Outage) bool { return !mine(s.Owner) })
	}
	r := Weekly{Week: week, Data: h.last(week.To, week.From), Before: h.last(week.From, week.From.AddDate(0, 0, -7))}
	for _, t := range h.Tallies {
		if !t.At.After(week.To) && t.Rules != "" {
			r.Rules = t.Rules
		}
	}
	r.Servers = h.servers(week)
	r.Blind = h.blind(r.Servers, week, mine)
	r.Endings = h.endings(week, mine)
	for _, outages := range outagesBySite(h.Outages) {
		if row, ok := weekRow(outages, week, !r.Before.IsZero()); ok {
			r.Rows = append(r.Rows, row)
		}
	}
	sortRows(r.Rows)
	r.Points = h.points(week)
	return r
}

// last is the time of the last snapshot after from, up to and including to; zero:
// there is none.
func (h History) last(to, from time.Time) time.Time {
	var at time.Time
	for _, t := range h.Tallies {
		if !t.Unread && t.At.After(from) && !t.At.After(to) && t.At.After(at) {
			at = t.At
		}
	}
	return at
}

// servers sums up a week's snapshots by server.
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
			s.Sites, s.Unknown, s.Undated = t.Sites, t.Unknown, t.Undated
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

// blind are the sites of some owners that could not be judged at the end of a week.
// It notes at the servers whether they are known, and how many there are.
func (h History) blind(servers []ServerWeek, week Week, mine func(owner string) bool) []BlindSite {
	var sites []BlindSite
	for i := range servers {
		s, all := &servers[i], 0
		var own []BlindSite
		for _, x := range h.Blind {
			if x.Server != s.Name || !x.At.After(week.From) || x.At.After(week.To) {
				continue
			}
			if all++; mine == nil || mine(x.Owner) {
				own = append(own, x)
			}
		}
		if s.Named = all == s.Unknown; s.Named {
			s.Unknown, sites = len(own), append(sites, own...)
		}
	}
	return sites
}

// endings are the registrations of some owners that end soon, as of the end of a
// week.
func (h History) endings(week Week, mine func(owner string) bool) []Ending {
	var all []Ending
	for _, e := range h.Endings {
		if e.At.After(week.From) && !e.At.After(week.To) && (mine == nil || mine(e.Owner)) {
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, bySoonest)
	return all
}

// outagesBySite groups outages by site, each group in order of time.
func outagesBySite(outages []Outage) [][]Outage {
	sorted := slices.Clone(outages)
	slices.SortStableFunc(sorted, func(a, b Outage) int {
		return cmp.Or(strings.Compare(a.Server, b.Server), strings.Compare(a.Site, b.Site), a.From.Compare(b.From))
	})
	var parts [][]Outage
	for i, s := range sorted {
		if i == 0 || s.Server != sorted[i-1].Server || s.Site != sorted[i-1].Site {
			parts = append(parts, nil)
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], s)
	}
	return parts
}

// outageAt is the outage that was ongoing at a moment; nil: none was.
func outageAt(outages []Outage, moment time.Time) *Outage {
	for i := range outages {
		if outages[i].covers(moment) {
			return &outages[i]
		}
	}
	return nil
}

// weekRow is a site's row of the report; false: the site was not in trouble within
// the week. If the week is not comparable with the one before, nothing is new.
func weekRow(outages []Outage, week Week, comparable bool) (WeekRow, bool) {
	was, is := outageAt(outages, week.From), outageAt(outages, week.To)
	if is != nil {
		row := WeekRow{Server: is.Server, SiteState: is.dated(), Change: WeekStill}
		switch {
		case was != nil:
			row.Was = was.Code
			if was.Code != is.Code {
				row.Change = WeekCause
			}
		case !comparable:
		case slices.ContainsFunc(outages, func(s Outage) bool { return s.End == EndFixed && !s.Until.After(is.From) }):
			row.Change = WeekBack
		default:
			row.Change = WeekNew
		}
		return row, true
	}
	last := ended(outages, week)
	if last == nil {
		return WeekRow{}, false
	}
	row := WeekRow{Server: last.Server, SiteState: last.dated(), Until: last.Until, Change: WeekPassing}
	switch {
	case was != nil && last.End != EndFixed: // no longer on the panel, or with another owner
		row.Was, row.Change = was.Code, WeekLeft
	case was != nil:
		row.Was, row.Change = was.Code, WeekFixed
	case !comparable:
		row.Change = WeekFixed
	}
	return row, true
}

// dated is the outage's state with a beginning: where none is known, it was in
// trouble at least since the first snapshot that says so.
func (s Outage) dated() SiteState {
	state := s.SiteState
	if state.Since.IsZero() {
		state.Since, state.Exact = s.Trouble, false
	}
	return state
}

// ended is the last outage that ended within the week; nil: none did.
func ended(outages []Outage, week Week) *Outage {
	for i := len(outages) - 1; i >= 0; i-- {
		if s := &outages[i]; s.Until.After(week.From) && !s.Until.After(week.To) {
			return s
		}
	}
	return nil
}

// points are the chart's weeks, the oldest first.
func (h History) points(week Week) []WeekPoint {
	points := make([]WeekPoint, chartWeeks)
	sites := outagesBySite(h.Outages)
	for i := chartWeeks - 1; i >= 0; i-- {
		p := WeekPoint{At: week.To, Known: !h.last(week.To, week.From).IsZero()}
		comparable := !h.last(week.From, week.From.AddDate(0, 0, -7)).IsZero()
		for _, outages := range sites {
			row, ok := weekRow(outages, week, comparable)
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

// sortRows puts open rows first, sorted by severity, cause, age and name.
func sortRows(rows []WeekRow) {
	closed := func(r WeekRow) int {
		if r.Change.Open() {
			return 0
		}
		return 1
	}
	order := codeOrder()
	slices.SortStableFunc(rows, func(a, b WeekRow) int {
		return cmp.Or(cmp.Compare(closed(a), closed(b)), cmp.Compare(b.Severity, a.Severity),
			cmp.Compare(order[a.Code], order[b.Code]), a.Since.Compare(b.Since), strings.Compare(a.Site, b.Site))
	})
}
