package reports

import (
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// Sums are a week's totals. Open = Was + New + Back − Fixed − Left.
type Sums struct {
	Open, Was              int
	New, Back, Fixed, Left int
	Passing                int // came and went within the week
	Month                  int // open for more than thirty days
}

// Sums counts the rows.
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

// Over are the rows whose trouble ended within the week, in whatever way.
func (r Weekly) Over() []WeekRow { return r.where(func(x WeekRow) bool { return !x.Change.Open() }) }

func (r Weekly) where(keep func(WeekRow) bool) []WeekRow {
	var rows []WeekRow
	for _, x := range r.Rows {
		if keep(x) {
			rows = append(rows, x)
		}
	}
	return rows
}

// Oldest is the open row that is in trouble for longest; false: none is open.
func (r Weekly) Oldest() (WeekRow, bool) {
	open := r.Open()
	if len(open) == 0 {
		return WeekRow{}, false
	}
	return slices.MinFunc(open, func(a, b WeekRow) int { return a.Since.Compare(b.Since) }), true
}

// gone is how long a name leads elsewhere before its owner has left, and it
// makes no sense any more to call.
const gone = 30 * 24 * time.Hour

// dead is how long issuing fails before nobody can be minding the site: the
// default of thresholds.zombie.
const dead = 180 * 24 * time.Hour

// ToCall are the customers' own troubles: their names lead elsewhere, or
// their name servers are broken. No site is in ToSwitchOff too.
func (r Weekly) ToCall() []WeekRow {
	return r.where(r.toCall)
}

func (r Weekly) toCall(x WeekRow) bool {
	return x.Change.Open() && x.Code.Who() == checks.Customer && !r.given(x)
}

// ToSwitchOff are sites that nobody reaches by their name any more: free,
// moved away for good, failing for so long that nobody minds.
func (r Weekly) ToSwitchOff() []WeekRow {
	return r.where(r.toSwitchOff)
}

func (r Weekly) toSwitchOff(x WeekRow) bool { return x.Change.Open() && r.given(x) }

// given reports whether the owner gave the site up.
func (r Weekly) given(x WeekRow) bool {
	age := r.Data.Sub(x.Since)
	return slices.Contains(free(), x.Code) || x.Code == checks.DNSElsewhere && age > gone ||
		strings.HasPrefix(string(x.Code), "ca.") && age > dead
}

// FreeNames are names that are anybody's, or soon will be.
func (r Weekly) FreeNames() []WeekRow {
	return r.where(r.isFree)
}

func (r Weekly) isFree(x WeekRow) bool { return x.Change.Open() && slices.Contains(free(), x.Code) }

// free are the codes of names that their owners let go.
func free() []checks.Code { return []checks.Code{checks.DNSUnregistered, checks.DNSUndelegated} }

// WontRenew are sites that have a certificate and, for what is wrong with
// them, will not get the next one, by the end of the one they have.
func (r Weekly) WontRenew() []WeekRow {
	rows := r.where(r.wontRenew)
	slices.SortStableFunc(rows, func(a, b WeekRow) int { return a.Expires.Compare(b.Expires) })
	return rows
}

func (r Weekly) wontRenew(x WeekRow) bool {
	return x.Change.Open() && x.Expires.After(r.Data) && stops(x.Code)
}

// Lengths are those of the lists ToCall, ToSwitchOff, FreeNames and WontRenew,
// without making them.
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

// stops reports whether no certificate can be issued while that lasts, and it
// does not pass by itself.
func stops(code checks.Code) bool {
	switch code {
	case checks.CARateLimited, checks.CAInternal, checks.CAUnreachable, checks.CAClient:
		return false
	}
	group, _, _ := strings.Cut(string(code), ".")
	return group == "dns" || group == "web" || group == "ca"
}

// OwnerWeek is an owner's share of the report.
type OwnerWeek struct {
	Owner                 string
	Open, New, Fixed, Was int
}

// Owners sums the rows up by owner, those with the most open ones first.
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
