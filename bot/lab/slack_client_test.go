package lab_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"domovoy/bot/lab"
)

func realSlackClient(t *testing.T, server *lab.Slack) *slack.Client {
	t.Helper()
	return slack.New(server.BotToken(), slack.OptionAPIURL(server.APIURL()), slack.OptionAppLevelToken(server.AppToken()),
		slack.OptionHTTPClient(client(t)))
}

func TestSlackServesTheRealClient(t *testing.T) {
	server := newSlack(t, lab.SlackOptions{})
	api := realSlackClient(t, server)
	label := slack.NewTextBlockObject(slack.PlainTextType, "Взять", false, false)
	text := slack.NewTextBlockObject(slack.MarkdownType, "*isp1*: 100% готово +1", false, false)
	_, ts, err := api.PostMessageContext(t.Context(), "C1", slack.MsgOptionText("isp1", false),
		slack.MsgOptionBlocks(slack.NewSectionBlock(text, nil, nil), slack.NewActionBlock("", slack.NewButtonBlockElement("take", "7f3a", label))))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := json.Marshal(server.Messages("C1")[0].Body.Blocks[0])
	if !strings.Contains(string(raw), "100% готово +1") {
		t.Errorf("mangled: %s", raw)
	}
	if _, _, _, err := api.UpdateMessageContext(t.Context(), "C1", ts, slack.MsgOptionText("over", false)); err != nil {
		t.Error(err)
	}
	if _, err := api.PostEphemeralContext(t.Context(), "C1", "U1", slack.MsgOptionText("only you", false)); err != nil {
		t.Error(err)
	}
	if user, err := api.GetUserInfoContext(t.Context(), "U1"); err != nil || user.RealName != "Ann" {
		t.Errorf("%+v, %v", user, err)
	}
	if _, err := api.UploadFileContext(t.Context(), slack.UploadFileParameters{Channel: "C1", ThreadTimestamp: ts, Filename: "отчёт.xlsx",
		FileSize: 4, Reader: strings.NewReader("xlsx")}); err != nil {
		t.Fatal(err)
	}
	files, err := server.WaitFiles(t.Context(), "C1", 1)
	if err != nil || string(files[0].Data) != "xlsx" || files[0].Name != "отчёт.xlsx" || files[0].Thread != ts {
		t.Errorf("%+v, %v", files, err)
	}
	server.Fail("chat.postMessage", 1, lab.Fault{Kind: lab.TooManyRequests, RetryAfter: 9})
	_, _, err = api.PostMessageContext(t.Context(), "C1", slack.MsgOptionText("x", false))
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); !ok || limited.RetryAfter != 9*time.Second {
		t.Errorf("limited: %v", err)
	}
}

