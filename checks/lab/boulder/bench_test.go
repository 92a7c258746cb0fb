package boulder_test

import (
	"testing"
	"time"

	"domovoy/checks/lab/boulder"
)

// BenchmarkHistory is fifty tries of one account, as a property test makes thousands of.
func BenchmarkHistory(b *testing.B) {
	names := boulder.Names(10, "shop.ru")
	for b.Loop() {
		now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
		ca := boulder.New(boulder.Options{Clock: func() time.Time { return now }})
		id := ca.Register(nil).ID
		for i := range 50 {
			now = now.Add(time.Minute)
			if i%3 == 0 {
				_, _ = ca.Attempt(id, boulder.Wish{Names: names[i%10 : i%10+1]}, names[i%10])
			} else {
				_, _ = ca.Attempt(id, boulder.Wish{Names: names[i%10 : i%10+1]})
			}
		}
	}
}
