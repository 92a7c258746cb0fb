package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/lab"
	"domovoy/reports"
)

func TestListen(t *testing.T) {
	server := newLab(t)
	tg := newBot(t, server)
	in := newInbox()
	stop := listen(t, tg.Telegram, in)

	server.Say(-1001, 7, 42, "Ann", "/check@domovoy_lab_bot client.ru")
	if u := in.next(t); u.Text != "check client.ru" || u.Chat != "telegram:-1001/7" || u.Person != "telegram:42" {
		t.Errorf("heard %+v", u)
	}
	ref, err := tg.Send(t.Context(), address("42", ""), "", reports.Message{Title: "x"})
	if _, permanent := errors.AsType[*bot.Permanent](err); !permanent {
		t.Errorf("an unknown chat: %q, %v", ref, err)
	}
	server.Say(42, 0, 42, "Ann", "привет")
	in.next(t)
	m := reports.Message{Title: "x", Actions: []reports.Action{{ID: "a1", Label: "Взять"}}}
	if ref, err = tg.Send(t.Context(), address("42", ""), "", m); err != nil {
		t.Fatal(err)
	}
	query, err := server.PressButton(42, server.Messages(42)[0].ID, lab.User{ID: 42, FirstName: "Ann"}, "Взять")
	if err != nil {
		t.Fatal(err)
	}
	if u := in.next(t); u.Button != "a1" || u.Ref != ref || u.Person != "telegram:42" || !u.Private {
		t.Errorf("heard %+v", u)
	}
	if _, err := server.WaitAnswer(t.Context(), query); err != nil {
		t.Error(err)
	}
	server.ChangeMembership(-1001, lab.User{ID: 42}, "member", "administrator")
	if err := server.WaitConfirmed(t.Context()); err != nil {
		t.Error(err)
	}
	if err := stop(); err != nil {
		t.Errorf("the end of the context is no error: %v", err)
	}
	mustContain(t, tg.logged.String(), "to=administrator")
}

func TestNothingIsConfirmedBeforeItIsStored(t *testing.T) {
	server := newLab(t)
	tg := newBot(t, server)
	in := newInbox()
	in.fail = 3
	server.Say(42, 0, 42, "Ann", "/status")
	listen(t, tg.Telegram, in)
	if u := in.next(t); u.Text != "status" {
		t.Errorf("heard %+v", u)
	}
	if err := server.WaitConfirmed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := tg.waited(), []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}; !slices.Equal(got, want) {
		t.Errorf("waited %v, want %v", got, want)
	}
	mustContain(t, tg.logged.String(), "the disk is full")
}

// dying is the inbox of a process that is killed while it stores.
type dying struct {
	bot.Inbox
	killed chan struct{}
}

func (d dying) Receive(ctx context.Context, _ []bot.Update, _ string) error {
	close(d.killed)
	<-ctx.Done()
	return ctx.Err()
}

func TestKilledBetweenHearingAndStoring(t *testing.T) {
	server := newLab(t)
	server.Say(42, 0, 42, "Ann", "/status")
	in := newInbox()
	first := dying{Inbox: in, killed: make(chan struct{})}
	stop := listen(t, newBot(t, server).Telegram, first)
	<-first.killed
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := server.Unconfirmed(); n != 1 {
		t.Fatalf("%d updates unconfirmed, want 1", n)
	}
	stop = listen(t, newBot(t, server).Telegram, in)
	if u := in.next(t); u.Text != "status" {
		t.Errorf("heard %+v", u)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	// The third run begins after the last stored update, whether or not that
	// was confirmed.
	server.Say(42, 0, 42, "Ann", "/help")
	listen(t, newBot(t, server).Telegram, in)
	if u := in.next(t); u.Text != "help" {
		t.Errorf("heard %+v", u)
	}
}

func TestTroubleOfListening(t *testing.T) {
	tests := []struct {
		name   string
		method string
		fault  lab.Fault
		want   time.Duration
		logged string
	}{
		{"balancer", "getUpdates", lab.Fault{Kind: lab.BadGateway}, time.Second, "HTTP status 502"},
		{"before the start", "getMe", lab.Fault{Kind: lab.BadGateway}, time.Second, "calling getMe"},
		{"dropped", "getUpdates", lab.Fault{Kind: lab.Drop}, time.Second, "EOF"},
		{"second poller", "getUpdates", refuse(409, "Conflict: terminated by other getUpdates request"), conflictWait, "another program"},
		{"flood", "getUpdates", lab.Fault{Kind: lab.TooManyRequests, RetryAfter: 21}, 21 * time.Second, "retry after 21"},
		{"a menu that fails", "setMyCommands", lab.Fault{Kind: lab.BadGateway}, 0, "cannot set the command menu"},
		{"an answer that fails", "answerCallbackQuery", refuse(400, "Bad Request: query is too old"), 0, "not answered"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := newLab(t)
			menu := map[string][]BotCommand{"en": {{"status", "how things are"}}}
			tg := newBot(t, server, func(c *Config) { c.Commands = menu })
			server.Fail(tt.method, 1, tt.fault)
			in := newInbox()
			server.Press(42, 1, lab.User{ID: 42}, "a1")
			listen(t, tg.Telegram, in)
			in.next(t)
			if err := server.WaitConfirmed(t.Context()); err != nil {
				t.Fatal(err)
			}
			if waits := tg.waited(); tt.want == 0 && len(waits) > 0 || tt.want > 0 && !slices.Equal(waits, []time.Duration{tt.want}) {
				t.Errorf("waited %v, want %s", waits, tt.want)
			}
			mustContain(t, tg.logged.String(), tt.logged)
		})
	}
}

