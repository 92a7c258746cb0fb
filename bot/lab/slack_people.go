package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Channel is a channel or a direct message.
type Channel struct {
	ID       string // C… public, G… private, D… direct
	Name     string
	Archived bool
	Absent   bool   // the bot is not a member
	User     string // the other person of a direct message
}

// Person is a member of the workspace.
type Person struct {
	ID     string
	Name   string // login
	Real   string // as shown
	Locale string // "ru-RU"; may be empty
	Zone   string // "Europe/Moscow"; may be empty
}

// workspace has the channels, people and messages.
type workspace struct {
	channels map[string]*Channel
	people   map[string]Person
	messages []*SlackMessage   // of the bot, in order, including ephemeral ones
	others   map[string]bool   // channel/ts of messages by others
	locked   map[string]string // channel/ts of messages that cannot be updated, with the error's code
	lastTS   int64             // microseconds, so that no two messages share one
}

func newWorkspace() workspace {
	return workspace{channels: map[string]*Channel{}, people: map[string]Person{}, others: map[string]bool{}, locked: map[string]string{}}
}

// AddChannel adds a channel, or replaces it.
func (s *Slack) AddChannel(c Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.workspace.channels[c.ID] = &c
}

// AddPerson adds a person, or replaces them.
func (s *Slack) AddPerson(p Person) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.workspace.people[p.ID] = p
}

// timestamp makes a message's ts: seconds, a dot, and six digits that make it unique.
func (s *Slack) timestamp() string {
	w := &s.workspace
	w.lastTS = max(w.lastTS+1, s.options.Now().UnixMicro())
	return fmt.Sprintf("%d.%06d", w.lastTS/1e6, w.lastTS%1e6)
}

// target returns a channel that the bot may write to; for a person's id, the direct
// message with them. The caller holds s.mu.
func (s *Slack) target(id string) (*Channel, error) {
	if _, known := s.workspace.people[id]; known {
		return s.direct(id), nil
	}
	c := s.workspace.channels[id]
	switch {
	case c == nil:
		return nil, &slackError{code: "channel_not_found"}
	case c.Archived:
		return nil, &slackError{code: "is_archived"}
	case c.Absent:
		return nil, &slackError{code: "not_in_channel"}
	}
	return c, nil
}

// direct opens the direct message with a person. The caller holds s.mu.
func (s *Slack) direct(user string) *Channel {
	id := "D" + strings.TrimLeft(user, "UW")
	if s.workspace.channels[id] == nil {
		s.workspace.channels[id] = &Channel{ID: id, User: user}
	}
	return s.workspace.channels[id]
}

// conversationInfo answers about a channel; the channels of others are not found.
// https://docs.slack.dev/reference/methods/conversations.info
func (s *Slack) conversationInfo(_ context.Context, q request) (object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.workspace.channels[q.params["channel"]]
	scope := map[byte]string{'C': "channels:read", 'G': "groups:read", 'D': "im:read"}[(q.params["channel"] + " ")[0]]
	switch {
	case slices.Contains(s.options.Lacks, scope):
		return nil, &slackError{code: "missing_scope"}
	case c == nil || c.Absent && strings.HasPrefix(c.ID, "G"): // a private channel is not there for who is not in it
		return nil, &slackError{code: "channel_not_found"}
	}
	return object{"channel": object{"id": c.ID, "name": c.Name, "is_channel": c.User == "", "is_im": c.User != "", "is_archived": c.Archived,
		"is_member": !c.Absent && c.User == "", "is_private": strings.HasPrefix(c.ID, "G"), "user": c.User}}, nil
}

func (s *Slack) openConversation(_ context.Context, q request) (object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	user := q.params["users"]
	if _, known := s.workspace.people[user]; !known {
		return nil, &slackError{code: "user_not_found"}
	}
	return object{"channel": object{"id": s.direct(user).ID, "is_im": true, "user": user}}, nil
}

