package dns

import (
	"net/netip"
	"slices"
	"testing"

	"domovoy/checks"
	"domovoy/checks/lab/internet"
)

// The addresses and the host names of all nodes of a cluster are ours, beside
// those on which a site listens.
func TestNodesOfAClusterAreOurs(t *testing.T) {
	const nodeV4, nodeV6 = "198.51.100.12", "2606:2800:220:1::12"
	nodes := &checks.Cluster{Addresses: []netip.Addr{netip.MustParseAddr(nodeV4)}, Hosts: []string{"node2.hoster.com", "nowhere.hoster.com"}}
	hoster := internet.Zone{Origin: "hoster.com", Text: "node2 A 93.184.216.35\nnode2 AAAA " + nodeV6 + "\nshop A " + foreignV4}
	for name, c := range map[string]struct {
		zone    internet.Zone
		cluster *checks.Cluster
		points  checks.Pointing
	}{
		"its own address":           {client("@ A " + ownV4), nodes, checks.PointsOurs},
		"a node's main address":     {client("@ A " + nodeV4), nodes, checks.PointsOurs},
		"a node's and its own":      {client("@ A "+nodeV4, "@ A "+ownV4), nodes, checks.PointsOurs},
		"an address of a host name": {client("@ A 93.184.216.35", "@ AAAA "+nodeV6), nodes, checks.PointsOurs},
		"an alias of a host name":   {client("@ CNAME node2.hoster.com."), nodes, checks.PointsOurs},
		"an alias of another host":  {client("@ CNAME shop.hoster.com."), nodes, checks.PointsElsewhere},
		"a foreign address":         {client("@ A " + foreignV4), nodes, checks.PointsElsewhere},
		"a node's and a foreign":    {client("@ A "+nodeV4, "@ A "+foreignV4), nodes, checks.PointsPartly},
		"without a cluster":         {client("@ A " + nodeV4), nil, checks.PointsElsewhere},
	} {
		t.Run(name, func(t *testing.T) {
			_, in := world(t, c.zone, hoster)
			for _, configured := range [][]netip.Addr{nil, ours()} {
				site := &checks.Site{Name: "client.ru", Addresses: ours()}
				target := &checks.Target{Subject: checks.Subject{Site: site, Cluster: c.cluster}, DNS: checks.NameInfo{Name: "client.ru"}}
				found, err := in.Check(configured, "").Run(t.Context(), target)
				if err != nil || target.DNS.Points != c.points {
					t.Errorf("points %d, want %d; %v; error %v", target.DNS.Points, c.points, found, err)
				}
				for _, f := range found {
					if expected, _ := f.Args["expected"].(string); expected != "" && expected != ownV4+", "+ownV6 {
						t.Errorf("expected: %q", expected)
					}
				}
			}
			if !slices.Equal(nodes.Addresses, []netip.Addr{netip.MustParseAddr(nodeV4)}) {
				t.Error("the cluster itself was changed")
			}
		})
	}
}
