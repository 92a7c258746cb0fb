package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SlackMessage is a message of the bot in its present form.
type SlackMessage struct {
	Channel string
	TS      string
	Thread  string // thread_ts; empty: none
	User    string // the only one to see it; empty unless it is ephemeral
	Body    Body
	At      time.Time
	Edits   []Body // the previous forms, oldest first
}

// Body is the part of a message that an update can change. Its mrkdwn is unchanged.
type Body struct {
	Text   string   // of the notification, when there are blocks
	Blocks []object // decoded, each with a block_id
}

// Read is what a person reads in the blocks, a line for each of them and for each
// line in them; without blocks it is the text.
func (b Body) Read() string {
	if len(b.Blocks) == 0 {
		return b.Text
	}
	var out strings.Builder
	for _, block := range b.Blocks {
		read(&out, block)
		out.WriteByte('\n')
	}
	return out.String()
}

// read writes what is to be read in a part of a block, in the order of the block.
func read(out *strings.Builder, node any) {
	switch node := node.(type) {
	case string:
		out.WriteString(node)
	case []any:
		for _, child := range node {
			read(out, child)
		}
	case object:
		read(out, node["text"])
		for _, inside := range []string{"elements", "options", "fields", "accessory", "rows"} {
			read(out, node[inside])
		}
		switch node["type"] {
		case "rich_text_section", "rich_text_preformatted", "rich_text_quote", "button":
			out.WriteByte('\n')
		}
	}
}

// maxSlackText is the longest text. The lab is stricter than the real service, which
// truncates a longer one.
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

// post adds a message. The caller holds s.mu.
func (s *Slack) post(q request, body Body) (*SlackMessage, error) {
	channel, err := s.target(q.params["channel"])
	if err != nil {
		return nil, err
	}
	thread := q.params["thread_ts"]
	if thread != "" && !s.workspace.others[channel.ID+"/"+thread] && s.find(channel.ID, thread) == nil {
		return nil, &slackError{code: "thread_not_found"}
	}
	if err := s.admitTo(channel.ID, false); err != nil {
		return nil, err
	}
	m := &SlackMessage{Channel: channel.ID, TS: s.timestamp(), Thread: thread, Body: body, At: s.options.Now()}
	s.workspace.messages = append(s.workspace.messages, m)
	s.changed.send()
	return m, nil
}

// updateMessage replaces the whole body: a text without blocks removes the blocks.
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
	case s.workspace.others[channel.ID+"/"+q.params["ts"]]:
		return nil, &slackError{code: "cant_update_message"}
	case s.workspace.locked[channel.ID+"/"+q.params["ts"]] != "":
		return nil, &slackError{code: s.workspace.locked[channel.ID+"/"+q.params["ts"]]}
	case m == nil || m.User != "": // an ephemeral message has no lasting ts
		return nil, &slackError{code: "message_not_found"}
	}
	if err := s.admitTo(channel.ID, true); err != nil {
		return nil, err
	}
	m.Edits = append(m.Edits, m.Body)
	m.Body = body
	s.changed.send()
	return object{"channel": m.Channel, "ts": m.TS, "text": m.Body.Text, "message": m.json()}, nil
}

// body parses and checks the text and blocks of a message.
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

// find returns a message of the bot, or nil. The caller holds s.mu.
func (s *Slack) find(channel, ts string) *SlackMessage {
	i := slices.IndexFunc(s.workspace.messages, func(m *SlackMessage) bool { return m.Channel == channel && m.TS == ts })
	if i < 0 {
		return nil
	}
	return s.workspace.messages[i]
}

// Forget deletes a message of the bot: later updates do not find it.
func (s *Slack) Forget(channel, ts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.workspace.messages = slices.DeleteFunc(s.workspace.messages, func(m *SlackMessage) bool { return m.Channel == channel && m.TS == ts })
	s.changed.send()
}

