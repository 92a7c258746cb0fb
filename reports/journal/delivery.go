package journal

import (
	"encoding/json"
	"fmt"
	"time"

	"domovoy/reports"
)

// DeliveryState is the state of a delivery.
type DeliveryState string

// States of a delivery.
const (
	Pending DeliveryState = "pending" // waits to be sent, at Next or later
	Sent    DeliveryState = "sent"    // accepted by the messenger
	Dropped DeliveryState = "dropped" // will never be accepted, or became part of another one
)

// AnswerKind is the Kind of a delivery that answers a person.
const AnswerKind = "answer"

// SpareKind is the Kind of a delivery that goes another way, see Delivery.Spare.
const SpareKind = "spare"

// Rank says how important a delivery is. Of those that wait for a chat the lowest
// rank is sent first, and of equal ones the oldest.
type Rank int

// Ranks. The zero value stands for the one that follows from the kind.
const (
	RankCritical Rank = iota + 1 // a critical problem that is open
	RankPanel                    // the account at the CA, or a panel; also the delivery itself
	RankAlert                    // any other problem that is open
	RankAnswer                   // to a person
	RankOver                     // what is over, and changes of messages
	RankDigest                   // reports
)

// Ranks of critical problems of a server, which are not behind any number of names.
const (
	RankAccount Rank = iota - 2 // of the account at the CA, or of the panel as a whole
	RankFirst                   // of its counts
)

// String is the word for programs.
func (r Rank) String() string {
	if r == RankFirst || r == RankAccount {
		return "critical"
	}
	if r < RankCritical || r > RankDigest {
		return ""
	}
	return [...]string{"critical", "panel", "alert", "answer", "over", "digest"}[r-1]
}

// rankOf returns the rank of a delivery that names none.
func rankOf(d Delivery) Rank {
	switch d.Kind {
	case string(reports.Opened), string(reports.Worsened), string(reports.Grown), string(reports.Reminded), string(reports.HeldOver),
		string(reports.Released), string(reports.Handed), string(reports.Flaps), string(reports.Settled), string(reports.Escalated):
		if d.Message.Tone == reports.ToneBad {
			return RankCritical
		}
		return RankAlert
	case AnswerKind:
		return RankAnswer
	case string(reports.Resolved), string(reports.Passed), "edit":
		return RankOver
	case string(reports.Baseline), "daily", "weekly", "calendar":
		return RankDigest
	}
	return RankAlert
}

// Delivery is one message to one chat, or one edit of such a message: a row of the
// outbox.
type Delivery struct {
	ID      int64
	To      string // the chat's address, such as telegram:-1001234567890/7
	Kind    string // why it is sent: alert, daily, answer, baseline …
	Rank    Rank   // zero: by Kind and the message's tone
	Problem int64  // the ID of the problem it is about; 0: none
	Edits   int64  // the ID of the delivery whose message it replaces; 0: it is a new message
	Follows int64  // the ID of the delivery that must be sent, or dropped, before it; 0: none
	ReplyTo string // the messenger's id of the message it answers; may be empty
	Message reports.Message
	Attempt Attempt

	// Over says that the message only tells the end of its problem. If the chat was
	// not told of the problem yet, both become one line of a late message: Missed.
	// A delivery of the kind "resolved" is over in any case. It is not stored.
	Over   bool
	Missed []reports.Missed

	Under  int64  // the ID of the delivery in whose thread it stands; 0: in none
	Spare  int64  // the ID of the delivery whose message it carries by another way; 0: none
	Spared string // the address by which the message went because this one's way is closed; may be empty

	// Greets is the panel whose first summary for this chat it is; empty: it is none.
	// It is stored as a greeting: see Greeted.
	Greets string

	// Canary is when the test alarm was due that it carries; zero: it carries none. It
	// is stored beside the delivery: see Journal.Canary.
	Canary time.Time

	// ProblemKey names an open problem that may have no ID yet by its key, for
	// Record, which sets Problem. It is not stored.
	ProblemKey string
}

// Attempt is the progress of sending a delivery.
type Attempt struct {
	State   DeliveryState
	Tries   int       // failed ones, without those that the messenger told to wait
	Next    time.Time // not before
	Due     time.Time // since when it could have been sent
	Begun   bool      // it was sent before with unknown outcome: the message may have arrived
	Ref     string    // the messenger's id of the message once it is sent; of an edit that is due, that of the message to edit
	Created time.Time
	SentAt  time.Time // zero until sent
	Error   string    // the last failure; may be empty
}

// Reasons for which the outbox drops a delivery by itself. Readers lose nothing by
// them, so statistics leave them out.
const (
	dropSuperseded = "a newer edit of the same message replaced it"
	dropMerged     = "it became part of the message, which was not sent yet"
	dropOrphaned   = "the message it edits was never sent"
	dropOver       = "it was over before it was sent, and became one line of a late message"
	dropRepeated   = "the message that it repeats was not sent yet"
	dropTaken      = "somebody took the problem before it was sent"
	dropLeft       = "its address is not in the configuration any more"
	dropReplaced   = "its message could not be changed any more and was replaced"
	dropTold       = "its message could not be changed any more, and a newer one tells it"
	dropThread     = "the message in whose thread it stands is gone"
	dropTested     = "a newer test alarm replaced it"
)

// ownReasons lists them for a query.
func ownReasons() string {
	return list([]string{dropSuperseded, dropMerged, dropOrphaned, dropOver, dropRepeated, dropTaken, dropLeft, dropReplaced, dropTold, dropThread, dropTested})
}

const deliveryColumns = `id, chat, kind, rank, coalesce(problem, 0), coalesce(edits, 0), coalesce(follows, 0), reply_to, message,
	state, tries, next, due, begun > 0, ref, created, sent_at, error, missed, coalesce(under, 0), coalesce(spare, 0), spared`

func scanDelivery(s scanner) (d Delivery, err error) {
	var message, missed []byte
	a := &d.Attempt
	if err := s.Scan(&d.ID, &d.To, &d.Kind, &d.Rank, &d.Problem, &d.Edits, &d.Follows, &d.ReplyTo, &message,
		&a.State, &a.Tries, stamp{&a.Next}, stamp{&a.Due}, &a.Begun, &a.Ref, stamp{&a.Created}, stamp{&a.SentAt}, &a.Error,
		&missed, &d.Under, &d.Spare, &d.Spared); err != nil {
		return d, err
	}
	if err := json.Unmarshal(message, &d.Message); err != nil {
		return d, fmt.Errorf("reading the message of delivery %d: %w", d.ID, err)
	}
	if len(missed) > 0 {
		if err := json.Unmarshal(missed, &d.Missed); err != nil {
			return d, fmt.Errorf("reading what delivery %d missed: %w", d.ID, err)
		}
	}
	return d, nil
}
