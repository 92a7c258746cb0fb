package journal_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// world is a simulated panel. It stores the state of every site on every day in
// tables of its own, without outages: an independent record to compare with.
type world struct {
	db   *sql.DB
	rand *rand.Rand
	now  map[string]reports.SiteState
}

var worldCodes = []checks.Code{checks.OK, checks.OK, checks.OK, checks.DNSElsewhere, checks.WebTimeout, checks.CertExpired, checks.DNSUnregistered, checks.Unknown}

func (w *world) pick() reports.SiteState {
	c := worldCodes[w.rand.IntN(len(worldCodes))]
	return reports.SiteState{Owner: fmt.Sprintf("client%d", w.rand.IntN(4)), Code: c, Severity: c.Severity(), Blind: c == checks.Unknown}
}

// pass simulates a day: sites appear, break, recover, change their owner, leave the
// panel and return.
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
			s.Code, s.Severity, s.Blind = p.Code, p.Severity, p.Blind
			w.now[name] = s
		}
	}
}

// note stores the states of a day in the record.
func (w *world) note(t *testing.T, day int) []reports.SiteState {
	t.Helper()
	var all []reports.SiteState
	for _, s := range w.now {
		all = append(all, s)
		w.exec(t, `INSERT INTO day VALUES (?, ?, ?, ?)`, day, s.Site, s.Owner, string(s.Code))
	}
	w.exec(t, `INSERT INTO days VALUES (?, (SELECT max(day) FROM days))`, day)
	return all
}

func (w *world) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	if _, err := w.db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

// stood is the state of a site in the record. On a day on which it was unknown it is
// the last known one since the site came to the panel.
const stood = `CREATE TABLE stood AS SELECT d.day, d.site, d.owner, coalesce((SELECT k.code FROM day k WHERE k.site = d.site AND k.day <= d.day AND k.code <> 'unknown'
	AND NOT EXISTS (SELECT 1 FROM days x WHERE x.day > k.day AND x.day < d.day AND NOT EXISTS (SELECT 1 FROM day y WHERE y.site = d.site AND y.day = x.day))
	ORDER BY k.day DESC LIMIT 1), 'ok') AS code FROM day d; CREATE UNIQUE INDEX stood_day ON stood (site, day)`

// weekRows are the rows of the record for the time from one day up to another,
// of some owners: a row for each site of theirs that was in trouble in it.
const weekRows = `WITH mine AS (SELECT * FROM stood WHERE code <> 'ok' AND owner IN (SELECT value FROM json_each(?3))),
	last AS (SELECT site, max(day) AS day FROM mine WHERE day BETWEEN ?1 AND ?2 GROUP BY site)
SELECT l.site, e.owner, coalesce(w.code, ''), e.code, CASE
	WHEN n.site IS NOT NULL AND w.code = n.code THEN 'still'
	WHEN n.site IS NOT NULL AND w.code <> n.code THEN 'cause'
	WHEN n.site IS NOT NULL THEN iif(EXISTS (SELECT 1 FROM mine a JOIN days d ON d.prev = a.day JOIN stood b ON b.site = a.site AND b.day = d.day
		WHERE a.site = l.site AND b.code = 'ok' AND d.day <= ?2), 'back', 'new')
	WHEN w.site IS NOT NULL THEN iif(EXISTS (SELECT 1 FROM days d JOIN stood b ON b.day = d.day WHERE d.prev = l.day AND b.site = l.site AND b.code = 'ok'), 'fixed', 'left')
	ELSE 'passing' END,
	(SELECT min(day) FROM days WHERE day > coalesce((SELECT max(g.day) FROM days g WHERE g.day <= l.day
		AND NOT EXISTS (SELECT 1 FROM stood x WHERE x.site = l.site AND x.day = g.day AND x.code <> 'ok')), -1))
FROM last l JOIN stood e USING (site, day) LEFT JOIN mine w ON w.site = l.site AND w.day = ?1 LEFT JOIN mine n ON n.site = l.site AND n.day = ?2`

