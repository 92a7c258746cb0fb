package journal_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"domovoy/reports"
	"domovoy/reports/journal"
)

// say is a message to a chat, enqueued at noon.
func say(to, title string) journal.Delivery {
	return journal.Delivery{To: to, Kind: "alert", Message: reports.Message{Language: "en", Title: title}, Attempt: journal.Attempt{Created: noon()}}
}

// edit is a message that replaces an earlier one.
func edit(id int64, title string) journal.Delivery {
	d := say("", title)
	d.Edits = id
	return d
}

func enqueue(t *testing.T, j *journal.Journal, d ...journal.Delivery) []int64 {
	t.Helper()
	return got(j.Enqueue(t.Context(), d))(t)
}

// due lists the titles of what is due some minutes after noon.
func due(t *testing.T, j *journal.Journal, minutes int) []string {
	t.Helper()
	titles := []string{}
	for _, d := range got(j.Due(t.Context(), noon().Add(time.Duration(minutes)*time.Minute), journal.Queue{}, 100))(t) {
		titles = append(titles, d.Message.Title)
	}
	return titles
}

// sendAll sends the due deliveries until there are none, and returns what it did, in
// order.
func sendAll(t *testing.T, j *journal.Journal) (said []string) {
	t.Helper()
	for {
		found := got(j.Due(t.Context(), noon(), journal.Queue{}, 100))(t)
		if len(found) == 0 {
			return said
		}
		for _, d := range found {
			ref := fmt.Sprint("m", d.ID)
			what := d.To + " " + d.Message.Title
			if d.Edits != 0 {
				what, ref = what+" instead of "+d.Attempt.Ref, d.Attempt.Ref
			}
			said = append(said, what)
			must(t, j.MarkSent(t.Context(), d.ID, ref, noon()))
		}
	}
}

// ranked is a message of a rank.
func ranked(to, title string, rank journal.Rank) journal.Delivery {
	d := say(to, title)
	d.Rank = rank
	return d
}

// A delivery that waits for its next try is overtaken, and has its turn again then.
func TestDueKeepsTheOrderOfAChat(t *testing.T) {
	j := open(t)
	ids := enqueue(t, j, say("telegram:1", "a1"), say("telegram:1/7", "a2"), say("slack:C", "b1"), say("telegram:1", "a3"))
	same(t, "the oldest of each chat", due(t, j, 0), []string{"a1", "b1"})
	must(t, j.MarkTried(t.Context(), ids[0], journal.Try{Next: noon().Add(5 * time.Minute), Reason: "refused", Counted: true}))
	same(t, "it is overtaken", due(t, j, 4), []string{"a2", "b1"})
	same(t, "again due", due(t, j, 5), []string{"a1", "b1"})
	must(t, j.MarkDropped(t.Context(), ids[0], "chat_not_found"))
	must(t, j.MarkSent(t.Context(), ids[1], "m2", noon()))
	same(t, "the next one's turn", due(t, j, 0), []string{"b1", "a3"})
	first := got(j.Due(t.Context(), noon(), journal.Queue{}, 1))(t)
	same(t, "the limit", len(first), 1)
}

func TestDueTakesTheMostImportantFirst(t *testing.T) {
	j := open(t)
	kind := func(d journal.Delivery, kind string, tone reports.Tone) journal.Delivery {
		d.Kind, d.Message.Tone = kind, tone
		return d
	}
	enqueue(t, j, kind(say("c:1", "daily"), "daily", ""), kind(say("c:1", "over"), "resolved", reports.ToneOver),
		kind(say("c:1", "answer"), journal.AnswerKind, ""), kind(say("c:1", "warning"), "opened", reports.ToneWarning),
		ranked("c:1", "the panel", journal.RankPanel), kind(say("c:1", "critical"), "opened", reports.ToneBad), kind(say("c:1/7", "worse"), "worsened", reports.ToneBad))
	same(t, "said", sendAll(t, j), []string{"c:1 critical", "c:1/7 worse", "c:1 the panel", "c:1 warning", "c:1 answer", "c:1 over", "c:1 daily"})
}

