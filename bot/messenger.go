package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"domovoy/reports"
	"domovoy/reports/journal"
)

// Messenger is one way to talk with people.
type Messenger interface {
	// Listen hands over what people say until the context ends, or until the
	// messenger refuses for good (a wrong token), which it returns. It
	// confirms nothing to the other side before inbox.Receive said yes.
	Listen(ctx context.Context, inbox Inbox) error

	// Send delivers a message to a chat; inReplyTo may be empty. The
	// reference names the message for Edit. Errors that are neither
	// *RetryAfter, *Permanent, *Refused nor *Moved are worth another try for ever.
	Send(ctx context.Context, to Address, inReplyTo string, m reports.Message) (ref string, err error)

	// Edit replaces a message that Send delivered. A message that already
	// reads so is no error; one that is gone is ErrGone.
	Edit(ctx context.Context, to Address, ref string, m reports.Message) error
}

// Inbox keeps what people said. Receive stores updates with the messenger's
// cursor in one transaction and ignores those it has already; Cursor gives
// the last one stored, "" at first.
type Inbox interface {
	Receive(ctx context.Context, updates []journal.Update, cursor string) error
	Cursor(ctx context.Context) (string, error)
}

// ErrGone is what Edit says when the message no longer exists.
var ErrGone = errors.New("the message is gone")

// RetryAfter is a messenger's request to wait; it does not count as a failed
// try. Everything to that messenger's chat waits, not this message alone.
type RetryAfter struct {
	After time.Duration
	Err   error // may be nil
}

func (e *RetryAfter) Error() string { return fmt.Sprintf("asked to wait %s: %v", e.After, e.Err) }

func (e *RetryAfter) Unwrap() error { return e.Err }

// Permanent is a refusal that no retry will change: the chat is gone, the
// bot was thrown out, the token is void.
type Permanent struct {
	Reason string // the messenger's own code, such as channel_not_found
	Token  bool   // it is the token that is refused, not this message or chat
	Err    error  // may be nil
}

func (e *Permanent) Error() string { return fmt.Sprintf("refused for good: %s: %v", e.Reason, e.Err) }

func (e *Permanent) Unwrap() error { return e.Err }

// Refused is the messenger's clear no to this message, for a reason that it
// may get over or not: an answer of 4xx that is none of the other errors.
// After some tries the message is given up, so that its chat hears the rest.
type Refused struct {
	Reason string // the messenger's own words
	Err    error  // may be nil
}

func (e *Refused) Error() string { return fmt.Sprintf("refused: %s: %v", e.Reason, e.Err) }

func (e *Refused) Unwrap() error { return e.Err }

// Moved tells that the chat has another address now (a Telegram group that
// became a supergroup); the message is to be sent there.
type Moved struct{ To Address }

func (e *Moved) Error() string { return "the chat moved to " + e.To.String() }

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
		return Address{}, fmt.Errorf("%q is no chat address: want messenger:chat or messenger:chat/thread", s)
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
