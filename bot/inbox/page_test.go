package inbox_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine/enginetest"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// A message with many buttons shows some of them; one more turns the page, in the
// message itself, as often as it is pressed. It is no answer and leaves no trace in the
// audit.
func TestTurningThePageOfButtons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.Journal(t)
		m := reports.Message{Language: "en", Title: "Digest"}
		for n := range 20 {
			m.Actions = append(m.Actions, reports.Action{Label: fmt.Sprint(n), Command: "list trouble"})
		}
		ids, err := j.Enqueue(t.Context(), []journal.Delivery{{To: "post:1", Kind: "daily", Message: m}})
		if err != nil {
			t.Fatal(err)
		}
		due, err := j.Due(t.Context(), time.Now(), journal.Queue{}, 10)
		if err != nil || len(due) != 1 || due[0].Message.More == "" {
			t.Fatalf("%d due, %v, want one with a button for more", len(due), err)
		}
		more := due[0].Message.More
		if err := j.MarkSent(t.Context(), ids[0], "77", time.Now()); err != nil {
			t.Fatal(err)
		}
		for n, page := range []int{1, 2, 0} {
			press := said(n, "post:1", "post:5", "")
			press.Button, press.Ref = more, "77"
			hears(t, j, known(), time.Second, press)
			due, err := j.Due(t.Context(), time.Now(), journal.Queue{}, 10)
			if err != nil || len(due) != 1 || due[0].Edits != ids[0] || due[0].Message.Page != page || due[0].Message.More != more || due[0].Attempt.Ref != "77" {
				t.Fatalf("%+v, %v, want page %d of the same message", due, err, page)
			}
			if err := j.MarkSent(t.Context(), due[0].ID, "77", time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if entries := audited(t, j); len(entries) > 0 {
			t.Errorf("the audit has %q", entries)
		}
		hears(t, j, known(), time.Second, bot.Update{Key: "elsewhere", Chat: "post:2", Private: true, Person: "post:5", Button: more, Ref: "77", At: time.Now()})
		if got := answers(t, j, "post:1"); len(got) > 0 {
			t.Errorf("a button of another chat turned the page: %q", got)
		}
	})
}
