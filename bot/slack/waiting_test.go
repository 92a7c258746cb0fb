package slack

import (
	"fmt"
	"testing"

	"github.com/slack-go/slack/socketmode"
)

// What waits behind an event is taken along, in its order and not without end.
func TestWaiting(t *testing.T) {
	for waits, want := range map[int]int{0: 1, 1: 2, 20: 21, 100: atOnce} {
		events := make(chan socketmode.Event, waits)
		for n := range waits {
			events <- socketmode.Event{Data: n + 1}
		}
		taken := waiting(socketmode.Event{Data: 0}, events)
		if len(taken) != want || len(events) != waits+1-want {
			t.Errorf("of %d that wait %d are taken and %d left, want %d taken", waits, len(taken), len(events), want)
		}
		for n, event := range taken {
			if event.Data != n {
				t.Errorf("number %d is %v", n, event.Data)
			}
		}
	}
}

// Questions that come at once are stored in their order, and each is confirmed.
func TestListenHearsManyAtOnce(t *testing.T) {
	server, s := workspace(t)
	in := newInbox()
	listen(t, server, s, in)
	const questions = 50
	var envelopes []string
	for n := range questions {
		envelopes = append(envelopes, server.Mention(ops, user, fmt.Sprint("check ", n), ""))
	}
	for n := range questions {
		if got := in.next(t); got.Text != fmt.Sprint("check ", n) {
			t.Fatalf("number %d is %q", n, got.Text)
		}
	}
	for _, envelope := range envelopes {
		if _, err := server.WaitAck(within10s(t), envelope); err != nil {
			t.Fatal(err)
		}
	}
}
