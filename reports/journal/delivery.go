package journal

import (
	"time"

	"domovoy/reports"
)

// DeliveryState is where a delivery stands.
type DeliveryState string

// States of a delivery.
const (
	Pending DeliveryState = "pending" // to be sent at Next or later
	Sent    DeliveryState = "sent"    // the messenger said yes
	Dropped DeliveryState = "dropped" // known to be impossible, or overtaken by a newer edit
)

// AnswerKind is the kind of a delivery that answers somebody.
const AnswerKind = "answer"

// Delivery is one message to one chat: a row of the outbox.
type Delivery struct {
	ID       int64
	To       string // the chat's address, such as telegram:-1001234567890/7
	Kind     string // why it is sent: alert, daily, answer, baseline …
	Incident int64  // the incident it speaks of; 0: none
	Edits    int64  // the delivery whose message it replaces; 0: a new message
	ReplyTo  string // the messenger's reference of the message it answers; may be empty
	Message  reports.Message
	Attempt  Attempt

	// IncidentKey names the incident by its finding's key where it has no ID
	// yet; Record fills Incident in. Not stored.
	IncidentKey string
}

// IncidentMark stands in an action's command for the ID of the delivery's
// incident, which is not known before both are stored: "ack {incident}".
const IncidentMark = "{incident}"

// Attempt is what is known of sending a delivery.
type Attempt struct {
	State   DeliveryState
	Tries   int
	Next    time.Time // not before
	Begun   bool      // an earlier sending was begun whose end is not known: it may be there already
	Ref     string    // the messenger's name for the message, once sent; of an edit that is due, for the message to replace
	Created time.Time
	SentAt  time.Time // zero until sent
	Error   string    // the last one; may be empty
}

// Update is something a person said or pressed, stored before it is
// confirmed to the messenger.
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
