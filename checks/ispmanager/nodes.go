package ispmanager

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"domovoy/checks"
)

// readNodes takes id, name, mainip, hostname, maintain and is_local. Their
// addresses are the panel's, too.
func (r *siteReader) readNodes(chunks []chunk) {
	const table = "node"
	for _, c := range chunks {
		for field := range records(c.text, 6) {
			id := number(field[0])
			n := checks.Node{Maintain: r.flag(table, id, "maintain", field[4]), Local: r.flag(table, id, "is_local", field[5])}
			for _, text := range listed(field[2]) {
				if address, ok := r.address(table, id, "mainip", text); ok {
					n.Addresses = append(n.Addresses, address)
				}
			}
			for _, text := range listed(field[3]) {
				if host, err := toASCII(strings.TrimSuffix(text, ".")); err == nil {
					n.Hosts = append(n.Hosts, host)
				} else {
					r.doubt(table, id, "hostname", field[3])
				}
			}
			if n.Name = nodeName(field[1]); n.Name == "" {
				n.Name = strings.Join(n.Hosts[:min(1, len(n.Hosts))], "")
			}
			if n.Name == "" {
				n.Name = strconv.FormatInt(id, 10)
			}
			r.nodes, r.nodeIDs = append(r.nodes, n), append(r.nodeIDs, id)
			for _, address := range n.Addresses {
				if !slices.Contains(r.panel, address) {
					r.panel = append(r.panel, address)
				}
			}
		}
	}
}

// listed parts a field with one value or several.
func listed(field string) []string {
	return strings.FieldsFunc(plain(field), func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
}

// nodeName returns a node's name as one word of a filter.
func nodeName(field string) string {
	return strings.Map(func(r rune) rune {
		if r == '/' || unicode.IsSpace(r) {
			return '_'
		}
		return r
	}, strings.TrimSpace(strings.ToValidUTF8(plain(field), "\uFFFD")))
}

// tie finds which node serves each site, by the first column that says it of any
// site. That a column is called node is the panel's own habit for references,
// and was seen on no real panel; that a site listens on the main address of one
// node follows from columns that are known.
func (r *siteReader) tie(found *tables, chunks [tableCount][]chunk) {
	if len(r.nodes) == 0 {
		return
	}
	of := make([]string, len(r.rows))
	for _, way := range []struct {
		by  string
		has bool
		tie func(of []string)
	}{
		{"webdomain." + found[webdomain].as(siteNode), found[webdomain].has(siteNode), func(of []string) { r.tieSites(of, chunks[webdomain]) }},
		{"users." + found[users].as(ownerNode), found[users].has(ownerNode), func(of []string) { r.tieOwners(of, chunks[webdomain], chunks[users]) }},
		{"ipaddr." + found[ipaddr].as(addressNode), found[ipaddr].has(addressNode), func(of []string) { r.tieAddresses(of, r.listedNodes(chunks[ipaddr])) }},
		{"node.mainip", true, func(of []string) { r.tieAddresses(of, r.mainNodes()) }},
	} {
		if !way.has {
			continue
		}
		way.tie(of)
		if slices.ContainsFunc(of, func(name string) bool { return name != "" }) {
			r.by = way.by
			break
		}
	}
	for i := range r.rows {
		r.rows[i].Node = of[i]
	}
}

// node returns the name of the node that a field refers to, by its number or its
// name; empty: it refers to none.
func (r *siteReader) node(field string) string {
	at := slices.Index(r.nodeIDs, number(field))
	if at < 0 {
		name := nodeName(field)
		at = slices.IndexFunc(r.nodes, func(n checks.Node) bool { return n.Name == name || slices.Contains(n.Hosts, name) })
	}
	if at < 0 {
		return ""
	}
	return r.nodes[at].Name
}

// tieSites reads a column of the sites.
func (r *siteReader) tieSites(of []string, sites []chunk) {
	for _, c := range sites {
		for field := range records(c.text, siteNode+2) {
			of[r.byID[number(field[0])]] = r.node(field[siteNode+1])
		}
	}
}

// tieOwners reads a column of the sites' owners.
func (r *siteReader) tieOwners(of []string, sites, owners []chunk) {
	nodes := map[int64]string{}
	for _, c := range owners {
		for field := range records(c.text, ownerNode+2) {
			nodes[number(field[0])] = r.node(field[ownerNode+1])
		}
	}
	for _, c := range sites {
		for field := range records(c.text, siteNode+2) {
			of[r.byID[number(field[0])]] = nodes[number(field[3])]
		}
	}
}

// tieAddresses takes the node of a site's addresses, where it is only one.
func (r *siteReader) tieAddresses(of []string, nodes map[netip.Addr]string) {
	for i := range r.rows {
		var all []string
		for _, address := range r.rows[i].Addresses {
			if name := nodes[address]; name != "" && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
		if len(all) == 1 {
			of[i] = all[0]
		}
	}
}

// listedNodes are the nodes of addresses by a column of these.
func (r *siteReader) listedNodes(addresses []chunk) map[netip.Addr]string {
	nodes := map[netip.Addr]string{}
	for _, c := range addresses {
		for field := range records(c.text, addressNode+2) {
			if address, ok := r.hosts[number(field[0])]; ok {
				nodes[address] = r.node(field[addressNode+1])
			}
		}
	}
	return nodes
}

// mainNodes are the nodes of their own addresses.
func (r *siteReader) mainNodes() map[netip.Addr]string {
	nodes := map[netip.Addr]string{}
	for _, n := range r.nodes {
		for _, address := range n.Addresses {
			nodes[address] = n.Name
		}
	}
	return nodes
}
