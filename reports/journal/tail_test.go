package journal_test

import (
	"cmp"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/reports/journal"
)

// Attempts are settled for many batches at once, or after each when somebody asks, also
// another process: what AddAttempts says of them, and what is there at the end, is the
// same.
func TestWhenAttemptsAreSettledChangesNoAnswer(t *testing.T) {
	for seed := range uint64(12) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		late, path := open(t), filepath.Join(t.TempDir(), "journal.db")
		atOnce, other := reopen(t, path), reopen(t, path)
		certificates := []string{"a", "b", "c", "d"}
		for n := range 20 {
			batch := randomBatch(rnd)
			if rnd.IntN(6) > 0 { // a log that only grows
				for i := range batch {
					batch[i].Row, batch[i].Time = int64(n*100+i), noon().Add(time.Duration(n*30)*time.Hour)
				}
			}
			want := got(atOnce.AddAttempts(t.Context(), "isp1", batch))(t)
			lastAttempts(t, other, nil)
			moved := got(late.AddAttempts(t.Context(), "isp1", batch))(t)
			for _, list := range [][]journal.Moved{moved, want} {
				slices.SortFunc(list, func(a, b journal.Moved) int { return cmp.Compare(a.Certificate, b.Certificate) })
				for i := range list {
					m := &list[i]
					m.Before = withTimes(m.Before)
					if m.Stale || !m.Changed {
						m.After.Attempt = checks.Attempt{}
					}
					m.Passed = m.Passed && !m.Stale // who settles late knows better when the last failure was
				}
			}
			for i := range min(len(moved), len(want)) {
				if want[i].Passed { // may be less exact
					moved[i].Passed = true
				}
			}
			same(t, "moved", moved, want)
			same(t, "attempts", got(late.AttemptsOf(t.Context(), "isp1", certificates, 15))(t), got(other.AttemptsOf(t.Context(), "isp1", certificates, 15))(t))
		}
		since := noon().Add(24 * time.Hour)
		same(t, "recovered", got(late.Recovered(t.Context(), "isp1", nil, since))(t), got(atOnce.Recovered(t.Context(), "isp1", nil, since))(t))
		same(t, "last", lastAttempts(t, late, nil), lastAttempts(t, atOnce, nil))
	}
}

// unsettled counts the attempts of a state file that are not settled.
func unsettled(t *testing.T, path string) (n int) {
	t.Helper()
	db := got(sql.Open("sqlite", "file:"+path))(t)
	defer db.Close()
	must(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM attempt WHERE settled = 0`).Scan(&n))
	return n
}

func TestAttemptsAreSettledWhenTheyAreMany(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := reopen(t, path)
	const rows, batch = 5000, 500
	for from := 0; from < rows; from += batch {
		if n := unsettled(t, path); n != from {
			t.Fatalf("%d attempts are not settled, want %d", n, from)
		}
		must(t, j.KeepAttempts(t.Context(), "isp1", benchLog(from, batch)))
	}
	same(t, "attempts that are not settled", unsettled(t, path), 0)
}

// A process that dies leaves attempts that are not settled, and another process stores
// some: whoever asks next settles them.
func TestAttemptsOfADeadProcessAreSettled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	dead, beside := reopen(t, path), reopen(t, path)
	keep(t, dead, row(1, "a", 1, failed), row(2, "a", 2, failed))
	keep(t, beside, row(3, "a", 3, failed), row(4, "b", 4, issued))
	keep(t, dead, row(5, "a", 5, failed))
	same(t, "attempts that are not settled", unsettled(t, path) > 0, true)
	last := lastAttempts(t, reopen(t, path), nil)
	same(t, "failures of a", last["a"].Failures, 4)
	same(t, "b was issued", last["b"].LastIssued, noon().Add(4*time.Minute))
	same(t, "attempts that are not settled", unsettled(t, path), 0)
}

// Of many servers not all is remembered that is not settled: what was begun first is
// settled when it is needed again, and is right.
func TestAttemptsOfManyServersAreSettled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := reopen(t, path)
	servers := []string{"isp1", "isp2", "isp3", "isp4", "isp5"}
	const rows = 4500
	add := func(server string, from, to int64) {
		var batch []checks.Attempt
		for n := from; n <= to; n++ {
			batch = append(batch, row(n, fmt.Sprint("c", n%rows), int(n), failed))
		}
		for i := range batch {
			batch[i].Server = server
		}
		must(t, j.KeepAttempts(t.Context(), server, batch))
	}
	for _, server := range servers {
		add(server, 1, rows)
	}
	same(t, "attempts that are not settled", unsettled(t, path), 5*rows)
	add("isp5", rows+1, rows+1) // remembered
	same(t, "with a remembered server's next row", unsettled(t, path), 5*rows+1)
	add("isp1", rows+1, rows+1)
	same(t, "with a forgotten server's next row", unsettled(t, path), 4*rows+2)
	for _, server := range []string{"isp1", "isp5"} {
		var failures int
		must(t, j.LastAttempts(t.Context(), server, []string{"c1"}, func(l journal.LastAttempt) { failures = l.Failures }))
		same(t, server+": failures", failures, 2)
	}
}
