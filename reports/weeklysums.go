package reports

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// Sums are the totals of a week's rows. Open = Was + New + Back − Fixed − Left.
type Sums struct {
	Open, Was              int
	New, Back, Fixed, Left int
	Passing                int // began and ended within the week
	Month                  int // of Open, those for more than thirty days
}

// Sums counts the rows by their changes.
func (r Weekly) Sums() Sums {
	var s Sums
	for _, row := range r.Rows {
		if row.Change.Open() {
			s.Open++
			if r.Data.Sub(row.Since) > 30*24*time.Hour {
				s.Month++
			}
		}
		if row.Was != "" || row.Change == WeekStill {
			s.Was++
		}
		switch row.Change {
		case WeekNew:
			s.New++
		case WeekBack:
			s.Back++
		case WeekFixed:
			s.Fixed++
		case WeekLeft:
			s.Left++
		case WeekPassing:
			s.Passing++
		}
	}
	return s
}

// Open are the rows in trouble at the end of the week.
func (r Weekly) Open() []WeekRow { return r.where(func(x WeekRow) bool { return x.Change.Open() }) }

func (r Weekly) where(keep func(WeekRow) bool) []WeekRow {
	var rows []WeekRow
	for _, x := range r.Rows {
		if keep(x) {
			rows = append(rows, x)
		}
	}
	return rows
}

// Oldest is the open row with the longest trouble; false: none is open.
func (r Weekly) Oldest() (WeekRow, bool) {
	open := r.Open()
	if len(open) == 0 {
		return WeekRow{}, false
	}
	return slices.MinFunc(open, func(a, b WeekRow) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.Site, b.Site), strings.Compare(a.Server, b.Server))
	}), true
}

// movedAwayAfter is how long a name points elsewhere before its owner counts as
// gone, and is no longer called.
const movedAwayAfter = 30 * 24 * time.Hour

// abandonedAfter is how long issuing fails before a site counts as abandoned: the
// default of thresholds.zombie.
const abandonedAfter = 180 * 24 * time.Hour

// ToCall are the open rows that the customer has to solve: the name points
// elsewhere, or its name servers are broken. No row is in ToSwitchOff too.
func (r Weekly) ToCall() []WeekRow {
	return r.where(r.toCall)
}

func (r Weekly) toCall(x WeekRow) bool {
	return x.Change.Open() && x.Acts() == checks.Customer && !r.abandoned(x)
}

// ToSwitchOff are the open rows of sites that were abandoned: the name is free, has
// pointed elsewhere for a month, or issuing has failed for half a year.
func (r Weekly) ToSwitchOff() []WeekRow {
	return r.where(r.toSwitchOff)
}

func (r Weekly) toSwitchOff(x WeekRow) bool { return x.Change.Open() && r.abandoned(x) }

// abandoned reports whether the owner seems to have given the site up.
func (r Weekly) abandoned(x WeekRow) bool {
	age := r.Data.Sub(x.Since)
	return x.free() || x.Code == checks.DNSElsewhere && age > movedAwayAfter ||
		strings.HasPrefix(string(x.Code), "ca.") && x.Acts() == checks.Customer && age > abandonedAfter
}

// FreeNames are the open rows whose names are free, or soon will be.
func (r Weekly) FreeNames() []WeekRow {
	return r.where(r.isFree)
}

func (r Weekly) isFree(x WeekRow) bool { return x.Change.Open() && x.free() }

// free reports whether the owner did not renew the name. One that is registered
// and has no date on which it is given away may be paid for: the registry stopped
// it for another reason.
func (x WeekRow) free() bool {
	return x.Code == checks.DNSUnregistered || x.Code == checks.DNSUndelegated && !x.Free.IsZero()
}

