package lab_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/bot/lab"
)

func newSlack(t *testing.T, options lab.SlackOptions) *lab.Slack {
	t.Helper()
	server, err := lab.NewSlack(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	server.AddChannel(lab.Channel{ID: "C1", Name: "ops"})
	server.AddChannel(lab.Channel{ID: "C2", Name: "old", Archived: true})
	server.AddChannel(lab.Channel{ID: "C3", Name: "others", Absent: true})
	server.AddPerson(lab.Person{ID: "U1", Name: "ann", Real: "Ann"})
	return server
}

// askSlack calls a method and returns "ok" or the error code.
func askSlack(t *testing.T, server *lab.Slack, method string, p params) string {
	t.Helper()
	_, answer := call(t, server.APIURL()+method, server.BotToken(), p)
	if answer["ok"] == true {
		return "ok"
	}
	return answer["error"].(string)
}

func TestSlackRefusesWhatTheRealOneRefuses(t *testing.T) {
	server := newSlack(t, lab.SlackOptions{})
	server.Mention("C1", "U1", "hello", "")
	cases := map[string]struct {
		method string
		params params
		want   string
	}{
		"text":              {"chat.postMessage", params{"channel": "C1", "text": "x"}, "ok"},
		"to a person":       {"chat.postMessage", params{"channel": "U1", "text": "x"}, "ok"},
		"nothing":           {"chat.postMessage", params{"channel": "C1"}, "no_text"},
		"longest":           {"chat.postMessage", params{"channel": "C1", "text": strings.Repeat("я", 40_000)}, "ok"},
		"too long":          {"chat.postMessage", params{"channel": "C1", "text": strings.Repeat("я", 40_001)}, "msg_too_long"},
		"unknown channel":   {"chat.postMessage", params{"channel": "C9", "text": "x"}, "channel_not_found"},
		"archived":          {"chat.postMessage", params{"channel": "C2", "text": "x"}, "is_archived"},
		"not a member":      {"chat.postMessage", params{"channel": "C3", "text": "x"}, "not_in_channel"},
		"unknown thread":    {"chat.postMessage", params{"channel": "C1", "text": "x", "thread_ts": "1.000001"}, "thread_not_found"},
		"unknown block":     {"chat.postMessage", params{"channel": "C1", "blocks": []any{params{"type": "alert"}}}, "invalid_blocks"},
		"broken blocks":     {"chat.postMessage", params{"channel": "C1", "blocks": "{"}, "invalid_blocks_format"},
		"update unknown":    {"chat.update", params{"channel": "C1", "ts": "1.000001", "text": "x"}, "message_not_found"},
		"ephemeral":         {"chat.postEphemeral", params{"channel": "C1", "user": "U1", "text": "x"}, "ok"},
		"ephemeral nobody":  {"chat.postEphemeral", params{"channel": "C1", "user": "U9", "text": "x"}, "user_not_in_channel"},
		"unknown person":    {"users.info", params{"user": "U9"}, "user_not_found"},
		"open with nobody":  {"conversations.open", params{"users": "U9"}, "user_not_found"},
		"old upload":        {"files.upload", params{}, "unknown_method"},
		"empty file":        {"files.getUploadURLExternal", params{"filename": "a.xlsx", "length": 0}, "invalid_arguments"},
		"file not uploaded": {"files.completeUploadExternal", params{"files": []any{params{"id": "F9"}}}, "file_not_found"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := askSlack(t, server, c.method, c.params); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestSlackTokens(t *testing.T) {
	server := newSlack(t, lab.SlackOptions{})
	for _, c := range []struct{ method, token, want string }{
		{"auth.test", server.BotToken(), ""},
		{"auth.test", server.AppToken(), "not_allowed_token_type"},
		{"auth.test", "xoxb-other", "invalid_auth"},
		{"auth.test", "", "not_authed"},
		{"apps.connections.open", server.AppToken(), ""},
		{"apps.connections.open", server.BotToken(), "not_allowed_token_type"},
		{"apps.connections.open", "xapp-other", "invalid_auth"},
	} {
		_, answer := call(t, server.APIURL()+c.method, c.token, params{})
		if got, _ := answer["error"].(string); got != c.want {
			t.Errorf("%s with %q: %q, want %q", c.method, c.token, got, c.want)
		}
	}
}

func TestSlackRates(t *testing.T) {
	clock := newHandClock()
	server := newSlack(t, lab.SlackOptions{Strict: true, Now: clock.Now})
	post := func() (int, params) {
		return call(t, server.APIURL()+"chat.postMessage", server.BotToken(), params{"channel": "C1", "text": "x"})
	}
	for range 3 {
		if status, answer := post(); status != 200 {
			t.Fatalf("within the burst: %v", answer)
		}
	}
	if status, answer := post(); status != 429 || answer["error"] != "ratelimited" {
		t.Errorf("fourth at once: %d %v", status, answer)
	}
	clock.advance(time.Second)
	if status, answer := post(); status != 200 {
		t.Errorf("a second later: %v", answer)
	}
}

func TestSlackUpdates(t *testing.T) {
	server := newSlack(t, lab.SlackOptions{})
	askSlack(t, server, "chat.postMessage", params{"channel": "C1", "text": "one", "blocks": []any{params{"type": "divider"}}})
	ts := server.Messages("C1")[0].TS
	if got := askSlack(t, server, "chat.update", params{"channel": "C1", "ts": ts, "text": "two"}); got != "ok" {
		t.Fatal(got)
	}
	m, err := server.WaitMessage(t.Context(), func(m lab.SlackMessage) bool { return m.Body.Text == "two" })
	if err != nil || len(m.Body.Blocks) != 0 || len(m.Edits) != 1 || len(m.Edits[0].Blocks) != 1 {
		t.Errorf("a text without blocks takes them away: %+v, %v", m, err)
	}
	server.Forget("C1", ts)
	if got := askSlack(t, server, "chat.update", params{"channel": "C1", "ts": ts, "text": "three"}); got != "message_not_found" {
		t.Errorf("after deletion: %q", got)
	}
}

func section(text string) params {
	return params{"type": "section", "text": params{"type": "mrkdwn", "text": text}}
}

func rich(text string) params {
	return params{"type": "rich_text", "elements": []any{params{"type": "rich_text_section", "elements": []any{params{"type": "text", "text": text}}}}}
}

func actions(buttons ...any) params { return params{"type": "actions", "elements": buttons} }

func button(label, id, value string) params {
	return params{"type": "button", "text": params{"type": "plain_text", "text": label}, "action_id": id, "value": value}
}

func many(n int, make func(int) any) []any {
	list := []any{}
	for i := range n {
		list = append(list, make(i))
	}
	return list
}

func TestSlackBlocks(t *testing.T) {
	server := newSlack(t, lab.SlackOptions{})
	x := strings.Repeat
	divider := func(int) any { return params{"type": "divider"} }
	word := func(text string) params { return params{"type": "mrkdwn", "text": text} }
	head := func(kind, text string) params {
		return params{"type": "header", "text": params{"type": kind, "text": text}}
	}
	cases := map[string]struct {
		blocks []any
		want   string // a pointer of invalid_blocks, an error code, or empty
	}{
		"50 blocks":             {many(50, divider), ""},
		"51 blocks":             {many(51, divider), "/blocks"},
		"section":               {[]any{section(x("я", 3000))}, ""},
		"long section":          {[]any{section(x("я", 3001))}, "/blocks/0/text/text"},
		"empty section":         {[]any{section("")}, "/blocks/0/text/text"},
		"section of nothing":    {[]any{params{"type": "section"}}, "/blocks/0"},
		"11 fields":             {[]any{params{"type": "section", "fields": many(11, func(int) any { return word("x") })}}, "/blocks/0/fields"},
		"long field":            {[]any{params{"type": "section", "fields": []any{word(x("x", 2001))}}}, "/blocks/0/fields/0/text"},
		"header":                {[]any{head("plain_text", x("x", 150))}, ""},
		"long header":           {[]any{head("plain_text", x("x", 151))}, "/blocks/0/text/text"},
		"mrkdwn header":         {[]any{head("mrkdwn", "x")}, "/blocks/0/text/type"},
		"11 in a context":       {[]any{params{"type": "context", "elements": many(11, func(int) any { return word("x") })}}, "/blocks/0/elements"},
		"buttons":               {[]any{actions(many(25, func(i int) any { return button(x("x", 75), fmt.Sprint(i), x("x", 2000)) })...)}, ""},
		"26 buttons":            {[]any{actions(many(26, func(i int) any { return button("x", fmt.Sprint(i), "x") })...)}, "/blocks/0/elements"},
		"long label":            {[]any{actions(button(x("x", 76), "a", "x"))}, "/blocks/0/elements/0/text/text"},
		"long value":            {[]any{actions(button("x", "a", x("x", 2001)))}, "/blocks/0/elements/0/value"},
		"long action_id":        {[]any{actions(button("x", x("a", 256), "x"))}, "/blocks/0/elements/0/action_id"},
		"same action_id":        {[]any{actions(button("x", "a", "x"), button("y", "a", "y"))}, "/blocks/0/elements/1/action_id"},
		"card":                  {[]any{params{"type": "card"}}, "/blocks/0/type"},
		"property of no block":  {[]any{params{"type": "divider", "color": "red"}}, "/blocks/0"},
		"12,000 characters":     {many(5, func(int) any { return section(x("x", 2400)) }), ""},
		"too much all together": {many(5, func(int) any { return section(x("x", 2401)) }), "msg_blocks_too_long"},
		"rich text, too":        {many(5, func(int) any { return rich(x("x", 2401)) }), "msg_blocks_too_long"},
		"empty rich text":       {[]any{rich("")}, "/blocks/0/elements/0/elements/0/text"},
		"card in rich text":     {[]any{params{"type": "rich_text", "elements": []any{params{"type": "card"}}}}, "/blocks/0/elements/0/type"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, answer := call(t, server.APIURL()+"chat.postMessage", server.BotToken(), params{"channel": "C1", "text": "x", "blocks": c.blocks})
			got, _ := answer["error"].(string)
			if got == "invalid_blocks" {
				message := answer["response_metadata"].(params)["messages"].([]any)[0].(string)
				_, got, _ = strings.Cut(strings.TrimSuffix(message, "]"), "json-pointer:")
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s%v", diff, answer)
			}
		})
	}
}
