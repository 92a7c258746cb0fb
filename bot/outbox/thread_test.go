package outbox_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/lab"
	"domovoy/bot/outbox"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// The chats of both messengers in these tests.
const (
	phone   = int64(42)
	channel = "C1"
)

// incident is a problem with its messages in a chat of each messenger, as the alerts
// write them.
type incident struct {
	*testing.T
	servers servers
	journal *journal.Journal
	outbox  *outbox.Outbox
	problem int64
	first   map[string]int64 // the first message's delivery, by chat
}

// newIncident has told both chats of a problem with these folded details.
func newIncident(t *testing.T, details ...string) *incident {
	s := newServers(t)
	s.telegram.AddChat(lab.Chat{ID: phone})
	s.slack.AddChannel(lab.Channel{ID: channel})
	i := &incident{T: t, servers: s, journal: enginetest.Journal(t), first: map[string]int64{}}
	i.outbox = s.outboxTo(t, i.journal)
	standing, err := i.journal.Standing(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p := reports.Problem{Key: "isp1///panel.failed", Server: "isp1", Cause: checks.PanelFailed, Opened: time.Now()}
	entry := journal.Entry{At: time.Now(), Revision: standing.Revision, Problems: []reports.Problem{p}}
	for _, to := range i.chats() {
		entry.Deliveries = append(entry.Deliveries, journal.Delivery{To: to, Kind: string(reports.Opened), ProblemKey: p.Key, Message: folding("it failed", details...)})
	}
	if err := i.journal.Record(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	standing, err = i.journal.Standing(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	i.problem = standing.Problems[0].ID
	for _, d := range i.sent() {
		i.first[d.To] = d.ID
	}
	i.flush()
	return i
}

func (i *incident) chats() []string {
	return []string{fmt.Sprint("telegram:", phone), "slack:" + channel}
}

// folding is an alert with its details.
func folding(title string, details ...string) reports.Message {
	m := reports.Message{Language: "en", Tone: reports.ToneBad, Title: title, Sections: []reports.Section{{Text: "next step"}}}
	for _, text := range details {
		m.Sections = append(m.Sections, reports.Section{Text: text, Folded: true})
	}
	return m
}

func (i *incident) flush() {
	i.Helper()
	if err := i.outbox.Flush(i.Context()); err != nil {
		i.Fatal(err)
	}
}

// sent are the problem's messages.
func (i *incident) sent() []journal.Delivery {
	i.Helper()
	found, err := i.journal.SentFor(i.Context(), i.problem)
	if err != nil {
		i.Fatal(err)
	}
	return found
}

// edit replaces the first message in each chat.
func (i *incident) edit(m reports.Message) {
	i.Helper()
	for _, to := range i.chats() {
		enqueue(i.T, i.journal, journal.Delivery{To: to, Kind: "edit", Problem: i.problem, Edits: i.first[to], Message: m})
	}
	i.flush()
}

// inSlack are the texts in the channel, and in its threads.
func (i *incident) inSlack() (messages, replies []string) {
	for _, m := range i.servers.slack.Messages(channel) {
		text := strings.Join(strings.Fields(m.Body.Read()), " ")
		if m.Thread == "" {
			messages = append(messages, text)
		} else {
			replies = append(replies, text)
		}
	}
	return messages, replies
}

func (i *incident) inTelegram() (messages []string) {
	for _, m := range i.servers.telegram.Messages(phone) {
		messages = append(messages, strings.Join(strings.Fields(m.Text), " "))
	}
	return messages
}

// equal compares texts; of a reply the time in its first line does not count.
func equal(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	for n, text := range got {
		if strings.HasPrefix(text, "Details, as of") {
			_, got[n], _ = strings.Cut(text, "UTC ")
			if clock := strings.Index(text, ":"); clock > 0 {
				got[n] = "Details: " + text[clock+4:]
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// Details stand behind a quotation of the same message in Telegram. In Slack they are
// one reply in its thread, which is edited when they change, and only then.
func TestDetailsInAThread(t *testing.T) {
	i := newIncident(t, "a.ru", "b.ru")
	messages, replies := i.inSlack()
	equal(t, "the channel", messages, "🔴 it failed next step")
	equal(t, "the thread", replies, "Details: a.ru b.ru")
	equal(t, "Telegram", i.inTelegram(), "🔴 it failed next step a.ru b.ru")

	i.edit(folding("it failed more", "a.ru", "b.ru"))
	i.edit(folding("it failed more", "a.ru", "b.ru", "c.ru"))
	i.edit(folding("it is over"))
	messages, replies = i.inSlack()
	equal(t, "the channel", messages, "🔴 it is over next step")
	equal(t, "the thread", replies, "Details: a.ru b.ru c.ru")
	equal(t, "Telegram", i.inTelegram(), "🔴 it is over next step")
	if edits := len(i.servers.slack.Calls("chat.update")); edits != 4 {
		t.Errorf("%d edits, want three of the message and one of its details", edits)
	}
}

// What was cut off between the message and its details is sent by the next process,
// once.
func TestDetailsAfterACrash(t *testing.T) {
	i := newIncident(t)
	to := "slack:" + channel
	enqueue(t, i.journal, journal.Delivery{To: to, Kind: string(reports.Worsened), Problem: i.problem, Message: folding("it is worse", "a.ru")})
	i.servers.slack.Fail("chat.postMessage", 2, lab.Fault{Kind: lab.TooManyRequests, RetryAfter: 1}) // the message, then its details
	for range 3 {                                                                                    // each begins again, as after a kill
		ctx, cancel := context.WithTimeout(t.Context(), 1200*time.Millisecond)
		_ = i.servers.outboxTo(t, i.journal).Run(ctx)
		cancel()
	}
	messages, replies := i.inSlack()
	equal(t, "the channel", messages, "🔴 it failed next step", "🔴 it is worse next step")
	equal(t, "the thread", replies, "Details: a.ru")
}

// Details whose sending ended without an answer are repeated, and say so.
func TestDetailsAgain(t *testing.T) {
	i := newIncident(t)
	to := "slack:" + channel
	enqueue(t, i.journal, journal.Delivery{To: to, Kind: journal.DetailsKind, Under: i.first[to], ReplyTo: i.servers.slack.Messages(channel)[0].TS, Message: folding("a.ru")})
	i.servers.slack.Fail("chat.postMessage", 1, lab.Fault{Kind: lab.Drop})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	_ = i.outbox.Run(ctx)
	_, replies := i.inSlack()
	equal(t, "the thread", replies, "🔴 a.ru next step", "🔴 a.ru next step You may have received this already: sending it was interrupted.")
}

// A message that was deleted before its details came takes them along: they are
// nothing without it, and no loss.
func TestDetailsOfADeletedMessage(t *testing.T) {
	i := newIncident(t)
	to := "slack:" + channel
	ts := i.servers.slack.Messages(channel)[0].TS
	enqueue(t, i.journal, journal.Delivery{To: to, Kind: journal.DetailsKind, Under: i.first[to], ReplyTo: ts, Message: folding("Details")})
	i.servers.slack.Forget(channel, ts)
	i.flush()
	messages, replies := i.inSlack()
	equal(t, "the channel", messages)
	equal(t, "the thread", replies)
	report, err := i.journal.Deliveries(t.Context(), time.Now(), time.Now().Add(-time.Hour), 10)
	if err != nil || report.Waiting != 0 || report.Lost != 0 {
		t.Errorf("%d wait, %d count as lost, %v", report.Waiting, report.Lost, err)
	}
}

// An edit that the messenger refuses for the message's age, or because it is gone,
// becomes a new message that says so. What comes later edits that one.
func TestAnEditThatCannotBeMade(t *testing.T) {
	const replaces = " The earlier message can no longer be edited, so this one replaces it."
	for name, refuse := range map[string]func(i *incident, id int, ts string){
		"deleted": func(i *incident, id int, ts string) {
			i.servers.telegram.Forget(phone, id)
			i.servers.slack.Forget(channel, ts)
		},
		"too old": func(i *incident, id int, ts string) {
			i.servers.telegram.Freeze(phone, id)
			i.servers.slack.Lock(channel, ts, "edit_window_closed")
		},
		"not ours": func(i *incident, id int, ts string) {
			i.servers.telegram.Freeze(phone, id)
			i.servers.slack.Lock(channel, ts, "cant_update_message")
		},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIncident(t)
			was := 1
			refuse(i, i.servers.telegram.Messages(phone)[0].ID, i.servers.slack.Messages(channel)[0].TS)
			if name == "deleted" {
				was = 0
			}
			i.edit(folding("it failed more", "a.ru"))
			messages, replies := i.inSlack()
			equal(t, "the channel", messages[was:], "🔴 it failed more next step"+replaces)
			equal(t, "the thread", replies, "Details: a.ru")
			equal(t, "Telegram", i.inTelegram()[was:], "🔴 it failed more next step a.ru"+replaces)

			i.edit(folding("it is over"))
			messages, _ = i.inSlack()
			equal(t, "the channel", messages[was:], "🔴 it is over next step")
			equal(t, "Telegram", i.inTelegram()[was:], "🔴 it is over next step")
			report, err := i.journal.Deliveries(t.Context(), time.Now(), time.Now().Add(-time.Hour), 10)
			if err != nil || report.Waiting != 0 || report.Lost != 0 {
				t.Errorf("%d wait, %d count as lost, %v", report.Waiting, report.Lost, err)
			}
		})
	}
}

// An edit that is refused again and again for a reason that nobody knows is sent as a
// new message, too: what is over must be told.
func TestAnEditThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.Journal(t)
		odd := fails(&bot.Refused{Reason: "Bad Request: something new"})
		w := &wall{plan: map[string][]func(context.Context) error{"over": {odd, odd, odd, odd}}}
		o := outboxOf(t, j, w, "a: failed")
		enginetest.Run(t, time.Minute, o.Run)
		enqueue(t, j, journal.Delivery{To: "wall:a", Kind: "edit", Edits: 1, Message: reports.Message{Language: "en", Title: "over"}})
		enginetest.Run(t, time.Minute, o.Run)
		w.want(t, "a", "failed", "over | The earlier message can no longer be edited, so this one replaces it.")
	})
}

// Where a newer message about the problem is in the chat, an old one that cannot be
// edited needs no other in its place.
func TestANewerMessageTellsIt(t *testing.T) {
	i := newIncident(t)
	for _, to := range i.chats() {
		enqueue(t, i.journal, journal.Delivery{To: to, Kind: string(reports.Resolved), Problem: i.problem, Message: folding("the end")})
	}
	i.servers.telegram.Forget(phone, i.servers.telegram.Messages(phone)[0].ID)
	i.servers.slack.Forget(channel, i.servers.slack.Messages(channel)[0].TS)
	i.edit(folding("it is over"))
	messages, _ := i.inSlack()
	equal(t, "the channel", messages, "🔴 the end next step")
	equal(t, "Telegram", i.inTelegram(), "🔴 the end next step")
}
