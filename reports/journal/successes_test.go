package journal_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/reports/journal"
)

const day = 24 * time.Hour

// spanAt is what the limits of a CA count at a moment.
func spanAt(now time.Time) journal.OrderSpan {
	return journal.OrderSpan{Issued: now.Add(-134 * day), All: now.Add(-14 * day), Failed: now.Add(-day)}
}

// orders returns what Orders passes on, with attempts of one time in any one order.
func orders(tb testing.TB, j *journal.Journal, now time.Time) []checks.Attempt {
	tb.Helper()
	var found []checks.Attempt
	if err := j.Orders(tb.Context(), "isp1", spanAt(now), func(a checks.Attempt) { found = append(found, a) }); err != nil {
		tb.Fatal(err)
	}
	if !slices.IsSortedFunc(found, func(a, b checks.Attempt) int { return a.Time.Compare(b.Time) }) {
		tb.Error("they are not in the order of time")
	}
	slices.SortFunc(found, func(a, b checks.Attempt) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Certificate, b.Certificate), cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Text, b.Text))
	})
	return found
}

// Of the old successes Orders has the last of each certificate, of later ones all, and of
// failures those of the last day.
func TestOrders(t *testing.T) {
	j := open(t)
	at := func(row int64, certificate string, outcome checks.AttemptOutcome, ago time.Duration) checks.Attempt {
		return checks.Attempt{Server: "isp1", Row: row, Certificate: certificate, Outcome: outcome, Time: noon().Add(-ago), Text: "words"}
	}
	must(t, j.KeepAttempts(t.Context(), "isp1", []checks.Attempt{
		at(1, "a", checks.OutcomeIssued, 140*day), at(2, "a", checks.OutcomeIssued, 60*day), at(3, "a", checks.OutcomeIssued, 20*day),
		at(4, "a", checks.OutcomeFailed, 16*day), at(5, "a", checks.OutcomeIssued, 3*day), at(6, "b", checks.OutcomeIssued, 30*day),
		at(7, "c", checks.OutcomeIssued, 2*day), at(8, "d", checks.OutcomeFailed, 20*day), at(9, "c", checks.OutcomeIssued, time.Hour),
		at(10, "d", checks.OutcomeFailed, 2*time.Hour), at(11, "d", checks.OutcomeOther, time.Hour),
	}))
	must(t, j.KeepAttempts(t.Context(), "isp2", []checks.Attempt{at(1, "e", checks.OutcomeIssued, 20*day)}))
	var got []string
	for _, a := range orders(t, j, noon()) {
		got = append(got, fmt.Sprint(a.Certificate, " ", a.Outcome, " ", noon().Sub(a.Time), " ", a.Text))
	}
	same(t, "orders", got, []string{"b issued 720h0m0s ", "a issued 480h0m0s ", "a issued 72h0m0s ", "c issued 48h0m0s ", "d failed 2h0m0s words", "c issued 1h0m0s "})
}

// house is a panel's log that grows, and changes behind.
type house struct {
	random *rand.Rand
	now    time.Time
	row    int64
}

func (h *house) attempt(row int64, back time.Duration) checks.Attempt {
	a := checks.Attempt{Server: "isp1", Row: row, Certificate: fmt.Sprintf("site%d.example_le1", h.random.IntN(2000)), Outcome: checks.OutcomeIssued,
		Time: h.now.Add(-time.Duration(h.random.Int64N(int64(back)))).Truncate(time.Minute), Text: fmt.Sprint("text ", h.random.IntN(5))}
	if h.random.IntN(4) == 0 {
		a.Outcome = checks.OutcomeFailed
	}
	return a
}

