package journal_test

import (
	"testing"
	"time"

	"domovoy/checks"
)

// TestLastIssued gives the last of each certificate in the time asked for.
func TestLastIssued(t *testing.T) {
	j := open(t)
	at := func(row int64, certificate string, outcome checks.AttemptOutcome, ago time.Duration) checks.Attempt {
		return checks.Attempt{Server: "isp1", Row: row, Certificate: certificate, Outcome: outcome, Time: noon().Add(-ago)}
	}
	const day = 24 * time.Hour
	must(t, j.KeepAttempts(t.Context(), "isp1", []checks.Attempt{
		at(1, "a", checks.OutcomeIssued, 140*day), at(2, "a", checks.OutcomeIssued, 60*day), at(3, "a", checks.OutcomeIssued, 20*day),
		at(4, "a", checks.OutcomeFailed, 16*day), at(5, "a", checks.OutcomeIssued, 3*day), at(6, "b", checks.OutcomeIssued, 30*day),
		at(7, "c", checks.OutcomeIssued, 2*day), at(8, "d", checks.OutcomeFailed, 20*day),
	}))
	var got []string
	must(t, j.LastIssued(t.Context(), "isp1", noon().Add(-134*day), noon().Add(-14*day), func(a checks.Attempt) {
		got = append(got, a.Certificate+" "+noon().Sub(a.Time).String())
	}))
	same(t, "the last of each", got, []string{"b 720h0m0s", "a 480h0m0s"})
}
