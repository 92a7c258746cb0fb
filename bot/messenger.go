package bot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"domovoy/reports"
)

// Receiver is one way to tell people something.
type Receiver interface {
	// Send delivers a message to a chat; inReplyTo may be empty. The
	// reference names the message for an Editor. Errors that are neither
	// *RetryAfter, *Permanent, *Refused nor *Moved are retried without end.
	Send(ctx context.Context, to Address, inReplyTo string, m reports.Message) (ref string, err error)
}

// Editor is a Receiver that can replace what it sent. Of one that cannot,
// what it sent stays as it was.
type Editor interface {
	// Edit replaces a message that Send delivered. A message that already
	// reads so is no error; one that does not exist any more is ErrGone.
	Edit(ctx context.Context, to Address, ref string, m reports.Message) error
}

// Messenger is a Receiver that people can also talk to.
type Messenger interface {
	Receiver
	Editor

	// Listen passes on what people say until the context ends, or until the
	// messenger refuses for good (a wrong token), which it returns. It
	// confirms nothing to the other side before inbox.Receive returned nil.
	Listen(ctx context.Context, inbox Inbox) error
}

// Inbox stores what people said. Receive stores updates with the messenger's
// cursor in one transaction and ignores those that it already has; Cursor
// returns the last one stored, "" at first.
type Inbox interface {
	Receive(ctx context.Context, updates []Update, cursor string) error
	Cursor(ctx context.Context) (string, error)
}

// Update is something a person said or pressed.
type Update struct {
	ID        int64  // the journal's; zero until stored
	Messenger string // telegram, slack
	Key       string // unique within the messenger: update_id, envelope_id …
	Chat      string // where, and where the answer goes: an address
	Private   bool   // the chat is between this person and the bot
	Person    string // immutable id such as telegram:123456789; empty: cannot command
	Name      string // for show only
	Language  string // the person's client's, a hint; may be empty
	Text      string // what was typed; empty when a button was pressed
	Button    string // the action's id; empty when something was typed
	Ref       string // the message it was said in or the button was pressed on
	At        time.Time
}

// ErrGone is returned by Edit when the message no longer exists.
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
// bot was removed from it, the token is void.
type Permanent struct {
	Reason string // the messenger's own code, such as channel_not_found
	Token  bool   // it is the token that is refused, not this message or chat
	Err    error  // may be nil
}

func (e *Permanent) Error() string { return fmt.Sprintf("refused for good: %s: %v", e.Reason, e.Err) }

func (e *Permanent) Unwrap() error { return e.Err }

// Refused is the messenger's clear no to this message, for a reason that may
// pass or not: an answer of 4xx that is none of the other errors. After some
// tries the message is given up, so that its chat gets the messages behind it.
type Refused struct {
	Reason string // the messenger's own words
	Err    error  // may be nil
}

func (e *Refused) Error() string { return fmt.Sprintf("refused: %s: %v", e.Reason, e.Err) }

func (e *Refused) Unwrap() error { return e.Err }

// Moved says that the chat has another address now (a Telegram group that
// became a supergroup); the message must be sent there.
type Moved struct{ To Address }

func (e *Moved) Error() string { return "the chat moved to " + e.To.String() }
