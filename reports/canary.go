package reports

import (
	"strings"
	"time"
)

// CanaryStep is a part of the way that a test alarm takes.
type CanaryStep string

// Steps, in their order.
const (
	CanaryPanel  CanaryStep = "panel"  // a panel's database is read
	CanaryRule   CanaryStep = "rule"   // what was read is judged
	CanaryAlert  CanaryStep = "alert"  // an alert is made of it, for each chat
	CanaryOutbox CanaryStep = "outbox" // it is sent
	CanaryChat   CanaryStep = "chat"   // the messenger takes it
)

// CanaryFault is where a test alarm failed.
type CanaryFault struct {
	Step   CanaryStep
	Of     string // the panel or the chat; else empty
	Reason string // for programs: of a panel a word of the catalogs, under "trouble."; may be empty
}

// Error is for the log.
func (f *CanaryFault) Error() string {
	words := []string{"the test alarm failed at the step", string(f.Step)}
	if f.Of != "" {
		words = append(words, f.Of)
	}
	if f.Reason != "" {
		words = append(words, "("+f.Reason+")")
	}
	return strings.Join(words, " ")
}

// CanaryMessage is the message that carries a test alarm to a chat.
type CanaryMessage struct {
	Chat    string
	Sent    time.Time // zero: not yet
	Dropped bool      // it never will be
	Error   string    // of the last try; empty: there was none, or it succeeded
}

// Canary is how the test alarms fare.
type Canary struct {
	Since    time.Time // of the first that is known, or of the first start; zero: there was none
	Last     time.Time // when the last one had arrived in each chat; zero: none did
	Due      time.Time // of the latest
	Fault    *CanaryFault
	Messages []CanaryMessage // of the latest
}

// canaryPatience is how old the last test alarm may be: they come once a day.
const canaryPatience = 26 * time.Hour

// Late reports whether no test alarm has arrived for so long that a real one may not
// arrive either.
func (c Canary) Late(now time.Time) bool {
	at := c.Reference()
	return !at.IsZero() && now.Sub(at) > canaryPatience
}

// Reference is when the last one arrived, or while none did when the first was begun;
// zero: there was none.
func (c Canary) Reference() time.Time {
	if c.Last.IsZero() {
		return c.Since
	}
	return c.Last
}

// Missing is why the latest one has not arrived everywhere; nil: it has, or nothing is
// known against it.
func (c Canary) Missing() *CanaryFault {
	if c.Fault != nil {
		return c.Fault
	}
	for _, m := range c.Messages {
		switch {
		case !m.Sent.IsZero():
		case m.Dropped || m.Error != "":
			return &CanaryFault{Step: CanaryChat, Of: m.Chat, Reason: m.Error}
		default:
			return &CanaryFault{Step: CanaryOutbox, Of: m.Chat}
		}
	}
	return nil
}
