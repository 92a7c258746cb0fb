package reports

import "domovoy/checks"

// storms are the places, servers and nodes of clusters, so many of whose sites
// broke in this run, or are still broken since such a run, that what breaks
// there is part of the storm.
type storms map[string]bool

// storms finds them. Of a server whose broken sites are all of one node, only
// the node has the storm.
func (d *decider) storms() storms {
	broke, nodes := map[string]map[string]bool{}, map[string]bool{}
	for _, c := range d.s.Changes {
		f := c.Incident.Finding
		if !c.broke() {
			continue
		}
		for _, place := range d.places(f) {
			if broke[place] == nil {
				broke[place] = map[string]bool{}
			}
			broke[place][f.Site] = true
			nodes[place] = place != f.Server
		}
	}
	all := storms{}
	for place, sites := range broke {
		server, _ := checks.ParsePlace(place)
		all[place] = d.byKey[sitesKey(place, StormCause)] != nil || d.stormy(len(sites), d.s.Sites[place]) && !d.alike(server)
	}
	for place, sites := range broke {
		server, _ := checks.ParsePlace(place)
		if nodes[place] && all[place] && len(sites) == len(broke[server]) && d.byKey[sitesKey(server, StormCause)] == nil {
			all[server] = false
		}
	}
	return all
}

// of is the place with the storm that a finding belongs to: its server, else its
// node; empty: none.
func (s storms) of(d *decider, f checks.Finding) string {
	for _, place := range d.places(f) {
		if s[place] {
			return place
		}
	}
	return ""
}

// places are the server of a finding, and the node of it where that is known.
func (d *decider) places(f checks.Finding) []string {
	if d.s.Node == nil {
		return []string{f.Server}
	}
	if node := d.s.Node(f); node != "" {
		return []string{f.Server, checks.Place(f.Server, node)}
	}
	return []string{f.Server}
}
