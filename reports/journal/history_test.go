package journal_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// world is a panel of which every day is written down in full, in tables that
// know nothing of spells: the independent witness.
type world struct {
	db   *sql.DB
	rand *rand.Rand
	now  map[string]reports.Standing
}

var worldCodes = []checks.Code{checks.OK, checks.OK, checks.OK, checks.DNSElsewhere, checks.WebTimeout, checks.CertExpired, checks.DNSUnregistered, checks.Unknown}

func (w *world) pick() reports.Standing {
	c := worldCodes[w.rand.IntN(len(worldCodes))]
	return reports.Standing{Owner: fmt.Sprintf("client%d", w.rand.IntN(4)), Code: c, Severity: c.Severity()}
}

// pass lets a day go by: sites appear, break, get well, break again, change
// their owner, leave the panel and return.
func (w *world) pass() {
	for i := range 80 {
		name := fmt.Sprintf("site%d.example", i)
		s, here := w.now[name]
		switch n := w.rand.IntN(100); {
		case !here && n < 15:
			s = w.pick()
			s.Site = name
			w.now[name] = s
		case here && n < 3:
			delete(w.now, name)
		case here && n < 6:
			s.Owner = w.pick().Owner
			w.now[name] = s
		case here && n < 20:
			p := w.pick()
			s.Code, s.Severity = p.Code, p.Severity
			w.now[name] = s
		}
	}
}

// note writes the day down. What could not be told counts as it was, in the
// witness's own way: the last day on which it could be.
func (w *world) note(t *testing.T, day int) []reports.Standing {
	t.Helper()
	var all []reports.Standing
	for _, s := range w.now {
		all = append(all, s)
		if _, err := w.db.ExecContext(t.Context(), `INSERT INTO day VALUES (?, ?, ?, ?)`, day, s.Site, s.Owner, string(s.Code)); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// stood is how the witness says a site stood: unknown days look like the
// last known one since the site came to the panel.
const stood = `CREATE VIEW stood AS SELECT d.day, d.site, d.owner, coalesce((SELECT k.code FROM day k WHERE k.site = d.site AND k.day <= d.day AND k.code <> 'unknown'
	AND NOT EXISTS (SELECT 1 FROM days x WHERE x.day > k.day AND x.day < d.day AND NOT EXISTS (SELECT 1 FROM day y WHERE y.site = d.site AND y.day = x.day))
	ORDER BY k.day DESC LIMIT 1), 'ok') AS code FROM day d`

// count asks the witness one number of the week from one day to another.
func (w *world) count(t *testing.T, query string, from, to int) int {
	t.Helper()
	var n int
	if err := w.db.QueryRowContext(t.Context(), `WITH was AS (SELECT * FROM stood WHERE day = ?1 AND code <> 'ok'), is_now AS (SELECT * FROM stood WHERE day = ?2 AND code <> 'ok'),
		here AS (SELECT site FROM stood WHERE day = ?2), healed AS (SELECT b.site, b.day FROM stood b JOIN stood a ON a.site = b.site AND a.day = b.day - 1
			WHERE a.code <> 'ok' AND b.code = 'ok')
		SELECT count(*) FROM `+query, from, to).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestMonth lets five weeks go by and holds every figure of four weekly
// reports against a count in SQL over the days themselves.
func TestMonth(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { month(t, seed) })
	}
}

func month(t *testing.T, seed uint64) {
	j := open(t)
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // each connection would have a memory of its own
	if _, err := db.ExecContext(t.Context(), `CREATE TABLE day (day INTEGER, site TEXT, owner TEXT, code TEXT, PRIMARY KEY (site, day));
		CREATE TABLE days (day INTEGER PRIMARY KEY); `+stood); err != nil {
		t.Fatal(err)
	}
	w := &world{db: db, rand: rand.New(rand.NewPCG(seed, 46)), now: map[string]reports.Standing{}}
	week := reports.WeekOf(time.Date(2026, 10, 21, 12, 0, 0, 0, time.UTC), time.UTC)
	const weeks = 5
	for day := range 7*weeks + 1 {
		w.pass()
		if _, err := db.ExecContext(t.Context(), `INSERT INTO days VALUES (?)`, day); err != nil {
			t.Fatal(err)
		}
		s := journal.Snapshot{Standings: w.note(t, day)}
		s.Server, s.At, s.Sites, s.Rules = "isp1", week.From.AddDate(0, 0, day), len(s.Standings), "test"
		if err := j.KeepSnapshot(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	for n := range weeks {
		h, err := j.History(t.Context(), week.From.Add(-reports.Reach), week.To)
		if err != nil {
			t.Fatal(err)
		}
		got := reports.ComposeWeek(h, week, nil).Sums()
		from, to := 7*n, 7*(n+1)
		want := reports.Sums{
			Open: w.count(t, `is_now`, from, to),
			Was:  w.count(t, `was`, from, to),
			New:  w.count(t, `is_now WHERE site NOT IN (SELECT site FROM was) AND site NOT IN (SELECT site FROM healed WHERE day <= ?2)`, from, to),
			Back: w.count(t, `is_now WHERE site NOT IN (SELECT site FROM was) AND site IN (SELECT site FROM healed WHERE day <= ?2)`, from, to),
			Fixed: w.count(t, `was WHERE site NOT IN (SELECT site FROM is_now) AND `+
				`(SELECT max(day) FROM healed h WHERE h.site = was.site AND h.day BETWEEN ?1 + 1 AND ?2) IS NOT NULL AND NOT `+gone, from, to),
			Left: w.count(t, `was WHERE site NOT IN (SELECT site FROM is_now) AND `+gone, from, to),
			Passing: w.count(t, `(SELECT DISTINCT site FROM stood WHERE day > ?1 AND day < ?2 AND code <> 'ok'
				AND site NOT IN (SELECT site FROM was) AND site NOT IN (SELECT site FROM is_now))`, from, to),
			Month: got.Month,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("week %d (-counted in SQL +report):\n%s", week.Number, diff)
		}
		if got.Open != got.Was+got.New+got.Back-got.Fixed-got.Left {
			t.Errorf("week %d: the sums do not add up: %+v", week.Number, got)
		}
		week = reports.WeekOf(week.To, time.UTC)
	}
}

// gone says in SQL that the last trouble of a site ended by its leaving: after
// its last day in trouble it was not there.
const gone = `NOT EXISTS (SELECT 1 FROM stood n WHERE n.site = was.site AND n.day = 1 +
	(SELECT max(day) FROM stood x WHERE x.site = was.site AND x.day BETWEEN ?1 AND ?2 AND x.code <> 'ok'))`
