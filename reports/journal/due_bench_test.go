package journal_test

import (
	"fmt"
	"testing"
	"time"

	"domovoy/reports/journal"
)

// BenchmarkDue looks for what is due among ten thousand messages to ten chats.
func BenchmarkDue(b *testing.B) {
	j, err := journal.Open(b.Context(), b.TempDir()+"/state.db")
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	var all []journal.Delivery
	for n := range 10_000 {
		all = append(all, say(fmt.Sprint("telegram:", n%10), fmt.Sprint(n)))
	}
	if _, err := j.Enqueue(b.Context(), all); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		found, err := j.Due(b.Context(), noon().Add(time.Hour), journal.Queue{Messenger: "telegram", Busy: []string{"telegram:1"}}, 256)
		if err != nil || len(found) != 9 {
			b.Fatal(len(found), err)
		}
		if _, _, err := j.NextDue(b.Context(), journal.Queue{Messenger: "telegram"}, noon()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDueInAStorm looks for what is due while messages to fifty chats wait for the
// pace: one of them may be sent.
func BenchmarkDueInAStorm(b *testing.B) {
	j, err := journal.Open(b.Context(), b.TempDir()+"/state.db")
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	var all []journal.Delivery
	for n := range 1000 {
		all = append(all, say(fmt.Sprint("telegram:", n%50), fmt.Sprint(n)))
	}
	if _, err := j.Enqueue(b.Context(), all); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		chosen := 0
		choose := func(journal.Head) bool { chosen++; return chosen == 1 }
		found, err := j.Due(b.Context(), noon().Add(time.Hour), journal.Queue{Messenger: "telegram", Choose: choose}, 256)
		if err != nil || len(found) != 1 {
			b.Fatal(len(found), err)
		}
	}
}
