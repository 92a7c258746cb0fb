package journal_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/reports/journal"
)

// benchLog is a part of a busy panel's log: 20,000 certificates, an attempt
// every two seconds, nearly all failed.
func benchLog(from, n int) []checks.Attempt {
	const certificates = 20_000
	log := make([]checks.Attempt, n)
	for i := range log {
		row := from + i
		log[i] = checks.Attempt{
			Row:         int64(row),
			Certificate: fmt.Sprintf("site%d.example.com_le1", row*7919%certificates),
			Outcome:     checks.OutcomeFailed, Status: "failed",
			Time: time.UnixMilli(1_700_000_000_000 + int64(row)*2000).UTC(),
			Text: "urn:ietf:params:acme:error:unauthorized: 203.0.113.10: Invalid response from http://site.example.com/.well-known/acme-challenge/token: 404",
		}
		if row%9 == 0 {
			log[i].Outcome, log[i].Status, log[i].Text = checks.OutcomeIssued, "success", ""
		}
	}
	return log
}

func openBench(b *testing.B) *journal.Journal {
	j, err := journal.Open(b.Context(), filepath.Join(b.TempDir(), "journal.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { j.Close() })
	return j
}

func benchKeep(b *testing.B, j *journal.Journal, from, n, batch int) {
	for ; n > 0; n -= batch {
		if err := j.KeepAttempts(b.Context(), "isp1", benchLog(from, min(n, batch))); err != nil {
			b.Fatal(err)
		}
		from += batch
	}
}

// One operation is one row of a first import:
//
//	go test -run - -bench Import -benchtime 1000000x
func BenchmarkKeepAttemptsImport(b *testing.B) {
	j := openBench(b)
	b.ResetTimer()
	benchKeep(b, j, 0, b.N, 1000)
}

// One operation is one poll of 200 rows behind a log of 50,000: new ones, or
// the same again.
func BenchmarkKeepAttempts200(b *testing.B) {
	for _, again := range []bool{false, true} {
		b.Run(fmt.Sprintf("again=%t", again), func(b *testing.B) {
			j := openBench(b)
			benchKeep(b, j, 0, 50_000, 2000)
			row := 50_000
			for b.Loop() {
				benchKeep(b, j, row, 200, 200)
				if !again {
					row += 200
				}
			}
		})
	}
}

// The window holds 12,000 rows of a log of 50,000.
func BenchmarkFailing(b *testing.B) {
	j := openBench(b)
	benchKeep(b, j, 0, 50_000, 2000)
	since := benchLog(38_000, 1)[0].Time
	for b.Loop() {
		if _, err := j.Failing(b.Context(), "isp1", since, 2); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLastAttempts(b *testing.B) {
	j := openBench(b)
	benchKeep(b, j, 0, 50_000, 2000)
	for b.Loop() {
		if err := j.LastAttempts(b.Context(), "isp1", nil, func(journal.LastAttempt) {}); err != nil {
			b.Fatal(err)
		}
	}
}
