package ispmanager_test

import (
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"domovoy/checks"
	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
)

// noon is a time without daylight saving changes.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// newPanel returns a panel of the lab and a reader of it.
func newPanel(t *testing.T, variants ...lab.Variant) (*lab.Panel, *ispmanager.Panel) {
	t.Helper()
	panel, err := lab.NewPanel(filepath.Join(t.TempDir(), "ispmgr.db"), variants...)
	must(t, err)
	t.Cleanup(func() { panel.Close() })
	return panel, reader(t, panel.Path(), panel.Zone())
}

func reader(t *testing.T, path string, zone *time.Location) *ispmanager.Panel {
	t.Helper()
	r := ispmanager.New(ispmanager.Config{Name: "isp1", Database: path, Zone: zone})
	t.Cleanup(func() { must(t, r.Close()) })
	return r
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, r *ispmanager.Panel) checks.Snapshot {
	t.Helper()
	snapshot, _, err := r.Poll(t.Context())
	must(t, err)
	return snapshot
}

// furnish puts the same rows into any variant of a panel.
func furnish(t *testing.T, panel *lab.Panel) {
	t.Helper()
	_, err := panel.AddSite(lab.Site{Name: "a.example", Owner: "client1", Aliases: []string{"www.a.example", "*.A.example."},
		Addresses: []string{"203.0.113.10", "2001:db8::10"}, Active: true, Secure: true, RedirectHTTP: true, Certificate: "a.example_le1"})
	must(t, err)
	_, err = panel.AddSite(lab.Site{Name: "пример.рф", Owner: "client2", Aliases: []string{"www.пример.рф"}, Active: true})
	must(t, err)
	_, err = panel.AddCertificate(lab.Certificate{Name: "a.example_le1", Domain: "a.example", Owner: "client1", Started: noon})
	must(t, err)
	_, err = panel.AddCertificate(lab.Certificate{Name: "пример.рф_LE12", Domain: "", Owner: "client2", Processing: true, Failed: true, Started: noon})
	must(t, err)
	_, err = panel.AddAttempt(lab.Attempt{Certificate: "a.example_le1", Status: lab.StatusFailed, At: noon, Message: "403"})
	must(t, err)
	must(t, panel.AddAddress("203.0.113.10"))
}

func furnished() checks.Snapshot {
	const idn = "xn--e1afmkfd.xn--p1ai"
	address := netip.MustParseAddr("203.0.113.10")
	return checks.Snapshot{Server: "isp1", Addresses: []netip.Addr{address},
		Sites: []checks.Site{
			{Server: "isp1", ID: 1, Name: "a.example", Owner: "client1", Aliases: []string{"www.a.example", "*.a.example"},
				Addresses: []netip.Addr{address, netip.MustParseAddr("2001:db8::10")}, Certificate: "a.example_le1",
				Active: checks.On, Secure: checks.On, Redirect: checks.On},
			{Server: "isp1", ID: 2, Name: idn, Owner: "client2", Aliases: []string{"www." + idn},
				Active: checks.On, Secure: checks.Off, Redirect: checks.Off},
		},
		Certificates: []checks.Certificate{
			{Server: "isp1", ID: 1, Name: "a.example_le1", Domain: "a.example", Owner: "client1",
				Processing: checks.Off, Failed: checks.Off, Started: noon},
			{Server: "isp1", ID: 2, Name: "пример.рф_LE12", Domain: idn, Owner: "client2",
				Processing: checks.On, Failed: checks.On, Started: noon},
		}}
}

func compare(t *testing.T, got, want checks.Snapshot) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{}),
		cmpopts.IgnoreFields(checks.Snapshot{}, "Taken", "Rows", "Writes")); diff != "" {
		t.Error("snapshot differs (-want +got):\n" + diff)
	}
}

