package bot

import (
	"maps"
	"slices"
	"strings"
	"time"

	"domovoy/i18n"
)

// Role is what a person may do. Each includes the ones before it.
type Role int

// The roles; the zero value may do nothing.
const (
	Stranger Role = iota
	Viewer        // asks
	Operator      // has reports composed, changes how a chat is spoken to
	Admin         // changes things outside
)

// String is the role's name in configuration, answers and catalogs.
func (r Role) String() string {
	return [...]string{"stranger", "viewer", "operator", "admin"}[r]
}

// ParseRole reads what String writes; an unknown name is a Stranger.
func ParseRole(name string) Role {
	for _, r := range []Role{Viewer, Operator, Admin} {
		if r.String() == name {
			return r
		}
	}
	return Stranger
}

// What a chat can receive unasked.
const (
	Alerts = "alerts"
	Daily  = "daily"
	Weekly = "weekly"
)

// Chat is a place where the bot speaks.
type Chat struct {
	To       Address
	Language string
	Receives []string // Alerts, Daily, Weekly
	Role     Role     // of anybody in it
}

// Audience is who receives what unasked, and who may ask.
type Audience struct {
	Chats    []Chat
	Managers []Manager
	Spare    []Address       // where an open critical problem is told while no chat can be reached, such as email:ops@example.com
	People   map[string]Role // by immutable id, such as telegram:123456789
	Language string          // of a chat that names none
	Zone     *time.Location
	Bundle   *i18n.Bundle
}

// Receivers are the chats that want a kind of message.
func (a Audience) Receivers(kind string) []Chat {
	var chats []Chat
	for _, c := range a.Chats {
		if slices.Contains(c.Receives, kind) {
			chats = append(chats, c)
		}
	}
	return chats
}

// OwnChats are the chats of the administrators with the bot. In Slack a person's id
// stands for that chat.
func (a Audience) OwnChats() (chats []Address) {
	for _, person := range slices.Sorted(maps.Keys(a.People)) {
		if a.People[person] < Admin {
			continue
		}
		messenger, id, _ := strings.Cut(person, ":")
		chats = append(chats, Address{Messenger: messenger, Chat: id[strings.LastIndex(id, ":")+1:]})
	}
	return chats
}

// Chat finds the configured chat of an address: itself, or the one around
// its thread.
func (a Audience) Chat(to Address) (Chat, bool) {
	for _, address := range []Address{to, to.Whole()} {
		for _, c := range a.Chats {
			if c.To == address {
				return c, true
			}
		}
	}
	return Chat{}, false
}

// Role of a person in a chat: the higher of their own and the chat's. A
// message without a person, from a channel or an anonymous administrator, has
// no rights.
func (a Audience) Role(person string, in Address) Role {
	if person == "" {
		return Stranger
	}
	role := a.People[person]
	if c, ok := a.Chat(in); ok {
		role = max(role, c.Role)
	}
	return role
}

// Manager is somebody who answers for customers: gets their part of the
// weekly report.
type Manager struct {
	To       Address
	Language string                          // empty: the chat's, or the configuration's
	Owners   []string                        // globs
	Named    func() (map[string]bool, error) // more owners, by name, as of now; may be nil
}