// The outbox gives answers their turn, so that alerts do not hold them up for long.
func TestTheTurnOfAnAnswer(t *testing.T) {
	j := open(t)
	answer := ranked("c:1", "answer", journal.RankAnswer)
	answer.Kind = journal.AnswerKind
	enqueue(t, j, ranked("c:1", "alert", journal.RankCritical), answer, ranked("c:2", "other", journal.RankAlert))
	found := got(j.Due(t.Context(), noon(), journal.Queue{Answers: []string{"c:1", "c:2"}}, 9))(t)
	same(t, "due", []string{found[0].Message.Title, found[1].Message.Title}, []string{"other", "answer"})
}

// What belongs together keeps its order, though others overtake: the parts of an
// answer, the messages about a problem, and what names another delivery.
func TestCausality(t *testing.T) {
	answer := func(title string) journal.Delivery {
		d := say("c:1", title)
		d.Kind = journal.AnswerKind
		return d
	}
	about := func(kind, title string, rank journal.Rank) journal.Delivery {
		d := ranked("c:1", title, rank)
		d.Kind, d.Problem = kind, 1
		return d
	}
	for name, c := range map[string]struct{ first, second journal.Delivery }{
		"an answer": {answer("first"), answer("second")},
		"a problem": {about("opened", "first", journal.RankDigest), about("worsened", "second", journal.RankCritical)},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t)
			must(t, j.Record(t.Context(), opening("a.example")))
			ids := enqueue(t, j, c.first, c.second)
			enqueue(t, j, ranked("c:1", "other", journal.RankDigest))
			must(t, j.MarkTried(t.Context(), ids[0], journal.Try{Next: noon().Add(time.Minute), Reason: "refused"}))
			same(t, "while the first waits", due(t, j, 0), []string{"other"})
			same(t, "when it is due", due(t, j, 1)[0], "first")
			must(t, j.MarkDropped(t.Context(), ids[0], "refused"))
			same(t, "when it is settled", due(t, j, 1)[0], "second")
		})
	}
}

func TestADeliveryComesBackAsItWas(t *testing.T) {
	j := open(t)
	record(t, j, overdue("a.example", 0))
	must(t, j.Record(t.Context(), opening("a.example")))
	want := journal.Delivery{
		To: "telegram:-100/7", Kind: "daily", Problem: 1, ReplyTo: "m5",
		Message: reports.Message{
			Language: "ru", Tone: reports.ToneBad, Title: "Утро <b>", Silent: true,
			Sections: []reports.Section{{Heading: "h", Text: "t", Items: []reports.Item{{Text: "i", Note: "n"}}, Left: 3, Quote: "q"}},
			Actions:  []reports.Action{{ID: "kept", Label: "l", Command: "c", Danger: true}},
			Files:    []reports.File{{Name: "f.xlsx", Type: "application/x", Data: []byte{0, 255, 1}}},
		},
		Attempt: journal.Attempt{Next: noon(), Created: noon().Add(-time.Hour)},
	}
	want.ID = enqueue(t, j, want)[0]
	want.Rank, want.Attempt.State, want.Attempt.Due = journal.RankDigest, journal.Pending, noon()
	found := got(j.Due(t.Context(), noon(), journal.Queue{}, 1))(t)
	same(t, "delivery", found, []journal.Delivery{want})

	must(t, j.MarkBegun(t.Context(), want.ID, noon(), 1))
	want.Attempt.Begun = true
	same(t, "begun", got(j.Due(t.Context(), noon(), journal.Queue{}, 1))(t), []journal.Delivery{want})

	must(t, j.MarkTried(t.Context(), want.ID, journal.Try{Next: noon().Add(time.Minute), Reason: "timeout", Counted: true}))
	must(t, j.MarkTried(t.Context(), want.ID, journal.Try{Next: noon(), Reason: "wait", Counted: false}))
	want.Attempt.Begun, want.Attempt.Tries, want.Attempt.Error = false, 1, "wait"
	same(t, "tried", got(j.Due(t.Context(), noon(), journal.Queue{}, 1))(t), []journal.Delivery{want})

	must(t, j.MarkSent(t.Context(), want.ID, "m9", noon().Add(time.Hour)))
	want.Attempt = journal.Attempt{State: journal.Sent, Tries: 1, Next: noon(), Due: noon(), Ref: "m9", Created: want.Attempt.Created, SentAt: noon().Add(time.Hour)}
	want.Message.Files = nil // not needed again
	same(t, "sent", got(j.SentFor(t.Context(), 1))(t), []journal.Delivery{want})
}