func TestPollReadsWhatThePanelHolds(t *testing.T) {
	eachBackend(t, func(t *testing.T, b backend) {
		zone := func(name string) *time.Location {
			location, err := time.LoadLocation(name)
			must(t, err)
			return location
		}
		for name, variants := range map[string][]lab.Variant{
			"UTC":                   nil,
			"UTC+3":                 {lab.WithZone(zone("Europe/Moscow"))},
			"UTC-5":                 {lab.WithZone(time.FixedZone("", -5*3600))},
			"daylight saving":       {lab.WithZone(zone("Europe/Berlin"))},
			"write-ahead log":       {lab.WithWAL()},
			"a plugin's first":      {lab.WithPluginColumn("webdomain", "nginx_rate_limit", 0), lab.WithPluginColumn("letsencrypt_ssl", "x", 0)},
			"a plugin in between":   {lab.WithPluginColumn("webdomain", "nginx_rate_limit", 4), lab.WithPluginColumn("users", "select_x", 1)},
			"a plugin's last":       {lab.WithPluginColumn("webdomain_ipaddr", "x", 3), lab.WithPluginColumn("letsencrypt_log", "y", 5)},
			"no table of own certs": {lab.WithoutTable("sslcert")},
		} {
			t.Run(name, func(t *testing.T) {
				panel, r := b.newPanel(t, variants...)
				furnish(t, panel)
				compare(t, read(t, r), furnished())
				compareAttempts(t, attempts(t, r, 0), []checks.Attempt{
					{Server: "isp1", Row: 1, Certificate: "a.example_le1", Outcome: checks.OutcomeFailed, Status: "failed", Time: noon, Text: "403"}})
			})
		}
	})
}

func TestPollTellsWhetherAnythingChanged(t *testing.T) {
	eachBackend(t, func(t *testing.T, b backend) {
		for name, variants := range map[string][]lab.Variant{"rollback journal": nil, "write-ahead log": {lab.WithWAL()}} {
			t.Run(name, func(t *testing.T) {
				panel, r := b.newPanel(t, variants...)
				furnish(t, panel)
				first := read(t, r)
				again, changed, err := r.Poll(t.Context())
				must(t, err)
				if changed || !again.Taken.Equal(first.Taken) || &again.Sites[0] != &first.Sites[0] {
					t.Error("nothing changed, and yet it is another snapshot")
				}

				_, err = panel.AddAttempt(lab.Attempt{Certificate: "a.example_le1", Status: "ok", At: noon})
				must(t, err)
				logged, changed, err := r.Poll(t.Context())
				must(t, err)
				if !changed || &logged.Sites[0] != &first.Sites[0] || &logged.Certificates[0] != &first.Certificates[0] {
					t.Error("the log grew: want a change, and the same sites and certificates")
				}

				must(t, panel.SetFailed(true, "a.example_le1"))
				failed, changed, err := r.Poll(t.Context())
				must(t, err)
				if !changed || failed.Certificates[0].Failed != checks.On || &failed.Sites[0] != &first.Sites[0] {
					t.Error("a certificate failed: want that seen, and the same sites")
				}
				if first.Certificates[0].Failed != checks.Off {
					t.Error("an earlier snapshot was changed")
				}

				must(t, panel.RemoveSite("a.example"))
				if got := read(t, r); len(got.Sites) != 1 || len(got.Certificates) != 2 {
					t.Errorf("a site was removed: got %d sites and %d certificates", len(got.Sites), len(got.Certificates))
				}
			})
		}
	})
}

