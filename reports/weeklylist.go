package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"domovoy/checks"
)

// WeekLists are the kinds of lists that a week's report has a number of.
func WeekLists() []string {
	return []string{"trouble", "new", "back", "fixed", "left", "passing", "call", "off", "free", "ending", "norenew", "unknown", "orphans", Droppable}
}

// Name is the week as ISO 8601 writes it: 2026-W46 (section 5.2.4).
func (w Week) Name() string { return fmt.Sprintf("%04d-W%02d", w.Year, w.Number) }

// List gives the rows behind one of the report's numbers, as of its last snapshot;
// nil: there is no list of that kind. The rows of customers to contact are sorted by
// customer.
func (r Weekly) List(kind string, f Filter) []Row {
	f.At = r.Data
	var rows []Row
	if kind == "unknown" {
		for _, x := range r.Blind {
			rows = append(rows, Row{Domain: x.Site, Owner: x.Owner, Server: x.Server, Code: checks.Unknown})
		}
		return f.Of(rows)
	}
	if kind == Droppable && r.Drop != nil {
		return f.Of(r.Drop.Rows)
	}
	if kind == "ending" {
		for i := range r.Endings {
			rows = append(rows, r.Endings[i].row())
		}
		return f.Of(rows)
	}
	for _, x := range r.rowsOf(kind) {
		row := x.listed()
		switch kind {
		case "free":
			row.Free = x.Free
		case "norenew":
			row.Ends = x.Expires
		}
		rows = append(rows, row)
	}
	return f.Of(rows)
}

// rowsOf are the report's rows that belong on a list.
func (r Weekly) rowsOf(kind string) []WeekRow {
	changed := func(changes ...WeekChange) []WeekRow {
		return r.where(func(x WeekRow) bool { return slices.Contains(changes, x.Change) })
	}
	switch kind {
	case "trouble":
		return r.Open()
	case "new": // what is back is new, too
		return changed(WeekNew, WeekBack)
	case "back", "fixed", "left", "passing":
		return changed(WeekChange(kind))
	case "call":
		var rows []WeekRow
		for _, c := range r.Callers() {
			rows = append(rows, c.Sites...)
		}
		return rows
	case "off":
		return r.ToSwitchOff()
	case "free":
		return r.FreeNames()
	case "norenew":
		return r.WontRenew()
	case "orphans":
		return r.where(func(x WeekRow) bool { return slices.Contains(r.Orphans, x.Owner) })
	}
	return nil
}

// listed is the row in a list. Of a problem that is over, the code says what came of
// the site: OK, or nothing if it is no longer on the panel.
func (x WeekRow) listed() Row {
	row := Row{Domain: x.Site, Owner: x.Owner, Server: x.Server, Code: x.Code, Severity: x.Severity, Since: x.Since, Exact: x.Exact, To: x.To}
	if !x.Change.Open() {
		row.Was, row.Code, row.Severity, row.Until, row.To = x.Code, checks.OK, checks.Healthy, x.Until, ""
	}
	if x.Change == WeekLeft {
		row.Code = ""
	}
	return row
}

// Caller is a customer to contact, with the sites to talk about: one call.
type Caller struct {
	Owner string // empty: sites whose owner the panel does not name
	Sites []WeekRow
}

// Callers are the customers behind ToCall, those with the most sites first.
func (r Weekly) Callers() []Caller {
	index := map[string]int{}
	var all []Caller
	for _, row := range r.ToCall() {
		i, ok := index[row.Owner]
		if !ok {
			i = len(all)
			index[row.Owner] = i
			all = append(all, Caller{Owner: row.Owner})
		}
		all[i].Sites = append(all[i].Sites, row)
	}
	slices.SortStableFunc(all, func(a, b Caller) int {
		return cmp.Or(cmp.Compare(len(b.Sites), len(a.Sites)), strings.Compare(a.Owner, b.Owner))
	})
	return all
}