func TestEdits(t *testing.T) {
	for name, c := range map[string]struct {
		play func(t *testing.T, j *journal.Journal)
		want []string
	}{
		"of a sent message": {func(t *testing.T, j *journal.Journal) {
			id := enqueue(t, j, say("c:1", "one"))[0]
			must(t, j.MarkSent(t.Context(), id, "ref", noon()))
			enqueue(t, j, say("c:1", "two"), edit(id, "one'"))
		}, []string{"c:1 two", "c:1 one' instead of ref"}},
		"the newest wins": {func(t *testing.T, j *journal.Journal) {
			id := enqueue(t, j, say("c:1", "one"))[0]
			must(t, j.MarkSent(t.Context(), id, "ref", noon()))
			enqueue(t, j, edit(id, "one'"), say("c:1", "two"), edit(id, "one''"))
		}, []string{"c:1 two", "c:1 one'' instead of ref"}},
		"of an edit": {func(t *testing.T, j *journal.Journal) {
			id := enqueue(t, j, say("c:1", "one"))[0]
			must(t, j.MarkSent(t.Context(), id, "ref", noon()))
			id = enqueue(t, j, edit(id, "one'"))[0]
			enqueue(t, j, edit(id, "one''"))
		}, []string{"c:1 one'' instead of ref"}},
		"of a message that waits": {func(t *testing.T, j *journal.Journal) {
			id := enqueue(t, j, say("c:1", "one"))[0]
			enqueue(t, j, say("c:1", "two"), edit(id, "one'"), edit(id, "one''"))
		}, []string{"c:1 one''", "c:1 two"}},
		"of a message that waits behind another": {func(t *testing.T, j *journal.Journal) {
			ids := enqueue(t, j, say("c:1", "zero"), say("c:1", "one"))
			enqueue(t, j, edit(ids[1], "one'"))
		}, []string{"c:1 zero", "c:1 one'"}},
		"of a message that is being sent": {func(t *testing.T, j *journal.Journal) {
			id := enqueue(t, j, say("c:1", "one"))[0]
			got(j.Due(t.Context(), noon(), journal.Queue{}, 1))(t)
			enqueue(t, j, edit(id, "one'"))
			must(t, j.MarkSent(t.Context(), id, "ref", noon())) // it was sent unchanged
		}, []string{"c:1 one' instead of ref"}},
		"of an edit that is being sent": {func(t *testing.T, j *journal.Journal) {
			id := enqueue(t, j, say("c:1", "one"))[0]
			must(t, j.MarkSent(t.Context(), id, "ref", noon()))
			first := enqueue(t, j, edit(id, "one'"))[0]
			got(j.Due(t.Context(), noon(), journal.Queue{}, 1))(t)
			enqueue(t, j, edit(id, "one''"))
			must(t, j.MarkTried(t.Context(), first, journal.Try{Next: noon(), Reason: "timeout", Counted: true}))
		}, []string{"c:1 one'' instead of ref"}},
		"of a message that was dropped": {func(t *testing.T, j *journal.Journal) {
			id := enqueue(t, j, say("c:1", "one"))[0]
			must(t, j.MarkDropped(t.Context(), id, "not in the chat"))
			enqueue(t, j, edit(id, "one'"), say("c:1", "two"))
		}, []string{"c:1 two"}},
		"of a message that is dropped while they wait": {func(t *testing.T, j *journal.Journal) {
			id := enqueue(t, j, say("c:1", "one"))[0]
			enqueue(t, j, edit(id, "one'"), say("c:1", "two"))
			must(t, j.MarkDropped(t.Context(), id, "not in the chat"))
		}, []string{"c:1 two"}},
		"go where the message went": {func(t *testing.T, j *journal.Journal) {
			id := enqueue(t, j, say("c:1", "one"))[0]
			must(t, j.MarkSent(t.Context(), id, "ref", noon()))
			d := edit(id, "one'")
			d.To = "c:2"
			enqueue(t, j, d)
		}, []string{"c:1 one' instead of ref"}},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t)
			c.play(t, j)
			same(t, "said", sendAll(t, j), c.want)
		})
	}
}

