package ispmanager_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"domovoy/checks"
	"domovoy/checks/lab"
)

// threeNodes are the statements that make a panel one of a cluster of three
// nodes, with the columns of the vendor's documents.
func threeNodes() []string {
	return []string{
		`CREATE TABLE node(id INTEGER PRIMARY KEY, name VARCHAR(64), admusr VARCHAR(64), admpwd VARCHAR(255), admpwd_safe VARCHAR(255), mainip VARCHAR(64),
			url VARCHAR(255), nstate VARCHAR(16), comment VARCHAR(255), ssh_port INTEGER, maintain CHAR(3), action_required CHAR(3), is_local CHAR(3),
			machine_id VARCHAR(64), hostname VARCHAR(255), is_userlocked CHAR(3))`,
		`INSERT INTO node(id, name, admusr, admpwd, admpwd_safe, mainip, maintain, is_local, hostname) VALUES
			(1, 'master', 'root', 'hunter5', 'hunter5', '203.0.113.10', 'off', 'on', 'master.hoster.example'),
			(4, 'node2', 'root', 'hunter5', 'hunter5', '203.0.113.12', 'on', 'off', 'Node2.hoster.example.'),
			(7, 'node 3/b', 'root', 'hunter5', 'hunter5', '2001:db8::13', NULL, 'off', 'узел3.рф')`,
	}
}

// threeSites adds sites, each of an owner and at an address of its own.
func threeSites(t *testing.T, panel *lab.Panel) {
	t.Helper()
	for i, address := range []string{"203.0.113.10", "203.0.113.12", "2001:db8::13"} {
		_, err := panel.AddSite(lab.Site{Name: []string{"a.example", "b.example", "c.example"}[i], Owner: []string{"one", "two", "three"}[i], Addresses: []string{address}, Active: true})
		must(t, err)
		must(t, panel.AddAddress(address))
	}
}

func TestACluster(t *testing.T) {
	business := []string{ // the join table of the Business edition in place of webdomain_ipaddr
		"CREATE TABLE ipaddr_webdomain(ipaddr INTEGER, webdomain INTEGER)",
		"INSERT INTO ipaddr_webdomain SELECT i.id, w.webdomain FROM webdomain_ipaddr w JOIN ipaddr i ON i.name = w.value",
		"DROP TABLE webdomain_ipaddr"}
	all := []string{"master", "node2", "node_3_b"}
	for name, c := range map[string]struct {
		statements []string
		by         string
		nodes      []string
	}{
		"no column, so by address":           {nil, "node.mainip", all},
		"by address, Business edition":       {business, "node.mainip", all},
		"a column of the sites":              {[]string{"ALTER TABLE webdomain ADD COLUMN node INTEGER", "UPDATE webdomain SET node = 4"}, "webdomain.node", []string{"node2", "node2", "node2"}},
		"by name, one unknown":               {[]string{"ALTER TABLE webdomain ADD COLUMN Node_ID VARCHAR(64)", "UPDATE webdomain SET Node_ID = 'node2' WHERE id > 1"}, "webdomain.node_id", []string{"", "node2", "node2"}},
		"a column of the owners":             {[]string{"ALTER TABLE users ADD COLUMN node INTEGER", "UPDATE users SET node = 7 WHERE name = 'two'", "UPDATE users SET node = 99 WHERE name = 'one'"}, "users.node", []string{"", "node_3_b", ""}},
		"a column of the addresses":          {[]string{"ALTER TABLE ipaddr ADD COLUMN node INTEGER", "UPDATE ipaddr SET node = 1"}, "ipaddr.node", []string{"master", "master", "master"}},
		"a column that is empty":             {[]string{"ALTER TABLE webdomain ADD COLUMN node INTEGER"}, "node.mainip", all},
		"an address of two nodes' is none's": {[]string{"INSERT INTO webdomain_ipaddr(webdomain, value) VALUES (1, '203.0.113.12')"}, "node.mainip", []string{"", "node2", "node_3_b"}},
		"nothing ties them":                  {[]string{"DELETE FROM webdomain_ipaddr"}, "", []string{"", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			eachBackend(t, func(t *testing.T, b backend) {
				panel, r := b.newPanel(t)
				threeSites(t, panel)
				read(t, r)
				for _, statement := range append(threeNodes(), c.statements...) {
					must(t, panel.Exec(statement))
				}
				got := read(t, r)
				address := netip.MustParseAddr
				want := []checks.Node{
					{Name: "master", Addresses: []netip.Addr{address("203.0.113.10")}, Hosts: []string{"master.hoster.example"}, Maintain: checks.Off, Local: checks.On},
					{Name: "node2", Addresses: []netip.Addr{address("203.0.113.12")}, Hosts: []string{"node2.hoster.example"}, Maintain: checks.On, Local: checks.Off},
					{Name: "node_3_b", Addresses: []netip.Addr{address("2001:db8::13")}, Hosts: []string{"xn--3-itbfr1b.xn--p1ai"}, Local: checks.Off}}
				if diff := cmp.Diff(want, got.Nodes, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
					t.Error("the nodes (-want +got):\n" + diff)
				}
				nodes := []string{got.Sites[0].Node, got.Sites[1].Node, got.Sites[2].Node}
				if got.NodesBy != c.by || !cmp.Equal(nodes, c.nodes) {
					t.Errorf("by %q: %q, want by %q: %q", got.NodesBy, nodes, c.by, c.nodes)
				}
				if len(got.Addresses) != 3 || got.UnreadableN != 0 || got.Rows["node"] != 0 {
					t.Errorf("addresses %v, %d unreadable: %v", got.Addresses, got.UnreadableN, got.Unreadable)
				}
			})
		})
	}
}