func (s *Slack) userInfo(_ context.Context, q request) (object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, known := s.workspace.people[q.params["user"]]
	if !known {
		return nil, &slackError{code: "user_not_found"}
	}
	return object{"user": object{
		"id": p.ID, "team_id": s.options.Team, "name": p.Name, "real_name": p.Real, "tz": p.Zone, "locale": p.Locale,
		"deleted": false, "is_bot": false, "profile": object{"real_name": p.Real, "display_name": p.Name},
	}}, nil
}

// slackRates are the rate limits: a message a second per channel, with a small burst,
// and a method's tier for the workspace.
// https://docs.slack.dev/apis/web-api/rate-limits
type slackRates struct {
	strict   bool
	channels map[string]limit
	update   limit
	held     map[string]time.Time // by limitedBy: until when the app was asked to wait
}

// hold opens the window of a 429.
func (r *slackRates) hold(what string, now time.Time, seconds int) {
	if until := now.Add(time.Duration(seconds) * time.Second); until.After(r.held[what]) {
		r.held[what] = until
	}
}

func newSlackRates(strict bool) slackRates {
	return slackRates{
		strict:   strict,
		channels: map[string]limit{},
		held:     map[string]time.Time{},
		update:   &window{calls: 50, length: time.Minute}, // tier 3
	}
}

// admitTo applies the rate limits to one more call. The caller holds s.mu.
func (s *Slack) admitTo(channel string, edit bool) error {
	if !s.rates.strict {
		return nil
	}
	bucket := s.rates.channels[channel]
	if bucket == nil {
		bucket = &pace{interval: time.Second, burst: 3}
		s.rates.channels[channel] = bucket
	}
	what, now := channel, s.options.Now()
	if edit {
		bucket, what = s.rates.update, "chat.update"
	}
	if left := s.rates.held[what].Sub(now); left > 0 {
		return rateLimited(int((left + time.Second - 1) / time.Second))
	}
	if seconds := admit(now, bucket); seconds > 0 {
		s.rates.hold(what, now, seconds)
		return rateLimited(seconds)
	}
	return nil
}

// Slash sends a slash command, which Slack allows everywhere but in threads. It returns
// the envelope's id. https://docs.slack.dev/interactivity/implementing-slash-commands
func (s *Slack) Slash(channel, user, team, command, text string) string {
	payload := s.context(channel, user, team)
	payload["command"], payload["text"] = command, text
	return s.dispatch(Envelope{Kind: "slash_commands", Payload: payload})
}

// context has the fields of a slash command about its channel and sender.
func (s *Slack) context(channel, user, team string) object {
	s.mu.Lock()
	defer s.mu.Unlock()
	place := Channel{}
	if c := s.workspace.channels[channel]; c != nil {
		place = *c
	}
	return object{
		"token": "lab", "api_app_id": labApp, "is_enterprise_install": "false",
		"team_id": team, "team_domain": "lab", "channel_id": channel, "channel_name": place.Name,
		"user_id": user, "user_name": s.workspace.people[user].Name, "trigger_id": s.trigger(),
	}
}

// trigger returns a new trigger_id. The caller holds s.mu.
func (s *Slack) trigger() string { return "13345224609.738474920." + s.timestamp() }

// Mention sends a message that mentions the bot to a channel, in a thread unless that
// is empty; the mention is added before the text. It returns the envelope's id.
// https://docs.slack.dev/reference/events/app_mention
func (s *Slack) Mention(channel, user, text, thread string) string {
	return s.say(channel, user, fmt.Sprintf("<@%s> %s", labBotUser, text), thread, object{"type": "app_mention"})
}

// Tell sends a message to the bot in the direct message with a person.
// https://docs.slack.dev/reference/events/message.im
func (s *Slack) Tell(user, text string) string {
	s.mu.Lock()
	channel := s.direct(user).ID
	s.mu.Unlock()
	return s.say(channel, user, text, "", object{"type": "message", "channel_type": "im"})
}