// rows returns a week's rows of the record, by site. Days without a snapshot are like
// the last one with a snapshot.
func (w *world) rows(t *testing.T, start time.Time, from, to int, owners []string) map[string]string {
	t.Helper()
	list, err := json.Marshal(owners)
	if err != nil {
		t.Fatal(err)
	}
	found, err := w.db.QueryContext(t.Context(), weekRows, w.seen(t, from), w.seen(t, to), string(list))
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	rows := map[string]string{}
	for found.Next() {
		var site, owner, was, code, change string
		var since int
		if err := found.Scan(&site, &owner, &was, &code, &change, &since); err != nil {
			t.Fatal(err)
		}
		rows[site] = line(owner, was, code, change, start.AddDate(0, 0, since))
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

// seen is the last day up to one of which there is a snapshot.
func (w *world) seen(t *testing.T, day int) (last int) {
	t.Helper()
	if err := w.db.QueryRowContext(t.Context(), `SELECT max(day) FROM days WHERE day <= ?`, day).Scan(&last); err != nil {
		t.Fatal(err)
	}
	return last
}

func line(owner, was, code, change string, since time.Time) string {
	return fmt.Sprintf("%s %s→%s %s since %s", owner, was, code, change, since.UTC().Format(time.DateTime))
}

// reported returns the rows of a report in the form of the record.
func reported(r reports.Weekly) map[string]string {
	rows := map[string]string{}
	for _, x := range r.Rows {
		rows[x.Site] = line(x.Owner, string(x.Was), string(x.Code), string(x.Change), x.Since)
	}
	return rows
}

// sums counts the rows of the record.
func sums(rows map[string]string) (s reports.Sums) {
	for _, row := range rows {
		change := reports.WeekChange(strings.Fields(row)[2])
		if change.Open() {
			s.Open++
		}
		counted := map[reports.WeekChange][]*int{reports.WeekNew: {&s.New}, reports.WeekBack: {&s.Back}, reports.WeekStill: {&s.Was}, reports.WeekCause: {&s.Was},
			reports.WeekFixed: {&s.Fixed, &s.Was}, reports.WeekLeft: {&s.Left, &s.Was}, reports.WeekPassing: {&s.Passing}}
		for _, n := range counted[change] {
			*n++
		}
	}
	return s
}

// managers divide the owners among them, except the last owner.
func managers() map[string][]string {
	return map[string][]string{"all": {"client0", "client1", "client2", "client3"}, "anna": {"client0", "client1"}, "boris": {"client2"}, "nobody": {"client3"}}
}

// TestMonth simulates five weeks, with days on which there was no snapshot or the
// panel could not be read, and compares every row and number of the weekly
// reports, of all and of each manager, with SQL over the days of the record.
func TestMonth(t *testing.T) {
	for seed, zone := range []string{"UTC", "Europe/Moscow", "America/New_York", "Europe/Berlin", "UTC"} {
		t.Run(fmt.Sprint(seed, " ", zone), func(t *testing.T) {
			loc, err := time.LoadLocation(zone)
			if err != nil {
				t.Fatal(err)
			}
			month(t, uint64(seed), loc)
		})
	}
}

const monthWeeks = 5

func month(t *testing.T, seed uint64, zone *time.Location) {
	j, w := open(t), newWorld(t, seed)
	first := reports.WeekOf(time.Date(2026, 10, 21, 12, 0, 0, 0, time.UTC), zone)
	composed := map[string]reports.Weekly{}
	week := first
	for day := range 7*monthWeeks + 1 {
		w.live(t, j, day, first.From.AddDate(0, 0, day))
		if day > 0 && day%7 == 0 { // a week is over
			for name, owners := range managers() {
				composed[fmt.Sprint(week.Number, name)] = compose(t, j, week, owners)
			}
			week = reports.WeekOf(week.To, zone)
		}
	}
	w.exec(t, stood)
	week = first
	for n := range monthWeeks {
		open := 0
		for name, owners := range managers() {
			got := compose(t, j, week, owners)
			if diff := cmp.Diff(composed[fmt.Sprint(week.Number, name)], got); diff != "" {
				t.Errorf("week %d of %s, composed again (-then +now):\n%s", week.Number, name, diff)
			}
			want := w.rows(t, first.From, 7*n, 7*(n+1), owners)
			if diff := cmp.Diff(want, reported(got)); diff != "" {
				t.Errorf("week %d of %s (-counted in SQL +report):\n%s", week.Number, name, diff)
			}
			s := got.Sums()
			s.Month = 0
			if diff := cmp.Diff(sums(want), s); diff != "" {
				t.Errorf("week %d of %s, sums (-counted in SQL +report):\n%s", week.Number, name, diff)
			}
			if s.Open != s.Was+s.New+s.Back-s.Fixed-s.Left {
				t.Errorf("week %d of %s: the sums do not add up: %+v", week.Number, name, s)
			}
			if name != "all" {
				open += s.Open
			}
		}
		if all := composed[fmt.Sprint(week.Number, "all")].Sums(); open != all.Open || n > 0 && (all.New+all.Back == 0 || all.Fixed == 0) {
			t.Errorf("week %d: the parts have %d open rows, all of it %+v", week.Number, open, all)
		}
		week = reports.WeekOf(week.To, zone)
	}
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1) // each connection would have a memory of its own
	w := &world{db: db, rand: rand.New(rand.NewPCG(seed, 46)), now: map[string]reports.SiteState{}}
	w.exec(t, `CREATE TABLE day (day INTEGER, site TEXT, owner TEXT, code TEXT, PRIMARY KEY (site, day)); CREATE TABLE days (day INTEGER PRIMARY KEY, prev INTEGER)`)
	return w
}

// live simulates a day and stores a snapshot of it, unless there is none on that day
// or the panel cannot be read.
func (w *world) live(t *testing.T, j *journal.Journal, day int, at time.Time) {
	t.Helper()
	w.pass()
	s := journal.Snapshot{Tally: reports.Tally{Server: "isp1", At: at, Rules: "test"}}
	switch n := w.rand.IntN(10); {
	case n == 0 && day > 0:
		return
	case n == 1 && day > 0:
		s.Unread = true
	default:
		s.States = w.note(t, day)
		s.Sites = len(s.States)
	}
	if err := j.KeepSnapshot(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

func compose(t *testing.T, j *journal.Journal, week reports.Week, owners []string) reports.Weekly {
	t.Helper()
	h, err := j.History(t.Context(), week.From.Add(-reports.Reach), week.To)
	if err != nil {
		t.Fatal(err)
	}
	if len(owners) == 4 {
		return reports.FoldWeek(h, week, nil)
	}
	return reports.FoldWeek(h, week, func(owner string) bool { return slices.Contains(owners, owner) })
}

func TestRenewals(t *testing.T) {
	const day = 24 * time.Hour
	// file is seen with dates in days from noon.
	file := func(from, until int) journal.FileSeen {
		return journal.FileSeen{
			Server: "isp1", Certificate: "a_le1",
			NotBefore: noon().Add(time.Duration(from) * day), NotAfter: noon().Add(time.Duration(until) * day),
		}
	}
	for name, c := range map[string]struct {
		seen []journal.FileSeen
		want []float64
	}{
		"seen once":                     {[]journal.FileSeen{file(0, 90)}, nil},
		"seen again":                    {[]journal.FileSeen{file(0, 90), file(0, 90)}, nil},
		"with a third left":             {[]journal.FileSeen{file(0, 90), file(60, 150)}, []float64{1. / 3}},
		"after it had expired":          {[]journal.FileSeen{file(0, 90), file(100, 190)}, []float64{0}},
		"newest first":                  {[]journal.FileSeen{file(0, 100), file(75, 175), file(125, 225)}, []float64{0.5, 0.25}},
		"an old one put back":           {[]journal.FileSeen{file(0, 100), file(75, 175), file(0, 100), file(75, 175)}, []float64{0.25}},
		"dates that make no lifetime":   {[]journal.FileSeen{file(10, 10), file(20, 110)}, nil},
		"at the last second, by itself": {[]journal.FileSeen{file(0, 90), file(90, 180)}, []float64{0}},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t)
			for _, f := range c.seen {
				must(t, j.KeepFiles(t.Context(), []journal.FileSeen{f}))
			}
			same(t, "shares", got(j.Renewals(t.Context(), "isp1", 50))(t), c.want)
			same(t, "another server", len(got(j.Renewals(t.Context(), "isp2", 50))(t)), 0)
		})
	}
}

