package outbox

import (
	"time"

	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// lateAfter is how long a message may wait before it says when it was made.
const lateAfter = 2 * time.Minute

// worded is the message as it is sent: it says that it may be a repetition, that it
// comes late, or another way than usual.
func (o *Outbox) worded(d journal.Delivery, now time.Time) reports.Message {
	w := compose.Writer{Locale: o.locale(d.Message.Language), Now: now}
	m := d.Message
	if len(d.Missed) > 0 {
		m = compose.Missed(w, d.Missed)
	} else if now.Sub(d.Attempt.Due) > lateAfter {
		m = compose.Late(w, m, d.Attempt.Created, d.Spared)
	}
	if d.Attempt.Begun {
		m = compose.Again(w, m)
	}
	return m
}
