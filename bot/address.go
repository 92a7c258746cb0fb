package bot

import (
	"fmt"
	"strings"
)

// Address is where a chat is: telegram:-1001234567890/7, slack:C0123456789.
type Address struct {
	Messenger string
	Chat      string
	Thread    string // a topic or a thread; may be empty
}

// ParseAddress reads the form that String writes.
func ParseAddress(s string) (Address, error) {
	messenger, rest, ok := strings.Cut(s, ":")
	chat, thread, _ := strings.Cut(rest, "/")
	if !ok || messenger == "" || chat == "" {
		return Address{}, fmt.Errorf("%q is not a chat address: want messenger:chat or messenger:chat/thread", s)
	}
	return Address{Messenger: messenger, Chat: chat, Thread: thread}, nil
}

// String writes the form that ParseAddress reads.
func (a Address) String() string {
	s := a.Messenger + ":" + a.Chat
	if a.Thread != "" {
		s += "/" + a.Thread
	}
	return s
}

// Names of the ways that only send, in addresses.
const (
	Email   = "email"
	Webhook = "webhook"
)

// SendOnly reports whether nobody can answer at the address, and what was sent there
// cannot be changed.
func (a Address) SendOnly() bool { return a.Messenger == Email || a.Messenger == Webhook }

// Whole is the address of the chat without its thread.
func (a Address) Whole() Address { return Address{Messenger: a.Messenger, Chat: a.Chat} }

// SameChat reports whether two addresses, as String writes them, are in one
// chat: a button may be pressed in a thread of the chat it was sent to.
func SameChat(a, b string) bool {
	x, errX := ParseAddress(a)
	y, errY := ParseAddress(b)
	return errX == nil && errY == nil && x.Whole() == y.Whole()
}
