package telegram

import (
	"encoding/json"
	"testing"
	"time"

	"domovoy/bot"

	"github.com/google/go-cmp/cmp"
)

var pressedAt = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// ann is what all updates below have in common.
func ann(change func(*bot.Update)) *bot.Update {
	u := &bot.Update{
		Messenger: "telegram", Key: "7", Chat: "telegram:42", Private: true, Person: "telegram:42", Name: "@ann",
		Language: "ru", Ref: "5", At: time.Unix(1_790_000_000, 0).UTC(),
	}
	change(u)
	return u
}

func inGroup(text string) *bot.Update {
	return ann(func(u *bot.Update) { u.Chat, u.Private, u.Text = "telegram:-1001", false, text })
}

func unnamed(u *bot.Update) *bot.Update {
	u.Person = ""
	return u
}

const (
	annJSON   = `"from":{"id":42,"first_name":"Ann","username":"ann","language_code":"ru"}`
	private   = `"message_id":5,"date":1790000000,"chat":{"id":42,"type":"private"},` + annJSON
	group     = `"message_id":5,"date":1790000000,"chat":{"id":-1001,"type":"supergroup"},` + annJSON
	anonymous = `"message_id":5,"date":1790000000,"chat":{"id":-1001,"type":"supergroup"},
		"from":{"id":1087968824,"is_bot":true,"first_name":"Group","username":"GroupAnonymousBot"},"sender_chat":{"id":-1001,"type":"supergroup"}`
	ofBot = `"reply_to_message":{"message_id":3,"date":1,"chat":{"id":-1001},"from":{"id":99,"is_bot":true}}`
)

func TestHearMessages(t *testing.T) {
	tests := []struct {
		name, message string
		want          *bot.Update // nil: the update is ignored
	}{
		{"private words", private + `,"text":" проверь client.ru "`, ann(func(u *bot.Update) { u.Text = "проверь client.ru" })},
		{"private command", private + `,"text":"/check client.ru"`, ann(func(u *bot.Update) { u.Text = "check client.ru" })},
		{"a path is no command", private + `,"text":"/var/log"`, ann(func(u *bot.Update) { u.Text = "/var/log" })},
		{"a picture", private, nil},
		{"forwarded", private + `,"text":"/confirm 1","forward_origin":{"type":"user"}`, unnamed(ann(func(u *bot.Update) { u.Text = "confirm 1" }))},
		{"forwarded, old server", private + `,"text":"/confirm 1","forward_date":1`, unnamed(ann(func(u *bot.Update) { u.Text = "confirm 1" }))},
		{"by way of another bot", private + `,"text":"/confirm 1","via_bot":{"id":8,"is_bot":true}`, unnamed(ann(func(u *bot.Update) { u.Text = "confirm 1" }))},
		{"group command", group + `,"text":"/check@Domovoy_Bot client.ru\nb.ru"`, inGroup("check client.ru\nb.ru")},
		{"group command for anybody", group + `,"text":"/status"`, inGroup("status")},
		{"another bot's command", group + `,"text":"/check@other_bot client.ru"`, nil},
		{"a longer name", group + `,"text":"/check@domovoy_bot2 client.ru"`, nil},
		{"group talk", group + `,"text":"check client.ru"`, nil},
		{"mention", group + `,"text":"@domovoy_bot: check client.ru"`, inGroup("check client.ru")},
		{"mention behind", group + `,"text":"проверь client.ru, @Domovoy_bot"`, inGroup("проверь client.ru")},
		{"mention of a longer name", group + `,"text":"@domovoy_bot2 check client.ru"`, nil},
		{"a mail address", group + `,"text":"me@domovoy_bot.ru"`, nil},
		{"bare mention", group + `,"text":"@domovoy_bot"`, nil},
		{"reply", group + `,"text":"why client.ru",` + ofBot, inGroup("why client.ru")},
		{"reply to somebody", group + `,"text":"why","reply_to_message":{"message_id":3,"date":1,"chat":{"id":-1001},"from":{"id":98}}`, nil},
		{"a thread is no place", group + `,"text":"/status","message_thread_id":3`, inGroup("status")},
		{"topic", group + `,"text":"/status","message_thread_id":3,"is_topic_message":true`,
			ann(func(u *bot.Update) { u.Chat, u.Private, u.Text = "telegram:-1001/3", false, "status" })},
		{"talk in a topic the bot began", group + `,"text":"hello","message_thread_id":3,"is_topic_message":true,` + ofBot, nil},
		{"anonymous admin", anonymous + `,"text":"/cancel authz all"`, ann(func(u *bot.Update) {
			u.Chat, u.Private, u.Person, u.Name, u.Language, u.Text = "telegram:-1001", false, "", "@GroupAnonymousBot", "", "cancel authz all"
		})},
		{"channel's post in its group", anonymous + `,"text":"/status","is_automatic_forward":true`, nil},
		{"a bot", `"message_id":5,"date":1,"chat":{"id":-1001,"type":"group"},"from":{"id":8,"is_bot":true},"text":"/status"`, nil},
		{"nobody", `"message_id":5,"date":1790000000,"chat":{"id":-1001,"type":"supergroup"},"text":"/status"`, ann(func(u *bot.Update) {
			u.Chat, u.Private, u.Person, u.Name, u.Language, u.Text = "telegram:-1001", false, "", "", "", "status"
		})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkConvert(t, `{"update_id":7,"message":{`+tt.message+`}}`, tt.want) })
	}
}

func TestHearButtons(t *testing.T) {
	const on = `"from":{"id":42,"first_name":"Ann","last_name":"Lee"},"message":{"message_id":5,"date":0,"chat":{"id":-1001,"type":"supergroup"}}`
	want := &bot.Update{
		Messenger: "telegram", Key: "7", Chat: "telegram:-1001", Person: "telegram:42", Name: "Ann Lee",
		Button: "a1-B_2", Ref: "5", At: pressedAt,
	}
	tests := []struct {
		name, callback string
		want           *bot.Update
	}{
		{"pressed", on + `,"data":"a1-B_2"`, want},
		{"inline", `"from":{"id":42},"data":"a1"`, nil},
		{"no data", on, nil},
		{"hostile data", on + `,"data":"a b"`, nil},
		{"foreign data", on + `,"data":"подтверди"`, nil},
		{"long data", on + `,"data":"12345678901234567890123456789012345678901234567890123456789012345"`, nil},
		{"a bot", `"from":{"id":42,"is_bot":true},"data":"a1","message":{"message_id":5,"chat":{"id":1}}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkConvert(t, `{"update_id":7,"callback_query":{"id":"q",`+tt.callback+`}}`, tt.want)
		})
	}
	t.Run("of another kind", func(t *testing.T) {
		checkConvert(t, `{"update_id":7,"edited_message":{`+private+`,"text":"/status"}}`, nil)
	})
}

func checkConvert(t *testing.T, raw string, want *bot.Update) {
	t.Helper()
	var u update
	if err := json.Unmarshal([]byte(raw), &u); err != nil {
		t.Fatal(err)
	}
	c := newConverter(user{ID: 99, Username: "domovoy_bot"}, func() time.Time { return pressedAt })
	got, ok := c.convert(u)
	switch {
	case !ok && want == nil:
	case ok && want != nil:
		if diff := cmp.Diff(*want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	default:
		t.Errorf("converted %v: %+v, want %+v", ok, got, want)
	}
}
