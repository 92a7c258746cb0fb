package compose

import (
	"cmp"
	"slices"
	"strings"

	"domovoy/checks"
	"domovoy/reports"
)

// How much of a list an alert shows at once, and with what it folds.
const (
	shownFew    = 3
	shownMost   = 10 // with what is folded; more is not read on a phone, and is in the file and the list
	foldedShare = 5  // owners, causes
)

// firstFew shows the first items and folds the others under a heading. It folds no single one: its line takes the place of the heading.
func firstFew(heading string, items []reports.Item) (first, rest reports.Section) {
	few := shownFew
	if len(items) == few+1 {
		few++
	}
	first.Items = items[:min(few, len(items))]
	if more := items[len(first.Items):]; len(more) > 0 {
		shown := min(len(more), shownMost-len(first.Items))
		rest = reports.Section{Folded: true, Heading: heading, Items: more[:shown], Left: len(more) - shown}
	}
	return first, rest
}

// details are what an alert folds: what its number consists of, and what is not told
// beside it.
func details(w Writer, t reports.Telling, s reports.Server) []reports.Section {
	f := t.Incidents[0].Finding
	var sections []reports.Section
	if quote := checks.WithoutSecrets(f.Detail); quote != "" {
		sections = append(sections, reports.Section{Text: w.Say("check.words"), Quote: quote})
	}
	if items := alertCauses(w, f, s); len(items) > 0 {
		sections = append(sections, reports.Section{Heading: w.Say("alert.causes"), Items: items})
	}
	if rows := rowsBehind(f, s); len(rows) > 0 {
		sections = append(sections, byOwner(w, ownersOf(rows)))
		some := reports.Section{Heading: w.Say("details.sites"), Left: max(0, len(rows)-shownMost)}
		for _, r := range rows[:min(len(rows), shownMost)] {
			if r.Code == f.Code {
				r.Code = "" // the title says it
			}
			some.Items = append(some.Items, rowItem(w, r))
		}
		sections = append(sections, some)
	}
	return folded(append(sections, hidden(w, t.Hidden)))
}

// rowsBehind are the sites that the number of an alert counts, the worst first; nil:
// it counts none.
func rowsBehind(f checks.Finding, s reports.Server) []reports.Row {
	servers := []reports.Server{s}
	if kind, ok := listBehind(f.Code); ok {
		return reports.List(kind, servers, reports.Filter{})
	}
	if strings.HasPrefix(string(f.Code), "ca.") || alike(f) {
		return reports.List("trouble", servers, reports.Filter{Cause: string(f.Code)})
	}
	return nil
}

// siteDetails are what an alert about sites folds beside their names.
func siteDetails(w Writer, t reports.Telling, s reports.Server) []reports.Section {
	var sections []reports.Section
	names, owners := map[string]string{}, owners(s)
	for _, i := range t.Incidents {
		names[i.Finding.Site] = owners[i.Finding.Site]
	}
	if len(t.Incidents) == 1 {
		f := t.Incidents[0].Finding
		sections = append(sections, reports.Section{Text: w.explain(f), Quote: checks.WithoutSecrets(f.Detail)})
	}
	var known []string
	for _, owner := range names {
		if owner != "" {
			known = append(known, owner)
		}
	}
	return folded(append(sections, byOwner(w, known), hidden(w, t.Hidden)))
}

// byOwner counts sites by their owner, those with most first; it is empty for none.
func byOwner(w Writer, ofSites []string) reports.Section {
	counts := map[string]int{}
	for _, owner := range ofSites {
		counts[owner]++
	}
	var all []string
	for owner := range counts {
		all = append(all, owner)
	}
	if len(all) == 0 {
		return reports.Section{}
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	section := reports.Section{Heading: w.Say("details.owners"), Left: max(0, len(all)-foldedShare)}
	for _, owner := range all[:min(len(all), foldedShare)] {
		section.Items = append(section.Items, reports.Item{Text: w.counted(owner, counts[owner])})
	}
	return section
}

func ownersOf(rows []reports.Row) []string {
	var known []string
	for _, r := range rows {
		if r.Owner != "" {
			known = append(known, r.Owner)
		}
	}
	return known
}

// hidden counts by cause what a problem explains and is therefore not told.
func hidden(w Writer, incidents []reports.Incident) reports.Section {
	if len(incidents) == 0 {
		return reports.Section{}
	}
	counts := map[checks.Code]int{}
	for _, i := range incidents {
		counts[i.Finding.Code]++
	}
	return reports.Section{Heading: w.Say("details.hidden"), Items: w.causes(counts, foldedShare)}
}

// folded leaves out what is empty and folds the rest.
func folded(sections []reports.Section) []reports.Section {
	var some []reports.Section
	for _, s := range sections {
		if s.Text != "" || s.Quote != "" || len(s.Items) > 0 {
			s.Folded = true
			some = append(some, s)
		}
	}
	return some
}