// A node's maintenance, and the end of it, is a change; what the table lacks is
// said, that there is none is not.
func TestAClusterThatChanges(t *testing.T) {
	eachBackend(t, func(t *testing.T, b backend) {
		panel, r := b.newPanel(t)
		threeSites(t, panel)
		if got := read(t, r); got.Nodes != nil || got.Lacks("node", "") || got.Cluster() != nil {
			t.Errorf("without a cluster: %v, lacking %v", got.Nodes, got.Missing)
		}
		for _, statement := range threeNodes() {
			must(t, panel.Exec(statement))
		}
		for _, maintain := range []checks.Flag{checks.On, checks.Off} {
			must(t, panel.Exec("UPDATE node SET maintain = ? WHERE id = 1", strings.ToLower([]string{"", "OFF", "ON"}[maintain])))
			got, changed, err := r.Poll(t.Context())
			must(t, err)
			if !changed || got.Nodes[0].Maintain != maintain {
				t.Errorf("want %v: %v, changed: %v", maintain, got.Nodes[0], changed)
			}
		}
		must(t, panel.Exec("ALTER TABLE node DROP COLUMN maintain"))
		if got := read(t, r); !got.Lacks("node", "maintain") || got.Nodes[1].Maintain != checks.Unset || got.Sites[1].Node != "node2" {
			t.Errorf("without maintain: %v, lacking %v", got.Nodes, got.Missing)
		}
		must(t, panel.Exec("UPDATE node SET mainip = 'none', hostname = 'a b.', name = NULL WHERE id = 4"))
		if got := read(t, r); got.UnreadableN != 3 || got.Nodes[1].Name != "4" || got.Sites[1].Node != "" {
			t.Errorf("with values that cannot be read: %v: %v", got.Nodes, got.Unreadable)
		}
		must(t, panel.Exec("DROP TABLE node"))
		if got := read(t, r); got.Nodes != nil || got.NodesBy != "" || got.Sites[0].Node != "" {
			t.Errorf("dissolved: %v", got.Nodes)
		}
	})
}

// No statement names a column with a secret of the nodes, also where the user
// may read all of them.
func TestSecretsOfNodesAreNotRead(t *testing.T) {
	panel, _ := mysqlPanel(t)
	threeSites(t, panel)
	for _, statement := range threeNodes() {
		must(t, panel.Exec(statement))
	}
	server := mariaDB(t)
	before, err := server.Log()
	must(t, err)
	r := backend{server: server}.reader(t, panel)
	read(t, r)
	attempts(t, r, 0)
	after, err := server.Log()
	must(t, err)
	said := strings.TrimPrefix(after, before)
	if !strings.Contains(said, "`mainip`") {
		t.Error("the nodes were not read")
	}
	if faults, statements, err := server.Careless(); err != nil || len(faults) > 0 || statements < 10 {
		t.Errorf("of %d statements these are careless (%v): %q", statements, err, faults)
	}
	if strings.Contains(said, lab.Reader().Password) {
		t.Error("the server's log has the password:", said)
	}
}
