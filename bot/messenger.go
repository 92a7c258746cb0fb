package bot

import (
	"context"
	"time"

	"domovoy/reports"
)

// Receiver is one way to tell people something.
type Receiver interface {
	// Send delivers a message to a chat; inReplyTo may be empty. The
	// reference names the message for an Editor. An error is one of
	// *RetryAfter, *Permanent, *Refused, *Moved and *Unclear; any other
	// counts as an *Unclear one after which the message may have arrived.
	Send(ctx context.Context, to Address, inReplyTo string, m reports.Message) (ref string, err error)
}

// Editor is a Receiver that can replace what it sent. Of one that cannot,
// what it sent stays as it was.
type Editor interface {
	// Edit replaces a message that Send delivered. A message that already
	// reads so is no error; one that does not exist any more, or cannot be
	// changed any more, is ErrGone.
	Edit(ctx context.Context, to Address, ref string, m reports.Message) error
}

// Threader is an Editor in some of whose chats a message can have a thread, which
// notifies nobody who does not follow it.
type Threader interface {
	Editor

	// Threads reports whether messages to an address can have one.
	Threads(to Address) bool

	// Reply is Send into the thread of the message ref, and nowhere else. If that
	// message does not exist any more, or takes no replies, the error is ErrGone.
	Reply(ctx context.Context, to Address, ref string, m reports.Message) (string, error)
}

// Prober is a Receiver that can be asked whether it works, without telling
// anybody anything.
type Prober interface {
	// Probe returns nil if the other side answers and takes our token.
	Probe(ctx context.Context) error
}

// Trier is a Messenger that can be tried without posting anything.
type Trier interface {
	// TryTokens returns nil if the other side takes all our tokens.
	TryTokens(ctx context.Context) error

	// CanSend returns nil if a message to the chat would be taken now. A *Permanent
	// with Chat set and a *Moved are about the chat; a *Permanent with neither field
	// set means that the bot lacks the right to look; anything else says nothing of
	// the chat.
	CanSend(ctx context.Context, to Address) error
}

// Several is a Receiver whose chats are on servers of their own, which fail
// independently.
type Several interface {
	Names() []string // of the chats
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

// Doorkeeper is an Inbox that wants to know when the bot was added to a chat, or is
// allowed to write there again.
type Doorkeeper interface {
	Admitted(ctx context.Context, to Address) error
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
