package commands_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/bot"
	"domovoy/bot/commands"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// undelivered is an engine whose outbox has a message of each state, and a chat that
// refuses us.
func undelivered(t *testing.T) *engine.Engine {
	t.Helper()
	e := enginetest.New(t, engine.Config{})
	message := func(to, title string) journal.Delivery {
		return journal.Delivery{To: to, Kind: "opened", Message: reports.Message{Language: "en", Tone: reports.ToneBad, Title: title}}
	}
	ids, err := e.Journal.Enqueue(t.Context(), []journal.Delivery{message("telegram:-1/7", "sent"), message("telegram:-1", "waits"),
		message("slack:C1", "dropped"), message("slack:C2", "closed")})
	now := time.Now()
	for _, err := range []error{
		err,
		e.Journal.MarkSent(t.Context(), ids[0], "1", now),
		e.Journal.MarkTried(t.Context(), ids[1], journal.Try{Next: now.Add(time.Hour), Reason: "Bad Request: odd", Counted: true}),
		e.Journal.MarkDropped(t.Context(), ids[2], "msg_too_long"),
		e.Journal.KeepOutage(t.Context(), journal.Outage{Messenger: "slack", Since: now, Reason: "502"}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.Journal.CloseChat(t.Context(), ids[3], journal.ClosedChat{Chat: "slack:C2", Since: now, Reason: "is_archived"}, now.Add(-time.Hour), false, nil); err != nil {
		t.Fatal(err)
	}
	return e
}

// The keys of the JSON are a contract.
func TestDeliveryForPrograms(t *testing.T) {
	e := undelivered(t)
	a, err := e.Commands.Ask(t.Context(), "delivery", enginetest.Request(t, bot.Viewer))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(a.Data)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{
		"delivery":   "waiting oldest dropped disabled out spare",
		"messengers": "messenger since error token",
		"chats":      "chat sent waiting dropped last held disabled reason",
		"waiting":    "id chat kind rank state title edit created sent next attempts error spare",
		"sent":       "id chat kind rank state title edit created sent next attempts spare",
		"dropped":    "id chat kind rank state title edit created sent next attempts error spare",
	}
	if len(got) != len(keys) {
		t.Errorf("the answer has %v", got)
	}
	for name, want := range keys {
		object, is := got[name].(map[string]any)
		if list, ok := got[name].([]any); ok && len(list) > 0 {
			object, is = list[len(list)-1].(map[string]any)
			if name == "chats" {
				object, is = list[1].(map[string]any) // the one that is disabled
			}
		}
		if !is {
			t.Errorf("%s is %v", name, got[name])
		}
		for _, key := range strings.Fields(want) {
			if _, has := object[key]; !has {
				t.Errorf("%s has no %s: %v", name, key, object)
			}
		}
		if len(object) != len(strings.Fields(want)) {
			t.Errorf("%s has %v, want %s", name, object, want)
		}
	}
	health := a.Data.(commands.DeliveryData).Delivery
	health.Oldest = nil
	want := commands.HealthData{Waiting: 2, Dropped: 1, Disabled: []string{"slack:C2"}, Out: []string{"slack"}}
	if diff := cmp.Diff(want, health); diff != "" {
		t.Errorf("health (-want +got):\n%s", diff)
	}
}

// What others were answered is for administrators alone.
func TestDeliveryKeepsAnswersToThemselves(t *testing.T) {
	e := enginetest.New(t, engine.Config{})
	for _, to := range []string{"telegram:3", "telegram:4"} {
		if _, err := e.Journal.Enqueue(t.Context(), []journal.Delivery{{To: to, Kind: journal.AnswerKind, Message: reports.Message{Title: "shop.ru, for " + to}}}); err != nil {
			t.Fatal(err)
		}
	}
	for role, want := range map[bot.Role][]string{bot.Viewer: {"shop.ru, for telegram:3", ""}, bot.Admin: {"shop.ru, for telegram:3", "shop.ru, for telegram:4"}} {
		a, err := e.Commands.Ask(t.Context(), "delivery", enginetest.Request(t, role)) // in the chat telegram:3
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range a.Data.(commands.DeliveryData).Waiting {
			got = append(got, d.Title)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", role, diff)
		}
	}
}

// Anybody may look; an administrator may have all of it tried, or a chat enabled.
func TestDeliveryIsTriedNow(t *testing.T) {
	e := undelivered(t)
	due := func() (titles []string) {
		found, err := e.Journal.Due(t.Context(), time.Now(), journal.Queue{}, 9)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range found {
			titles = append(titles, d.Message.Title)
		}
		return titles
	}
	for _, words := range []string{"delivery retry", "delivery enable slack:C2"} {
		_, err := e.Commands.Ask(t.Context(), words, enginetest.Request(t, bot.Operator))
		if refusal, ok := errors.AsType[*bot.Refusal](err); !ok || refusal.Code != bot.ResultNotAllowed {
			t.Errorf("%s by an operator: %v", words, err)
		}
	}
	if got := due(); len(got) > 0 {
		t.Fatalf("due are %q", got)
	}
	if _, err := e.Commands.Ask(t.Context(), "delivery enable slack:C2", enginetest.Request(t, bot.Admin)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"closed"}, due()); diff != "" {
		t.Errorf("due after enabling (-want +got):\n%s", diff)
	}
	if _, err := e.Commands.Ask(t.Context(), "доставка retry", enginetest.Request(t, bot.Admin)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"waits", "closed"}, due()); diff != "" {
		t.Errorf("due after a retry (-want +got):\n%s", diff)
	}
	_, err := e.Commands.Ask(t.Context(), "delivery now", enginetest.Request(t, bot.Viewer))
	if refusal, ok := errors.AsType[*bot.Refusal](err); !ok || refusal.Code != bot.ResultUsage {
		t.Errorf("another word: %v", err)
	}
}
