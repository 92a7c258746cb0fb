package telegram

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/bot"
	"domovoy/bot/lab"
	"domovoy/reports"
)

func TestSendAndEdit(t *testing.T) {
	server := newLab(t)
	tg := newBot(t, server)
	asked := server.Say(-1001, 7, 42, "Ann", "/check@domovoy_lab_bot client.ru")
	m := reports.Message{
		Language: "ru", Tone: reports.ToneBad, Title: "client.ru", Silent: true,
		Sections: []reports.Section{{Text: "a < b & c"}},
		Actions:  []reports.Action{{ID: "a1", Label: "Взять"}, {ID: "a2", Label: "Отменить", Danger: true}, {Label: "Не записано"}},
	}
	ref, err := tg.Send(t.Context(), address("-1001", "7"), fmt.Sprint(asked), m)
	if err != nil {
		t.Fatal(err)
	}
	got := server.Messages(-1001)[0]
	if ref != fmt.Sprint(got.ID) || got.Thread != 7 || got.ReplyTo != asked || !got.Silent || got.Text != "🔴 client.ru\n\na < b & c" {
		t.Errorf("ref %s, got %+v", ref, got)
	}
	buttons := [][]lab.Button{{{Label: "Взять", Data: "a1"}, {Label: "Отменить", Data: "a2", Style: "danger"}}}
	if diff := cmp.Diff(buttons, got.Buttons); diff != "" {
		t.Errorf("buttons (-want +got):\n%s", diff)
	}
	mustContain(t, server.Calls("sendMessage")[0].Params["link_preview_options"], `"is_disabled":true`)

	over := reports.Message{Language: "ru", Tone: reports.ToneOver, Title: "client.ru"}
	for range 2 { // the second changes nothing, which is not an error
		if err := tg.Edit(t.Context(), address("-1001", "7"), ref, over); err != nil {
			t.Fatal(err)
		}
	}
	if got := server.Messages(-1001)[0]; got.Text != "🟢 client.ru" || len(got.Buttons) != 0 || len(got.Edits) != 1 {
		t.Errorf("after the edits: %+v", got)
	}
}

func TestEditOfWhatIsGone(t *testing.T) {
	server := newLab(t)
	tg := newBot(t, server)
	server.AddChat(lab.Chat{ID: 42})
	ref, err := tg.Send(t.Context(), address("42", ""), "", reports.Message{Title: "one"})
	if err != nil {
		t.Fatal(err)
	}
	server.Forget(42, 1)
	for _, ref := range []string{ref, "", "x"} {
		if err := tg.Edit(t.Context(), address("42", ""), ref, reports.Message{Title: "two"}); !errors.Is(err, bot.ErrGone) {
			t.Errorf("ref %q: %v, want ErrGone", ref, err)
		}
	}
}

func TestAnswerToADeletedMessageIsSent(t *testing.T) {
	server := newLab(t)
	tg := newBot(t, server)
	server.AddChat(lab.Chat{ID: 42})
	if _, err := tg.Send(t.Context(), address("42", ""), "12345", reports.Message{Title: "one"}); err != nil {
		t.Fatal(err)
	}
}

// refuse is a fault with Telegram's error text.
func refuse(status int, text string) lab.Fault {
	return lab.Fault{Kind: lab.Refuse, Status: status, Text: text}
}