// Lock has later updates of a message refused with a code, such as edit_window_closed:
// a workspace can limit the time in which messages may be edited.
// https://docs.slack.dev/reference/methods/chat.update#errors
func (s *Slack) Lock(channel, ts, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.workspace.locked[channel+"/"+ts] = code
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

// Messages lists the messages of the bot in a channel, oldest first; ephemeral messages
// have a User.
func (s *Slack) Messages(channel string) []SlackMessage {
	return s.messages(func(m *SlackMessage) bool { return m.Channel == channel })
}

// WaitMessage waits until wanted returns true for a new or updated message of any
// channel, and returns it.
func (s *Slack) WaitMessage(ctx context.Context, wanted func(SlackMessage) bool) (SlackMessage, error) {
	m, err := await(ctx, &s.changed, func() (SlackMessage, bool) {
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
	return s.messages(func(*SlackMessage) bool { return true })
}

// messages copies the messages that are wanted.
func (s *Slack) messages(wanted func(*SlackMessage) bool) []SlackMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []SlackMessage
	for _, m := range s.workspace.messages {
		if wanted(m) {
			c := *m
			c.Edits = slices.Clone(m.Edits) // the only part that is appended to
			list = append(list, c)
		}
	}
	return list
}

// SlackFile is an uploaded file as shared to a channel.
type SlackFile struct {
	File
	ID      string
	Title   string
	Channel string
	Thread  string // thread_ts; empty: none
	Comment string
	Share   int // number of the call that showed it: files of one call are in one message
}

// upload is a file in one of the three steps of an upload.
// https://docs.slack.dev/messaging/working-with-files#upload
type upload struct {
	file     File
	length   int  // as announced
	received bool // the content has arrived
	shared   []SlackFile
}

func (s *Slack) getUploadURL(_ context.Context, q request) (object, error) {
	length, err := strconv.Atoi(q.params["length"])
	if err != nil || length <= 0 || q.params["filename"] == "" {
		return nil, &slackError{code: "invalid_arguments"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := fmt.Sprintf("F0LAB%05d", len(s.files)+1)
	s.files[id] = &upload{file: File{Name: q.params["filename"]}, length: length}
	return object{"upload_url": s.url + "/upload/" + id, "file_id": id}, nil
}

// serveUpload accepts the content, as a form's file or as the body, and refuses another
// length than announced. Its calls are logged as "upload".
func (s *Slack) serveUpload(w http.ResponseWriter, r *http.Request) {
	q, err := readRequest(w, r)
	if err != nil {
		uploadReply(http.StatusBadRequest, err.Error()).write(w)
		return
	}
	s.handle(w, r, exchange{
		method: "upload",
		params: q.params,
		refuse: refuseSlack,
		run:    func(context.Context) reply { return s.receive(r.PathValue("file"), q) },
	})
}

func (s *Slack) receive(id string, q request) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.files[id]
	if u == nil {
		return uploadReply(http.StatusNotFound, "no such upload")
	}
	for _, file := range q.files {
		u.file.Data, u.received = file.Data, len(file.Data) == u.length
	}
	if !u.received {
		return uploadReply(http.StatusBadRequest, fmt.Sprintf("%d bytes announced, %d came", u.length, len(u.file.Data)))
	}
	return reply{status: http.StatusOK, mime: "text/plain", body: fmt.Appendf(nil, "OK - %d", u.length)}
}

func uploadReply(status int, text string) reply {
	return reply{status: status, mime: "text/plain", body: []byte(text), problem: text}
}

func (s *Slack) completeUpload(_ context.Context, q request) (object, error) {
	var files []struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	}
	if json.Unmarshal([]byte(q.params["files"]), &files) != nil || len(files) == 0 {
		return nil, &slackError{code: "invalid_arguments"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	targets, err := s.fileTargets(q)
	if err != nil {
		return nil, err
	}
	list := []object{}
	s.shares++
	for _, f := range files {
		u := s.files[f.ID]
		if u == nil || !u.received {
			return nil, &slackError{code: "file_not_found"}
		}
		for _, channel := range targets {
			u.shared = append(u.shared, SlackFile{File: u.file, ID: f.ID, Title: f.Title,
				Channel: channel, Thread: q.params["thread_ts"], Comment: q.params["initial_comment"], Share: s.shares})
		}
		list = append(list, object{"id": f.ID, "title": f.Title}) // sharing is asynchronous: no ts
	}
	s.changed.send()
	return object{"files": list}, nil
}

// fileTargets are the channels that a file is shared to; without any it stays private.
func (s *Slack) fileTargets(q request) ([]string, error) {
	var targets []string
	for _, id := range append(strings.Split(q.params["channels"], ","), q.params["channel_id"]) {
		if id == "" {
			continue
		}
		c, err := s.target(id)
		if err != nil {
			return nil, err
		}
		targets = append(targets, c.ID)
	}
	return targets, nil
}

// Files lists the files that were shared to a channel, in the order of their uploads.
func (s *Slack) Files(channel string) []SlackFile {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []SlackFile
	for i := range len(s.files) {
		for _, f := range s.files[fmt.Sprintf("F0LAB%05d", i+1)].shared {
			if f.Channel == channel {
				list = append(list, f)
			}
		}
	}
	return list
}

// WaitFiles waits until n files were shared to a channel in all.
func (s *Slack) WaitFiles(ctx context.Context, channel string, n int) ([]SlackFile, error) {
	files, err := await(ctx, &s.changed, func() ([]SlackFile, bool) {
		list := s.Files(channel)
		return list, len(list) >= n
	})
	if err != nil {
		return nil, fmt.Errorf("waiting for %d files in %s: %w", n, channel, err)
	}
	return files, nil
}
