package lab_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/bot/lab"
)

const (
	person = int64(42)
	group  = int64(-1001234567890)
)

func newTelegram(t *testing.T, options lab.TelegramOptions) *lab.Telegram {
	t.Helper()
	server, err := lab.NewTelegram(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	server.AddChat(lab.Chat{ID: person, Title: "Ann"})
	server.AddChat(lab.Chat{ID: group, Title: "Operations"})
	return server
}

// ask calls a method and returns "ok" or the refusal's text.
func ask(t *testing.T, server *lab.Telegram, method string, p params) string {
	t.Helper()
	_, answer := call(t, server.URL()+"/bot"+server.Token()+"/"+method, "", p)
	if answer["ok"] == true {
		return "ok"
	}
	return answer["description"].(string)
}

func keyboard(data string) params {
	return params{"inline_keyboard": []any{[]any{params{"text": "List", "callback_data": data}}}}
}

func TestTelegramRefusesWhatTheRealOneRefuses(t *testing.T) {
	server := newTelegram(t, lab.TelegramOptions{})
	server.AddTopic(group, 7)
	server.AddChat(lab.Chat{ID: -5})
	server.Migrate(-5, -1000000000005)
	server.Block(99)
	cases := map[string]struct {
		method string
		params params
		want   string
	}{
		"longest text":          {"sendMessage", params{"chat_id": person, "text": strings.Repeat("я", 4096)}, "ok"},
		"text too long":         {"sendMessage", params{"chat_id": person, "text": strings.Repeat("я", 4097)}, "Bad Request: message is too long"},
		"emoji count twice":     {"sendMessage", params{"chat_id": person, "text": strings.Repeat("🔴", 2049)}, "Bad Request: message is too long"},
		"markup does not count": {"sendMessage", params{"chat_id": person, "parse_mode": "HTML", "text": "<b>" + strings.Repeat("я", 4096) + "</b>"}, "ok"},
		"nothing but markup":    {"sendMessage", params{"chat_id": person, "parse_mode": "HTML", "text": "<b> </b>"}, "Bad Request: message text is empty"},
		"Markdown":              {"sendMessage", params{"chat_id": person, "parse_mode": "MarkdownV2", "text": "x"}, "Bad Request: unsupported parse_mode"},
		"too many entities": {"sendMessage", params{"chat_id": person, "parse_mode": "HTML", "text": strings.Repeat("<b>x</b>", 101)},
			"Bad Request: can't parse entities: too many entities"},
		"no chat":           {"sendMessage", params{"text": "x"}, "Bad Request: chat_id is empty"},
		"unknown chat":      {"sendMessage", params{"chat_id": 7, "text": "x"}, "Bad Request: chat not found"},
		"blocked":           {"sendMessage", params{"chat_id": 99, "text": "x"}, "Forbidden: bot was blocked by the user"},
		"migrated":          {"sendMessage", params{"chat_id": -5, "text": "x"}, "Bad Request: group chat was upgraded to a supergroup chat"},
		"topic":             {"sendMessage", params{"chat_id": group, "message_thread_id": 7, "text": "x"}, "ok"},
		"unknown topic":     {"sendMessage", params{"chat_id": group, "message_thread_id": 8, "text": "x"}, "Bad Request: message thread not found"},
		"unknown reply":     {"sendMessage", params{"chat_id": person, "text": "x", "reply_parameters": params{"message_id": 999}}, "Bad Request: message to be replied not found"},
		"callback 64 bytes": {"sendMessage", params{"chat_id": person, "text": "x", "reply_markup": keyboard(strings.Repeat("я", 32))}, "ok"},
		"callback too long": {"sendMessage", params{"chat_id": person, "text": "x", "reply_markup": keyboard(strings.Repeat("я", 33))}, "Bad Request: BUTTON_DATA_INVALID"},
		"callback empty":    {"sendMessage", params{"chat_id": person, "text": "x", "reply_markup": keyboard("")}, "Bad Request: BUTTON_DATA_INVALID"},
		"edit unknown":      {"editMessageText", params{"chat_id": person, "message_id": 999, "text": "x"}, "Bad Request: message to edit not found"},
		"unknown query":     {"answerCallbackQuery", params{"callback_query_id": "1"}, "Bad Request: query is too old and response timeout expired or query ID is invalid"},
		"unknown action":    {"sendChatAction", params{"chat_id": person, "action": "dance"}, "Bad Request: wrong parameter action in request"},
		"no document":       {"sendDocument", params{"chat_id": person}, "Bad Request: there is no document in the request"},
		"album of none":     {"sendMediaGroup", params{"chat_id": person, "media": []any{}}, "Bad Request: there are no messages to send"},
		"album of one":      {"sendMediaGroup", params{"chat_id": person, "media": album("document")}, "Bad Request: lab: an album has at least two items"},
		"album of eleven": {"sendMediaGroup", params{"chat_id": person, "media": album(slices.Repeat([]string{"document"}, 11)...)},
			"Bad Request: too many messages to send as an album"},
		"album of both":       {"sendMediaGroup", params{"chat_id": person, "media": album("document", "photo")}, "Bad Request: document can't be mixed with other media types"},
		"album of animations": {"sendMediaGroup", params{"chat_id": person, "media": album("animation", "animation")}, `Bad Request: can't parse InputMedia: type "animation" is unsupported`},
		"album without files": {"sendMediaGroup", params{"chat_id": person, "media": album("document", "document")}, "Bad Request: can't parse InputMedia: media not found"},
		"album with buttons": {"sendMediaGroup", params{"chat_id": person, "media": album("document", "document"), "reply_markup": keyboard("x")},
			"Bad Request: lab: sendMediaGroup has no field reply_markup"},
		"no media":            {"sendMediaGroup", params{"chat_id": person}, `Bad Request: parameter "media" is required`},
		"command with a dash": {"setMyCommands", params{"commands": []any{params{"command": "a-b", "description": "x"}}}, "Bad Request: BOT_COMMAND_INVALID"},
		"Russian command":     {"setMyCommands", params{"commands": []any{params{"command": "список", "description": "x"}}}, "Bad Request: BOT_COMMAND_INVALID"},
		"long description": {"setMyCommands", params{"commands": []any{params{"command": "list", "description": strings.Repeat("x", 257)}}},
			"Bad Request: BOT_COMMAND_DESCRIPTION_INVALID"},
		"method of another bot": {"getStickerSet", params{}, "Not Found: method not found"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := ask(t, server, c.method, c.params); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestTelegramHTML(t *testing.T) {
	server := newTelegram(t, lab.TelegramOptions{})
	cases := map[string]struct {
		html, text string // an empty text: refused
		entities   []lab.Entity
	}{
		"plain":       {"a > b", "a > b", nil},
		"references":  {"&lt;&amp;&gt;&quot;&#33;&#x416;", `<&>"!Ж`, nil},
		"UTF-16":      {"🔴 <b>да</b>", "🔴 да", []lab.Entity{{Type: "bold", Offset: 3, Length: 2}}},
		"nested":      {"<i>a<b>b</b></i>", "ab", []lab.Entity{{Type: "italic", Length: 2}, {Type: "bold", Offset: 1, Length: 1}}},
		"link":        {`<a href="https://x.org/?a=1&amp;b=2">x</a>`, "x", []lab.Entity{{Type: "text_link", Length: 1, URL: "https://x.org/?a=1&b=2"}}},
		"code block":  {`<pre><code class="language-go">x</code></pre>`, "x", []lab.Entity{{Type: "pre", Length: 1}, {Type: "code", Length: 1, Language: "go"}}},
		"expandable":  {"<blockquote expandable>x</blockquote>", "x", []lab.Entity{{Type: "expandable_blockquote", Length: 1}}},
		"trimmed":     {"\n <u>x</u> ", "x", []lab.Entity{{Type: "underline", Length: 1}}},
		"open":        {"<b>x", "", nil},
		"crossed":     {"<b><i>x</b></i>", "", nil},
		"not opened":  {"x</b>", "", nil},
		"unknown tag": {"<div>x</div>", "", nil},
		"raw less":    {"a < b", "", nil},
		"raw amp":     {"a & b", "", nil},
		"other ref":   {"a&nbsp;b", "", nil},
		"no href":     {"<a>x</a>", "", nil},
		"attribute":   {`<b class="x">x</b>`, "", nil},
		"in code":     {"<code><b>x</b></code>", "", nil},
		"two quotes":  {"<blockquote>a<blockquote>x</blockquote></blockquote>", "", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			before := len(server.Messages(person))
			got := ask(t, server, "sendMessage", params{"chat_id": person, "parse_mode": "HTML", "text": c.html})
			sent := server.Messages(person)[before:]
			if c.text == "" {
				if !strings.HasPrefix(got, "Bad Request: can't parse entities: ") || len(sent) != 0 {
					t.Errorf("got %q, sent %d", got, len(sent))
				}
				return
			}
			if got != "ok" || sent[0].Text != c.text {
				t.Fatalf("got %q, sent %+v", got, sent)
			}
			if diff := cmp.Diff(c.entities, sent[0].Entities); diff != "" {
				t.Errorf("entities (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTelegramEdits(t *testing.T) {
	server := newTelegram(t, lab.TelegramOptions{})
	heard := server.Say(person, 0, person, "Ann", "hello")
	ask(t, server, "sendMessage", params{"chat_id": person, "text": "one", "reply_markup": keyboard("a")})
	id := server.Messages(person)[0].ID

	if got := ask(t, server, "editMessageText", params{"chat_id": person, "message_id": heard, "text": "x"}); got != "Bad Request: message can't be edited" {
		t.Errorf("editing somebody else's: %q", got)
	}
	same := params{"chat_id": person, "message_id": id, "text": "<b></b>one", "parse_mode": "HTML", "reply_markup": keyboard("a")}
	if got := ask(t, server, "editMessageText", same); !strings.HasPrefix(got, "Bad Request: message is not modified") {
		t.Errorf("editing to the same: %q", got)
	}
	if got := ask(t, server, "editMessageText", params{"chat_id": person, "message_id": id, "text": "two"}); got != "ok" {
		t.Fatal(got)
	}
	m := server.Messages(person)[0]
	if m.Text != "two" || len(m.Buttons) != 0 || len(m.Edits) != 1 || m.Edits[0].Text != "one" {
		t.Errorf("after the edit: %+v", m)
	}
	server.Forget(person, id)
	if got := ask(t, server, "editMessageText", params{"chat_id": person, "message_id": id, "text": "three"}); got != "Bad Request: message to edit not found" {
		t.Errorf("editing a deleted one: %q", got)
	}
}

func TestTelegramTokens(t *testing.T) {
	server := newTelegram(t, lab.TelegramOptions{})
	for token, want := range map[string]int{server.Token(): 200, "123:abc": 401, "nonsense": 404} {
		if got, _ := call(t, server.URL()+"/bot"+token+"/getMe", "", nil); got != want {
			t.Errorf("token %q: status %d, want %d", token, got, want)
		}
	}
}

func TestTelegramRates(t *testing.T) {
	clock := newHandClock()
	server := newTelegram(t, lab.TelegramOptions{Strict: true, Now: clock.Now})
	send := func(chat int64) string { return ask(t, server, "sendMessage", params{"chat_id": chat, "text": "x"}) }

	for range 3 {
		if got := send(person); got != "ok" {
			t.Fatalf("within the burst: %q", got)
		}
	}
	if got := send(person); got != "Too Many Requests: retry after 1" {
		t.Errorf("fourth at once: %q", got)
	}
	for n := range 20 {
		clock.advance(time.Second)
		if got := send(group); got != "ok" {
			t.Fatalf("message %d in the group: %q", n+1, got)
		}
	}
	clock.advance(time.Second)
	if got := send(group); got != "Too Many Requests: retry after 40" {
		t.Errorf("21st within a minute: %q", got)
	}
	server.LimitRates(false)
	if got := send(group); got != "ok" {
		t.Errorf("without limits: %q", got)
	}
}

func TestTelegramFaults(t *testing.T) {
	server := newTelegram(t, lab.TelegramOptions{})
	url := server.URL() + "/bot" + server.Token() + "/sendMessage?chat_id=42&text=x"

	server.Fail("sendMessage", 1, lab.Fault{Kind: lab.TooManyRequests, RetryAfter: 7})
	status, answer := call(t, url, "", nil)
	if want := (params{"retry_after": 7.0}); status != 429 || cmp.Diff(want, answer["parameters"]) != "" {
		t.Errorf("429: %d %v", status, answer)
	}
	server.Fail("", 1, lab.Fault{Kind: lab.BadGateway})
	resp, err := client(t).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	page, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 502 || !strings.HasPrefix(string(page), "<html>") {
		t.Errorf("502: %d %s", resp.StatusCode, page)
	}
	server.Fail("sendMessage", 1, lab.Fault{Kind: lab.Refuse, Status: 403, Text: "Forbidden: bot was kicked from the group chat"})
	if got := ask(t, server, "sendMessage", params{}); got != "Forbidden: bot was kicked from the group chat" {
		t.Errorf("refused: %q", got)
	}
	if n := len(server.Messages(person)); n != 0 {
		t.Errorf("%d messages got through", n)
	}
	server.Fail("sendMessage", 1, lab.Fault{Kind: lab.Drop})
	if _, err := client(t).Post(url, "", nil); err == nil {
		t.Error("an answer came after a drop")
	}
	if n := len(server.Messages(person)); n != 1 {
		t.Errorf("%d messages after the drop, want 1", n)
	}
}

func TestTelegramHangsUntilTheClientLeaves(t *testing.T) {
	server := newTelegram(t, lab.TelegramOptions{})
	server.Fail("getMe", 1, lab.Fault{Kind: lab.Hang})
	ctx, leave := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		req, _ := http.NewRequestWithContext(ctx, http.MethodPost, server.URL()+"/bot"+server.Token()+"/getMe", nil)
		_, err := client(t).Do(req)
		failed <- err
	}()
	if _, err := server.WaitCalls(t.Context(), "getMe", 1); err != nil {
		t.Fatal(err)
	}
	leave()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestTelegramCommandsPerScopeAndLanguage(t *testing.T) {
	server := newTelegram(t, lab.TelegramOptions{})
	set := func(description string, more params) {
		more["commands"] = []any{params{"command": "list", "description": description}}
		if got := ask(t, server, "setMyCommands", more); got != "ok" {
			t.Fatal(got)
		}
	}
	set("what is broken", params{})
	set("что сломано", params{"language_code": "ru"})
	set("for the group", params{"scope": params{"type": "chat", "chat_id": group}})
	for want, at := range map[string][2]string{
		"what is broken": {"default", ""}, "что сломано": {"default", "ru"}, "for the group": {"chat:-1001234567890", ""},
	} {
		if got := server.Commands(at[0], at[1]); len(got) != 1 || got[0].Description != want {
			t.Errorf("%v: %v, want %q", at, got, want)
		}
	}
}

// The window of a 429 is that of the chat with all its topics; a call inside of it is
// marked.
func TestTelegramWindows(t *testing.T) {
	clock := newHandClock()
	server := newTelegram(t, lab.TelegramOptions{Strict: true, Now: clock.Now})
	server.AddTopic(group, 7)
	send := func(p params) string { p["text"] = "x"; return ask(t, server, "sendMessage", p) }
	server.Fail("sendMessage", 1, lab.Fault{Kind: lab.TooManyRequests, RetryAfter: 30})
	send(params{"chat_id": group})
	clock.advance(10 * time.Second)
	if got := send(params{"chat_id": group, "message_thread_id": 7}); got != "Too Many Requests: retry after 20" {
		t.Errorf("in a topic: %q", got)
	}
	if got := send(params{"chat_id": person}); got != "ok" {
		t.Errorf("in another chat: %q", got)
	}
	clock.advance(21 * time.Second)
	if got := send(params{"chat_id": group}); got != "ok" {
		t.Errorf("after the window: %q", got)
	}
	var inside []bool
	for _, call := range server.Calls("sendMessage") {
		inside = append(inside, call.Inside)
	}
	if diff := cmp.Diff([]bool{false, true, false, false}, inside); diff != "" {
		t.Errorf("inside (-want +got):\n%s", diff)
	}
}

// The server knows the Bot API's fields: what the real one would silently ignore is
// refused.
func TestTelegramKnowsItsFields(t *testing.T) {
	server := newTelegram(t, lab.TelegramOptions{})
	button := func(b params) params {
		return params{"chat_id": person, "text": "x", "reply_markup": params{"inline_keyboard": []any{[]any{b}}}}
	}
	for name, c := range map[string]struct {
		method string
		params params
		want   string
	}{
		"all is well":       {"sendMessage", params{"chat_id": person, "text": "x", "link_preview_options": params{"is_disabled": true}}, "ok"},
		"no such field":     {"sendMessage", params{"chat_id": person, "text": "x", "disable_web_page_preview": true}, "Bad Request: lab: sendMessage has no field disable_web_page_preview"},
		"of another method": {"editMessageText", params{"chat_id": person, "message_id": 1, "text": "x", "disable_notification": true}, "Bad Request: lab: editMessageText has no field disable_notification"},
		"no number":         {"sendMessage", params{"chat_id": person, "text": "x", "message_thread_id": "seven"}, "Bad Request: lab: sendMessage.message_thread_id is not of type integer"},
		"no such option":    {"sendMessage", params{"chat_id": person, "text": "x", "link_preview_options": params{"disabled": true}}, "Bad Request: lab: sendMessage.link_preview_options is not of type LinkPreviewOptions"},
		"no such button":    {"sendMessage", button(params{"text": "x", "callback": "a"}), "Bad Request: lab: sendMessage.reply_markup is not of type InlineKeyboardMarkup"},
		"a button to copy":  {"sendMessage", button(params{"text": "x", "copy_text": params{"text": "a"}}), "ok"},
		"nothing to answer": {"answerCallbackQuery", params{"text": "x"}, "Bad Request: lab: answerCallbackQuery lacks callback_query_id"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ask(t, server, c.method, c.params); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// album is the items of an album, whose files are not there.
func album(kinds ...string) []any {
	var items []any
	for _, kind := range kinds {
		items = append(items, params{"type": kind, "media": "attach://nothing"})
	}
	return items
}
