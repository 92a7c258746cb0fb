package lab_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"domovoy/bot/lab"
)

// updates asks for updates and returns their ids and the bodies of one kind.
func updates(t *testing.T, server *lab.Telegram, p params) (ids []int, kinds []string) {
	t.Helper()
	_, answer := call(t, server.URL()+"/bot"+server.Token()+"/getUpdates", "", p)
	list, ok := answer["result"].([]any)
	if !ok {
		t.Fatalf("getUpdates: %v", answer)
	}
	for _, u := range list {
		for kind, body := range u.(params) {
			if kind == "update_id" {
				ids = append(ids, int(body.(float64)))
			} else {
				kinds = append(kinds, kind)
			}
		}
	}
	return ids, kinds
}

func TestUpdatesStayUntilAHigherOffset(t *testing.T) {
	server := newTelegram(t, lab.TelegramOptions{})
	for n := range 3 {
		server.Say(person, 0, person, "Ann", fmt.Sprint("/status ", n))
	}
	first, _ := updates(t, server, params{})
	if len(first) != 3 {
		t.Fatalf("got %v", first)
	}
	for _, c := range []struct{ offset, left int }{{0, 3}, {first[0], 3}, {first[1], 2}} {
		if again, _ := updates(t, server, params{"offset": c.offset}); len(again) != c.left || server.Unconfirmed() != c.left {
			t.Errorf("offset %d: %v, want %d left", c.offset, again, c.left)
		}
	}
	if again, _ := updates(t, server, params{"offset": first[2] + 1}); len(again) != 0 || server.Unconfirmed() != 0 {
		t.Errorf("offset past the end: %v", again)
	}
	if err := server.WaitConfirmed(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestUpdatesOfKindsNotAskedForAreNotMade(t *testing.T) {
	server := newTelegram(t, lab.TelegramOptions{})
	ask(t, server, "sendMessage", params{"chat_id": person, "text": "x", "reply_markup": keyboard("id")})
	updates(t, server, params{"allowed_updates": []string{"message"}})
	ann := lab.User{ID: person, FirstName: "Ann"}
	if _, err := server.PressButton(person, 1, ann, "List"); err != nil {
		t.Fatal(err)
	}
	updates(t, server, params{"allowed_updates": []string{"message", "callback_query"}})
	query, err := server.PressButton(person, 1, ann, "List")
	if err != nil {
		t.Fatal(err)
	}
	if _, kinds := updates(t, server, params{}); cmp.Diff([]string{"callback_query"}, kinds) != "" {
		t.Errorf("got %v", kinds)
	}
	if got := ask(t, server, "answerCallbackQuery", params{"callback_query_id": query, "text": strings.Repeat("я", 201)}); got != "Bad Request: MESSAGE_TOO_LONG" {
		t.Errorf("long answer: %q", got)
	}
	ask(t, server, "answerCallbackQuery", params{"callback_query_id": query, "text": "no", "show_alert": true})
	answer, err := server.WaitAnswer(t.Context(), query)
	if want := (lab.CallbackAnswer{Query: query, Answered: 1, Text: "no", Alert: true}); err != nil || answer != want {
		t.Errorf("got %+v, %v", answer, err)
	}
}

func TestTheOlderOfTwoPollersIsEnded(t *testing.T) {
	server := newTelegram(t, lab.TelegramOptions{})
	url := server.URL() + "/bot" + server.Token() + "/getUpdates"
	older := make(chan any)
	go func() {
		_, answer := call(t, url, "", params{"timeout": 50})
		older <- answer["description"]
	}()
	if err := server.WaitPolling(t.Context()); err != nil {
		t.Fatal(err)
	}
	newer := make(chan []int)
	go func() {
		ids, _ := updates(t, server, params{"timeout": 50})
		newer <- ids
	}()
	if got := <-older; got != "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running" {
		t.Errorf("older: %v", got)
	}
	server.Say(person, 0, person, "Ann", "hello") // ends the newer request
	if got := <-newer; len(got) != 1 {
		t.Errorf("newer: %v", got)
	}
}

func TestPrivacyMode(t *testing.T) {
	for text, heard := range map[string]bool{
		"good morning": false, "/status": true, "/status@domovoy_lab_bot": true, "/status@other_bot": false, "@domovoy_lab_bot hi": false,
	} {
		server := newTelegram(t, lab.TelegramOptions{})
		server.Say(group, 0, person, "Ann", text)
		if got := server.Unconfirmed() == 1; got != heard {
			t.Errorf("%q others: %v", text, got)
		}
	}
}

func TestWhoSpeaks(t *testing.T) {
	server := newTelegram(t, lab.TelegramOptions{})
	server.AddChat(lab.Chat{ID: -1009, Type: "channel", Title: "News"})
	ann := lab.User{ID: person, FirstName: "Ann", LanguageCode: "ru"}
	id := server.Post(lab.Incoming{Chat: group, From: ann, Thread: 7, Text: "/status"})
	server.Post(lab.Incoming{Chat: group, From: ann, Text: "/status all", EditOf: id})
	server.Post(lab.Incoming{Chat: group, SenderChat: group, Text: "/status"})
	server.Post(lab.Incoming{Chat: -1009, Text: "/status"})
	_, answer := call(t, server.URL()+"/bot"+server.Token()+"/getUpdates", "", nil)
	var got []string
	for _, u := range answer["result"].([]any) {
		for kind, body := range u.(params) {
			if m, ok := body.(params); ok {
				from, _ := m["from"].(params)
				sender, _ := m["sender_chat"].(params)
				got = append(got, fmt.Sprint(kind, " ", m["message_thread_id"], " ", from["username"], from["language_code"], " ", sender["type"]))
			}
		}
	}
	want := []string{"message 7 <nil>ru <nil>", "edited_message <nil> <nil>ru <nil>",
		"message <nil> GroupAnonymousBot<nil> supergroup", "channel_post <nil> <nil> <nil> channel"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("updates (-want +got):\n%s", diff)
	}
}
