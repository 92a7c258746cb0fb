package reports

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// Day is the facts of a daily digest.
type Day struct {
	Servers  []Server
	Open     []Incident   // at present
	Resolved []Incident   // since From
	From     time.Time    // a day ago
	Begun    time.Time    // baseline of the panel that is watched longest; zero: there is none
	Due      time.Time    // when the digest was scheduled; zero: somebody asked for it
	Coming   []RuleChange // what changes at the CAs within a month, soonest first

	// Unreadable is how many values each panel could not give a day ago; a server that
	// is missing was not counted then.
	Unreadable map[string]int
}

// NewlyUnreadable reports whether the number of values that cannot be read is
// news: it differs from yesterday's, or was never counted before.
func (d Day) NewlyUnreadable(s Server) bool {
	was, counted := d.Unreadable[s.Name]
	return s.Snapshot.UnreadableN > 0 && (!counted || was != s.Snapshot.UnreadableN)
}

// Movement is how many sites are in trouble, were a day ago, got into trouble and
// were fixed since, and are in trouble for a month (Old).
type Movement struct {
	Now, Before, Opened, Fixed, Old int
}

// Comparable reports whether the panels were watched a day ago.
func (d Day) Comparable() bool { return !d.Begun.IsZero() && !d.Begun.After(d.From) }

// moves are the sites whose state now and a day ago is known, by what became of
// them.
type moves struct {
	now    map[siteKey]Judged   // in trouble
	before map[siteKey]Incident // in trouble a day ago, with the last incident of that time
	there  map[siteKey]Judged   // on a panel, of those that incidents are about
}

// moves compares sites, not incidents: a site whose cause changed is neither
// fixed nor new. A site that could not be judged is not compared: not checked is
// not fixed.
func (d Day) moves() moves {
	m, untold := d.states()
	was := func(i Incident) {
		key := keyOf(i)
		if last, ok := m.before[key]; i.inTrouble() && !untold(key) && (!ok || last.Times.Opened.Before(i.Times.Opened)) {
			m.before[key] = i
		}
	}
	for _, i := range d.Open {
		_, still := m.now[keyOf(i)]
		old := i.Baseline || !i.Times.Opened.After(d.From) // problems of a new panel are not new
		if old && (still || i.Clear > 0) {                 // else it is no reason to call the site one with problems
			was(i)
		}
	}
	for _, i := range d.Resolved {
		if !i.Times.Opened.After(d.From) {
			was(i)
		}
	}
	return m
}

// Movement counts what List lists.
func (d Day) Movement() Movement {
	m := d.moves()
	mv := Movement{Now: len(m.now), Before: len(m.before)}
	for key, x := range m.now {
		if _, was := m.before[key]; !was {
			mv.Opened++
		}
		if x.Start.Over(29*24*time.Hour, d.From) {
			mv.Old++
		}
	}
	for key := range m.before {
		if _, still := m.now[key]; !still {
			mv.Fixed++
		}
	}
	return mv
}

// List gives the rows behind one of the numbers since yesterday, worst first: "new"
// or "fixed". The day must be Comparable.
func (d Day) List(kind string, f Filter) []Row {
	m := d.moves()
	var rows []Row
	switch kind {
	case "new":
		for key, x := range m.now {
			if _, was := m.before[key]; !was {
				rows = append(rows, x.row())
			}
		}
	case "fixed":
		for key, i := range m.before {
			if _, still := m.now[key]; !still {
				rows = append(rows, m.fixed(key, i))
			}
		}
	}
	rows = f.Of(rows)
	slices.SortStableFunc(rows, byHarm)
	return rows
}

// fixed is the row of a site that was in trouble and no longer is. Without a code it
// is on no panel any more.
func (m moves) fixed(key siteKey, i Incident) Row {
	row := Row{Domain: key.site, Server: key.server}
	if j, ok := m.there[key]; ok {
		row = j.row()
	}
	row.Was, row.Since, row.Exact, row.Until = i.Finding.Code, i.Times.Opened, !i.Baseline, i.Times.Resolved
	return row
}

// Quiet reports whether there is nothing to say of the day: nothing changed,
// no certificate is about to end, and no panel is wrong as a whole. Without a
// yesterday to compare with, no day is quiet.
func (d Day) Quiet() bool {
	mv := d.Movement()
	return d.Comparable() && mv.Opened == 0 && mv.Fixed == 0 && d.calm() && len(d.Expiring()) == 0
}