// WontRenew are the open rows of sites that have a valid certificate and cannot
// get the next one, sorted by the end of the present one.
func (r Weekly) WontRenew() []WeekRow {
	rows := r.where(r.wontRenew)
	slices.SortStableFunc(rows, func(a, b WeekRow) int { return a.Expires.Compare(b.Expires) })
	return rows
}

func (r Weekly) wontRenew(x WeekRow) bool {
	return x.Change.Open() && x.Expires.After(r.Data) && stops(x.Code)
}

// Does is who takes the next step with a row of the report. An abandoned site is
// switched off by us, also where only its owner could repair it.
func (r Weekly) Does(x WeekRow) checks.Who {
	if r.toSwitchOff(x) {
		return checks.Us
	}
	return x.Acts()
}

// Work is how many open rows wait for whom.
type Work struct {
	Us, Customers int // the rows that we, and customers, have to act on
	Wait          int // those that one can only wait for
}

// Work counts the open rows by who takes the next step.
func (r Weekly) Work() Work {
	var w Work
	for _, x := range r.Rows {
		if !x.Change.Open() {
			continue
		}
		switch r.Does(x) {
		case checks.Us:
			w.Us++
		case checks.Customer:
			w.Customers++
		default:
			w.Wait++
		}
	}
	return w
}

// Trend is how the number of open rows changed since the first week of the chart
// that is known, and how many weeks ago that is. False: none before the last week.
func (r Weekly) Trend() (change, weeks int, ok bool) {
	last := len(r.Points) - 1
	first := slices.IndexFunc(r.Points, func(p WeekPoint) bool { return p.Known })
	if first < 0 || last-first < 2 || !r.Points[last].Known {
		return 0, 0, false
	}
	return r.Points[last].Open - r.Points[first].Open, last - first, true
}

// Sites is how many sites there are on the panels; 0: that of a panel is not known,
// or the report is about the customers of one manager.
func (r Weekly) Sites() int {
	sum := 0
	for _, s := range r.Servers {
		if s.Sites == 0 {
			return 0
		}
		sum += s.Sites
	}
	if r.Manager != "" {
		return 0
	}
	return sum
}

// Lengths are the lengths of ToCall, ToSwitchOff, FreeNames and WontRenew.
func (r Weekly) Lengths() (call, off, free, wontRenew int) {
	count := func(keep func(WeekRow) bool) (n int) {
		for _, x := range r.Rows {
			if keep(x) {
				n++
			}
		}
		return n
	}
	return count(r.toCall), count(r.toSwitchOff), count(r.isFree), count(r.wontRenew)
}

// stops reports whether a cause keeps certificates from being issued and does not
// pass by itself.
func stops(code checks.Code) bool {
	switch code {
	case checks.CARateLimited, checks.CAInternal, checks.CAUnreachable, checks.CAClient:
		return false
	}
	group, _, _ := strings.Cut(string(code), ".")
	return group == "dns" || group == "web" || group == "ca"
}

// OwnerWeek is one owner's numbers of sites in the report.
type OwnerWeek struct {
	Owner                 string
	Open, New, Fixed, Was int
}

// Owners sums up the rows by owner, those with the most open rows first.
func (r Weekly) Owners() []OwnerWeek {
	index := map[string]int{}
	var owners []OwnerWeek
	for _, row := range r.Rows {
		i, ok := index[row.Owner]
		if !ok {
			i = len(owners)
			index[row.Owner] = i
			owners = append(owners, OwnerWeek{Owner: row.Owner})
		}
		o := &owners[i]
		if row.Change.Open() {
			o.Open++
		}
		if row.Was != "" || row.Change == WeekStill {
			o.Was++
		}
		switch row.Change {
		case WeekNew, WeekBack:
			o.New++
		case WeekFixed:
			o.Fixed++
		}
	}
	slices.SortStableFunc(owners, func(a, b OwnerWeek) int {
		if a.Open != b.Open {
			return b.Open - a.Open
		}
		return strings.Compare(a.Owner, b.Owner)
	})
	return owners
}