// next is the next thing that happens to the log.
func (h *house) next() (what string, do func(j *journal.Journal, t *testing.T) error) {
	keep := func(attempts ...checks.Attempt) func(*journal.Journal, *testing.T) error {
		return func(j *journal.Journal, t *testing.T) error { return j.KeepAttempts(t.Context(), "isp1", attempts) }
	}
	var rows []checks.Attempt
	fresh := func(n int, back time.Duration) []checks.Attempt {
		for range n {
			h.row++
			rows = append(rows, h.attempt(h.row, back))
		}
		return rows
	}
	switch h.random.IntN(9) {
	case 0:
		return "a row is changed", keep(h.attempt(1+h.random.Int64N(h.row), 150*day))
	case 1:
		return "a row comes late", keep(fresh(1, 150*day)...)
	case 2:
		undated := h.attempt(1+h.random.Int64N(h.row), day)
		undated.Time = time.Time{}
		return "a row loses its time", keep(undated)
	case 3:
		h.now = h.now.Add(5 * day)
		return "days pass", keep(fresh(20, day)...)
	case 4:
		before := h.now.Add(-time.Duration(134+h.random.IntN(16)) * day) // in fact 400
		return "old rows are deleted", func(j *journal.Journal, t *testing.T) error { return j.PruneAttempts(t.Context(), before) }
	case 5:
		h.row = 0
		rows := fresh(300, 150*day)
		return "the log begins again", func(j *journal.Journal, t *testing.T) error {
			return j.Import(t.Context(), "isp1", func() error { return j.KeepAttempts(t.Context(), "isp1", rows) })
		}
	case 6:
		h.now = h.now.Add(-3 * day)
		return "the clock is set back", keep(fresh(5, day)...)
	}
	h.now = h.now.Add(time.Duration(h.random.IntN(20)) * time.Hour)
	return "new rows", keep(fresh(1+h.random.IntN(10), 2*time.Hour)...)
}

// Whatever happens to the log, the stored successes give the same answer as the
// attempts that they were made of.
func TestStoredSuccessesAreThoseOfTheAttempts(t *testing.T) {
	for seed := range uint64(3) {
		h := &house{random: rand.New(rand.NewPCG(seed, 1)), now: noon()}
		stored, path := open(t), filepath.Join(t.TempDir(), "state.db")
		read, err := journal.Open(t.Context(), path)
		must(t, err)
		defer read.Close()
		var log []checks.Attempt
		for h.row = 1; h.row <= 4000; h.row++ {
			log = append(log, h.attempt(h.row, 150*day))
		}
		must(t, stored.KeepAttempts(t.Context(), "isp1", log))
		must(t, read.KeepAttempts(t.Context(), "isp1", log))
		for n := range 50 {
			command(t, path, "DELETE FROM successes")
			got, want := orders(t, stored, h.now), orders(t, read, h.now)
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, step %d: %d orders, and %d of the attempts", seed, n, len(got), len(want))
			}
			what, do := h.next()
			if err := cmp.Or(do(stored, t), do(read, t)); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
	}
}

// A value that is damaged is read again.
func TestDamagedSuccesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	j, err := journal.Open(t.Context(), path)
	must(t, err)
	defer j.Close()
	h := &house{random: rand.New(rand.NewPCG(1, 2)), now: noon()}
	var log []checks.Attempt
	for h.row = 1; h.row <= 4000; h.row++ {
		log = append(log, h.attempt(h.row, 150*day))
	}
	must(t, j.KeepAttempts(t.Context(), "isp1", log))
	want := orders(t, j, h.now)
	for _, damaged := range []string{"x''", "x'ff'", "x'0000'", "x'000000000000'", "events || x'00'", "substr(events, 1, length(events) - 1)", "substr(events, 1, 1000)"} {
		command(t, path, "UPDATE successes SET events = CAST("+damaged+" AS BLOB)")
		same(t, damaged, orders(t, j, h.now), want)
	}
}

// A process that starts reads what the one before stored. The log is that of ten
// thousand sites over four months.
func BenchmarkOrders(b *testing.B) {
	for name, query := range map[string]string{"stored": "SELECT 1", "all": "DELETE FROM successes"} {
		b.Run(name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "state.db")
			j, err := journal.Open(b.Context(), path)
			must(b, err)
			defer j.Close()
			h := &house{random: rand.New(rand.NewPCG(1, 2)), now: noon()}
			must(b, j.Import(b.Context(), "isp1", func() error {
				var log []checks.Attempt
				for h.row = 1; h.row <= 300_000; h.row++ {
					a := h.attempt(h.row, 134*day)
					a.Certificate = fmt.Sprintf("site%d.example.com_le1", h.row*7919%10_000)
					log = append(log, a)
				}
				return j.KeepAttempts(b.Context(), "isp1", log)
			}))
			orders(b, j, h.now)
			b.ReportAllocs()
			for b.Loop() {
				command(b, path, query)
				must(b, j.Orders(b.Context(), "isp1", spanAt(h.now), func(checks.Attempt) {}))
			}
		})
	}
}
