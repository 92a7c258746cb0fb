package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// Request is what a person asks.
type Request struct {
	Person  string // immutable id, such as telegram:123456789 or local:root
	Name    string // for show
	Role    Role
	Chat    Address // where the answer goes
	Private bool
	Words   []string // what was typed, without the command's own name, known words in English
	Typed   []string // the same as it was typed
	Locale  *i18n.Locale
	Now     time.Time
	Notice  func(text string) // announces what takes long, at once; nil: there is nobody to tell
	Talks   bool              // sits at the console, which is left by a word
	Waits   bool              // for the end of what takes long: a program, or somebody at the console
}

// Writer composes in the language and at the moment of the request. Its
// messages may hold a link that acts in the account's name only where an
// administrator asks in private.
func (r Request) Writer() compose.Writer {
	return compose.Writer{Locale: r.Locale, Now: r.Now, Secrets: r.Role >= Admin && r.Private}
}

// Answer is what a command returns: for a person, and for a program.
type Answer struct {
	Message reports.Message
	Data    any   // the JSON of the contract
	Work    *Work // what takes long and is only begun; the message shows how far it is. nil: all is done
	Act     *Act  // what the audit is to keep; nil: nothing
}

// Work is what an answer begins and does not wait for.
type Work struct {
	Kind    string // of the task that does it
	Payload json.RawMessage
	Plan    string // the confirmed plan that it carries out and uses up; may be empty
	Task    int64  // the task that goes on with it; 0: a new one
}

// NewWork is work of a kind; its payload is stored as JSON.
func NewWork(kind string, payload any) (*Work, error) {
	text, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("beginning %s: %w", kind, err)
	}
	return &Work{Kind: kind, Payload: text}, nil
}

// Act is what somebody did, as the audit keeps it beside who did it and when.
type Act struct {
	Command string
	Args    string // words apart by one blank, site names in A-label form
	Result  string // of a Result, or of a plan that was carried out
}

// NewAct is an act with a result.
func NewAct(command, args string, result Result) *Act {
	return &Act{Command: command, Args: args, Result: result.String()}
}

// Command is something one can ask for.
type Command struct {
	Name string
	Role Role // at least
	Acts Role // at least, if words follow: then it changes something; zero: Role
	Run  func(ctx context.Context, r Request) (Answer, error)
}

// OrNull is a moment for JSON: null where it is zero.
func OrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
