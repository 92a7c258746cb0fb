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
}

// Movement is how many sites are in trouble, were a day ago, got into trouble and
// were fixed since, and are in trouble for a month (Old).
type Movement struct {
	Now, Before, Opened, Fixed, Old int
}

// Comparable reports whether the panels were watched a day ago.
func (d Day) Comparable() bool { return !d.Begun.IsZero() && !d.Begun.After(d.From) }

// Movement counts sites, not incidents: a site whose cause changed is neither
// fixed nor new.
func (d Day) Movement() Movement {
	now, before := d.troubles(), map[siteKey]bool{}
	for _, i := range d.Open {
		if i.inTrouble() && (i.Baseline || !i.Times.Opened.After(d.From)) {
			before[keyOf(i)] = true // problems of a new panel are not new
		}
	}
	for _, i := range d.Resolved {
		if i.inTrouble() && !i.Times.Opened.After(d.From) {
			before[keyOf(i)] = true
		}
	}
	mv := Movement{Now: len(now), Before: len(before)}
	for key, x := range now {
		if !before[key] {
			mv.Opened++
		}
		if d.From.Sub(x.since) > 29*24*time.Hour {
			mv.Old++
		}
	}
	for key := range before {
		if _, still := now[key]; !still {
			mv.Fixed++
		}
	}
	return mv
}

// Quiet reports whether there is nothing to say of the day: nothing changed,
// no certificate is about to end, and no panel is wrong as a whole. Without a
// yesterday to compare with, no day is quiet.
func (d Day) Quiet(now time.Time) bool {
	mv := d.Movement()
	return len(d.Endings(now)) == 0 && d.Comparable() && mv.Opened == 0 && mv.Fixed == 0 && d.calm()
}

// Ending is a certificate that ends soon.
type Ending struct {
	Site string
	At   time.Time
}

// Endings are the certificates that end within 24 hours, of sites that are
// served, the soonest first.
func (d Day) Endings(now time.Time) []Ending {
	var ends []Ending
	for _, s := range d.Servers {
		for _, x := range s.Subjects {
			if x.Site.Active == checks.Off || x.Site.Secure == checks.Off || x.File == nil || x.File.SelfSigned {
				continue
			}
			if left := x.File.NotAfter.Sub(now); left > 0 && left <= 24*time.Hour {
				ends = append(ends, Ending{x.Site.Name, x.File.NotAfter})
			}
		}
	}
	slices.SortFunc(ends, func(a, b Ending) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Site, b.Site)) })
	return ends
}

// calm reports whether nothing is wrong with any panel as a whole: no count is
// above its threshold, and each panel could be read.
func (d Day) calm() bool {
	return !slices.ContainsFunc(d.Servers, func(s Server) bool { return s.Worst() > checks.Info })
}

// BlindSites counts the sites that some check could not look at.
func (s Server) BlindSites() int {
	sites := map[string]bool{}
	for _, f := range s.Outcome.Failures {
		if f.Site != "" {
			sites[f.Site] = true
		}
	}
	return len(sites)
}

// siteKey identifies a site of a server.
type siteKey struct{ server, site string }

func keyOf(i Incident) siteKey { return siteKey{i.Finding.Server, i.Finding.Site} }

// trouble is a site in trouble: its root cause, and since when.
type trouble struct {
	root  Incident
	since time.Time // of its oldest open incident
}

// troubles are the sites in trouble. Of a site's incidents the root is the one
// that the latest run found, causes before their symptoms.
func (d Day) troubles() map[siteKey]trouble {
	logged, order := d.logged(), codeOrder()
	all := map[siteKey]trouble{}
	for _, i := range d.Open {
		if !i.inTrouble() {
			continue
		}
		key, since := keyOf(i), began(i, logged)
		known, ok := all[key]
		if !ok || since.Before(known.since) {
			known.since = since
		}
		if !ok || cmp.Or(cmp.Compare(i.Clear, known.root.Clear), cmp.Compare(order[i.Finding.Code], order[known.root.Finding.Code])) < 0 {
			known.root = i
		}
		all[key] = known
	}
	return all
}

// Causes counts the sites in trouble by their root causes.
func (d Day) Causes() map[checks.Code]int {
	causes := map[checks.Code]int{}
	for _, x := range d.troubles() {
		causes[x.root.Finding.Code]++
	}
	return causes
}

// logged are the beginnings that issuance logs know: a CA may have refused a name
// long before the panel was watched.
func (d Day) logged() map[siteKey]time.Time {
	known := map[siteKey]time.Time{}
	for _, s := range d.Servers {
		for _, x := range s.Subjects {
			if x.History != nil && !x.History.Since.IsZero() {
				known[siteKey{s.Name, x.Site.Name}] = x.History.Since
			}
		}
	}
	return known
}

// began is when an incident's problem began.
func began(i Incident, logged map[siteKey]time.Time) time.Time {
	at, ok := logged[keyOf(i)]
	if ok && strings.HasPrefix(string(i.Finding.Code), "ca.") && at.Before(i.Times.Opened) {
		return at
	}
	return i.Times.Opened
}

// Oldest is the root cause of the site that is in trouble longest, and since
// when; false: none is in trouble for more than a day.
func (d Day) Oldest() (root Incident, since time.Time, ok bool) {
	all := d.troubles()
	var old []siteKey
	for key, x := range all {
		if x.since.Before(d.From) {
			old = append(old, key)
		}
	}
	if len(old) == 0 {
		return Incident{}, time.Time{}, false
	}
	oldest := slices.MinFunc(old, func(a, b siteKey) int {
		return cmp.Or(all[a].since.Compare(all[b].since), strings.Compare(a.site, b.site), strings.Compare(a.server, b.server))
	})
	return all[oldest].root, all[oldest].since, true
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