func TestRefusals(t *testing.T) {
	later := func(seconds int) error { return &bot.RetryAfter{After: time.Duration(seconds) * time.Second} }
	never := func(reason string) error { return &bot.Permanent{Reason: reason, Chat: reason != "Unauthorized"} }
	unclear := func(arrived bool) error { return &bot.Unclear{Arrived: arrived} }
	tests := []struct {
		fault lab.Fault
		want  error
	}{
		{lab.Fault{Kind: lab.TooManyRequests, RetryAfter: 17}, later(17)},
		{refuse(429, "Too Many Requests"), later(5)},
		{refuse(400, "Bad Request: chat not found"), never("chat not found")},
		{refuse(400, "Bad Request: not enough rights to send text messages to the chat"), never("not enough rights to send text messages to the chat")},
		{refuse(400, "Bad Request: CHAT_WRITE_FORBIDDEN"), never("CHAT_WRITE_FORBIDDEN")},
		{refuse(403, "Forbidden: bot was blocked by the user"), never("bot was blocked by the user")},
		{refuse(403, "Forbidden: user is deactivated"), never("user is deactivated")},
		{refuse(403, "Forbidden: something new"), unclear(false)},
		{refuse(401, "Unauthorized"), never("Unauthorized")},
		{refuse(404, "Not Found"), unclear(false)},
		{refuse(400, "Bad Request: something new"), &bot.Refused{Reason: "something new"}},
		{refuse(500, "Internal Server Error"), unclear(true)},
		{refuse(403, ""), unclear(true)}, // JSON, but not the Bot API's
		{lab.Fault{Kind: lab.BadGateway}, unclear(true)},
		{lab.Fault{Kind: lab.Page, Status: 404}, unclear(true)},
		{lab.Fault{Kind: lab.Page, Status: 200}, unclear(true)},
		{lab.Fault{Kind: lab.Cut}, unclear(true)},
		{lab.Fault{Kind: lab.Drop}, unclear(true)},
	}
	for _, field := range []string{"sendMessage", "sendDocument"} { // the library has no code for an upload's refusal
		for _, tt := range tests {
			t.Run(fmt.Sprint(field, tt.fault), func(t *testing.T) {
				server := newLab(t)
				tg := newBot(t, server)
				server.AddChat(lab.Chat{ID: 42})
				server.Fail(field, 1, tt.fault)
				m := reports.Message{Title: "one"}
				if field == "sendDocument" {
					m.Files = []reports.File{{Name: "a.csv", Data: []byte("a")}}
				}
				_, err := tg.Send(t.Context(), address("42", ""), "", m)
				checkRefusal(t, err, tt.want)
				if n := len(server.Calls(field)); n != 1 {
					t.Errorf("called %d times, want once: the outbox decides", n)
				}
			})
		}
	}
}

func checkRefusal(t *testing.T, err, want error) {
	t.Helper()
	ok := false
	switch want := want.(type) {
	case *bot.RetryAfter:
		got, is := errors.AsType[*bot.RetryAfter](err)
		ok = is && got.After == want.After && got.Scope == want.Scope
	case *bot.Permanent:
		got, is := errors.AsType[*bot.Permanent](err)
		ok = is && got.Reason == want.Reason && got.Chat == want.Chat && got.Token != want.Chat
	case *bot.Refused:
		got, is := errors.AsType[*bot.Refused](err)
		ok = is && got.Reason == want.Reason
	case *bot.Unclear:
		got, is := errors.AsType[*bot.Unclear](err)
		ok = is && got.Arrived == want.Arrived
	}
	if !ok {
		t.Errorf("got %#v, want %#v", err, want)
	}
}

// What never left this host did not arrive.
func TestAServerThatCannotBeReached(t *testing.T) {
	dead := deadURL(t, "http")
	tg := newBot(t, newLab(t), func(c *Config) { c.APIURL = dead })
	_, err := tg.Send(t.Context(), address("42", ""), "", reports.Message{Title: "one"})
	checkRefusal(t, err, &bot.Unclear{})
	if err := tg.Probe(t.Context()); err == nil {
		t.Error("a probe of it succeeds")
	}
}

func TestPlacesThatCannotBe(t *testing.T) {
	tg := newBot(t, newLab(t))
	for _, to := range []bot.Address{address("x", ""), address("1", "x"), {Messenger: "slack", Chat: "1"}} {
		_, err := tg.Send(t.Context(), to, "", reports.Message{Title: "one"})
		if _, permanent := errors.AsType[*bot.Permanent](err); !permanent {
			t.Errorf("%s: %v, want a permanent refusal", to, err)
		}
	}
}

func TestBlockedAndUnknownChats(t *testing.T) {
	server := newLab(t)
	tg := newBot(t, server)
	server.Block(42)
	server.Block(-1001)
	for chat, reason := range map[string]string{
		"42": "bot was blocked by the user", "-1001": "bot was kicked from the group chat", "4711": "chat not found",
	} {
		_, err := tg.Send(t.Context(), address(chat, ""), "", reports.Message{Title: "one"})
		checkRefusal(t, err, &bot.Permanent{Reason: reason, Chat: true})
	}
}

func TestMigration(t *testing.T) {
	server := newLab(t)
	tg := newBot(t, server)
	server.AddChat(lab.Chat{ID: -5})
	server.Migrate(-5, -1001234567890)
	for _, files := range [][]reports.File{nil, {{Name: "a.csv", Data: []byte("a")}}} {
		_, err := tg.Send(t.Context(), address("-5", ""), "", reports.Message{Title: "one", Files: files})
		moved, is := errors.AsType[*bot.Moved](err)
		if !is || moved.To != address("-1001234567890", "") {
			t.Fatalf("got %v, want it moved", err)
		}
		if _, err := tg.Send(t.Context(), moved.To, "", reports.Message{Title: "one", Files: files}); err != nil {
			t.Errorf("at the new place: %v", err)
		}
	}
}

