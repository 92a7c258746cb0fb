package reports

import (
	"slices"
	"strings"

	"domovoy/checks"
)

// HasServer reports whether a panel matches, by the part of the filter's Server
// before the slash.
func (f Filter) HasServer(name string) bool {
	server, _ := checks.ParsePlace(f.Server)
	return glob(server, name)
}

// HasNode reports whether a node of a matching panel matches, by the part after
// the slash. Where there is none, everything does; else not what is of no node.
func (f Filter) HasNode(node string) bool {
	_, pattern := checks.ParsePlace(f.Server)
	return pattern == "" || node != "" && glob(pattern, node)
}

// OnNodes leaves the subjects of a server that are of a node which matches.
func (f Filter) OnNodes(s Server) Server {
	if _, pattern := checks.ParsePlace(f.Server); pattern != "" {
		s.Subjects = slices.DeleteFunc(slices.Clone(s.Subjects), func(x checks.Subject) bool { return !f.HasNode(x.Site.Node) })
	}
	return s
}

// Nodes gives the servers as they are, or, where the filter names nodes, these
// alone: each is a server with the counts of its sites, which have no thresholds
// and no trends of their own.
func (f Filter) Nodes(servers []Server) []Server {
	if _, pattern := checks.ParsePlace(f.Server); pattern == "" {
		return servers
	}
	var nodes []Server
	for _, s := range servers {
		for _, n := range s.Snapshot.Nodes {
			if f.HasNode(n.Name) {
				nodes = append(nodes, s.node(n))
			}
		}
	}
	return nodes
}

func (s Server) node(n checks.Node) Server {
	out := s
	out.Name = checks.Place(s.Name, n.Name)
	out.Subjects = slices.DeleteFunc(slices.Clone(s.Subjects), func(x checks.Subject) bool { return x.Site.Node != n.Name })
	out.Snapshot.Sites = slices.DeleteFunc(slices.Clone(s.Snapshot.Sites), func(x checks.Site) bool { return x.Node != n.Name })
	out.Snapshot.Nodes, out.Snapshot.Unreadable, out.Snapshot.UnreadableN = []checks.Node{n}, nil, 0
	out.Outcome.Findings = slices.DeleteFunc(slices.Clone(s.Outcome.Findings), func(f checks.Finding) bool { return f.Site == "" && s.NodeOf(f) != n.Name })
	out.Readings = nil
	for _, r := range s.Readings {
		if r.Threshold, r.Severity, r.Hour, r.Day = (Threshold{}), checks.Healthy, nil, nil; r.Known() {
			r.Value = 0
			for _, row := range s.List(strings.TrimPrefix(string(r.Code), "panel.")) {
				if row.Node == n.Name {
					r.Value++
				}
			}
		}
		out.Readings = append(out.Readings, r)
	}
	return out
}

// NodeOf is the name of the node that a finding about the server as a whole is
// about, as its address is the finding's name; empty: none.
func (s Server) NodeOf(f checks.Finding) string { return s.Snapshot.NodeAt(f.Name) }

// Resting are the names of the nodes that are in maintenance.
func (s Server) Resting() []string {
	var names []string
	for _, n := range s.Snapshot.Nodes {
		if n.Maintain == checks.On {
			names = append(names, n.Name)
		}
	}
	return names
}

// resting reports whether a node of a server is in maintenance; known: the
// server has been read, so that it can be told.
func (d *decider) resting(server, node string) (rests, known bool) {
	nodes, known := d.s.Resting[server]
	return slices.Contains(nodes, node), known
}

// byNode is the hold of an incident about a node in maintenance. One that was
// held by it is held on as long as it cannot be told whether it still rests.
func (d *decider) byNode(i Incident) Hold {
	kind, place := parseHold(i.Held)
	if kind == HeldByNode {
		if rests, known := d.resting(checks.ParsePlace(place)); rests || !known {
			return Hold{Kind: HeldByNode, Node: place}
		}
	}
	if d.s.Node == nil || len(d.s.Resting[i.Finding.Server]) == 0 {
		return Hold{}
	}
	node := d.s.Node(i.Finding)
	if rests, _ := d.resting(i.Finding.Server, node); !rests {
		return Hold{}
	}
	return Hold{Kind: HeldByNode, Node: checks.Place(i.Finding.Server, node)}
}
