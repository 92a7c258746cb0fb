package lab

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// SlackMessage is what the bot has posted, as it looks now.
type SlackMessage struct {
	Channel string
	TS      string
	Thread  string // thread_ts; empty: none
	User    string // the only one to see it; empty unless it is ephemeral
	Body    Body
	At      time.Time
	Edits   []Body // what it was before, oldest first
}

// Body is the part of a message an update can change; mrkdwn stays as sent.
type Body struct {
	Text   string   // of the notification, when there are blocks
	Blocks []object // decoded, each with a block_id
}

// maxSlackText is where the lab refuses; the real service truncates.
// https://docs.slack.dev/reference/methods/chat.postMessage#truncating
const maxSlackText = 40_000

func (s *Slack) postMessage(_ context.Context, q request) (object, error) {
	body, err := q.body()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.post(q, body)
	if err != nil {
		return nil, err
	}
	return object{"channel": m.Channel, "ts": m.TS, "message": m.json()}, nil
}

func (s *Slack) postEphemeral(_ context.Context, q request) (object, error) {
	body, err := q.body()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	user := q.params["user"]
	if _, known := s.workspace.people[user]; !known {
		return nil, &slackError{code: "user_not_in_channel"}
	}
	m, err := s.post(q, body)
	if err != nil {
		return nil, err
	}
	m.User = user
	return object{"message_ts": m.TS}, nil
}

// post files a message. Called with the lock held.
func (s *Slack) post(q request, body Body) (*SlackMessage, error) {
	channel, err := s.target(q.params["channel"])
	if err != nil {
		return nil, err
	}
	thread := q.params["thread_ts"]
	if thread != "" && s.find(channel.ID, thread) == nil && !s.workspace.heard[channel.ID+"/"+thread] {
		return nil, &slackError{code: "thread_not_found"}
	}
	if err := s.admitTo(channel.ID, false); err != nil {
		return nil, err
	}
	m := &SlackMessage{Channel: channel.ID, TS: s.timestamp(), Thread: thread, Body: body, At: s.options.Now()}
	s.workspace.messages = append(s.workspace.messages, m)
	s.bell.ring()
	return m, nil
}

// updateMessage replaces the whole body: a text without blocks takes them away.
func (s *Slack) updateMessage(_ context.Context, q request) (object, error) {
	body, err := q.body()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	channel, err := s.target(q.params["channel"])
	if err != nil {
		return nil, err
	}
	m := s.find(channel.ID, q.params["ts"])
	switch {
	case s.workspace.heard[channel.ID+"/"+q.params["ts"]]:
		return nil, &slackError{code: "cant_update_message"}
	case m == nil || m.User != "": // an ephemeral message has no lasting ts
		return nil, &slackError{code: "message_not_found"}
	}
	if err := s.admitTo(channel.ID, true); err != nil {
		return nil, err
	}
	m.Edits = append(m.Edits, m.Body)
	m.Body = body
	s.bell.ring()
	return object{"channel": m.Channel, "ts": m.TS, "text": m.Body.Text, "message": m.json()}, nil
}

// body reads and checks what a message says.
func (q *request) body() (Body, error) {
	body := Body{Text: q.params["text"]}
	if units(body.Text) > maxSlackText {
		return body, &slackError{code: "msg_too_long"}
	}
	var err error
	if raw := q.params["blocks"]; raw != "" {
		body.Blocks, err = parseBlocks(raw)
	}
	if err == nil && body.Text == "" && len(body.Blocks) == 0 {
		err = &slackError{code: "no_text"}
	}
	return body, err
}

// find returns a message of the bot's own, or nil. Called with the lock held.
func (s *Slack) find(channel, ts string) *SlackMessage {
	i := slices.IndexFunc(s.workspace.messages, func(m *SlackMessage) bool { return m.Channel == channel && m.TS == ts })
	if i < 0 {
		return nil
	}
	return s.workspace.messages[i]
}

// Forget deletes a message of the bot's: later updates do not find it.
func (s *Slack) Forget(channel, ts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.workspace.messages = slices.DeleteFunc(s.workspace.messages, func(m *SlackMessage) bool { return m.Channel == channel && m.TS == ts })
	s.bell.ring()
}

func (m *SlackMessage) json() object {
	o := object{"type": "message", "ts": m.TS, "user": labBotUser, "bot_id": labBot, "app_id": labApp, "text": m.Body.Text}
	if len(m.Body.Blocks) > 0 {
		o["blocks"] = m.Body.Blocks
	}
	if m.Thread != "" {
		o["thread_ts"] = m.Thread
	}
	if len(m.Edits) > 0 {
		o["edited"] = object{"user": labBotUser, "ts": m.TS}
	}
	return o
}

// Messages lists what the bot has posted to a channel, oldest first, as it is
// now; ephemeral messages are those with a User.
func (s *Slack) Messages(channel string) []SlackMessage {
	var list []SlackMessage
	for _, m := range s.all() {
		if m.Channel == channel {
			list = append(list, m)
		}
	}
	return list
}

// WaitMessage waits until a message of any channel is as wanted, new or updated.
func (s *Slack) WaitMessage(ctx context.Context, wanted func(SlackMessage) bool) (SlackMessage, error) {
	m, err := await(ctx, &s.bell, func() (SlackMessage, bool) {
		all := s.all()
		if i := slices.IndexFunc(all, wanted); i >= 0 {
			return all[i], true
		}
		return SlackMessage{}, false
	})
	if err != nil {
		return m, fmt.Errorf("waiting for a message, saw %d: %w", len(s.all()), err)
	}
	return m, nil
}

func (s *Slack) all() []SlackMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []SlackMessage
	for _, m := range s.workspace.messages {
		c := *m
		c.Edits = slices.Clone(m.Edits) // the only part that is appended to
		list = append(list, c)
	}
	return list
}
