package alerts

import (
	"context"
	"time"

	"domovoy/bot"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// tell composes the messages for the chats that receive alerts.
func (r *Recorder) tell(ctx context.Context, s reports.Server, changes []reports.Change, begin reports.Beginning, now time.Time) ([]journal.Delivery, error) {
	var deliveries []journal.Delivery
	for _, chat := range r.people.Receivers(bot.Alerts) {
		l, err := r.people.Locale(ctx, chat.To, chat.Language)
		if err != nil {
			return nil, err
		}
		w := compose.Writer{Locale: l, Now: now}
		for _, told := range compose.Alerts(w, s, changes, begin) {
			deliveries = append(deliveries, journal.Delivery{
				To: chat.To.String(), Kind: string(told.Kind), IncidentKey: told.Incident, Message: told.Message,
			})
		}
		edits, err := r.edits(ctx, w, chat.To, changes)
		if err != nil {
			return nil, err
		}
		deliveries = append(deliveries, edits...)
	}
	return deliveries, nil
}

// edits change the messages about incidents that ended, so that nobody acts on
// them.
func (r *Recorder) edits(ctx context.Context, w compose.Writer, chat bot.Address, changes []reports.Change) ([]journal.Delivery, error) {
	var edits []journal.Delivery
	for _, c := range changes {
		if c.Kind != reports.Resolved || c.Incident.Finding.Site != "" {
			continue
		}
		sent, err := r.journal.SentFor(ctx, c.Incident.ID)
		if err != nil {
			return nil, err
		}
		for _, d := range sent {
			if d.To == chat.String() {
				edits = append(edits, journal.Delivery{To: d.To, Kind: "edit", Incident: c.Incident.ID, Edits: d.ID, Message: compose.Closed(w, d.Message, c.Incident)})
			}
		}
	}
	return edits, nil
}