// A table of many batches that is changed at its edges and in the middle always
// reads as a new reader would read it.
func TestPollReadsAgainOnlyWhatChangedAndMissesNothing(t *testing.T) {
	eachBackend(t, func(t *testing.T, b backend) {
		panel, r := b.newPanel(t)
		const count = " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 2600) "
		for _, statement := range []string{
			"INSERT INTO letsencrypt_ssl(certname, domain_name, time_started)" + count + "SELECT 'n' || i || '.example_le1', 'n' || i || '.example', '2026-11-21 12:00:00' FROM n",
			"INSERT INTO webdomain(name, users)" + count + "SELECT 'n' || i || '.example', 1 FROM n",
			"UPDATE letsencrypt_ssl SET processing = 'on' WHERE id IN (1, 2500, 2501, 2600)",
			"DELETE FROM letsencrypt_ssl WHERE id = 1500",
			"DELETE FROM letsencrypt_ssl WHERE id > 1999",
			"INSERT INTO letsencrypt_ssl(id, certname, time_started) VALUES (-5, 'old.example_le1', 'never')",
			"INSERT INTO users(id, name) VALUES (1, 'client1')",
			"UPDATE webdomain SET secure = 'on' WHERE id = 2400",
			"DELETE FROM letsencrypt_ssl",
		} {
			must(t, panel.Exec(statement))
			compare(t, read(t, r), read(t, b.reader(t, panel)))
		}
	})
}

func TestTheSamplePanelCountsAsTheLabDoes(t *testing.T) {
	now := time.Date(2026, 11, 21, 14, 5, 0, 0, time.FixedZone("MSK", 3*3600))
	sample, err := lab.NewSample(t.TempDir(), now, 1)
	must(t, err)
	defer sample.Panel.Close()
	want, err := sample.Panel.Counts(now)
	must(t, err)
	r := reader(t, sample.Panel.Path(), now.Location())
	s := read(t, r)
	got := lab.Counts{Sites: len(s.Sites), Started: want.Started}
	for _, site := range s.Sites {
		got.Active += one(site.Active == checks.On)
		got.NoCertificate += one(site.Active == checks.On && site.Secure == checks.Off)
		got.NoRedirect += one(site.Active == checks.On && site.Redirect == checks.Off)
	}
	for _, c := range s.Certificates {
		idle := c.Processing == checks.Off && c.Failed == checks.Off
		got.Processing += one(c.Processing == checks.On)
		got.Failed += one(c.Failed == checks.On)
		got.Overdue += one(idle && !c.Started.IsZero() && now.Sub(c.Started) >= 83*24*time.Hour)
	}
	failures := map[string]int{}
	for _, a := range attempts(t, r, 0) {
		if a.Outcome == checks.OutcomeFailed && now.Sub(a.Time) <= 4*time.Hour {
			failures[a.Certificate]++
		}
	}
	for _, n := range failures {
		got.Failing += one(n >= 2)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("counts differ (-want +got):\n" + diff)
	}
	if unreadable := want.Started.Null + want.Started.Zero + want.Started.Other; s.UnreadableN < unreadable {
		t.Errorf("%d unreadable, want at least the %d dates", s.UnreadableN, unreadable)
	}
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// Rows and writes are counted; of a table that lacks what it is read for there
// is no count.
func TestRowsAndWrites(t *testing.T) {
	eachBackend(t, func(t *testing.T, b backend) {
		panel, r := b.newPanel(t)
		furnish(t, panel)
		first := read(t, r)
		want := map[string]int{"users": 2, "webdomain": 2, "webdomain_alias": 3, "webdomain_ipaddr": 2, "ipaddr": 1, "letsencrypt_ssl": 2}
		if diff := cmp.Diff(want, first.Rows); diff != "" {
			t.Error(diff)
		}
		must(t, panel.Exec("DELETE FROM webdomain_alias"))
		must(t, panel.Exec("ALTER TABLE users RENAME COLUMN name TO login"))
		second := read(t, r)
		want["webdomain_alias"] = 0
		delete(want, "users")
		if diff := cmp.Diff(want, second.Rows); diff != "" {
			t.Error(diff)
		}
		if b.server == nil && (first.Writes == 0 || second.Writes != first.Writes+2) {
			t.Errorf("%d writes, then two more: %d", first.Writes, second.Writes)
		}
	})
}