func TestVoidTokenEndsListening(t *testing.T) {
	for _, method := range []string{"getMe", "getUpdates"} {
		server := newLab(t)
		server.Fail(method, 1, refuse(401, "Unauthorized"))
		err := newBot(t, server).Listen(t.Context(), newInbox())
		checkRefusal(t, err, &bot.Permanent{Reason: "Unauthorized"})
	}
}

func TestStartWithoutNetwork(t *testing.T) {
	server := newLab(t)
	server.Close()
	tg := newBot(t, server)
	stop := listen(t, tg.Telegram, newInbox())
	var longest time.Duration
	for range 12 {
		longest = <-tg.waits
	}
	if longest != longestWait {
		t.Errorf("the twelfth wait is %s, want %s", longest, longestWait)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestMenus(t *testing.T) {
	server := newLab(t)
	menus := map[string][]BotCommand{
		"en": {{"status", "how things are"}, {"check", "look at a domain"}},
		"ru": {{"status", "как дела"}, {"check", "посмотреть домен"}},
	}
	for range 2 { // the second start finds them unchanged
		tg := newBot(t, server, func(c *Config) { c.Commands = menus })
		server.Say(42, 0, 42, "Ann", "/status")
		in := newInbox()
		stop := listen(t, tg.Telegram, in)
		in.next(t)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
	if got := server.Commands("default", ""); len(got) != 2 || got[0].Description != "how things are" {
		t.Errorf("the menu for all languages: %v", got)
	}
	if got := server.Commands("default", "ru"); len(got) != 2 || got[0].Description != "как дела" {
		t.Errorf("the Russian menu: %v", got)
	}
	if n := len(server.Calls("setMyCommands")); n != 2 {
		t.Errorf("menus were set %d times, want 2", n)
	}
}

func TestCursorFollowsTheLastUpdate(t *testing.T) {
	tests := []struct {
		name, answer, cursor string
		heard                int
		fails                bool
	}{
		{"nothing", `[]`, "", 0, false},
		{"in order", `[{"update_id":7},{"update_id":8}]`, "9", 2, false},
		{"numbers restarted below", `[{"update_id":3}]`, "4", 1, false},
		{"one is unreadable", `[{"update_id":7,"message":{"message_id":"x"}},{"update_id":8}]`, "9", 1, false},
		{"one has no number", `[{"message":{}}]`, "", 0, true},
		{"no list", `{}`, "", 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := &listener{Telegram: newBot(t, newLab(t)).Telegram}
			updates, cursor, err := l.read(t.Context(), json.RawMessage(tt.answer))
			if len(updates) != tt.heard || cursor != tt.cursor || (err != nil) != tt.fails {
				t.Errorf("got %d updates, cursor %q, %v", len(updates), cursor, err)
			}
		})
	}
}

// door is an inbox that wants to know where the bot may write again.
type door struct {
	*inbox
	admitted chan bot.Address
}

func (d door) Admitted(_ context.Context, to bot.Address) error {
	d.admitted <- to
	return nil
}

func TestMembershipOpensAChat(t *testing.T) {
	server := newLab(t)
	tg := newBot(t, server)
	d := door{newInbox(), make(chan bot.Address, 9)}
	listen(t, tg.Telegram, d)
	if err := server.WaitPolling(t.Context()); err != nil {
		t.Fatal(err)
	}
	ann := lab.User{ID: 42, FirstName: "Ann"}
	server.ChangeMembership(-1001, ann, "member", "kicked")
	server.ChangeMembership(-1001, ann, "left", "member")
	server.ChangeMembership(42, ann, "kicked", "member")
	for _, chat := range []string{"-1001", "42"} {
		if got := <-d.admitted; got != address(chat, "") {
			t.Errorf("%s was admitted, want %s", got, chat)
		}
	}
}
