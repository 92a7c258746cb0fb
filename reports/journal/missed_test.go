package journal_test

import (
	"testing"
	"time"

	"domovoy/reports"
	"domovoy/reports/journal"
)

// told is a message about a problem, some minutes after noon.
func told(kind string, problem int64, title string, minutes int) journal.Delivery {
	d := say("c:1", title)
	d.Kind, d.Problem = kind, problem
	d.Attempt.Created = noon().Add(time.Duration(minutes) * time.Minute)
	return d
}

func missed(title string, from, to int) reports.Missed {
	return reports.Missed{Title: title, Began: noon().Add(time.Duration(from) * time.Minute), Ended: noon().Add(time.Duration(to) * time.Minute)}
}

// What came and went while nothing could be sent is one message, behind what is
// still open; nothing is told twice.
func TestMissed(t *testing.T) {
	j := open(t)
	must(t, j.Record(t.Context(), opening("a.example")))
	must(t, j.Record(t.Context(), opening("b.example")))
	must(t, j.Record(t.Context(), opening("c.example")))
	enqueue(t, j, told("opened", 1, "a", 0), told("opened", 2, "b", 1))
	enqueue(t, j, told("reminded", 1, "a still", 2)) // says nothing new
	enqueue(t, j, told("worsened", 1, "a worse", 3))
	enqueue(t, j, told("resolved", 2, "b is over", 4))
	enqueue(t, j, told("opened", 3, "c", 5))
	enqueue(t, j, told("resolved", 1, "a is over", 6))
	found := got(j.Due(t.Context(), noon().Add(time.Hour), journal.Queue{}, 9))(t)
	same(t, "the open one", found[0].Message.Title, "c")
	must(t, j.MarkSent(t.Context(), found[0].ID, "m", noon()))
	found = got(j.Due(t.Context(), noon().Add(time.Hour), journal.Queue{}, 9))(t)
	same(t, "what came and went", found[0].Missed, []reports.Missed{missed("a worse", 0, 6), missed("b", 1, 4)})
	must(t, j.MarkSent(t.Context(), found[0].ID, "m", noon()))
	n, _ := waiting(t, j)
	same(t, "nothing else waits", n, 0)
	report := got(j.Deliveries(t.Context(), noon(), noon().Add(-time.Hour), 9))(t)
	same(t, "nothing counts as lost", report.Lost, 0)
}

func TestNotMissed(t *testing.T) {
	for name, c := range map[string]struct {
		play func(t *testing.T, j *journal.Journal)
		want []string
	}{
		"its message was sent": {func(t *testing.T, j *journal.Journal) {
			id := enqueue(t, j, told("opened", 1, "a", 0))[0]
			must(t, j.MarkSent(t.Context(), id, "m", noon()))
			enqueue(t, j, told("worsened", 1, "a worse", 1), told("resolved", 1, "over", 2))
		}, []string{"c:1 over"}},
		"its message may have arrived": {func(t *testing.T, j *journal.Journal) {
			id := enqueue(t, j, told("opened", 1, "a", 0))[0]
			must(t, j.MarkBegun(t.Context(), id, noon(), 1))
			enqueue(t, j, told("resolved", 1, "over", 2))
		}, []string{"c:1 a", "c:1 over"}},
		"another chat's": {func(t *testing.T, j *journal.Journal) {
			d := told("resolved", 1, "over", 2)
			d.To = "c:2"
			enqueue(t, j, told("opened", 1, "a", 0), d)
		}, []string{"c:1 a", "c:2 over"}},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t)
			must(t, j.Record(t.Context(), opening("a.example")))
			c.play(t, j)
			same(t, "said", sendAll(t, j), c.want)
		})
	}
}

// An edit that tells the end of what was not told yet makes a line of its message.
func TestAnEditThatIsTooLate(t *testing.T) {
	j := open(t)
	must(t, j.Record(t.Context(), opening("a.example")))
	id := enqueue(t, j, told("opened", 1, "a", 0))[0]
	over := told("edit", 1, "a is over", 7)
	over.Edits, over.Over = id, true
	enqueue(t, j, over)
	found := got(j.Due(t.Context(), noon(), journal.Queue{}, 9))(t)
	same(t, "messages", len(found), 1)
	same(t, "what came and went", found[0].Missed, []reports.Missed{missed("a", 0, 7)})
}