// After any failures, each chat has its messages in the order of enqueueing, and each
// message shows its last edit.
func TestChatOrderHolds(t *testing.T) {
	for seed := range uint64(15) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		j := open(t)
		last := map[string]int64{}   // by chat: the newest message there
		shown := map[int64]string{}  // by message
		wanted := map[int64]string{} // by message: what was enqueued for it last
		var messages []int64
		deliver := func() {
			for _, d := range got(j.Due(t.Context(), noon(), journal.Queue{}, 10))(t) {
				switch rnd.IntN(4) {
				case 0:
					must(t, j.MarkTried(t.Context(), d.ID, journal.Try{Next: noon(), Reason: "timeout", Counted: true}))
				case 1: // the process ends before it can record the result
				default:
					must(t, j.MarkSent(t.Context(), d.ID, fmt.Sprint(d.ID), noon()))
					target := d.ID
					if d.Edits != 0 {
						target = d.Edits
						same(t, "the message to replace", d.Attempt.Ref, fmt.Sprint(d.Edits))
					} else if d.ID < last[d.To] {
						t.Fatalf("seed %d: %d after %d", seed, d.ID, last[d.To])
					} else {
						last[d.To] = d.ID
					}
					shown[target] = d.Message.Title
				}
			}
		}
		for step := range 120 {
			title := fmt.Sprint("step ", step)
			switch rnd.IntN(3) {
			case 0:
				id := enqueue(t, j, say(fmt.Sprint("c:", rnd.IntN(3)), title))[0]
				messages, wanted[id] = append(messages, id), title
			case 1:
				if len(messages) > 0 {
					id := messages[rnd.IntN(len(messages))]
					enqueue(t, j, edit(id, title))
					wanted[id] = title
				}
			default:
				deliver()
			}
		}
		for n, _ := waiting(t, j); n > 0; n, _ = waiting(t, j) {
			deliver()
		}
		same(t, fmt.Sprint("seed ", seed), shown, wanted)
	}
}

func waiting(t *testing.T, j *journal.Journal) (int, time.Time) {
	t.Helper()
	n, oldest, err := j.Waiting(t.Context())
	must(t, err)
	return n, oldest
}

func TestWaitingAndNextDue(t *testing.T) {
	j := open(t)
	n, oldest := waiting(t, j)
	_, ok, err := j.NextDue(t.Context(), journal.Queue{}, noon())
	must(t, err)
	if n != 0 || !oldest.IsZero() || ok {
		t.Fatal(n, oldest, ok)
	}
	later := say("c:1", "one")
	later.Attempt.Next = noon().Add(time.Hour)
	behind := say("c:1", "two")
	behind.Attempt.Created = noon().Add(time.Minute)
	ids := enqueue(t, j, later, behind)
	n, oldest = waiting(t, j)
	next, ok, err := j.NextDue(t.Context(), journal.Queue{}, noon())
	must(t, err)
	if n != 2 || !oldest.Equal(noon()) || !ok || !next.Equal(noon().Add(time.Hour)) {
		t.Error(n, oldest, ok, next)
	}
	must(t, j.MarkSent(t.Context(), ids[0], "m", noon()))
	_, ok, err = j.NextDue(t.Context(), journal.Queue{}, noon())
	must(t, err)
	same(t, "what is due does not wait for a time", ok, false)
	must(t, j.Hold(t.Context(), "c:1", noon().Add(3*time.Minute), "429"))
	next, _, err = j.NextDue(t.Context(), journal.Queue{}, noon())
	must(t, err)
	same(t, "until the messenger allows it", next, noon().Add(3*time.Minute))
}

