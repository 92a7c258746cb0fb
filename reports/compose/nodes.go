package compose

import (
	"cmp"
	"slices"
	"strings"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// restsFirst is the place of a node in the order: those in maintenance first.
func restsFirst(n checks.Node) int {
	if n.Maintain == checks.On {
		return 0
	}
	return 1
}

// nodesShown is how many nodes of a cluster the status shows.
const nodesShown = 12

// nodes says of which nodes a panel's cluster consists, how it is known which of
// them serves a site, and which are in maintenance: these come first.
func (w Writer) nodes(s reports.Server) []reports.Section {
	all := slices.Clone(s.Snapshot.Nodes)
	if len(all) == 0 {
		return nil
	}
	by, sites := s.Snapshot.NodesBy, s.Snapshot.SitesByNode()
	text := w.Count("status.nodes", len(all))
	_, alone := checks.ParsePlace(s.Name)
	switch {
	case alone != "":
		text = ""
	case by == "":
		text += " " + w.Say("status.cluster.untied")
	case sites[""] > 0:
		text += " " + w.Say("status.cluster.by", i18n.Args{"By": by}) + " " + w.Count("status.nodeless", sites[""])
	default:
		text += " " + w.Say("status.cluster.by", i18n.Args{"By": by})
	}
	if s.Snapshot.Lacks("node", "maintain") {
		text += " " + w.Say("status.cluster.blind")
	}
	slices.SortStableFunc(all, func(a, b checks.Node) int { return cmp.Compare(restsFirst(a), restsFirst(b)) })
	section := reports.Section{Text: text, Left: max(0, len(all)-nodesShown)}
	for _, n := range all[:min(nodesShown, len(all))] {
		item := reports.Item{Text: n.Name}
		var parts []string
		if by != "" {
			parts = append(parts, w.Count("weekly.sites", sites[n.Name]))
		}
		for _, address := range n.Addresses {
			parts = append(parts, address.String())
		}
		for _, host := range n.Hosts {
			parts = append(parts, checks.Show(host))
		}
		if n.Maintain == checks.On {
			item.Tone = reports.ToneWarning
			parts = append(parts, w.Say(map[bool]string{true: "status.cluster.rests", false: "status.cluster.resting"}[by == ""]))
		}
		item.Note = strings.Join(parts, ", ")
		section.Items = append(section.Items, item)
	}
	return []reports.Section{section}
}
