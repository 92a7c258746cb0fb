package journal_test

import (
	"errors"
	"strings"
	"testing"

	"domovoy/reports"
	"domovoy/reports/journal"
)

// next returns the oldest update that waits; the zero one if there is none.
func next(t *testing.T, j *journal.Journal) journal.Update {
	t.Helper()
	for _, u := range got(j.Strangers(t.Context(), nil, 1))(t) {
		return u
	}
	return journal.Update{}
}

// The known are found before strangers, in the order of their chat; a
// person's id alone decides, or the chat, with its topics.
func TestKnownSendersAndStrangers(t *testing.T) {
	j := open(t)
	ctx := t.Context()
	says := func(key, chat, person string) journal.Update {
		return journal.Update{Key: key, Chat: chat, Person: person, Text: key, At: noon()}
	}
	got(j.Receive(ctx, "telegram", []journal.Update{
		says("stranger", "telegram:9", "telegram:9"),
		says("channel", "telegram:-1", ""),
		says("first", "telegram:-1", "telegram:5"),
		says("second", "telegram:-1", "telegram:5"),
		says("topic", "telegram:-2/7", "telegram:9"),
		says("stranger in a group", "telegram:-1", "telegram:9"),
	}, ""))(t)
	who := func(person, chat string) bool {
		return person == "telegram:5" || person != "" && strings.HasPrefix(chat, "telegram:-2")
	}
	texts := func(updates []journal.Update) (texts []string) {
		for _, u := range updates {
			texts = append(texts, u.Text)
		}
		return texts
	}
	heads := got(j.Unanswered(ctx, who, nil, 9))(t)
	same(t, "one of each chat", texts(heads), []string{"first", "topic"})
	same(t, "not of a busy chat", texts(got(j.Unanswered(ctx, who, []string{"telegram:-2/7"}, 9))(t)), []string{"first"})
	same(t, "the limit", texts(got(j.Unanswered(ctx, who, nil, 1))(t)), []string{"first"})
	got(j.Answer(ctx, heads[0].ID, nil, nil))(t)
	same(t, "the next one's turn", texts(got(j.Unanswered(ctx, who, nil, 9))(t)), []string{"second", "topic"})

	strangers := got(j.Strangers(ctx, who, 9))(t)
	same(t, "strangers", texts(strangers), []string{"stranger", "channel", "stranger in a group"})
	must(t, j.Ignore(ctx, strangers[0].ID))
	must(t, j.Ignore(ctx, strangers[1].ID))
	same(t, "those left", texts(got(j.Strangers(ctx, who, 9))(t)), []string{"stranger in a group"})
	n, _ := waiting(t, j)
	same(t, "deliveries", n, 0)
}

func TestReceive(t *testing.T) {
	j := open(t)
	ctx := t.Context()
	said := journal.Update{
		Messenger: "telegram", Key: "101", Chat: "telegram:-1/7", Private: true, Person: "telegram:5", Name: "Анна",
		Language: "ru", Text: "/check a.example", Ref: "m1", At: noon(),
	}
	pressed := journal.Update{Messenger: "telegram", Key: "102", Chat: "telegram:-1", Person: "telegram:5", Button: "abc", Ref: "m2", At: noon()}
	for _, c := range []struct {
		messenger string
		updates   []journal.Update
		cursor    string
		fresh     int
		want      string
	}{
		{"telegram", []journal.Update{said}, "102", 1, "102"},
		{"telegram", []journal.Update{said, pressed}, "103", 1, "103"}, // repeated after a crash
		{"telegram", nil, "", 0, "103"},
		{"slack", []journal.Update{{Key: "101", Chat: "slack:C", Text: "status", At: noon()}}, "", 1, ""}, // keys are the messenger's own
	} {
		same(t, "new updates", got(j.Receive(ctx, c.messenger, c.updates, c.cursor))(t), c.fresh)
		same(t, "cursor", got(j.Cursor(ctx, c.messenger))(t), c.want)
	}
	for _, want := range []journal.Update{said, pressed, {Messenger: "slack", Key: "101", Chat: "slack:C", Text: "status", At: noon()}} {
		u := next(t, j)
		want.ID = u.ID
		same(t, "update", u, want)
		got(j.Answer(ctx, u.ID, nil, nil))(t)
	}
	same(t, "all are answered", next(t, j), journal.Update{})
	same(t, "an answered one is still known", got(j.Receive(ctx, "telegram", []journal.Update{said}, ""))(t), 0)
}

func TestAnswerIsAllOrNothing(t *testing.T) {
	j := open(t)
	ctx := t.Context()
	got(j.Receive(ctx, "telegram", []journal.Update{{Key: "1", Chat: "telegram:5", Text: "lang ru", At: noon()}}, "2"))(t)
	u := next(t, j)
	entry := &journal.AuditEntry{At: noon(), Person: "telegram:5", Command: "lang", Args: "ru"}

	if _, err := j.Answer(ctx, u.ID, []journal.Delivery{say("", "to nowhere")}, entry); err == nil {
		t.Fatal("no error")
	}
	again := next(t, j)
	same(t, "the update still waits", again.ID, u.ID)
	same(t, "nothing is in the audit", len(got(j.AuditOf(ctx, "", 9))(t)), 0)

	ids := got(j.Answer(ctx, again.ID, []journal.Delivery{say("telegram:5", "done")}, entry))(t)
	same(t, "the answer is enqueued", got(j.Due(ctx, noon(), journal.Queue{}, 9))(t)[0].ID, ids[0])
	same(t, "the audit", got(j.AuditOf(ctx, "", 9))(t), []journal.AuditEntry{*entry})

	_, err := j.Answer(ctx, again.ID, []journal.Delivery{say("telegram:5", "done")}, entry)
	if !errors.Is(err, journal.ErrAnswered) {
		t.Errorf("got %v: nothing is answered twice", err)
	}
	n, _ := waiting(t, j)
	same(t, "deliveries", n, 1)
}

func TestActions(t *testing.T) {
	j := open(t)
	d := say("telegram:5", "plan")
	d.Message.Actions = []reports.Action{{Label: "Yes", Command: "confirm 7f3a"}, {Label: "No", Command: "dismiss 7f3a"}}
	ids := enqueue(t, j, d, d)
	same(t, "the caller's message is left alone", d.Message.Actions[0].ID, "")

	seen := map[string]bool{}
	for range ids {
		d := got(j.Due(t.Context(), noon(), journal.Queue{}, 1))(t)[0]
		for i, want := range []string{"confirm 7f3a", "dismiss 7f3a"} {
			id := d.Message.Actions[i].ID
			if len(id) == 0 || len(id) > 22 || seen[id] {
				t.Errorf("the ID %q is long or not unique", id)
			}
			seen[id] = true
			command, chat, ok, err := j.Action(t.Context(), id)
			must(t, err)
			same(t, "action", []any{command, chat, ok}, []any{want, "telegram:5", true})
		}
		must(t, j.MarkSent(t.Context(), d.ID, "m", noon()))
	}
	_, _, ok, err := j.Action(t.Context(), "guessed")
	must(t, err)
	same(t, "an unknown ID", ok, false)
}