func (s *Slack) say(channel, user, text, thread string, event object) string {
	s.mu.Lock()
	ts := s.timestamp()
	s.workspace.others[channel+"/"+ts] = true
	event["user"], event["text"], event["team"] = user, text, s.options.Team
	event["ts"], event["event_ts"], event["channel"] = ts, ts, channel
	if thread != "" {
		event["thread_ts"] = thread
	}
	id := "Ev" + strings.ReplaceAll(ts, ".", "")
	payload := object{
		"token": "lab", "team_id": s.options.Team, "api_app_id": labApp, "type": "event_callback",
		"event": event, "event_id": id, "event_time": s.options.Now().Unix(),
		"authorizations": []object{{"team_id": s.options.Team, "user_id": labBotUser, "is_bot": true}},
	}
	s.mu.Unlock()
	return s.dispatch(Envelope{Kind: "events_api", EventID: id, Payload: payload})
}

// Press presses the button of that action_id in a message, or chooses the entry of a
// menu that has that value; it returns the envelope's id. A question before the
// action is answered with yes.
func (s *Slack) Press(channel, ts, user, actionID string) (string, error) {
	s.mu.Lock()
	var action object
	if m := s.find(channel, ts); m != nil {
		action = m.Body.action(actionID)
	}
	s.mu.Unlock()
	if action == nil {
		return "", fmt.Errorf("message %s of %s has no button %q", ts, channel, actionID)
	}
	return s.press(channel, ts, user, action), nil
}

// PressForged sends an action that need not be in any message, as an outdated client
// can. It returns the envelope's id.
func (s *Slack) PressForged(channel, ts, user, actionID, value string) string {
	return s.press(channel, ts, user, object{"type": "button", "action_id": actionID, "block_id": "forged", "value": value})
}

// press is https://docs.slack.dev/reference/interaction-payloads/block_actions-payload.
func (s *Slack) press(channel, ts, user string, action object) string {
	s.mu.Lock()
	action["action_ts"] = s.timestamp()
	payload := object{
		"type": "block_actions", "token": "lab", "api_app_id": labApp, "trigger_id": s.trigger(),
		"user":    object{"id": user, "username": s.workspace.people[user].Name, "team_id": s.options.Team},
		"team":    object{"id": s.options.Team, "domain": "lab"},
		"channel": object{"id": channel}, "actions": []object{action},
	}
	container := object{"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": false}
	if m := s.find(channel, ts); m != nil {
		payload["message"] = m.json()
		container["is_ephemeral"] = m.User != ""
		if m.Thread != "" {
			container["thread_ts"] = m.Thread
		}
	}
	payload["container"] = container
	s.mu.Unlock()
	return s.dispatch(Envelope{Kind: "interactive", Payload: payload})
}

// action returns a button of action blocks and accessories, or a menu with its chosen
// entry, in the form of a press.
func (b Body) action(id string) object {
	for _, block := range b.Blocks {
		elements, _ := block["elements"].([]any)
		for _, e := range append([]any{block["accessory"]}, elements...) {
			element, _ := e.(object)
			action := object{"block_id": block["block_id"]}
			for _, name := range []string{"type", "action_id", "text", "value", "style"} {
				if element[name] != nil {
					action[name] = element[name]
				}
			}
			options, _ := element["options"].([]any)
			switch {
			case element["type"] == "button" && element["action_id"] == id:
				return action
			case element["type"] != "overflow" && element["type"] != "static_select":
				continue
			}
			for _, o := range options {
				if option, _ := o.(object); option["value"] == id {
					action["selected_option"] = option
					return action
				}
			}
		}
	}
	return nil
}

// maxResponses is how many times a response_url can be used.
// https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
const maxResponses = 5

// serveResponse accepts posts to a response_url. They are logged as "response".
func (s *Slack) serveResponse(w http.ResponseWriter, r *http.Request) {
	var body object
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&body)
	s.handle(w, r, exchange{
		method: "response",
		refuse: refuseSlack,
		run: func(context.Context) reply {
			s.mu.Lock()
			defer s.mu.Unlock()
			e := s.envelope(r.PathValue("envelope"))
			if err != nil || e == nil || len(e.Responses) >= maxResponses {
				return (&slackError{code: "expired_url", status: http.StatusNotFound}).reply()
			}
			e.Responses = append(e.Responses, body)
			s.changed.send()
			return jsonReply(http.StatusOK, object{"ok": true})
		},
	})
}
