package journal_test

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/reports/journal"
)

// row is an attempt of isp1, minutes after noon.
func row(n int64, certificate string, minutes int, outcome checks.AttemptOutcome) checks.Attempt {
	return checks.Attempt{
		Server: "isp1", Row: n, Certificate: certificate, Outcome: outcome,
		Status: fmt.Sprint("status ", outcome), Time: noon().Add(time.Duration(minutes) * time.Minute), Text: fmt.Sprint("text ", n),
	}
}

func keep(t *testing.T, j *journal.Journal, attempts ...checks.Attempt) {
	t.Helper()
	must(t, j.KeepAttempts(t.Context(), "isp1", attempts))
}

const (
	failed = checks.OutcomeFailed
	issued = checks.OutcomeIssued
	other  = checks.OutcomeOther
)

func TestNextRow(t *testing.T) {
	undated := row(3, "c", 0, other)
	undated.Time = time.Time{}
	for name, c := range map[string]struct {
		kept []checks.Attempt
		want int64
	}{
		"nothing kept":                      {nil, 0},
		"all rows are settled":              {[]checks.Attempt{row(4, "a", -90, failed), row(7, "a", -80, failed)}, 8},
		"a row may still change":            {[]checks.Attempt{row(4, "a", -90, failed), row(7, "a", -5, other), row(8, "b", -4, failed)}, 7},
		"at the very moment":                {[]checks.Attempt{row(7, "a", -60, other)}, 7},
		"an undated row among settled ones": {[]checks.Attempt{row(2, "a", -90, failed), undated, row(4, "a", -80, failed)}, 5},
		"only undated rows":                 {[]checks.Attempt{undated}, 4},
		"a row dated by a wrong clock":      {[]checks.Attempt{row(2, "a", 60*24*365*70, failed), row(5, "a", -80, failed)}, 6},
		"the log was restarted":             {[]checks.Attempt{row(9000, "a", -60*24*30, failed), row(1, "a", -80, failed)}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t)
			keep(t, j, c.kept...)
			got, err := j.NextRow(t.Context(), "isp1", noon().Add(-time.Hour))
			must(t, err)
			same(t, "next row", got, c.want)
			other, err := j.NextRow(t.Context(), "isp2", noon())
			must(t, err)
			same(t, "next row of another server", other, int64(0))
		})
	}
}

func TestAttemptsOf(t *testing.T) {
	j := open(t)
	a, b, c := row(1, "x_le1", -30, failed), row(2, "x_le2", -20, failed), row(3, "x_le1", -10, issued)
	keep(t, j, a, b, c, row(4, "y", -5, failed))
	for _, q := range []struct {
		names []string
		limit int
		want  []checks.Attempt
	}{
		{[]string{"x_le1", "x_le2", "none"}, 10, []checks.Attempt{c, b, a}},
		{[]string{"x_le1"}, 1, []checks.Attempt{c}},
		{nil, 10, nil},
	} {
		got, err := j.AttemptsOf(t.Context(), "isp1", q.names, q.limit)
		must(t, err)
		same(t, fmt.Sprint(q.names), got, q.want)
	}
	moved, err := j.LastAttemptTime(t.Context(), "isp1")
	must(t, err)
	same(t, "last moved", moved, noon().Add(-5*time.Minute))
	never, err := j.LastAttemptTime(t.Context(), "isp2")
	must(t, err)
	same(t, "last moved of an unknown server", never, time.Time{})
}

