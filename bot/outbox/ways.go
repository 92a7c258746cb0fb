package outbox

import (
	"context"
	"slices"
	"time"

	"domovoy/bot"
	"domovoy/bot/internal/work"
	"domovoy/checks/pace"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// waysEvery is how often it is looked whether something must go another way.
const waysEvery = 10 * time.Second

// watchWays sends open critical problems another way while theirs is closed.
func (o *Outbox) watchWays(ctx context.Context) {
	for pace.Sleep(ctx, waysEvery) == nil {
		if err := o.sendSpares(ctx); err != nil && ctx.Err() == nil {
			o.Log.ErrorContext(ctx, "cannot send another way", "error", err)
		}
	}
}

func (o *Outbox) sendSpares(ctx context.Context) error {
	now := time.Now()
	var out []string
	for _, q := range o.queues[1:] {
		if x, is := q.state.out(); is && now.Sub(x.Since) >= o.SpareAfter {
			out = append(out, q.server())
		}
	}
	needed, err := o.Journal.SparesNeeded(ctx, out, now.Add(-o.SpareAfter))
	if err != nil || len(needed) == 0 {
		return err
	}
	ways, err := o.ways(ctx)
	if err != nil {
		return err
	}
	sent := map[int64]bool{}
	for _, d := range needed {
		if sent[d.ID] {
			continue
		}
		marked, err := o.sendSpare(ctx, d, ways, now)
		if err != nil {
			return err
		}
		for _, id := range marked {
			sent[id] = true
		}
	}
	if len(sent) > 0 {
		o.wakeAll()
	}
	return nil
}

// sendSpare sends a delivery another way, unless somebody is told by their own. It
// returns the deliveries that need no other way any more.
func (o *Outbox) sendSpare(ctx context.Context, d journal.Delivery, ways ways, now time.Time) (marked []int64, err error) {
	alike, err := o.Journal.Alike(ctx, d)
	if err != nil {
		return nil, err
	}
	marked = []int64{d.ID}
	for _, x := range alike {
		if x.Attempt.State == journal.Sent || ways.open(x.To) {
			return nil, nil // somebody else was told, or is about to be
		}
		marked = append(marked, x.ID)
	}
	var spares []journal.Delivery
	for _, to := range ways.instead(placeOf(d.To)) {
		w := compose.Writer{Locale: o.locale(d.Message.Language), Now: now}
		m := compose.Spare(w, d.Message, ways.why(w, d.To))
		spares = append(spares, journal.Delivery{To: to, Kind: journal.SpareKind, Rank: journal.RankCritical, Problem: d.Problem, Spare: d.ID,
			Message: m, Attempt: journal.Attempt{Created: d.Attempt.Created, Next: now}})
	}
	if len(spares) == 0 {
		return nil, nil
	}
	o.Log.WarnContext(ctx, "a critical message goes another way", "chat", d.To, "delivery", d.ID, "to", spares[0].To)
	return marked, o.Journal.SendSpare(ctx, marked, spares)
}

// ways are the addresses to which messages can go, and which of them are closed.
type ways struct {
	chats  []string // that receive alerts, in the configured order
	last   []string // when no chat is left, such as email:ops@example.com
	people []string // the administrators' own chats, when nothing else is left
	out    map[string]journal.Outage
	closed map[string]journal.ClosedChat
	names  map[string]bool // of the receivers
}

func (o *Outbox) ways(ctx context.Context) (ways, error) {
	w := ways{out: map[string]journal.Outage{}, closed: map[string]journal.ClosedChat{}, names: map[string]bool{}}
	a := o.Audience()
	for _, c := range a.Receivers(bot.Alerts) {
		w.chats = append(w.chats, c.To.String())
	}
	for _, to := range a.Spare {
		w.last = append(w.last, to.String())
	}
	for _, to := range a.OwnChats() {
		w.people = append(w.people, to.String())
	}
	closed, err := o.Journal.ClosedChats(ctx)
	if err != nil {
		return w, err
	}
	for _, c := range closed {
		w.closed[c.Chat] = c
	}
	for _, q := range o.queues[1:] {
		w.names[q.name] = true
		if x, is := q.state.out(); is {
			w.out[q.server()] = x
		}
	}
	return w, nil
}

// open reports whether messages to an address arrive, as far as is known.
func (w ways) open(to string) bool {
	name := messengerOf(to)
	_, out := w.out[name]
	if _, one := w.out[placeOf(to)]; one {
		out = true
	}
	_, closed := w.closed[placeOf(to)]
	return w.names[name] && !out && !closed
}

// instead lists the addresses for what cannot go to a chat: another chat, else all
// the last ways that are open, else an administrator's own chat.
func (w ways) instead(place string) []string {
	for _, to := range w.chats {
		if w.open(to) && placeOf(to) != place {
			return []string{to}
		}
	}
	if last := slices.DeleteFunc(slices.Clone(w.last), func(to string) bool { return !w.open(to) || placeOf(to) == place }); len(last) > 0 {
		return last
	}
	for _, to := range w.people {
		if w.open(to) && placeOf(to) != place {
			return []string{to}
		}
	}
	return nil
}

// why words why messages to an address do not arrive.
func (w ways) why(l compose.Writer, to string) string {
	if c, ok := w.closed[placeOf(to)]; ok {
		return compose.ChatClosed(l, placeOf(to), c.Reason, c.Since)
	}
	name := messengerOf(to)
	return compose.MessengerOut(l, name, w.out[name].Since, w.out[name].Token)
}

func (o *Outbox) locale(language string) *i18n.Locale {
	a := o.Audience()
	if language == "" {
		language = a.Language
	}
	return a.Bundle.Locale(language, a.Zone)
}

// closing settles that a chat takes nothing any more: it is tried rarely, and if it is
// one that alerts go to, others are told, once.
func (q *queue) closing(d journal.Delivery, reason string, unsure bool) func(context.Context) error {
	place, now := placeOf(d.To), time.Now()
	q.setClosed(place, true)
	return func(ctx context.Context) error {
		ways, err := q.ways(ctx)
		if err != nil {
			return err
		}
		closed := journal.ClosedChat{Chat: place, Since: now, Reason: reason}
		var notices []journal.Delivery
		if slices.ContainsFunc(ways.chats, func(to string) bool { return placeOf(to) == place }) || slices.Contains(ways.last, place) {
			notices = q.notices(ways, place, func(w compose.Writer) reports.Message { return compose.ChatClosedNotice(w, place, reason) })
		}
		first, err := q.Journal.CloseChat(ctx, d.ID, closed, now.Add(-giveUpAfter), unsure, notices)
		if first {
			q.Log.ErrorContext(ctx, "chat takes no messages", "chat", place, "reason", reason)
			q.Wake.Wake()
		}
		return err
	}
}

// notices are a message to administrators, not by the way of a place that is closed.
func (q *queue) notices(w ways, place string, word func(compose.Writer) reports.Message) []journal.Delivery {
	var all []journal.Delivery
	for _, to := range w.instead(place) {
		language := ""
		if address, err := bot.ParseAddress(to); err == nil {
			if c, ok := q.Audience().Chat(address); ok {
				language = c.Language
			}
		}
		m := word(compose.Writer{Locale: q.locale(language), Now: time.Now()})
		all = append(all, journal.Delivery{To: to, Kind: "delivery", Rank: journal.RankPanel, Message: m})
	}
	return all
}

// tellToken tells another way that a messenger refuses the token.
func (q *queue) tellToken(ctx context.Context, x journal.Outage) {
	_ = work.UntilStored(ctx, q.Log, func(ctx context.Context) error {
		ways, err := q.ways(ctx)
		if err != nil {
			return err
		}
		_, err = q.Journal.Enqueue(ctx, q.notices(ways, "", func(w compose.Writer) reports.Message { return compose.TokenRefused(w, q.name, x.Reason) }))
		return err
	})
	q.Wake.Wake()
}

// reopen notes that a chat that was closed accepted a message.
func (q *queue) reopen(ctx context.Context, place string, now time.Time) error {
	was, err := q.Journal.ReopenChat(ctx, place, now, journal.Actor{})
	if err != nil {
		return err
	}
	q.setClosed(place, false)
	if was {
		q.Log.InfoContext(ctx, "chat takes messages again", "chat", place)
	}
	return nil
}
