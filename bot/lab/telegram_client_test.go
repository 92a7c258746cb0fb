package lab_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"net/http"
	"strings"
	"testing"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"domovoy/bot/lab"
)

// TestTelegramServesTheRealClient shows that the lab supports a library that
// was written for the real API.
func TestTelegramServesTheRealClient(t *testing.T) {
	server := newTelegram(t, lab.TelegramOptions{})
	bot, err := tgbotapi.NewBotAPIWithClient(server.Token(), server.URL()+"/bot%s/%s", client(t))
	if err != nil {
		t.Fatal(err)
	}
	server.Say(group, 7, person, "Ann", "/status@"+server.Username())

	response, err := bot.MakeRequest("getUpdates", tgbotapi.Params{"timeout": "50", "allowed_updates": `["message","callback_query"]`})
	if err != nil {
		t.Fatal(err)
	}
	var got []tgbotapi.Update
	if err := json.Unmarshal(response.Result, &got); err != nil || len(got) != 1 || got[0].Message.Command() != "status" {
		t.Fatalf("updates %s: %v", response.Result, err)
	}
	markup := `{"inline_keyboard":[[{"text":"List","callback_data":"7f3a"}]]}`
	if _, err := bot.MakeRequest("sendMessage", tgbotapi.Params{"chat_id": "-1001234567890", "message_thread_id": "7",
		"text": "<b>isp1</b>", "parse_mode": "HTML", "reply_markup": markup}); err != nil {
		t.Fatal(err)
	}
	m, err := server.WaitMessage(t.Context(), func(m lab.TelegramMessage) bool { return m.Text == "isp1" })
	if err != nil || m.Thread != 7 || m.Buttons[0][0].Data != "7f3a" {
		t.Fatalf("%+v: %v", m, err)
	}
	query, err := server.PressButton(group, m.ID, lab.User{ID: person}, "List")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bot.Request(tgbotapi.NewCallback(query, "")); err != nil {
		t.Error(err)
	}
	scope := tgbotapi.NewBotCommandScopeAllPrivateChats()
	if _, err := bot.Request(tgbotapi.NewSetMyCommandsWithScopeAndLanguage(scope, "ru",
		tgbotapi.BotCommand{Command: "status", Description: "всё на одном экране"})); err != nil {
		t.Error(err)
	}
	if got := server.Commands("all_private_chats", "ru"); len(got) != 1 {
		t.Errorf("commands %v", got)
	}
}

func TestTelegramTakesTheRealClientsFiles(t *testing.T) {
	server := newTelegram(t, lab.TelegramOptions{})
	server.AddTopic(group, 7)
	bot, err := tgbotapi.NewBotAPIWithClient(server.Token(), server.URL()+"/bot%s/%s", client(t))
	if err != nil {
		t.Fatal(err)
	}
	where := tgbotapi.Params{"chat_id": "-1001234567890", "message_thread_id": "7", "caption": "за неделю"}
	report := tgbotapi.RequestFile{Name: "document", Data: tgbotapi.FileBytes{Name: "отчёт.xlsx", Bytes: []byte("xlsx")}}
	if _, err := bot.UploadFiles("sendDocument", where, []tgbotapi.RequestFile{report}); err != nil {
		t.Fatal(err)
	}
	m := server.Messages(group)[0]
	if m.File == nil || m.File.Name != "отчёт.xlsx" || string(m.File.Data) != "xlsx" || m.Text != "за неделю" {
		t.Errorf("%+v", m)
	}
	for name, c := range map[string]struct {
		size image.Rectangle
		ok   bool
	}{"chart": {image.Rect(0, 0, 120, 80), true}, "strip": {image.Rect(0, 0, 210, 10), false}} {
		var picture bytes.Buffer
		if err := png.Encode(&picture, image.NewGray(c.size)); err != nil {
			t.Fatal(err)
		}
		photo := tgbotapi.RequestFile{Name: "photo", Data: tgbotapi.FileBytes{Name: "chart.png", Bytes: picture.Bytes()}}
		if _, err := bot.UploadFiles("sendPhoto", where, []tgbotapi.RequestFile{photo}); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTelegramTakesTheRealClientsAlbums(t *testing.T) {
	server := newTelegram(t, lab.TelegramOptions{})
	bot, err := tgbotapi.NewBotAPIWithClient(server.Token(), server.URL()+"/bot%s/%s", client(t))
	if err != nil {
		t.Fatal(err)
	}
	document := func(name string) tgbotapi.InputMediaDocument {
		return tgbotapi.NewInputMediaDocument(tgbotapi.FileBytes{Name: name, Bytes: []byte(name)})
	}
	sent, err := bot.SendMediaGroup(tgbotapi.NewMediaGroup(person, []any{document("a.xlsx"), document("a.html"), document("a.png")}))
	if err != nil || len(sent) != 3 || sent[0].MediaGroupID == "" || sent[2].MediaGroupID != sent[0].MediaGroupID || sent[1].Document == nil {
		t.Fatalf("sent %+v, %v", sent, err)
	}
	for i, m := range server.Messages(person) {
		if want := []string{"a.xlsx", "a.html", "a.png"}[i]; m.File.Name != want || m.File.Photo || m.Album != sent[0].MediaGroupID {
			t.Errorf("message %d is %+v, want %s in album %s", i, m, want, sent[0].MediaGroupID)
		}
	}
	for name, refused := range map[string]string{"": "file must be non-empty", "not a picture": `failed to send message #1 with the error message "IMAGE_PROCESS_FAILED"`} {
		photo := tgbotapi.NewInputMediaPhoto(tgbotapi.FileBytes{Name: "p.png", Bytes: []byte(name)})
		if _, err := bot.SendMediaGroup(tgbotapi.NewMediaGroup(person, []any{photo, photo})); err == nil || !strings.Contains(err.Error(), refused) {
			t.Errorf("%q: %v, want %s", name, err, refused)
		}
	}
	if n := len(server.Messages(person)); n != 3 {
		t.Errorf("%d messages after albums that were refused, want 3", n)
	}
}

func TestTelegramErrorsReachTheRealClient(t *testing.T) {
	server := newTelegram(t, lab.TelegramOptions{})
	server.AddChat(lab.Chat{ID: -5, Title: "Old"})
	server.Migrate(-5, -1000000000005)
	bot, err := tgbotapi.NewBotAPIWithClient(server.Token(), server.URL()+"/bot%s/%s", client(t))
	if err != nil {
		t.Fatal(err)
	}
	_, err = bot.Send(tgbotapi.NewMessage(-5, "x"))
	if refusal, ok := errors.AsType[*tgbotapi.Error](err); !ok || refusal.MigrateToChatID != -1000000000005 {
		t.Errorf("migrated: %v", err)
	}
	server.Fail("sendMessage", 1, lab.Fault{Kind: lab.TooManyRequests, RetryAfter: 9})
	_, err = bot.Send(tgbotapi.NewMessage(person, "x"))
	if refusal, ok := errors.AsType[*tgbotapi.Error](err); !ok || refusal.Code != http.StatusTooManyRequests || refusal.RetryAfter != 9 {
		t.Errorf("limited: %v", err)
	}
}
