package journal

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/reports"
)

// What was confirmed to somebody, and what is about to be done outside, is on
// the disk before the method returns; only copies of what can be read again are
// not.
func TestDurability(t *testing.T) {
	ctx := t.Context()
	j, err := Open(ctx, filepath.Join(t.TempDir(), "j.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	now := time.Now()
	counts := []checks.Metric{{Server: "isp1", Code: checks.PanelFailed, Value: 3}}
	alert := Delivery{To: "telegram:1", Kind: "opened", Message: reports.Message{Title: "an alert"}}
	var ids []int64
	for _, c := range []struct {
		name string
		do   func() error
		want durability
	}{
		{"attempts", func() error {
			return j.KeepAttempts(ctx, "isp1", []checks.Attempt{{Row: 1, Certificate: "a_le1", Time: now}})
		}, normal},
		{"an audit entry", func() error { return j.Audit(ctx, AuditEntry{At: now, Command: "cancel"}) }, full},
		{"probes", func() error { return j.KeepProbes(ctx, "isp1", map[string]checks.Probe{"a.example": {At: now}}) }, normal},
		{"a plan", func() error { _, err := j.KeepPlan(ctx, Plan{Kind: "cancel"}); return err }, full},
		{"counts alone", func() error { return j.Record(ctx, Entry{At: now, Metrics: counts}) }, normal},
		{"a run with an alert", func() error { return j.Record(ctx, Entry{At: now, Metrics: counts, Deliveries: []Delivery{alert}}) }, full},
		{"a message", func() (err error) { ids, err = j.Enqueue(ctx, []Delivery{alert}); return err }, full},
		{"memory of a panel", func() error { return j.KeepPanelMemory(ctx, "isp1", PanelMemory{Memory: []byte("{}")}) }, normal},
		{"the begin of a sending", func() error { return j.MarkBegun(ctx, ids[0], now, 1) }, full},
		{"pruning", func() error { return j.Prune(ctx, now) }, normal},
		{"its end", func() error { return j.MarkSent(ctx, ids[0], "7", now) }, full},
		{"an update", func() error {
			_, err := j.Receive(ctx, "telegram", []Update{{Key: "1", Chat: "telegram:1"}}, "1")
			return err
		}, full},
	} {
		if err := c.do(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var level int
		if err := j.write.db.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&level); err != nil {
			t.Fatal(err)
		}
		if want := map[durability]int{normal: 1, full: 2}[c.want]; level != want {
			t.Errorf("%s was committed with synchronous = %d, want %d", c.name, level, want)
		}
	}
}

// BenchmarkCommit is one small transaction.
func BenchmarkCommit(b *testing.B) {
	for _, sync := range []durability{normal, full} {
		b.Run(string(sync), func(b *testing.B) {
			j, err := Open(b.Context(), filepath.Join(b.TempDir(), "j.db"))
			if err != nil {
				b.Fatal(err)
			}
			defer j.Close()
			n := 0
			for b.Loop() {
				n++
				err := j.commit(b.Context(), sync, "", func(t *tx) error {
					return t.keepMetrics(context.Background(), time.UnixMilli(int64(n)), []checks.Metric{{Server: fmt.Sprint(n % 3), Code: checks.PanelFailed, Value: n}})
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
