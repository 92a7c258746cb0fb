package journal_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"domovoy/reports/journal"
)

// Changes that are made together are each stored, or refused, as if they were alone: an
// update that was answered before spoils no other answer, and a caller that gives up
// leaves nothing behind.
func TestChangesTogether(t *testing.T) {
	j := open(t)
	const updates = 60
	var all sync.WaitGroup
	for n := range updates {
		all.Go(func() {
			for range 2 { // Slack repeats itself
				u := journal.Update{Key: fmt.Sprint(n), Chat: fmt.Sprint("slack:C", n), Person: "slack:T:U", Text: "status"}
				if _, err := j.Receive(t.Context(), "slack", []journal.Update{u}, ""); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	waiting := got(j.Strangers(t.Context(), nil, 2*updates))(t)
	if len(waiting) != updates {
		t.Fatalf("%d updates are stored, want %d", len(waiting), updates)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	refused := make(chan int64, updates)
	for _, u := range waiting {
		for _, ctx := range []context.Context{t.Context(), t.Context(), gone} {
			all.Go(func() {
				ids, err := j.Answer(ctx, u.ID, []journal.Delivery{say(u.Chat, "answer")}, nil)
				switch {
				case errors.Is(err, journal.ErrAnswered):
					refused <- u.ID
				case ctx == gone && errors.Is(err, context.Canceled):
				case err != nil || len(ids) != 1:
					t.Errorf("update %d: %v, %v", u.ID, ids, err)
				}
			})
		}
	}
	all.Wait()
	close(refused)
	twice := 0
	for range refused {
		twice++
	}
	n, _, err := j.Waiting(t.Context())
	if err != nil || n != updates || twice < updates {
		t.Errorf("%d answers wait, %d were refused, %v; want %d of %d, and as many refused", n, twice, err, updates, updates)
	}
}

// BenchmarkReceive stores updates that come at once, as over a socket.
func BenchmarkReceive(b *testing.B) {
	j, err := journal.Open(b.Context(), b.TempDir()+"/state.db")
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	b.ReportAllocs()
	b.SetParallelism(16)
	var mu sync.Mutex
	key := 0
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			mu.Lock()
			key++
			u := journal.Update{Key: fmt.Sprint(key), Chat: "slack:C1", Person: "slack:T:U", Text: "status"}
			mu.Unlock()
			if _, err := j.Receive(b.Context(), "slack", []journal.Update{u}, ""); err != nil {
				b.Error(err)
			}
		}
	})
}
