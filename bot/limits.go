package bot

import (
	"time"

	"domovoy/reports"
)

// Rate allows Burst calls at once, and one more after each Every. The zero value
// has no limit.
type Rate struct {
	Every time.Duration
	Burst int
}

// Limits are how often a messenger may be called. They are kept over restarts.
type Limits struct {
	All   Rate                        // calls in all chats
	Edits Rate                        // edits in all chats
	Chat  func(to Address) []Rate     // calls in one chat with its topics and threads; may be nil
	Calls func(m reports.Message) int // how many calls a message takes; nil: one
}

// Paced is a Receiver with limits.
type Paced interface {
	Limits() Limits
}
