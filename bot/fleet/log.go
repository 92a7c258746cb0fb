package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"domovoy/checks"
)

// LogBatch is rows of a panel's issuance log, new ones or such that were changed
// in place.
type LogBatch struct {
	Protocol   int      `json:"v"`
	Generation int64    `json:"gen"`
	After      int64    `json:"after"` // the highest row that was sent before it; 0: it is the beginning
	Rows       []LogRow `json:"rows"`
}

// LogRow is checks.Attempt without its server.
type LogRow struct {
	Row         int64                 `json:"row"`
	Certificate string                `json:"cert,omitempty"`
	Outcome     checks.AttemptOutcome `json:"outcome,omitempty"`
	Status      string                `json:"status,omitempty"`
	Time        Moment                `json:"at,omitzero"`
	Text        string                `json:"text,omitempty"`
}

// RowOf returns the record of an attempt.
func RowOf(a checks.Attempt) LogRow {
	return LogRow{a.Row, a.Certificate, a.Outcome, a.Status, Moment{a.Time}, a.Text}
}

// Of returns the attempt at a server whose dates are in a zone.
func (r LogRow) Of(server string, zone *time.Location) checks.Attempt {
	return checks.Attempt{Server: server, Row: r.Row, Certificate: r.Certificate, Outcome: r.Outcome, Status: r.Status, Time: r.Time.in(zone), Text: r.Text}
}

// DecodeLogBatch reads a LogBatch.
func DecodeLogBatch(data []byte) (b LogBatch, err error) {
	if err = decode(data, &b); err == nil && b.Protocol < 1 {
		err = fmt.Errorf("%w: rows of a log without a protocol", ErrRecord)
	}
	return b, err
}

// MessageID is what the hub recognises a message by that is sent again.
func MessageID(subject string, data []byte) string {
	h := sha256.New()
	h.Write([]byte(subject))
	h.Write([]byte{0})
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil)[:16])
}
