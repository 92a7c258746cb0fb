package journal_test

import (
	"math/rand/v2"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/reports/journal"
)

// randomBatch is rows of four certificates, new and old, some without a time.
func randomBatch(rnd *rand.Rand) (batch []checks.Attempt) {
	for range 1 + rnd.IntN(12) {
		a := row(rnd.Int64N(60), string(rune('a'+rnd.IntN(4))), rnd.IntN(100), checks.AttemptOutcome(rnd.IntN(3)))
		if rnd.IntN(20) == 0 {
			a.Time = time.Time{}
		}
		batch = append(batch, a)
	}
	return batch
}

// What a batch is said to have made of a certificate must be what a reading of the
// journal says, and what it says nothing of must be as before.
func TestMovedIsWhatIsStored(t *testing.T) {
	told := 0
	for seed := range uint64(16) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		j := open(t)
		since := noon().Add(-time.Duration(rnd.IntN(60)) * time.Minute)
		for n := range 15 {
			batch := randomBatch(rnd)
			if seed%2 == 0 { // a log that only grows
				for i := range batch {
					batch[i].Row, batch[i].Time = int64(n*100+i), noon().Add(time.Duration(n)*time.Minute)
				}
			}
			before := lastAttempts(t, j, nil)
			passed, err := j.Recovered(t.Context(), "isp1", nil, since)
			must(t, err)
			moved, err := j.AddAttempts(t.Context(), "isp1", batch)
			must(t, err)
			after := lastAttempts(t, j, nil)
			recovered, err := j.Recovered(t.Context(), "isp1", nil, since)
			must(t, err)
			for _, m := range moved {
				was, known := before[m.Certificate]
				same(t, "new", m.New, !known)
				same(t, "before", withTimes(m.Before), withTimes(was))
				if m.Stale {
					continue
				}
				told++
				if m.Changed {
					want := after[m.Certificate]
					want.Attempt.Server = ""
					same(t, "after", m.After, want)
				} else if diff := gocmp.Diff(was, after[m.Certificate]); diff != "" {
					t.Errorf("seed %d: %s changed, which is not told:\n%s", seed, m.Certificate, diff)
				}
				now, isPassed := recovered[m.Certificate]
				then, wasPassed := passed[m.Certificate]
				switch {
				case m.Passed:
				case m.Issued || m.After.Failures > 0:
					same(t, "recovered", isPassed, false)
				default:
					same(t, "recovered", isPassed, wasPassed)
					same(t, "recovery", now, then)
				}
			}
		}
	}
	if told < 100 {
		t.Errorf("only %d batches told anything", told)
	}
}

// withTimes is what is known of a state from before a batch.
func withTimes(l journal.LastAttempt) journal.LastAttempt {
	l.Attempt = checks.Attempt{Time: l.Attempt.Time}
	return l
}
