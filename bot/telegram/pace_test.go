package telegram

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestPace(t *testing.T) {
	tests := []struct {
		name  string
		chat  func(i int) int64
		calls int
		want  time.Duration // until the last one may go
	}{
		{"a private chat's burst", func(int) int64 { return 42 }, 3, 0},
		{"a private chat", func(int) int64 { return 42 }, 10, 7 * time.Second},
		{"a group's minute", func(int) int64 { return -42 }, 18, time.Minute},
		{"many chats", func(i int) int64 { return int64(i + 1) }, 55, 2 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, start := newPace(), time.Now()
				for i := range tt.calls {
					if err := p.wait(t.Context(), tt.chat(i)); err != nil {
						t.Fatal(err)
					}
				}
				if took := time.Since(start).Round(10 * time.Millisecond); took != tt.want {
					t.Errorf("%d calls took %s, want %s", tt.calls, took, tt.want)
				}
			})
		})
	}
}

func TestPaceEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := newPace()
		time.AfterFunc(500*time.Millisecond, cancel)
		var err error
		for range 4 {
			err = p.wait(ctx, 42)
		}
		if err == nil {
			t.Error("the fourth call had its turn")
		}
	})
}
