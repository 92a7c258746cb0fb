package slack

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"domovoy/bot"
	"domovoy/bot/lab"
)

func TestListenHears(t *testing.T) {
	server, s := workspace(t)
	in := newInbox()
	listen(t, server, s, in)
	m := samples()["alert.ru"]
	root, err := s.Send(t.Context(), opsChannel(), "", m)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := s.Send(t.Context(), opsChannel(), root, m)
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.Send(t.Context(), opsChannel(), "", samples()["rows.en"])
	if err != nil {
		t.Fatal(err)
	}
	folded, err := s.Send(t.Context(), opsChannel(), "", samples()["folded.ru"])
	if err != nil {
		t.Fatal(err)
	}
	press := func(ts, button string) func() string {
		return func() string {
			envelope, err := server.Press(ops, ts, user, button)
			if err != nil {
				t.Fatal(err)
			}
			return envelope
		}
	}
	person := "slack:" + team + ":" + user
	tests := []struct {
		name string
		say  func() string
		want bot.Update
	}{
		{"slash", func() string { return server.Slash(ops, user, team, "/domovoy", "check shop.ru ") },
			bot.Update{Chat: "slack:" + ops, Name: "ann", Text: "check shop.ru"}},
		{"bare slash", func() string { return server.Slash(ops, user, team, "/domovoy", "") },
			bot.Update{Chat: "slack:" + ops, Name: "ann", Text: "help"}},
		{"slash in a direct message", func() string { return server.Slash("D0123456", user, team, "/domovoy", "whoami") },
			bot.Update{Chat: "slack:D0123456", Private: true, Name: "ann", Text: "whoami"}},
		{"mention", func() string { return server.Mention(ops, user, "why <http://shop.ru|shop.ru>", "") },
			bot.Update{Chat: "slack:" + ops, Text: "why shop.ru"}},
		{"mention in a thread", func() string { return server.Mention(ops, user, "status", root) },
			bot.Update{Chat: "slack:" + ops + "/" + root, Text: "status"}},
		{"direct message", func() string { return server.Tell(user, "limits") },
			bot.Update{Chat: "slack:D0123456", Private: true, Text: "limits"}},
		{"button", press(root, "action-2"),
			bot.Update{Chat: "slack:" + ops, Button: "k3f9a3", Ref: root}},
		{"button in a thread", press(reply, "action-2"),
			bot.Update{Chat: "slack:" + ops + "/" + root, Button: "k3f9a3", Ref: reply}},
		{"entry of a menu", press(folded, "a3"), bot.Update{Chat: "slack:" + ops, Button: "a3", Ref: folded}},
		{"row of a list", press(list, "r2"), bot.Update{Chat: "slack:" + ops, Button: "r2", Ref: list}},
		{"one of many buttons", press(list, "b15"), bot.Update{Chat: "slack:" + ops, Button: "b15", Ref: list}},
		{"forged button", func() string { return server.PressForged(ops, root, user, "x", "nonsense") },
			bot.Update{Chat: "slack:" + ops, Button: "nonsense", Ref: root}},
	}
	keys := map[string]bool{}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			envelope := tt.say()
			got := in.next(t)
			tt.want.Messenger, tt.want.Person = "slack", person
			ignored := cmpopts.IgnoreFields(bot.Update{}, "Key", "At")
			if tt.want.Button == "" {
				ignored = cmpopts.IgnoreFields(bot.Update{}, "Key", "At", "Ref")
			}
			if diff := cmp.Diff(tt.want, got, ignored); diff != "" {
				t.Errorf("update (-want +got):\n%s", diff)
			}
			if got.At.IsZero() || got.Key == "" || keys[got.Key] {
				t.Errorf("key %q, at %v: want a new key and a time", got.Key, got.At)
			}
			keys[got.Key] = true
			ack, err := server.WaitAck(within10s(t), envelope)
			if err != nil {
				t.Fatal(err)
			}
			if len(ack.Payload) > 0 || ack.Late {
				t.Errorf("ack %+v, want an empty one in time", ack)
			}
		})
	}
}

