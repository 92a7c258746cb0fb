package lab

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Channel is a place where messages are.
type Channel struct {
	ID       string // C… public, G… private, D… direct
	Name     string
	Archived bool
	Absent   bool   // the bot is not a member
	User     string // of a direct one: the other person
}

// Person is a member of the workspace.
type Person struct {
	ID     string
	Name   string // login
	Real   string // as shown
	Locale string // "ru-RU"; may be empty
	Zone   string // "Europe/Moscow"; may be empty
}

// workspace is who and what there is.
type workspace struct {
	channels map[string]*Channel
	people   map[string]Person
	messages []*SlackMessage // of the bot, in order, ephemeral ones too
	heard    map[string]bool // channel/ts of messages by others
	lastTS   int64           // microseconds, so that no two messages share one
}

func newWorkspace() workspace {
	return workspace{channels: map[string]*Channel{}, people: map[string]Person{}, heard: map[string]bool{}}
}

// AddChannel makes a channel known, or changes it.
func (s *Slack) AddChannel(c Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.workspace.channels[c.ID] = &c
}

// AddPerson makes a person known, or changes them.
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

// target finds a channel the bot may write to; a person's id means the direct
// channel with them. Called with the lock held.
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

// direct opens the direct channel with a person. Called with the lock held.
func (s *Slack) direct(user string) *Channel {
	id := "D" + strings.TrimLeft(user, "UW")
	if s.workspace.channels[id] == nil {
		s.workspace.channels[id] = &Channel{ID: id, User: user}
	}
	return s.workspace.channels[id]
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

// slackRates are the buckets: a message a second per channel, with a small
// burst; and a method's own tier for the workspace.
// https://docs.slack.dev/apis/web-api/rate-limits
type slackRates struct {
	strict   bool
	channels map[string]limit
	update   limit
}

func newSlackRates(strict bool) slackRates {
	return slackRates{
		strict:   strict,
		channels: map[string]limit{},
		update:   &window{calls: 50, length: time.Minute}, // tier 3
	}
}

// admitTo applies the rates to one more call. Called with the lock held.
func (s *Slack) admitTo(channel string, edit bool) error {
	if !s.rates.strict {
		return nil
	}
	bucket := s.rates.channels[channel]
	if bucket == nil {
		bucket = &pace{interval: time.Second, burst: 3}
		s.rates.channels[channel] = bucket
	}
	if edit {
		bucket = s.rates.update
	}
	if seconds := admit(s.options.Now(), bucket); seconds > 0 {
		return rateLimited(seconds)
	}
	return nil
}
