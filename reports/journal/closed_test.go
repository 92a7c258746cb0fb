package journal_test

import (
	"testing"
	"time"

	"domovoy/reports/journal"
)

// A chat that refuses us keeps what is for it, for a day; it is told elsewhere once,
// and the audit knows when it began and ended.
func TestAClosedChat(t *testing.T) {
	j := open(t)
	old := say("c:1", "old")
	old.Attempt.Created = noon().Add(-48 * time.Hour)
	ids := enqueue(t, j, say("c:1/7", "one"), old, say("c:2", "other"))
	closed := func(minutes int) journal.ClosedChat {
		return journal.ClosedChat{Chat: "c:1", Since: noon().Add(time.Duration(minutes) * time.Minute), Reason: "kicked"}
	}
	was := got(j.CloseChat(t.Context(), ids[0], closed(0), noon().Add(-24*time.Hour), false, []journal.Delivery{say("c:2", "c:1 is closed")}))(t)
	same(t, "the first refusal", was, true)
	was = got(j.CloseChat(t.Context(), ids[0], closed(5), noon().Add(-24*time.Hour), false, []journal.Delivery{say("c:2", "again")}))(t)
	same(t, "the second refusal", was, false)
	same(t, "closed", got(j.ClosedChats(t.Context()))(t), []journal.ClosedChat{closed(0)})
	same(t, "said elsewhere, once", sendAll(t, j), []string{"c:2 other", "c:2 c:1 is closed"})
	report := got(j.Deliveries(t.Context(), noon(), noon().Add(-72*time.Hour), 9))(t)
	same(t, "given up", []any{report.Lost, report.Dropped[0].Message.Title, report.Dropped[0].Attempt.Error}, []any{1, "old", "kicked"})
	same(t, "a rare try", due(t, j, 9), []string{})
	same(t, "a rare try", due(t, j, 10), []string{"one"})

	same(t, "it was closed", got(j.ReopenChat(t.Context(), "c:1", noon(), journal.Actor{}))(t), true)
	same(t, "it is not any more", got(j.ReopenChat(t.Context(), "c:1", noon(), journal.Actor{}))(t), false)
	same(t, "said", sendAll(t, j), []string{"c:1/7 one"})
	acts := got(j.AuditOf(t.Context(), "", 9))(t)
	same(t, "the audit", []string{acts[0].Args, acts[1].Args}, []string{"opened c:1", "closed c:1 kicked"})
}

// Where somebody speaks to us, what waits is tried at once.
func TestAClosedChatThatSpeaks(t *testing.T) {
	j := open(t)
	ids := enqueue(t, j, say("c:1/7", "one"))
	got(j.CloseChat(t.Context(), ids[0], journal.ClosedChat{Chat: "c:1", Since: noon(), Reason: "kicked"}, noon().Add(-time.Hour), false, nil))(t)
	for _, speaks := range []func() error{
		func() error { return j.TryChat(t.Context(), "c:1") },
		func() error {
			_, err := j.Receive(t.Context(), "c", []journal.Update{{Messenger: "c", Key: "1", Chat: "c:1/9", Text: "hello"}}, "")
			return err
		},
	} {
		must(t, j.Hold(t.Context(), "c:1", noon().Add(time.Hour), "kicked"))
		same(t, "before", due(t, j, 0), []string{})
		must(t, speaks())
		same(t, "after", due(t, j, 0), []string{"one"})
	}
}

func TestTryNow(t *testing.T) {
	j := open(t)
	ids := enqueue(t, j, say("c:1", "refused"), say("c:2", "closed"), say("c:3", "held"))
	must(t, j.MarkTried(t.Context(), ids[0], journal.Try{Next: noon().Add(time.Hour), Reason: "refused", Counted: true}))
	got(j.CloseChat(t.Context(), ids[1], journal.ClosedChat{Chat: "c:2", Since: noon(), Reason: "kicked"}, noon().Add(-time.Hour), false, nil))(t)
	must(t, j.Hold(t.Context(), "c:3", noon().Add(time.Hour), "429"))
	same(t, "before", due(t, j, 0), []string{})
	same(t, "waiting", got(j.TryNow(t.Context(), noon()))(t), 3)
	same(t, "after", due(t, j, 0), []string{"refused", "closed"})
}

// What went another way is told late and quietly, and its end where it was told.
func TestSpares(t *testing.T) {
	j := open(t)
	must(t, j.Record(t.Context(), opening("a.example")))
	critical := told("opened", 1, "a", 0)
	critical.Rank = journal.RankCritical
	enqueue(t, j, critical, told("opened", 0, "a warning", 0))
	same(t, "not yet", len(got(j.SparesNeeded(t.Context(), []string{"c"}, noon()))(t)), 0)
	needed := got(j.SparesNeeded(t.Context(), []string{"c"}, noon().Add(time.Minute)))(t)
	same(t, "needed", len(needed), 1)
	spare := say("mail:ops", "a")
	spare.Spare, spare.Problem = needed[0].ID, 1
	must(t, j.SendSpare(t.Context(), []int64{needed[0].ID}, []journal.Delivery{spare}))
	same(t, "not twice", len(got(j.SparesNeeded(t.Context(), []string{"c"}, noon().Add(time.Minute)))(t)), 0)
	mail := got(j.Due(t.Context(), noon(), journal.Queue{Messenger: "mail"}, 9))(t)
	must(t, j.MarkSent(t.Context(), mail[0].ID, "m", noon()))
	quiet := got(j.Due(t.Context(), noon(), journal.Queue{Messenger: "c"}, 1))(t)[0]
	same(t, "quietly, and says so", []any{quiet.Message.Silent, quiet.Spared}, []any{true, "mail:ops"})
	enqueue(t, j, told("resolved", 1, "a is over", 9))
	mail = got(j.Due(t.Context(), noon(), journal.Queue{Messenger: "mail"}, 9))(t)
	same(t, "its end, too", mail[0].Message.Title, "a is over")
}
