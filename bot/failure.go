package bot

import (
	"errors"
	"fmt"
	"time"

	"domovoy/reports"
)

// ErrGone is returned by Edit and Reply when the message no longer exists, or can no
// longer be edited or replied to.
var ErrGone = errors.New("the message is gone")

// Scope is what a messenger's request to wait holds for.
type Scope string

// Scopes of a request to wait.
const (
	ScopeChat  Scope = ""      // the chat with all its topics and threads
	ScopeEdits Scope = "edits" // edits in all chats
	ScopeAll   Scope = "all"   // the whole messenger
)

// RetryAfter is a messenger's request to wait. It does not count as a failed
// try, and the message surely did not arrive.
type RetryAfter struct {
	After time.Duration
	Scope Scope
	Err   error // may be nil
}

func (e *RetryAfter) Error() string { return because(fmt.Sprintf("asked to wait %s", e.After), e.Err) }

func (e *RetryAfter) Unwrap() error { return e.Err }

// Permanent is a refusal that no retry of ours will change. What is refused is
// the token, everything in the chat, or, with neither field set, this message.
type Permanent struct {
	Reason string // the messenger's own code, such as channel_not_found
	Token  bool   // every call with this token
	Chat   bool   // everything in this chat: it is gone, or the bot was removed from it
	Err    error  // may be nil
}

func (e *Permanent) Error() string { return because("refused for good: "+e.Reason, e.Err) }

func (e *Permanent) Unwrap() error { return e.Err }

// Refused is the messenger's clear no to this message, for a reason that may
// pass or not: an answer of 4xx that is none of the other errors. After some
// tries the message is given up; others overtake it meanwhile.
type Refused struct {
	Reason string // the messenger's own words
	Err    error  // may be nil
}

func (e *Refused) Error() string { return because("refused: "+e.Reason, e.Err) }

func (e *Refused) Unwrap() error { return e.Err }

// Incomplete is returned by Send with the reference of a message that arrived
// without some of its files. The note about them could not be sent yet.
type Incomplete struct {
	Note  reports.Message
	After time.Duration // the messenger asked to wait
}

func (e *Incomplete) Error() string { return "the message arrived without some of its files" }

// Moved says that the chat has another address now (a Telegram group that
// became a supergroup); the message must be sent there.
type Moved struct{ To Address }

func (e *Moved) Error() string { return "the chat moved to " + e.To.String() }

// Unclear is a failure that may be the network's, a proxy's or the messenger's
// own: there was no answer, or none that only the messenger can have given. It
// says nothing about the message, which is tried again for a long time.
type Unclear struct {
	Arrived  bool // the message may have arrived nevertheless: a repetition must say so
	Answered bool // something answered, if not as the messenger would
	Err      error
}

func (e *Unclear) Error() string { return e.Err.Error() }

func (e *Unclear) Unwrap() error { return e.Err }

// because adds the error behind a failure, if there is one.
func because(text string, err error) string {
	if err == nil {
		return text
	}
	return text + ": " + err.Error()
}
