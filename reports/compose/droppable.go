package compose

import (
	"strings"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// namesMost is how many names of a site a row of a message shows.
const namesMost = 3

// dropItem is a row of the list of droppable sites: which aliases to remove, and
// for which names the certificate then is.
func dropItem(w Writer, r reports.Row) reports.Item {
	dead, pass := r.Names.Dead, r.Names.Pass
	args := i18n.Args{"Dead": w.DeadNames(dead[:min(namesMost, len(dead))]), "Pass": ShowNames(pass[:min(namesMost, len(pass))])}
	parts := []string{w.Say("drop.remove", args) + ellipsis(len(dead)), w.Say("drop.left", args) + ellipsis(len(pass))}
	if r.Owner != "" {
		parts = append(parts, r.Owner)
	}
	return reports.Item{Text: checks.Show(r.Domain), Note: strings.Join(parts, " · ")}
}

// dropSections say of a site which aliases keep it from getting a certificate, and
// for which names it would get one without them.
func dropSections(w Writer, s reports.Site) []reports.Section {
	names, ok, unsure := s.Droppable()
	if !ok && !unsure {
		return nil
	}
	var dead []string
	for _, d := range names.Dead[:min(namesMost, len(names.Dead))] {
		dead = append(dead, checks.Show(d.Name)+" ("+w.title(d.Code)+")")
	}
	args := i18n.Args{"Dead": strings.Join(dead, ", ") + ellipsis(len(names.Dead)),
		"Pass":    ShowNames(names.Pass[:min(namesMost, len(names.Pass))]) + ellipsis(len(names.Pass)),
		"Unknown": ShowNames(names.Unknown[:min(namesMost, len(names.Unknown))]) + ellipsis(len(names.Unknown))}
	if unsure {
		return []reports.Section{{Text: w.Say("drop.check.unsure", args)}}
	}
	return []reports.Section{{Text: w.Say("drop.check.sure", args) + " " + w.Say("drop.orders")}}
}

// ellipsis follows the first of some names where there are more.
func ellipsis(n int) string {
	if n > namesMost {
		return ", …"
	}
	return ""
}

// DeadNames are names with the reasons why the CA does not accept them.
func (w Writer) DeadNames(dead []reports.DeadName) string {
	parts := make([]string, len(dead))
	for i, d := range dead {
		parts[i] = checks.Show(d.Name) + ": " + w.title(d.Code)
	}
	return strings.Join(parts, "; ")
}

// ShowNames are names with commas between.
func ShowNames(names []string) string {
	shown := make([]string, len(names))
	for i, name := range names {
		shown[i] = checks.Show(name)
	}
	return strings.Join(shown, ", ")
}

// dropPrice is what ordering the smaller certificates costs, server by server.
func dropPrice(w Writer, prices []reports.ReissueServer) []reports.Section {
	if len(prices) == 0 {
		return nil
	}
	sections := []reports.Section{{Text: w.Say("drop.orders")}}
	for _, s := range prices {
		sections = append(sections, reissuePrice(w, s)...)
	}
	return sections
}

// DropTakes says how long the orders of a server take within the CA's limits.
func (w Writer) DropTakes(s reports.ReissueServer) string { return duration(w, s.Price) }

// dropWeek is the part of a weekly message about aliases to remove; false: there
// are none.
func dropWeek(w Writer, r reports.Weekly) (reports.Section, bool) {
	if r.Drop == nil || len(r.Drop.Rows) == 0 {
		return reports.Section{}, false
	}
	n := len(r.Drop.Rows)
	s := reports.Section{Heading: w.Count("list.droppable.title", w.inWeek(r, n, reports.Droppable, reports.Droppable)), Text: w.Say("drop.orders")}
	for _, row := range r.Drop.Rows[:min(phoneList, n)] {
		s.Items = append(s.Items, dropItem(w, row))
	}
	s.Left = n - len(s.Items)
	return s, true
}