func TestLastAttempts(t *testing.T) {
	at := func(minutes int) time.Time { return noon().Add(time.Duration(minutes) * time.Minute) }
	undated := row(1, "a", 0, failed)
	undated.Time = time.Time{}
	for name, c := range map[string]struct {
		batches [][]checks.Attempt
		want    journal.LastAttempt
	}{
		"failures in a row": {
			[][]checks.Attempt{{row(1, "a", 1, failed), row(2, "a", 2, issued), row(3, "a", 3, failed)}, {row(4, "a", 4, failed)}},
			journal.LastAttempt{Attempt: row(4, "a", 4, failed), Failures: 2, FirstFailed: at(3), LastIssued: at(2)},
		},
		"a success ends them": {
			[][]checks.Attempt{{row(1, "a", 1, failed)}, {row(2, "a", 2, issued)}},
			journal.LastAttempt{Attempt: row(2, "a", 2, issued), LastIssued: at(2)},
		},
		"an outcome that is neither counts neither way": {
			[][]checks.Attempt{{row(1, "a", 1, failed), row(2, "a", 2, other)}},
			journal.LastAttempt{Attempt: row(2, "a", 2, other), Failures: 1, FirstFailed: at(1)},
		},
		"a row changed in place": {
			[][]checks.Attempt{{row(1, "a", 1, other), row(2, "a", 2, failed)}, {row(1, "a", 1, failed)}},
			journal.LastAttempt{Attempt: row(2, "a", 2, failed), Failures: 2, FirstFailed: at(1)},
		},
		"a row given to another certificate": {
			[][]checks.Attempt{{row(1, "a", 1, failed), row(2, "a", 2, failed)}, {row(2, "b", 2, failed)}},
			journal.LastAttempt{Attempt: row(1, "a", 1, failed), Failures: 1, FirstFailed: at(1)},
		},
		"a restarted log, with lower rows": {
			[][]checks.Attempt{{row(900, "a", 1, failed)}, {row(1, "a", 5, issued)}},
			journal.LastAttempt{Attempt: row(1, "a", 5, issued), LastIssued: at(5)},
		},
		"an earlier attempt that comes late": {
			[][]checks.Attempt{{row(5, "a", 5, issued)}, {row(3, "a", 3, failed), row(6, "a", 6, failed)}},
			journal.LastAttempt{Attempt: row(6, "a", 6, failed), Failures: 1, FirstFailed: at(6), LastIssued: at(5)},
		},
		"an undated attempt is the oldest": {
			[][]checks.Attempt{{undated, row(2, "a", 2, issued)}},
			journal.LastAttempt{Attempt: row(2, "a", 2, issued), LastIssued: at(2)},
		},
		"nothing but an undated attempt": {
			[][]checks.Attempt{{undated}},
			journal.LastAttempt{Attempt: undated, Failures: 1},
		},
		"row 0": {
			[][]checks.Attempt{{row(0, "a", 0, failed)}},
			journal.LastAttempt{Attempt: row(0, "a", 0, failed), Failures: 1, FirstFailed: at(0)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t)
			for _, batch := range c.batches {
				keep(t, j, batch...)
			}
			c.want.Attempt = asLast(c.want.Attempt)
			same(t, "last attempt", lastAttempts(t, j, nil)["a"], c.want)
			same(t, "asked for by name", lastAttempts(t, j, []string{"a", "a", "none"})["a"], c.want)
		})
	}
}

func TestACertificateWithoutRowsHasNoLastAttempt(t *testing.T) {
	j := open(t)
	keep(t, j, row(1, "a", 1, failed))
	keep(t, j, row(1, "b", 1, failed)) // the panel's row was another's after all
	last := lastAttempts(t, j, nil)
	if _, ok := last["a"]; ok || len(last) != 1 {
		t.Errorf("got %v", last)
	}
}

// The sums that are updated batch by batch must equal those that one pass over the
// final rows returns, in whatever order rows arrive and change.
func TestLastAttemptsEqualACount(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		j, rows := open(t), map[int64]checks.Attempt{}
		for range 15 {
			var batch []checks.Attempt
			for range 1 + rnd.IntN(20) {
				a := row(rnd.Int64N(60), string(rune('a'+rnd.IntN(4))), rnd.IntN(100), checks.AttemptOutcome(rnd.IntN(3)))
				if rnd.IntN(8) == 0 {
					a.Time = time.Time{}
				}
				batch, rows[a.Row] = append(batch, a), a
			}
			keep(t, j, batch...)
			last := lastAttempts(t, j, nil)
			if diff := gocmp.Diff(countLast(rows), last); diff != "" {
				t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
			}
		}
	}
}

// asLast is an attempt as LastAttempts returns it.
func asLast(a checks.Attempt) checks.Attempt {
	a.Status = ""
	if a.Outcome != failed {
		a.Text = ""
	}
	return a
}

// lastAttempts returns those of these certificates, or of all, by their names.
func lastAttempts(t *testing.T, j *journal.Journal, names []string) map[string]journal.LastAttempt {
	t.Helper()
	last := map[string]journal.LastAttempt{}
	must(t, j.LastAttempts(t.Context(), "isp1", names, func(l journal.LastAttempt) { last[l.Attempt.Certificate] = l }))
	return last
}

