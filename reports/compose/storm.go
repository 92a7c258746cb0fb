package compose

import (
	"cmp"
	"slices"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// storm says that so many sites broke at once that the cause is probably the
// server's, with the causes and owners that have most of them.
func storm(w Writer, t reports.Telling, s reports.Server) reports.Message {
	s = reports.Filter{Server: t.Problem.Server}.OnNodes(s)
	args := i18n.Args{"Server": t.Problem.Server, "All": len(s.Subjects), "Age": w.Now.Sub(t.Problem.Opened)}
	if t.Reason == reports.Resolved {
		m := w.message(reports.ToneOver, w.Count("over.storm", t.Problem.Peak, args))
		m.Facts = w.facts(t)
		m.Sections = standing(w, t.Problem)
		return m
	}
	m := w.message(reports.ToneBad, w.Count("storm.title", t.Problem.Told.Value, args))
	m.Facts = w.facts(t)
	m.Sections = append(m.Sections, reports.Section{Text: join(whyNow(w, t), w.Say("storm.text"))})
	first, rest := firstFew(w.Say("details.groups"), stormGroups(w, t, s))
	m.Sections = append(m.Sections, first, reports.Section{Text: w.Say("next.line", i18n.Args{"Step": w.Say("storm.next"), "Who": w.Say("who." + string(checks.Us))})})
	m.Sections = append(m.Sections, standing(w, t.Problem)...)
	m.Sections = append(m.Sections, folded([]reports.Section{rest, hidden(w, t.Hidden)})...)
	list := reports.Action{Label: w.Say("action.list"), Command: "list trouble server=" + t.Problem.Server}
	m.Actions = slices.Concat(lifeActions(w, t.Problem), []reports.Action{list}, rareActions(w, t.Problem))
	m.Files = everySite(w, t, s)
	return m
}

// stormGroups counts the sites of a storm by cause and owner, the largest groups
// first.
func stormGroups(w Writer, t reports.Telling, s reports.Server) []reports.Item {
	type group struct {
		cause checks.Code
		owner string
	}
	owners, sites := owners(s), map[group]int{}
	for _, i := range t.Incidents {
		sites[group{i.Finding.Code, owners[i.Finding.Site]}]++
	}
	all := make([]group, 0, len(sites))
	for g := range sites {
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b group) int {
		return cmp.Or(cmp.Compare(sites[b], sites[a]), cmp.Compare(a.cause, b.cause), cmp.Compare(a.owner, b.owner))
	})
	items := make([]reports.Item, len(all))
	for n, g := range all {
		what := w.title(g.cause)
		if g.owner != "" {
			what += " · " + g.owner
		}
		items[n] = reports.Item{Text: w.counted(what, sites[g])}
	}
	return items
}

// owners are those of a server's sites, by name.
func owners(s reports.Server) map[string]string {
	by := make(map[string]string, len(s.Subjects))
	for _, x := range s.Subjects {
		by[x.Site.Name] = x.Site.Owner
	}
	return by
}

// everySite is the file with all sites of a telling, where it is news of them.
func everySite(w Writer, t reports.Telling, s reports.Server) []reports.File {
	switch t.Reason {
	case reports.Opened, reports.Worsened, reports.Grown, reports.HeldOver:
	default:
		return nil
	}
	owners, nodes := owners(s), map[string]string{}
	for _, x := range s.Subjects {
		nodes[x.Site.Name] = x.Site.Node
	}
	rows := make([]reports.Row, len(t.Incidents))
	for n, i := range t.Incidents {
		f := i.Finding
		rows[n] = reports.Row{Domain: f.Site, Name: f.Name, Owner: owners[f.Site], Server: f.Server, Node: nodes[f.Site], Code: f.Code, Severity: f.Severity,
			Since: i.Times.Opened, Exact: !i.Baseline}
	}
	m, err := ListFile(w, rows, Page{Kind: "trouble"})
	if err != nil {
		return nil // does not happen: it is written to memory
	}
	return m.Files
}