// listen runs the real Socket Mode client; each request is acked as decide says.
func listen(t *testing.T, server *lab.Slack, ack func(*socketmode.Client, socketmode.Event)) <-chan socketmode.Event {
	t.Helper()
	socket := socketmode.New(realSlackClient(t, server), socketmode.OptionLog(log.New(io.Discard, "", 0)))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	seen := make(chan socketmode.Event, 50)
	go func() {
		defer close(ended)
		_ = socket.RunContext(ctx)
	}()
	go func() {
		for {
			select {
			case event := <-socket.Events:
				if event.Request != nil && event.Request.EnvelopeID != "" {
					seen <- event
					ack(socket, event)
				}
			case <-ended:
				return
			}
		}
	}()
	t.Cleanup(func() { stop(); <-ended })
	if err := server.WaitConnected(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	return seen
}

func ackEmpty(socket *socketmode.Client, event socketmode.Event) { _ = socket.Ack(*event.Request) }

func ackNothing(*socketmode.Client, socketmode.Event) {}

func TestSocketModeServesTheRealClient(t *testing.T) {
	server := newSlack(t, lab.SlackOptions{})
	seen := listen(t, server, ackEmpty)

	id := server.Slash("C1", "U1", "T012345", "/domovoy", "check пример.рф")
	command, ok := (<-seen).Data.(slack.SlashCommand)
	if !ok || command.Text != "check пример.рф" || command.ChannelID != "C1" || command.UserName != "ann" || command.TriggerID == "" {
		t.Errorf("%+v", command)
	}
	if ack, err := server.WaitAck(t.Context(), id); err != nil || ack.Late {
		t.Errorf("%+v, %v", ack, err)
	}
	if status, _ := call(t, command.ResponseURL, "", params{"text": "ok"}); status != http.StatusOK || len(server.Envelopes()[0].Responses) != 1 {
		t.Errorf("response_url: %d", status)
	}
	askSlack(t, server, "chat.postMessage", params{"channel": "C1", "text": "x", "blocks": []any{actions(button("Take", "take", "7f3a"))}})
	m := server.Messages("C1")[0]
	if _, err := server.Press("C1", m.TS, "U1", "take"); err != nil {
		t.Fatal(err)
	}
	pressed, ok := (<-seen).Data.(slack.InteractionCallback)
	if !ok || pressed.Container.MessageTs != m.TS || pressed.ActionCallback.BlockActions[0].Value != "7f3a" {
		t.Errorf("%+v", pressed)
	}
	server.Mention("C1", "U1", "status", m.TS)
	mention, ok := (<-seen).Data.(slackevents.EventsAPIEvent)
	if said, isMention := mention.InnerEvent.Data.(*slackevents.AppMentionEvent); !ok || !isMention || said.ThreadTimeStamp != m.TS ||
		said.Text != "<@"+server.BotUser()+"> status" {
		t.Errorf("%+v", mention)
	}
}

func TestSocketModeReconnects(t *testing.T) {
	server := newSlack(t, lab.SlackOptions{})
	seen := listen(t, server, ackEmpty)
	for name, leave := range map[string]func(){
		"asked": func() { _ = server.Disconnect("refresh_requested") }, "cut": server.Cut,
	} {
		leave() // its sockets are no longer counted
		if err := server.WaitConnected(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		id := server.Mention("C1", "U1", name, "")
		if event := <-seen; event.Request.EnvelopeID != id {
			t.Errorf("%s: %+v", name, event.Request)
		}
	}
}

func TestEventsAreDeliveredAgain(t *testing.T) {
	server := newSlack(t, lab.SlackOptions{AckWithin: time.Hour})
	seen := listen(t, server, ackNothing)
	id := server.Mention("C1", "U1", "status", "")
	first := <-seen
	next, err := server.Redeliver(id)
	if err != nil {
		t.Fatal(err)
	}
	second := <-seen
	if second.Request.EnvelopeID != next || second.Request.RetryAttempt != 1 || second.Request.RetryReason != "timeout" {
		t.Errorf("%+v", second.Request)
	}
	if a, b := eventID(first), eventID(second); a == "" || a != b {
		t.Errorf("event ids %q and %q", a, b)
	}
	if _, err := server.Redeliver(id); err == nil {
		t.Error("one delivery was repeated twice")
	}
	command := server.Slash("C1", "U1", "T012345", "/domovoy", "status")
	<-seen
	if err := server.Repeat(command); err != nil || (<-seen).Request.EnvelopeID != command {
		t.Errorf("repeated: %v", err)
	}
}

func eventID(event socketmode.Event) string {
	var payload struct {
		ID string `json:"event_id"`
	}
	_ = json.Unmarshal(event.Request.Payload, &payload)
	return payload.ID
}

func TestLateAcksAreSeen(t *testing.T) {
	server := newSlack(t, lab.SlackOptions{AckWithin: time.Millisecond})
	seen := listen(t, server, ackNothing)
	server.Mention("C1", "U1", "status", "")
	<-seen
	if again := <-seen; again.Request.RetryAttempt != 1 { // by itself, at once
		t.Errorf("%+v", again.Request)
	}
	if !server.Envelopes()[0].Ack.Late {
		t.Error("not late")
	}
}

func TestLargeAcksAreDropped(t *testing.T) {
	server := newSlack(t, lab.SlackOptions{})
	conn := dialSocket(t, server)
	id := server.Slash("C1", "U1", "T012345", "/domovoy", "list")
	if err := conn.WriteJSON(params{"envelope_id": id, "payload": params{"text": strings.Repeat("x", 20*1024)}}); err != nil {
		t.Fatal(err)
	}
	e, err := server.WaitEnvelope(t.Context(), func(e lab.Envelope) bool { return e.Ack.Dropped })
	if err != nil || e.ID != id || e.Ack.Count != 0 {
		t.Errorf("%+v, %v", e, err)
	}
	if err := conn.WriteJSON(params{"envelope_id": id}); err != nil {
		t.Fatal(err)
	}
	if _, err := server.WaitAck(t.Context(), id); err != nil {
		t.Error(err)
	}
	if calls := server.Calls(""); !slices.ContainsFunc(calls, func(c lab.Call) bool { return c.Method == "apps.connections.open" }) {
		t.Errorf("calls %+v", calls)
	}
}
