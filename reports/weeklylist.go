package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// WeekLists are the kinds of lists that a week's report has a number of.
func WeekLists() []string { return []string{"trouble", "call", "off", "free", "norenew"} }

// Name is the week as ISO 8601 writes it: 2026-W46 (section 5.2.4).
func (w Week) Name() string { return fmt.Sprintf("%04d-W%02d", w.Year, w.Number) }

// List gives the rows behind one of the report's numbers; nil: there is no list of
// that kind. The rows of customers to contact are sorted by customer.
func (r Weekly) List(kind string, f Filter) []Row {
	var found []WeekRow
	switch kind {
	case "trouble":
		found = r.Open()
	case "call":
		for _, c := range r.Callers() {
			found = append(found, c.Sites...)
		}
	case "off":
		found = r.ToSwitchOff()
	case "free":
		found = r.FreeNames()
	case "norenew":
		found = r.WontRenew()
	}
	var rows []Row
	for _, x := range found {
		row := Row{Domain: x.Site, Owner: x.Owner, Server: x.Server, Code: x.Code, Severity: x.Severity, Since: x.Since, Exact: x.Exact, To: x.To}
		switch kind {
		case "free":
			row.Free = x.Free
		case "norenew":
			row.Ends = x.Expires
		}
		if f.keeps(row) {
			rows = append(rows, row)
		}
	}
	return rows
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