// countLast computes LastAttempts from its definition.
func countLast(rows map[int64]checks.Attempt) map[string]journal.LastAttempt {
	var log []checks.Attempt
	for _, a := range rows {
		log = append(log, a)
	}
	slices.SortFunc(log, func(a, b checks.Attempt) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Row, b.Row)) })
	last := map[string]journal.LastAttempt{}
	for _, a := range log {
		l := last[a.Certificate]
		l.Attempt = a
		switch {
		case a.Outcome == issued:
			l = journal.LastAttempt{Attempt: a, LastIssued: a.Time}
		case a.Outcome == failed && l.Failures == 0:
			l.Failures, l.FirstFailed = 1, a.Time
		case a.Outcome == failed:
			l.Failures++
		}
		l.Attempt = asLast(l.Attempt)
		last[a.Certificate] = l
	}
	return last
}

func TestPruneAttempts(t *testing.T) {
	j := open(t)
	undated := func(n int64) checks.Attempt {
		a := row(n, "a", 0, failed)
		a.Time = time.Time{}
		return a
	}
	keep(t, j, row(1, "a", -50, failed), undated(2), row(3, "b", -45, failed), row(4, "a", -40, failed),
		row(5, "a", -5, failed), undated(6), row(7, "b", -41, failed), row(8, "b", -42, failed))
	must(t, j.PruneAttempts(t.Context(), noon().Add(-30*time.Minute)))
	left, err := j.AttemptsOf(t.Context(), "isp1", []string{"a", "b"}, 100)
	must(t, err)
	// 5 is young, 6 lies after a young one, 7 is b's latest, 8 the highest row.
	same(t, "left", left, []checks.Attempt{row(5, "a", -5, failed), row(7, "b", -41, failed), row(8, "b", -42, failed), undated(6)})
	last := lastAttempts(t, j, nil)
	same(t, "failures in a row outlive the rows", last["a"].Failures, 5)
}

// A text is kept as long as an attempt has it, in whatever words it was stored.
func TestPruneAttemptsPrunesTheirWords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := reopen(t, path)
	words := func() (n int) {
		t.Helper()
		db := got(sql.Open("sqlite", "file:"+path))(t)
		defer db.Close()
		must(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM wording`).Scan(&n))
		return n
	}
	day := 24 * 60
	old, latest, young := row(1, "a", 0, failed), row(2, "b", 1, failed), row(3, "a", 100*day, failed)
	old.Text, latest.Text, young.Text = "of old", "of the latest of b", "of now"
	keep(t, j, old, latest, young, row(4, "a", 100*day, failed))
	same(t, "stored", words(), 4)
	must(t, j.PruneAttempts(t.Context(), noon().Add(99*24*time.Hour)))
	same(t, "stored after pruning", words(), 3)
	same(t, "attempts", got(j.AttemptsOf(t.Context(), "isp1", []string{"a", "b"}, 9))(t), []checks.Attempt{row(4, "a", 100*day, failed), young, latest})
	keep(t, j, old)
	same(t, "stored again", got(j.AttemptsOf(t.Context(), "isp1", []string{"a"}, 9))(t), []checks.Attempt{row(4, "a", 100*day, failed), young, old})
}

func TestTextsComeBackAsTheyWere(t *testing.T) {
	j := open(t)
	var want []checks.Attempt
	for n, text := range []string{
		"", "same", "same", "order https://ca.example/order/123456/1", "order https://ca.example/order/123456/2", "http://a.example:80/ a.example www.a.example",
		"ошибка 203.0.113.10", "control \x01\x02\x04 123456", "123456\n654321", strings.Repeat("0123456789abcdef ", 2000),
	} {
		a := row(int64(n), "a.example_le1", n, failed)
		a.Text = text
		if n == 2 {
			a.Status = "another status with the same text"
		}
		want = append(want, a)
	}
	keep(t, j, want...)
	slices.Reverse(want)
	same(t, "attempts", got(j.AttemptsOf(t.Context(), "isp1", []string{"a.example_le1"}, 99))(t), want)
}

// No panel has such numbers; one in between must not be lost because of them.
func TestRowsBeyondAllNumbersAreLeftOut(t *testing.T) {
	j := open(t)
	const most = 1<<44 - 1
	keep(t, j, row(-1, "a", 1, failed), row(5, "a", 2, failed), row(most, "a", 3, failed), row(most+1, "a", 4, failed), row(math.MaxInt64, "a", 5, failed))
	must(t, j.KeepAttempts(t.Context(), "isp2", []checks.Attempt{row(math.MinInt64, "a", 5, failed)}))
	same(t, "attempts", got(j.AttemptsOf(t.Context(), "isp1", []string{"a"}, 9))(t), []checks.Attempt{row(most, "a", 3, failed), row(5, "a", 2, failed)})
	same(t, "next row", got(j.NextRow(t.Context(), "isp1", noon().Add(time.Hour)))(t), int64(most+1))
}

// indexed reports whether the attempts of a state file can be found by their
// certificate.
func indexed(t *testing.T, path string) bool {
	t.Helper()
	db := got(sql.Open("sqlite", "file:"+path))(t)
	defer db.Close()
	var n int
	must(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM sqlite_schema WHERE name = 'attempt_certificate'`).Scan(&n))
	return n == 1
}

