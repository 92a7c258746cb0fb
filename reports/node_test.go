package reports

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
)

// What is about a node in maintenance is held back until the panel says that it
// is over: what is still there then is told, and the rest is one line.
func TestANodeInMaintenance(t *testing.T) {
	rest := func(nodes ...string) func(*life) {
		return func(l *life) { l.resting = map[string][]string{"isp1": nodes} }
	}
	unread := func(l *life) { l.resting = nil }
	a, b := onSite("a.ru", checks.CertExpired), onSite("b.ru", checks.CertExpired)
	for name, moments := range map[string][]moment{
		"it is held, and told afterwards": {
			{at: "12:00", do: rest("node2"), found: list(a)},
			{at: "12:05", found: list(a, b), want: "opened cert.expired b.ru"},
			{at: "13:00", do: rest(), found: list(a, b), want: "heldover cert.expired a.ru after node"},
			{at: "13:05", found: list(a, b)}},
		"what ended meanwhile is one line": {
			{at: "12:00", do: rest("node2"), found: list(a)},
			{at: "12:05"}, {at: "12:10"},
			{at: "13:00", do: rest(), want: "passed cert.expired a.ru after node"}},
		"another node": {
			{at: "12:00", do: rest("node3"), found: list(a), want: "opened cert.expired a.ru"}},
		"the server as a whole is not held": {
			{at: "12:00", do: rest("node2"), found: list(count(checks.PanelProcessing, checks.Critical, 120)), want: "opened panel.processing"}},
		"after a restart, before the panel is read": {
			{at: "12:00", do: rest("node2"), found: list(a)},
			{at: "12:01", do: unread, time: true},
			{at: "12:02", do: rest("node2"), found: list(a)},
			{at: "12:03", do: unread, time: true},
			{at: "12:04", do: rest(), found: list(a), want: "heldover cert.expired a.ru after node"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := &life{history: newHistory(), sites: 100, nodes: map[string]string{"a.ru": "node2"}}
			for _, m := range moments {
				l.play(t, m)
			}
		})
	}
}

// Many sites of one node are a storm of the node, also where they are few of the
// panel's; sites of many nodes are one of the panel.
func TestAStormOfANode(t *testing.T) {
	sites := func(node, from, to int) (all []checks.Finding) {
		for n := from; n < to; n++ {
			all = append(all, onSite(fmt.Sprintf("s%d.node%d.ru", n, node), checks.CertExpired))
		}
		return all
	}
	for name, tt := range map[string]struct {
		found []checks.Finding
		want  []string
	}{
		"of a node, few of the panel's":  {sites(2, 0, 30), []string{"isp1/node2"}},
		"of a node, many of the panel's": {sites(1, 0, 400), []string{"isp1/node1"}},
		"of all nodes":                   {append(append(sites(1, 0, 200), sites(2, 0, 40)...), sites(3, 0, 40)...), []string{"isp1"}},
		"of a node, and one site more":   {append(sites(2, 0, 30), sites(1, 0, 1)...), []string{"isp1/node2", "isp1"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := &life{history: newHistory(), sites: 1000, nodes: map[string]string{}}
			for node, n := range map[int]int{1: 900, 2: 50, 3: 50} {
				for _, f := range sites(node, 0, n) {
					l.nodes[f.Site] = fmt.Sprint("node", node)
				}
			}
			l.now = clock(t, "12:00")
			s := Situation{Now: l.now, Node: l.node, Sites: map[string]int{"isp1": 1000, "isp1/node1": 900, "isp1/node2": 50, "isp1/node3": 50}}
			s.Changes = l.policy.Reconcile(l.now, nil, checks.Outcome{Server: "isp1", Checks: allChecks, Findings: tt.found}, begins(false))
			var places []string
			for _, p := range l.policy.Decide(s).Problems {
				places = append(places, p.Server)
				if p.Panel() != "isp1" || !p.OfSites() || (p.Cause == StormCause) != (p.Server != "isp1" || len(tt.want) == 1) {
					t.Errorf("%+v", p)
				}
			}
			if diff := cmp.Diff(tt.want, places); diff != "" {
				t.Error("(-want +got):\n" + diff)
			}
		})
	}
}

func TestFilterOfANode(t *testing.T) {
	for filter, want := range map[string][3]bool{ // of isp1, isp1/node2 and isp2/node2
		"": {true, true, true}, "isp1": {true, true, false}, "isp1/node2": {false, true, false}, "isp*/node?": {false, true, true},
		"*/*": {false, true, true}, "isp1/other": {}, "isp2": {false, false, true}, "isp1/": {true, true, false},
	} {
		for n, row := range []Row{{Server: "isp1"}, {Server: "isp1", Node: "node2"}, {Server: "isp2", Node: "node2"}} {
			if got := (Filter{Server: filter}).keeps(row); got != want[n] {
				t.Errorf("server=%s keeps %s: %t", filter, row.Place(), got)
			}
		}
	}
}

func TestTheStateOfANode(t *testing.T) {
	sites := []checks.Site{{Name: "a.ru", Node: "node2"}, {Name: "b.ru", Node: "node1"}, {Name: "c.ru"}}
	address := netip.MustParseAddr("203.0.113.12")
	s := Server{Name: "isp1", Snapshot: checks.Snapshot{Sites: sites, Nodes: []checks.Node{{Name: "node1"}, {Name: "node2", Addresses: []netip.Addr{address}}},
		Certificates: []checks.Certificate{{ID: 1, Failed: checks.On}, {ID: 2, Failed: checks.On}}},
		Subjects: []checks.Subject{{Site: &sites[0], Certificate: &checks.Certificate{ID: 1}}, {Site: &sites[1]}, {Site: &sites[2]}},
		Outcome:  checks.Outcome{Findings: []checks.Finding{{Name: address.String(), Code: checks.WebRefused}, {Code: checks.PanelStale}}},
		Readings: []Reading{{Metric: checks.Metric{Code: checks.PanelFailed, Value: 2}, Severity: checks.Critical, Threshold: Threshold{Critical: 2}}, {Metric: checks.Metric{Code: checks.PanelFailing, Err: "x"}}}}
	got := Filter{Server: "isp1/node2"}.Nodes([]Server{s})
	if len(got) != 1 || got[0].Name != "isp1/node2" || len(got[0].Subjects) != 1 || len(got[0].Snapshot.Sites) != 1 || len(got[0].Outcome.Findings) != 1 ||
		got[0].Readings[0].Value != 1 || got[0].Readings[0].Threshold.Alarm() != 0 || got[0].Readings[1].Known() {
		t.Errorf("%+v", got)
	}
	if got := (Filter{Server: "isp1"}).Nodes([]Server{s}); len(got) != 1 || got[0].Name != "isp1" {
		t.Errorf("%+v", got)
	}
}