func TestTopicThatIsGone(t *testing.T) {
	server := newLab(t)
	tg := newBot(t, server)
	server.AddTopic(-1001, 7)
	server.DeleteTopic(-1001, 7)
	if _, err := tg.Send(t.Context(), address("-1001", "7"), "", reports.Message{Title: "one"}); err != nil {
		t.Fatal(err)
	}
	if got := server.Messages(-1001); len(got) != 1 || got[0].Thread != 0 {
		t.Errorf("got %+v, want one message in the main chat", got)
	}
	mustContain(t, tg.logged.String(), "message thread not found")
}

func TestMarkupThatIsRefused(t *testing.T) {
	server := newLab(t)
	tg := newBot(t, server)
	server.AddChat(lab.Chat{ID: 42})
	server.Fail("sendMessage", 1, refuse(400, "Bad Request: can't parse entities: Unsupported start tag"))
	m := reports.Message{Title: "a < b", Sections: []reports.Section{{Quote: "c & d"}}}
	if _, err := tg.Send(t.Context(), address("42", ""), "", m); err != nil {
		t.Fatal(err)
	}
	if got := server.Messages(42)[0]; got.ParseMode != "" || got.Text != "a < b\n\nc & d" {
		t.Errorf("got %+v, want plain words", got)
	}
	server.Fail("sendMessage", 2, refuse(400, "Bad Request: can't parse entities: again"))
	if _, err := tg.Send(t.Context(), address("42", ""), "", m); err == nil {
		t.Error("plain words were refused, and Send said nothing")
	}
}

func TestLongMessagesFit(t *testing.T) {
	server := newLab(t)
	tg := newBot(t, server)
	server.AddChat(lab.Chat{ID: 42})
	items := make([]reports.Item, 500)
	for i := range items {
		items[i].Text = strings.Repeat("😀", 30)
	}
	m := reports.Message{Language: "en", Title: "Long", Sections: []reports.Section{{Items: items}}}
	if _, err := tg.Send(t.Context(), address("42", ""), "", m); err != nil {
		t.Fatal(err)
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	server := newLab(t)
	tg := newBot(t, server)
	server.AddChat(lab.Chat{ID: 42})
	server.Fail("sendMessage", 1, lab.Fault{Kind: lab.Hang})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := tg.Send(ctx, address("42", ""), "", reports.Message{Title: "one"})
		done <- err
	}()
	if _, err := server.WaitCalls(t.Context(), "sendMessage", 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestPace(t *testing.T) {
	tests := []struct {
		name  string
		chat  func(i int) int64
		calls int
		want  time.Duration // until the last one may be sent
	}{
		{"a private chat's burst", func(int) int64 { return 42 }, 3, 0},
		{"a private chat", func(int) int64 { return 42 }, 10, 7 * time.Second},
		{"a group's minute", func(int) int64 { return -42 }, 19, time.Minute},
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

// A request to wait that another call met, such as that of a file, holds for the chat.
func TestNothingIsSentInsideAWindow(t *testing.T) {
	server := newLab(t)
	tg := newBot(t, server)
	server.AddChat(lab.Chat{ID: 42})
	server.Fail("sendDocument", 1, lab.Fault{Kind: lab.TooManyRequests, RetryAfter: 600})
	long := reports.Message{Title: "one", Sections: []reports.Section{{Text: strings.Repeat("x", 2000)}}, Files: []reports.File{{Name: "a.csv", Data: []byte("a")}}}
	ref, err := tg.Send(t.Context(), address("42", ""), "", long)
	if half, ok := errors.AsType[*bot.Incomplete](err); !ok || ref == "" || half.After < 9*time.Minute || !strings.Contains(half.Note.Title, "a.csv") {
		t.Errorf("ref %q, got %v, want it to be incomplete", ref, err)
	}
	_, err = tg.Send(t.Context(), address("42", ""), "", reports.Message{Title: "two"})
	if wait, ok := errors.AsType[*bot.RetryAfter](err); !ok || wait.After < 9*time.Minute {
		t.Errorf("got %v, want to wait", err)
	}
	for _, call := range server.Calls("") {
		if call.Inside {
			t.Errorf("%s was called inside the window", call.Method)
		}
	}
}