func imported(row int64, minutes int) []checks.Attempt {
	return []checks.Attempt{{Server: "isp1", Row: row, Certificate: "a.example_le1", Outcome: checks.OutcomeFailed,
		Status: "failed", Time: noon().Add(time.Duration(minutes) * time.Minute)}}
}

func TestAnImportIsIndexedAtItsEnd(t *testing.T) {
	died := errors.New("the panel went away")
	for _, want := range []error{nil, died} {
		path := filepath.Join(t.TempDir(), "journal.db")
		j := reopen(t, path)
		err := j.Import(t.Context(), "isp1", func() error {
			must(t, j.KeepAttempts(t.Context(), "isp1", imported(1, 1)))
			if indexed(t, path) {
				t.Error("the index is there from the start")
			}
			return want
		})
		if !errors.Is(err, want) {
			t.Errorf("Import = %v, want %v", err, want)
		}
		if !indexed(t, path) {
			t.Errorf("no index after %v", want)
		}
		same(t, "attempts", got(j.AttemptsOf(t.Context(), "isp1", []string{"a.example_le1"}, 9))(t), imported(1, 1))
	}
}

// An import counts nothing while it goes on, so the order of rows does not matter,
// nor whether they are stored already.
func TestAnImportIsCountedAtItsEnd(t *testing.T) {
	j := open(t)
	keep(t, j, row(5, "a", 5, issued), row(6, "a", 6, failed), row(1, "b", 1, failed), row(3, "d", 3, issued), row(4, "d", 4, issued))
	must(t, j.Import(t.Context(), "isp1", func() error {
		keep(t, j, row(9, "a", 30, failed), row(6, "a", 6, other))
		keep(t, j, row(8, "a", 10, failed), row(2, "c", 2, issued), row(4, "c", 4, other))
		return nil
	}))
	same(t, "last", lastAttempts(t, j, nil), map[string]journal.LastAttempt{
		"a": {Attempt: asLast(row(9, "a", 30, failed)), Failures: 2, FirstFailed: noon().Add(10 * time.Minute), LastIssued: noon().Add(5 * time.Minute)},
		"b": {Attempt: asLast(row(1, "b", 1, failed)), Failures: 1, FirstFailed: noon().Add(time.Minute)},
		"c": {Attempt: asLast(row(4, "c", 4, other)), LastIssued: noon().Add(2 * time.Minute)},
		"d": {Attempt: asLast(row(3, "d", 3, issued)), LastIssued: noon().Add(3 * time.Minute)},
	})
}

// Another process starts in the middle of an import, or after one that died there:
// what was stored by then is counted.
func TestAnImportIsCountedByWhoeverStarts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := reopen(t, path)
	const rows = 5000
	must(t, j.Import(t.Context(), "isp1", func() error {
		for n := range rows {
			keep(t, j, row(int64(n), "a", n, failed))
		}
		last := lastAttempts(t, reopen(t, path), nil)["a"]
		if last.Failures < rows/2 || last.Attempt.Row != int64(last.Failures-1) {
			t.Errorf("another process sees %d failures, the last in row %d", last.Failures, last.Attempt.Row)
		}
		return nil
	}))
	same(t, "failures", lastAttempts(t, j, nil)["a"].Failures, rows)
}

func TestAnImportThatDiedIsIndexedAtTheNextStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	must(t, reopen(t, path).Close())
	db := got(sql.Open("sqlite", "file:"+path))(t)
	_, err := db.ExecContext(t.Context(), `DROP INDEX attempt_certificate`)
	must(t, err)
	must(t, db.Close())
	must(t, got(journal.Open(t.Context(), path))(t).Close())
	if !indexed(t, path) {
		t.Error("no index")
	}
}
