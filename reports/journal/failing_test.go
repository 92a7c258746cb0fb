package journal_test

import (
	"cmp"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/reports/journal"
)

func TestFailing(t *testing.T) {
	j := open(t)
	keep(t, j,
		row(1, "old", -300, failed), row(2, "old", -299, failed), // before the window
		row(3, "twice", -240, failed), row(4, "twice", -10, failed), // the window's first moment is included
		row(5, "thrice", -30, failed), row(6, "thrice", -20, issued), row(7, "thrice", -10, failed), row(8, "thrice", -5, failed),
		row(9, "once", -5, failed), row(10, "once", -4, other),
	)
	must(t, j.KeepAttempts(t.Context(), "isp2", []checks.Attempt{row(1, "once", -5, failed)}))
	got, err := j.Failing(t.Context(), "isp1", noon().Add(-4*time.Hour), 2)
	must(t, err)
	same(t, "failing", got, []journal.FailingCertificate{{Certificate: "thrice", Times: 3}, {Certificate: "twice", Times: 2}})
}

// The failures that are kept in memory must be those that are stored, whatever this
// process and another one store and change, and wherever the window begins.
func TestFailingEqualsACount(t *testing.T) {
	for seed := range uint64(10) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		path := filepath.Join(t.TempDir(), "journal.db")
		j, another := reopen(t, path), reopen(t, path)
		rows := map[int64]checks.Attempt{}
		for n := range 15 {
			by := j
			if rnd.IntN(4) == 0 {
				by = another
			}
			batch := randomBatch(rnd)
			for _, a := range batch {
				rows[a.Row] = a
			}
			store := func() error { return by.KeepAttempts(t.Context(), "isp1", batch) }
			if n%7 == 6 {
				must(t, by.Import(t.Context(), "isp1", store))
			} else {
				must(t, store())
			}
			since := noon().Add(time.Duration(rnd.IntN(60)) * time.Minute)
			got, err := j.Failing(t.Context(), "isp1", since, 2)
			must(t, err)
			same(t, "failing", got, countFailing(rows, since))
		}
	}
}

func countFailing(rows map[int64]checks.Attempt, since time.Time) (found []journal.FailingCertificate) {
	counts := map[string]int{}
	for _, a := range rows {
		if a.Outcome == failed && !a.Time.Before(since) {
			counts[a.Certificate]++
		}
	}
	for name, n := range counts {
		if n >= 2 {
			found = append(found, journal.FailingCertificate{Certificate: name, Times: n})
		}
	}
	slices.SortFunc(found, func(a, b journal.FailingCertificate) int {
		return cmp.Or(cmp.Compare(b.Times, a.Times), cmp.Compare(a.Certificate, b.Certificate))
	})
	return found
}
