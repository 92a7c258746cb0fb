package webhook

import (
	_ "embed"
	"time"

	"domovoy/bot/plain"
	"domovoy/i18n"
	"domovoy/reports"
)

// version of the body. Fields may be added to it; one that changes its meaning or
// goes makes another version.
const version = 1

// eventMessage is the event of a message that is about no problem.
const eventMessage = "message"

// Body is what a receiver is told; Schema describes its JSON.
type Body struct {
	Version  int       `json:"version"`
	Delivery string    `json:"delivery"` // the Idempotency-Key
	Sent     time.Time `json:"sent"`
	Language string    `json:"language"`
	Title    string    `json:"title"`
	Text     string    `json:"text"`
	reports.Facts

	// Query is the query of the hook's URL, for forms of receivers that want its
	// fields in the body. It is secret.
	Query string `json:"-"`
}

func newBody(bundle *i18n.Bundle, m reports.Message, now time.Time, query string) Body {
	b := Body{
		Version: version, Delivery: m.Delivery, Sent: now.UTC().Truncate(time.Second),
		Language: m.Language, Title: plain.Title(m), Text: plain.Text(bundle, m), Query: query,
	}
	if m.Facts == nil {
		b.Facts = reports.Facts{Event: eventMessage, Severity: severityOf(m.Tone)}
		return b
	}
	b.Facts = *m.Facts
	b.Opened, b.Resolved = b.Opened.UTC(), b.Resolved.UTC()
	if m.Facts.Over() { // also where the message was sent for another reason, and is replaced
		b.Event = reports.Resolved
	}
	return b
}

// Schema returns the JSON Schema of the body.
func Schema() []byte { return []byte(schema) }

//go:embed schema.json
var schema string
