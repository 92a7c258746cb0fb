package alerts

import (
	"context"
	"slices"
	"strings"

	"domovoy/bot"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// EditKind is the kind of a delivery that replaces the message about a problem.
const EditKind = "edit"

// teller composes the messages of one decision.
type teller struct {
	*Recorder
	s     scene
	chats []bot.Chat // that receive alerts
}

// tell composes what a decision tells, for the chats that receive alerts and for
// the addresses of the escalation, and the edits that make earlier messages
// show what became of their problems.
func (r *Recorder) tell(ctx context.Context, s scene, d reports.Decision) ([]journal.Delivery, error) {
	t := teller{Recorder: r, s: s, chats: r.people.Receivers(bot.Alerts)}
	var deliveries []journal.Delivery
	add := func(some []journal.Delivery, err error) error {
		deliveries = append(deliveries, some...)
		return err
	}
	if err := add(t.begun(ctx, d)); err != nil {
		return nil, err
	}
	for _, said := range d.Tellings {
		if err := add(t.telling(ctx, said)); err != nil {
			return nil, err
		}
	}
	for _, pr := range d.Redraw {
		if err := add(t.redraw(ctx, pr)); err != nil {
			return nil, err
		}
	}
	return deliveries, nil
}

// begun is the summary of what a run looked at for the first time.
func (t teller) begun(ctx context.Context, d reports.Decision) ([]journal.Delivery, error) {
	var deliveries []journal.Delivery
	for _, chat := range t.chats {
		w, err := t.writer(ctx, chat.To, chat.Language)
		if err != nil {
			return nil, err
		}
		if m, ok := compose.Begun(w, t.s.servers[t.s.of], d.Changes, t.s.begin); ok {
			d := journal.Delivery{To: chat.To.String(), Kind: string(reports.Baseline), Message: m}
			if t.s.begin.Server {
				d.Greets = t.s.of
			}
			deliveries = append(deliveries, d)
		}
	}
	return deliveries, nil
}

// telling is one message to each chat, or to the address of a step.
func (t teller) telling(ctx context.Context, said reports.Telling) ([]journal.Delivery, error) {
	said, err := t.whole(ctx, said)
	if err != nil || len(said.Incidents) == 0 {
		return nil, err
	}
	chats := t.chats
	if said.Step.To != "" {
		to, err := bot.ParseAddress(said.Step.To)
		if err != nil {
			return nil, err
		}
		chats = []bot.Chat{{To: to, Language: said.Step.Language}}
	}
	if said.Reason == reports.Resolved {
		if chats, err = t.withCalled(ctx, said.Problem, chats); err != nil {
			return nil, err
		}
	}
	said.Hidden = t.hidden(said.Problem)
	var deliveries []journal.Delivery
	composed := map[string]reports.Message{} // by language: it may be of thousands of sites, for dozens of chats
	for _, chat := range chats {
		w, err := t.writer(ctx, chat.To, chat.Language)
		if err != nil {
			return nil, err
		}
		m, ok := composed[w.Language()]
		if !ok {
			m = compose.Told(w, said, t.s.servers[said.Problem.Panel()])
			composed[w.Language()] = m
		}
		deliveries = append(deliveries, journal.Delivery{To: chat.To.String(), Kind: string(said.Reason), Rank: rank(said, m.Tone),
			Problem: said.Problem.ID, ProblemKey: said.Problem.Key, Message: m})
	}
	if said.Problem.Open() || said.Reason == reports.Passed || said.Step.To != "" {
		return deliveries, nil
	}
	edits, err := t.redraw(ctx, said.Problem)
	for _, e := range edits {
		if !tellsTwice(deliveries, e) {
			deliveries = append(deliveries, e)
		}
	}
	return deliveries, err
}

// tellsTwice reports whether an edit would tell the same as a message does: an edit is
// a message of its own where nothing can be changed.
func tellsTwice(messages []journal.Delivery, edit journal.Delivery) bool {
	to, err := bot.ParseAddress(edit.To)
	return err == nil && to.SendOnly() && slices.ContainsFunc(messages, func(d journal.Delivery) bool { return d.To == edit.To })
}

// rank puts what is wrong with the account or the panel itself before what its counts
// say, and that before what is wrong with any number of its sites, and leaves the rest
// to the journal: what is critical goes first.
func rank(said reports.Telling, tone reports.Tone) journal.Rank {
	sites, counts := false, false
	for _, i := range said.Incidents {
		sites = sites || i.Finding.Site != ""
		counts = counts || strings.HasPrefix(i.Finding.Check, reports.CountCheck+".")
	}
	switch {
	case !said.Problem.Open() || sites:
		return 0
	case tone == reports.ToneWarning:
		return journal.RankPanel
	case tone != reports.ToneBad:
		return 0
	case counts:
		return journal.RankFirst
	}
	return journal.RankAccount
}

// withCalled adds the addresses to which a problem was escalated: who was called
// must hear that it is over.
func (t teller) withCalled(ctx context.Context, pr reports.Problem, chats []bot.Chat) ([]bot.Chat, error) {
	called, err := t.journal.CalledFor(ctx, pr.ID)
	if err != nil {
		return nil, err
	}
	chats = slices.Clone(chats)
	for _, d := range called {
		to, err := bot.ParseAddress(d.To)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(chats, func(c bot.Chat) bool { return c.To == to }) {
			chats = append(chats, bot.Chat{To: to, Language: d.Message.Language})
		}
	}
	return chats, nil
}

// whole is a telling with all incidents that belonged to a problem which is
// over: this run ended only the last of them.
func (t teller) whole(ctx context.Context, said reports.Telling) (reports.Telling, error) {
	if said.Reason != reports.Resolved || said.Problem.ID == 0 {
		return said, nil
	}
	all, err := t.journal.IncidentsOfProblem(ctx, said.Problem.ID)
	if err != nil {
		return said, err
	}
	ended := map[string]reports.Incident{}
	for _, i := range said.Incidents {
		ended[i.Finding.Key()] = i
	}
	said.Incidents = nil
	for _, i := range all {
		if i.Times.Resolved.IsZero() {
			if i.Times.Resolved = said.Problem.Resolved; !ended[i.Finding.Key()].Times.Resolved.IsZero() {
				i = ended[i.Finding.Key()]
			}
		}
		said.Incidents = append(said.Incidents, i)
	}
	if !said.Problem.OfSites() || said.Problem.Cause == reports.StormCause {
		return said, nil
	}
	slices.SortStableFunc(said.Incidents, func(a, b reports.Incident) int { return a.Times.Opened.Compare(b.Times.Opened) })
	return said, nil
}

// redraw replaces the newest message about a problem in each chat by what is so
// now, and all of them once it is over, so that nobody acts on what is past. Where
// nothing can be changed the end is told once.
func (t teller) redraw(ctx context.Context, pr reports.Problem) ([]journal.Delivery, error) {
	if pr.ID == 0 {
		return nil, nil // nothing was told of it yet
	}
	sent, err := t.journal.SentFor(ctx, pr.ID)
	if err != nil || len(sent) == 0 {
		return nil, err
	}
	now, err := t.present(ctx, pr)
	if err != nil || len(now.Incidents) == 0 {
		return nil, err
	}
	var edits []journal.Delivery
	drawn := map[string]bool{}
	composed := map[[3]string]reports.Message{} // by language, and what the message was
	for _, d := range slices.Backward(sent) {
		to, err := bot.ParseAddress(d.To)
		if err != nil {
			return nil, err
		}
		if d.Kind == string(reports.Resolved) || drawn[d.To] && (pr.Open() || to.SendOnly()) {
			continue
		}
		drawn[d.To] = true
		if known, err := t.isKnown(ctx, to); err != nil || !known { // a chat that was removed is not shown what is so now
			if err != nil {
				return nil, err
			}
			continue
		}
		w, err := t.writer(ctx, to, d.Message.Language)
		if err != nil {
			return nil, err
		}
		now.Reason = reports.Reason(d.Kind)
		was := [3]string{w.Language(), d.Kind, d.Message.Title}
		m, ok := composed[was]
		if !ok {
			m = compose.Redrawn(w, d.Message, now, t.s.servers[pr.Panel()])
			composed[was] = m
		}
		edits = append(edits, journal.Delivery{To: d.To, Kind: EditKind, Problem: pr.ID, Edits: d.ID, Over: !pr.Open(), Message: m})
	}
	slices.Reverse(edits)
	return edits, nil
}

// present is what there is to say of a problem now.
func (t teller) present(ctx context.Context, pr reports.Problem) (reports.Telling, error) {
	now := reports.Telling{Reason: pr.Told.Reason, Problem: pr, Hidden: t.hidden(pr)}
	if !pr.Open() {
		now.Reason = reports.Resolved
		return t.whole(ctx, now)
	}
	for _, i := range t.s.open {
		if i.Problem == pr.ID || i.Joins == pr.Key {
			now.Incidents = append(now.Incidents, i)
		}
	}
	return now, nil
}

// hidden is what is open and not told because of a problem.
func (t teller) hidden(pr reports.Problem) []reports.Incident {
	var hidden []reports.Incident
	name := reports.Hold{Kind: reports.HeldByParent, Parent: pr}.Name()
	for _, i := range t.s.open {
		if pr.Open() && i.Held == name {
			hidden = append(hidden, i)
		}
	}
	return hidden
}

// writer composes for a chat, in the language chosen there, else in the one
// given.
func (t teller) writer(ctx context.Context, chat bot.Address, language string) (compose.Writer, error) {
	l, err := t.people.Locale(ctx, chat, language)
	return compose.Writer{Locale: l, Now: t.s.now}, err
}
