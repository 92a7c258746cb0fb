package checks

import (
	"net/netip"
	"slices"
	"strings"
)

// Node is a server of a cluster, which ISPmanager Business keeps in the table
// node (https://www.ispmanager.com/docs/ispmanager6-business/database-structure).
// Which of them serves a site follows from a column of the site, of its owner or
// of its address, or from the address alone: see Snapshot.NodesBy.
type Node struct {
	Name      string // without white space or slashes, which divide it from others in filters
	Addresses []netip.Addr
	Hosts     []string // host names in A-label form
	Maintain  Flag     // its maintenance
	Local     Flag     // it is the panel's own server
}

// NodeAt is the name of the node that has an address, in its text form; empty:
// none, or it is no address.
func (s Snapshot) NodeAt(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	for _, n := range s.Nodes {
		if slices.Contains(n.Addresses, a) {
			return n.Name
		}
	}
	return ""
}

// Cluster is how the names of a panel's sites may point to any of its nodes.
type Cluster struct {
	Addresses []netip.Addr
	Hosts     []string // host names in A-label form, whose addresses are the nodes', too
}

// Cluster returns the addresses and host names of all nodes; nil: there are
// none.
func (s Snapshot) Cluster() *Cluster {
	if len(s.Nodes) == 0 {
		return nil
	}
	c := new(Cluster)
	for _, n := range s.Nodes {
		c.Addresses = append(c.Addresses, n.Addresses...)
		c.Hosts = append(c.Hosts, n.Hosts...)
	}
	return c
}

// Same reports whether two clusters have the same addresses and host names;
// either may be nil.
func (c *Cluster) Same(o *Cluster) bool {
	return c == o || c != nil && o != nil && slices.Equal(c.Addresses, o.Addresses) && slices.Equal(c.Hosts, o.Hosts)
}

// Place returns the name of a panel's node as filters have it: isp1/node2. An
// empty node is the whole panel.
func Place(server, node string) string {
	if node == "" {
		return server
	}
	return server + "/" + node
}

// ParsePlace parts what Place joined. Names of panels and nodes have no slash.
func ParsePlace(place string) (server, node string) {
	server, node, _ = strings.Cut(place, "/")
	return server, node
}

// SitesByNode counts the sites of each node; those of none are under the empty
// name.
func (s Snapshot) SitesByNode() map[string]int {
	sites := map[string]int{}
	for _, x := range s.Sites {
		sites[x.Node]++
	}
	return sites
}