// A queue has the deliveries of one messenger, or those of the others.
func TestQueues(t *testing.T) {
	j := open(t)
	answer := func(to, title string) journal.Delivery {
		d := say(to, title)
		d.Kind = journal.AnswerKind
		return d
	}
	enqueue(t, j, answer("telegram:1", "answer"), say("telegram:1", "behind it"), answer("slack:C", "slack"),
		say("telegram:2", "alert"), say("teletype:1", "gone"), say("nowhere", "no address"))
	for name, c := range map[string]struct {
		queue journal.Queue
		want  []string
	}{
		"all":                 {journal.Queue{}, []string{"behind it", "alert", "gone", "no address", "slack"}},
		"a messenger":         {journal.Queue{Messenger: "telegram"}, []string{"behind it", "alert"}},
		"but a busy chat":     {journal.Queue{Messenger: "telegram", Busy: []string{"telegram:1"}}, []string{"alert"}},
		"all busy":            {journal.Queue{Messenger: "slack", Busy: []string{"slack:C"}}, nil},
		"none of these":       {journal.Queue{Except: []string{"telegram", "slack"}}, []string{"gone", "no address"}},
		"of an unused one":    {journal.Queue{Messenger: "console"}, nil},
		"no part of the name": {journal.Queue{Messenger: "tele"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var titles []string
			for _, d := range got(j.Due(t.Context(), noon(), c.queue, 9))(t) {
				titles = append(titles, d.Message.Title)
			}
			same(t, "due", titles, c.want)
		})
	}
}

func TestAnUnsureEndIsRemembered(t *testing.T) {
	j := open(t)
	id := enqueue(t, j, say("c:1", "one"))[0]
	must(t, j.MarkBegun(t.Context(), id, noon(), 1))
	must(t, j.MarkTried(t.Context(), id, journal.Try{Next: noon().Add(time.Minute), Reason: "timeout", Counted: true, Arrived: true}))
	same(t, "not yet", due(t, j, 0), []string{})
	d := got(j.Due(t.Context(), noon().Add(time.Minute), journal.Queue{}, 1))(t)[0]
	same(t, "begun, tries, error", []any{d.Attempt.Begun, d.Attempt.Tries, d.Attempt.Error}, []any{true, 1, "timeout"})
}

// What a messenger asks to wait for holds for the chat with all its topics, for its
// edits, or for all of it.
func TestHold(t *testing.T) {
	j := open(t)
	id := enqueue(t, j, say("c:9", "to edit"))[0]
	must(t, j.MarkSent(t.Context(), id, "ref", noon()))
	ids := enqueue(t, j, say("c:1", "one"), say("c:1/7", "two"), say("c:2", "other"), edit(id, "edited"), say("d:1", "elsewhere"))
	must(t, j.Hold(t.Context(), "c:1", noon().Add(10*time.Minute), "429"))
	must(t, j.MarkHeld(t.Context(), ids[0], "c:1", noon().Add(time.Minute), "429", false)) // a shorter one does not end it
	must(t, j.Hold(t.Context(), journal.EditsOf("c"), noon().Add(5*time.Minute), "429"))
	enqueue(t, j, say("c:1", "three"))
	same(t, "held", due(t, j, 4), []string{"other", "elsewhere"})
	same(t, "edits again", due(t, j, 5), []string{"other", "edited", "elsewhere"})
	same(t, "all again", due(t, j, 10), []string{"one", "other", "edited", "elsewhere"})
	must(t, j.Hold(t.Context(), "c", noon().Add(time.Hour), "429"))
	same(t, "the messenger is held", due(t, j, 59), []string{"elsewhere"})
	found := got(j.Due(t.Context(), noon().Add(time.Hour), journal.Queue{}, 1))(t)
	same(t, "no try is counted", found[0].Attempt.Tries, 0)
}