// Who acts and when a cause began are stored as they were.
func TestOutageKeepsWhoAndSince(t *testing.T) {
	j := open(t)
	began := noon().Add(-90 * 24 * time.Hour)
	state := reports.SiteState{Site: "a.ru", Owner: "anna", Code: checks.WebTimeout, Severity: checks.Warning, Who: checks.Customer, Since: began, Exact: true}
	must(t, j.KeepSnapshot(t.Context(), journal.Snapshot{Tally: reports.Tally{Server: "isp1", At: noon(), Sites: 1}, States: []reports.SiteState{state}}))
	h, err := j.History(t.Context(), noon().Add(-time.Hour), noon().Add(time.Hour))
	must(t, err)
	if len(h.Outages) != 1 || h.Outages[0].Who != checks.Customer || !h.Outages[0].Since.Equal(began) || !h.Outages[0].Exact {
		t.Errorf("%+v", h.Outages)
	}
}

// The sites that could not be judged are kept by name; a history has those of the last
// snapshot for which the panel could be read.
func TestUnjudgedSitesAreKept(t *testing.T) {
	j := open(t)
	noon := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for day, s := range []journal.Snapshot{
		{States: []reports.SiteState{{Site: "old.ru", Owner: "a", Blind: true}}},
		{States: []reports.SiteState{{Site: "a.ru", Owner: "a", Blind: true}, {Site: "b.ru", Owner: "b", Code: checks.OK}, {Site: "c.ru", Blind: true}}},
		{Tally: reports.Tally{Unread: true}, States: []reports.SiteState{{Site: "never.ru", Blind: true}}},
	} {
		s.Server, s.At = "isp1", noon.AddDate(0, 0, day)
		if err := j.KeepSnapshot(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	h, err := j.History(t.Context(), noon.AddDate(0, 0, -1), noon.AddDate(0, 0, 9))
	if err != nil {
		t.Fatal(err)
	}
	at := noon.AddDate(0, 0, 1)
	want := []reports.BlindSite{{Server: "isp1", Site: "a.ru", Owner: "a", At: at}, {Server: "isp1", Site: "c.ru", At: at}}
	if diff := cmp.Diff(want, h.Blind); diff != "" {
		t.Error(diff)
	}
}