func TestListenConfirmsOnlyWhatIsStored(t *testing.T) {
	server, s := workspace(t)
	in := newInbox()
	in.refuses("status")
	listen(t, server, s, in)

	lost := server.Mention(ops, user, "status", "")
	next := server.Mention(ops, user, "limits", "")
	if got := in.next(t); got.Text != "limits" {
		t.Fatalf("stored %q, want the second", got.Text)
	}
	if _, err := server.WaitAck(within10s(t), next); err != nil {
		t.Fatal(err)
	}
	in.refuses("")
	again, err := server.Redeliver(lost)
	if err != nil {
		t.Fatal(err)
	}
	first := in.next(t)
	if first.Text != "status" {
		t.Errorf("stored %q on the retry, want the first", first.Text)
	}
	if _, err := server.WaitAck(within10s(t), again); err != nil {
		t.Error(err)
	}
	for _, e := range server.Envelopes() {
		if e.ID == lost && e.Ack.Count > 0 {
			t.Error("confirmed what was not stored")
		}
	}

	// The same frame again is stored under the same key.
	if err := server.Repeat(again); err != nil {
		t.Fatal(err)
	}
	if got := in.next(t); got.Key != first.Key {
		t.Errorf("key %q of a repetition, want %q", got.Key, first.Key)
	}
}

func TestListenOutlives(t *testing.T) {
	tests := map[string]func(*lab.Slack) error{
		"a disconnect":    func(server *lab.Slack) error { return server.Disconnect("refresh_requested") },
		"a cut":           func(server *lab.Slack) error { server.Cut(); return nil },
		"broken JSON":     func(server *lab.Slack) error { return server.SendRaw(`{"type":`) },
		"an unknown type": func(server *lab.Slack) error { return server.SendRaw(`{"type":"surprise","envelope_id":"e"}`) },
		"a 502": func(server *lab.Slack) error {
			server.Fail("apps.connections.open", 1, lab.Fault{Kind: lab.BadGateway})
			server.Cut()
			return nil
		},
	}
	for name, harm := range tests {
		t.Run(name, func(t *testing.T) {
			server, s := workspace(t)
			in := newInbox()
			listen(t, server, s, in)
			if err := harm(server); err != nil {
				t.Fatal(err)
			}
			if err := server.WaitConnected(within10s(t), 1); err != nil {
				t.Fatal(err)
			}
			server.Mention(ops, user, "status", "")
			if got := in.next(t); got.Text != "status" {
				t.Errorf("heard %q", got.Text)
			}
		})
	}
}

// Slack's warning is the only sign of Socket Mode being off.
func TestSocketModeOff(t *testing.T) {
	server, s := workspace(t)
	server.SetSocketMode(false)
	if err := s.TryTokens(within10s(t)); err != nil || !s.SocketModeOff() {
		t.Errorf("off: %v, %v", err, s.SocketModeOff())
	}
	in := newInbox()
	listen(t, server, s, in)
	server.Slash(ops, user, "T012345", "/domovoy", "lost")
	server.SetSocketMode(true)
	server.Slash(ops, user, "T012345", "/domovoy", "status")
	if got := in.next(t); got.Text != "status" {
		t.Errorf("heard %q", got.Text)
	}
	if err := s.TryTokens(within10s(t)); err != nil || s.SocketModeOff() {
		t.Errorf("on: %v, %v", err, s.SocketModeOff())
	}
}

func TestListenEndsWithAVoidToken(t *testing.T) {
	for _, refusal := range []string{"invalid_auth", "account_inactive", "not_authed", "token_revoked"} {
		server, s := workspace(t)
		server.Fail("apps.connections.open", 1, lab.Fault{Kind: lab.Refuse, Text: refusal})
		err := s.Listen(within10s(t), newInbox())
		var permanent *bot.Permanent
		if !errors.As(err, &permanent) || permanent.Reason != refusal {
			t.Errorf("Listen ended with %v, want a permanent %s", err, refusal)
		}
	}
}

func TestNewRefusesBadTokens(t *testing.T) {
	tests := []Config{
		{BotToken: "xapp-1", AppToken: "xapp-1"},
		{BotToken: "xoxb-1", AppToken: "xoxb-1"},
		{BotToken: "xoxb-1", AppToken: "xapp-1", Proxy: "ftp://proxy"},
		{BotToken: "xoxb-1", AppToken: "xapp-1", Proxy: "proxy:8080"},
		{BotToken: "xoxb-1", AppToken: "xapp-1", Proxy: "http://a:secret@[::1"},
	}
	for _, config := range tests {
		_, err := New(config, nil)
		if err == nil {
			t.Errorf("New(%+v) took it", config)
			continue
		}
		noSecrets(t, err, "secret", config.BotToken, config.AppToken)
	}
}
