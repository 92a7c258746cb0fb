package panel

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
)

// full is the reading of a panel with a hundred sites.
func full() checks.Snapshot {
	s := checks.Snapshot{Writes: 500, Rows: map[string]int{"users": 40, "webdomain": 100, "webdomain_alias": 150,
		"webdomain_ipaddr": 100, "ipaddr": 2, "letsencrypt_ssl": 90}}
	for n := range 100 {
		s.Sites = append(s.Sites, checks.Site{Name: fmt.Sprintf("s%d.example", n)})
		if n < 90 {
			s.Certificates = append(s.Certificates, checks.Certificate{Name: fmt.Sprintf("s%d.example_le1", n), Started: noon.Add(-time.Duration(n) * time.Hour)})
		}
	}
	return s
}

// What can be a change of a panel is believed; what can only be a loss is not,
// whichever table it is.
func TestDoubt(t *testing.T) {
	const newest = 1000
	rows := func(table string, n int) func(*checks.Snapshot) {
		return func(s *checks.Snapshot) { s.Rows[table] = n }
	}
	wrote := func(s *checks.Snapshot) { s.Writes++ }
	for name, c := range map[string]struct {
		change func(*checks.Snapshot)
		newest int64
		owners int
		want   Doubt
	}{
		"nothing":                         {wrote, newest, 0, Doubt{}},
		"a customer leaves":               {rows("webdomain", 93), newest, 0, Doubt{}},
		"as many come":                    {rows("webdomain", 300), newest, 0, Doubt{}},
		"half of the sites":               {rows("webdomain", 50), newest, 0, Doubt{}},
		"more than half":                  {rows("webdomain", 49), newest, 0, Doubt{ReasonShrunk, "webdomain", 100, 49}},
		"certificates":                    {rows("letsencrypt_ssl", 0), newest, 0, Doubt{ReasonShrunk, "letsencrypt_ssl", 90, 0}},
		"certificates but a few":          {rows("letsencrypt_ssl", 7), newest, 0, Doubt{ReasonShrunk, "letsencrypt_ssl", 90, 7}},
		"users":                           {rows("users", 0), newest, 0, Doubt{ReasonShrunk, "users", 40, 0}},
		"aliases":                         {rows("webdomain_alias", 3), newest, 0, Doubt{ReasonShrunk, "webdomain_alias", 150, 3}},
		"addresses of sites":              {rows("webdomain_ipaddr", 0), newest, 0, Doubt{ReasonShrunk, "webdomain_ipaddr", 100, 0}},
		"addresses":                       {rows("ipaddr", 0), newest, 0, Doubt{ReasonShrunk, "ipaddr", 2, 0}},
		"one of two addresses":            {rows("ipaddr", 1), newest, 0, Doubt{}},
		"the log":                         {wrote, 0, 60, Doubt{ReasonShrunk, "letsencrypt_log", newest, 0}},
		"the log, begun again":            {wrote, 5, 60, Doubt{ReasonShrunk, "letsencrypt_log", newest, 5}},
		"the last row of the log":         {wrote, newest - 1, 1, Doubt{}},
		"a site with its rows":            {wrote, newest - 40, 1, Doubt{}},
		"an older day":                    {func(s *checks.Snapshot) { s.Writes = 300 }, newest - 100, 9, Doubt{ReasonOlder, "", 500, 300}},
		"an older day, nothing was done":  {func(s *checks.Snapshot) { s.Writes = 499 }, newest, 0, Doubt{ReasonOlder, "", 500, 499}},
		"an older day, writes not known":  {func(s *checks.Snapshot) { s.Writes = 0 }, newest - 100, 9, Doubt{ReasonOlder, "", newest, newest - 100}},
		"an older day put back by SQLite": {wrote, newest - 100, 9, Doubt{ReasonOlder, "", newest, newest - 100}},
		"certificates begun earlier": {func(s *checks.Snapshot) {
			s.Writes++
			for n := range 5 {
				s.Certificates[n].Started = noon.AddDate(0, 0, -60-n)
			}
		}, newest, 0, Doubt{ReasonOlder, "", latestKept, latestKept - 5}},
		"another zone is configured": {func(s *checks.Snapshot) {
			s.Writes++
			for n := range s.Certificates {
				s.Certificates[n].Started = s.Certificates[n].Started.Add(-3 * time.Hour)
			}
		}, newest, 0, Doubt{}},
		"new certificates, and one put right": {func(s *checks.Snapshot) {
			s.Writes++
			s.Certificates[0].Started = noon.Add(-time.Hour)
			s.Certificates[7].Started = noon.Add(time.Hour)
			s.Certificates = append(s.Certificates[:2], s.Certificates[5:]...) // of sites that left
		}, newest + 2, 0, Doubt{}},
		"a copy whose counter started again": {func(s *checks.Snapshot) { s.Writes = 3 }, newest + 1, 0, Doubt{}},
		"another panel": {func(s *checks.Snapshot) {
			for n := range s.Sites {
				s.Sites[n].Name = fmt.Sprintf("other%d.example", n)
			}
		}, newest, 0, Doubt{ReasonReplaced, "", 100, 0}},
		"a table is gone": {func(s *checks.Snapshot) { delete(s.Rows, "users"); s.Missing = []checks.Missing{{Table: "users"}} }, newest, 0, Doubt{}},
		"the sites' table is": {func(s *checks.Snapshot) {
			delete(s.Rows, "webdomain")
			s.Missing = []checks.Missing{{Table: "webdomain"}}
		}, newest, 0, Doubt{reasonShape, "webdomain", 100, 0}},
		"the log is gone": {func(s *checks.Snapshot) { s.Missing = []checks.Missing{{Table: "letsencrypt_log"}} }, 0, 0, Doubt{}},
	} {
		t.Run(name, func(t *testing.T) {
			now := full()
			c.change(&now)
			got := MemoryOf(full(), newest).Doubt(MemoryOf(now, c.newest), c.owners)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Of a small panel the loss of all is one.
func TestDoubtOfASmallPanel(t *testing.T) {
	for _, c := range []struct {
		was, is int
		want    bool
	}{{2, 0, false}, {3, 0, true}, {19, 1, false}, {19, 0, true}, {20, 9, true}, {20, 10, false}} {
		was, is := Memory{Rows: map[string]int{"letsencrypt_ssl": c.was}}, Memory{Rows: map[string]int{"letsencrypt_ssl": c.is}}
		if got := was.Doubt(is, 0); (got.Reason != "") != c.want {
			t.Errorf("%d rows, then %d: %+v", c.was, c.is, got)
		}
	}
}

// The sample is of the same sites however many there are, and a share of it is
// about that share of all.
func TestSample(t *testing.T) {
	var all []checks.Site
	for n := range 20_000 {
		all = append(all, checks.Site{Name: fmt.Sprintf("s%d.ru", n)})
	}
	for _, share := range []float64{0.1, 0.3, 0.5, 0.8, 1} {
		n := int(share * float64(len(all)))
		was, is := MemoryOf(checks.Snapshot{Sites: all}, 0).kept(MemoryOf(checks.Snapshot{Sites: all[:n]}, 0))
		if got := float64(is) / float64(was); got < share-0.1 || got > share+0.1 {
			t.Errorf("of %.0f %% of the sites the sample has %d of %d", 100*share, is, was)
		}
	}
}

// What a panel has had once is lost when it is gone, until it is back.
func TestLost(t *testing.T) {
	failed, users := checks.Missing{Table: "letsencrypt_ssl", Column: "failed"}, checks.Missing{Table: "users"}
	m := MemoryOf(checks.Snapshot{Missing: []checks.Missing{failed, users}}, 0)
	for step, c := range []struct{ missing, lost []checks.Missing }{
		{[]checks.Missing{failed, users}, nil},
		{[]checks.Missing{users}, nil},                              // an update of the panel brought the column
		{[]checks.Missing{failed, users}, []checks.Missing{failed}}, // and it is gone
		{[]checks.Missing{failed, users}, []checks.Missing{failed}},
		{[]checks.Missing{users}, nil},
	} {
		now := MemoryOf(checks.Snapshot{Missing: c.missing}, 0)
		if diff := cmp.Diff(c.lost, m.Lost(now)); diff != "" {
			t.Errorf("reading %d: %s", step, diff)
		}
		m = m.Next(now)
	}
}

// A table that is gone comes back with its rows, or it lost them.
func TestRowsOfATableThatWasGone(t *testing.T) {
	gone := full()
	delete(gone.Rows, "users")
	gone.Missing = []checks.Missing{{Table: "users"}}
	m := MemoryOf(full(), 1).Next(MemoryOf(gone, 1))
	back := full()
	if got := m.Doubt(MemoryOf(back, 1), 0); got.Reason != "" {
		t.Errorf("it is back: %+v", got)
	}
	back.Rows = maps.Clone(back.Rows)
	back.Rows["users"] = 0
	if got := m.Doubt(MemoryOf(back, 1), 0); got.Table != "users" {
		t.Errorf("it is back without its rows: %+v", got)
	}
}

// A sample is taken of the sites as they are, whether snapshots share them or not.
func TestSamplerMakesTheMemoryOfEachReading(t *testing.T) {
	var r Sampler
	s := full()
	for _, sites := range [][]checks.Site{s.Sites, s.Sites, s.Sites[50:], s.Sites[:50], full().Sites[25:75], nil, s.Sites} {
		s.Sites = sites
		if diff := cmp.Diff(MemoryOf(s, 7).Names, r.MemoryOf(s, 7).Names); diff != "" {
			t.Errorf("%d sites (-want +got):\n%s", len(sites), diff)
		}
	}
}

// BenchmarkMemoryOf remembers a big panel.
func BenchmarkMemoryOf(b *testing.B) {
	var s checks.Snapshot
	for n := range 10_000 {
		s.Sites = append(s.Sites, checks.Site{Name: fmt.Sprintf("s%d.example", n)})
		s.Certificates = append(s.Certificates, checks.Certificate{Name: fmt.Sprintf("s%d.example_le1", n), Started: noon.Add(time.Duration(n*7919%10_000) * time.Minute)})
	}
	b.ReportAllocs()
	for b.Loop() {
		MemoryOf(s, 1)
	}
}