func TestCallsOfTheLastMinutes(t *testing.T) {
	j := open(t)
	ids := enqueue(t, j, say("c:1/7", "one"), say("c:2", "two"), say("d:1", "three"))
	must(t, j.MarkBegun(t.Context(), ids[0], noon().Add(-time.Hour), 1)) // too old
	must(t, j.MarkBegun(t.Context(), ids[0], noon(), 3))
	must(t, j.MarkSent(t.Context(), ids[0], "ref", noon()))
	e := enqueue(t, j, edit(ids[0], "edited"))[0]
	must(t, j.MarkBegun(t.Context(), e, noon().Add(time.Second), 1))
	must(t, j.MarkBegun(t.Context(), ids[2], noon().Add(2*time.Second), 1))
	same(t, "calls", got(j.Calls(t.Context(), "c", noon()))(t), []journal.Call{
		{Place: "c:1", At: noon(), Calls: 3}, {Place: "c:1", At: noon().Add(time.Second), Calls: 1, Edit: true}})
	must(t, j.MarkDropped(t.Context(), ids[1], "gone"))
	if err := j.MarkBegun(t.Context(), ids[1], noon(), 1); !errors.Is(err, journal.ErrNoDelivery) {
		t.Errorf("beginning what was dropped: %v", err)
	}
}

func TestMoveChat(t *testing.T) {
	j := open(t)
	ctx := t.Context()
	must(t, j.SetLanguage(ctx, "telegram:-5", "en"))
	d := say("telegram:-5", "one")
	d.Message.Actions = []reports.Action{{Label: "Take", Command: "ack 1"}}
	enqueue(t, j, d)
	must(t, j.MoveChat(ctx, "telegram:-5", "telegram:-1005"))
	enqueue(t, j, say("telegram:-5", "two")) // the configuration still has the old address
	first := got(j.Due(ctx, noon(), journal.Queue{}, 1))(t)[0]
	_, chat, _, err := j.Action(ctx, first.Message.Actions[0].ID)
	must(t, err)
	same(t, "the button's chat", chat, "telegram:-1005")
	same(t, "said", sendAll(t, j), []string{"telegram:-1005 one", "telegram:-1005 two"})
	language, ok, err := j.Language(ctx, "telegram:-1005")
	must(t, err)
	same(t, "language", fmt.Sprint(language, ok), "entrue")

	must(t, j.MoveChat(ctx, "telegram:-1005", "telegram:-1006"))
	same(t, "moves", got(j.Moves(ctx))(t), map[string]string{"telegram:-5": "telegram:-1006", "telegram:-1005": "telegram:-1006"})
	must(t, j.MoveChat(ctx, "telegram:-1006", "telegram:-5")) // and back to the first address
	enqueue(t, j, say("telegram:-5", "three"), say("telegram:-1005", "four"))
	same(t, "said at home", sendAll(t, j), []string{"telegram:-5 three", "telegram:-5 four"})
}

func TestMarkingWhatIsNotThere(t *testing.T) {
	j := open(t)
	if err := j.MarkSent(t.Context(), 7, "m", noon()); !errors.Is(err, journal.ErrNoDelivery) {
		t.Errorf("got %v", err)
	}
}

// The number of a problem is known only once it is stored.
func TestFactsNameTheProblem(t *testing.T) {
	j, e, facts := open(t), opening("a.example"), &reports.Facts{Event: reports.Opened, Server: "isp1"}
	d := say("webhook:duty", "one")
	d.ProblemKey, d.Message.Facts = e.Problems[0].Key, facts
	e.Deliveries = []journal.Delivery{d}
	must(t, j.Record(t.Context(), e))
	sent := got(j.SentFor(t.Context(), openIncidents(t, j)[0].Problem))(t)
	same(t, "messages", len(sent), 1)
	same(t, "the problem", sent[0].Message.Facts.Problem, sent[0].Problem)
	same(t, "the caller's facts", facts.Problem, int64(0))
}