// Expiring are the certificates that end within 24 hours, of sites that are
// served, the soonest first.
func (d Day) Expiring() []Row {
	rows := List("expiring", d.Servers, Filter{})
	slices.SortStableFunc(rows, func(a, b Row) int { return a.Ends.Compare(b.Ends) })
	return rows
}

// calm reports whether nothing is wrong with any panel as a whole: no count is
// above its threshold, and each panel could be read.
func (d Day) calm() bool {
	return !slices.ContainsFunc(d.Servers, func(s Server) bool { return s.Worst() > checks.Info })
}

// siteKey identifies a site of a server.
type siteKey struct{ server, site string }

func keyOf(i Incident) siteKey { return siteKey{i.Finding.Server, i.Finding.Site} }

// states are the sites in trouble, by the same judgement as the list "trouble", and
// those that incidents are about. Of what untold reports, nothing is known now: the
// panel was not read, or the site could not be judged.
func (d Day) states() (m moves, untold func(siteKey) bool) {
	read, blind, concerned := map[string]bool{}, map[siteKey]bool{}, map[siteKey]bool{}
	for _, incidents := range [][]Incident{d.Open, d.Resolved} {
		for _, i := range incidents {
			concerned[keyOf(i)] = true
		}
	}
	m = moves{map[siteKey]Judged{}, map[siteKey]Incident{}, map[siteKey]Judged{}}
	for _, s := range d.Servers {
		read[s.Name] = !s.Read.IsZero()
		for j := range s.Judged() {
			key := siteKey{s.Name, j.Subject.Site.Name}
			switch {
			case j.InTrouble():
				m.now[key] = j
			case j.Blind():
				blind[key] = true
			}
			if concerned[key] {
				m.there[key] = j
			}
		}
	}
	return m, func(key siteKey) bool { return !read[key.server] || blind[key] }
}

// Causes counts the sites in trouble by their root causes.
func (d Day) Causes() map[checks.Code]int {
	causes := map[checks.Code]int{}
	for _, s := range d.Servers {
		for code, n := range s.Causes() {
			causes[code] += n
		}
	}
	return causes
}

// Oldest is the site that is in trouble longest; false: none is for more than a
// day.
func (d Day) Oldest() (Judged, bool) {
	var old []Judged
	m, _ := d.states()
	for _, x := range m.now {
		if x.Start.Over(0, d.From) {
			old = append(old, x)
		}
	}
	if len(old) == 0 {
		return Judged{}, false
	}
	return slices.MinFunc(old, func(a, b Judged) int {
		return cmp.Or(a.Start.At.Compare(b.Start.At), strings.Compare(a.Subject.Site.Name, b.Subject.Site.Name), strings.Compare(a.Server.Name, b.Server.Name))
	}), true
}

// DayPoint is one day of the daily chart: how many sites are in trouble, and how
// many were added and fixed since the day before.
type DayPoint struct {
	At                 time.Time
	Open, Added, Fixed int
	Known              bool // there is a snapshot of that day
}

// DayPoints are the last days of a history, the oldest first. Each is as of the
// midnight that ends it, in the zone of now; the last is as of now.
func DayPoints(h History, now time.Time, days int) []DayPoint {
	ends := make([]time.Time, days+1) // the first is only compared with
	ends[days] = now
	for i := range days {
		ends[i] = time.Date(now.Year(), now.Month(), now.Day()-(days-1-i), 0, 0, 0, 0, now.Location())
	}
	points := make([]DayPoint, days)
	for i := range points {
		points[i] = DayPoint{At: ends[i+1], Known: !h.last(ends[i+1], ends[i]).IsZero()}
	}
	for _, outages := range outagesBySite(h.Outages) {
		for i := range points {
			was, is := outageAt(outages, ends[i]), outageAt(outages, ends[i+1])
			switch {
			case is != nil && was == nil:
				points[i].Added++
			case is == nil && was != nil && was.End == EndFixed:
				points[i].Fixed++
			}
			if is != nil {
				points[i].Open++
			}
		}
	}
	return points
}

// Today is the last point of the digest's chart, with the same numbers as the
// digest's text.
func (d Day) Today(p DayPoint) DayPoint {
	mv := d.Movement()
	p.Open = mv.Now
	if d.Comparable() {
		p.Added, p.Fixed = mv.Opened, mv.Fixed
	}
	return p
}

// RuleChange is a change of a CA's rules on a certain day.
type RuleChange struct {
	CA     string
	Date   time.Time
	Source string
	Text   map[string]string // by language
}

// In is the text in a language, or in English if there is none.
func (n RuleChange) In(language string) string {
	if text, ok := n.Text[language]; ok {
		return text
	}
	return n.Text["en"]
}
