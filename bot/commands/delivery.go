package commands

import (
	"context"
	"slices"
	"time"

	"domovoy/bot"
	"domovoy/bot/people"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// deliveryShown is how many messages of a kind the answer names.
const deliveryShown = 10

// deliveryDay is the time over which deliveries are counted.
const deliveryDay = 24 * time.Hour

// DeliveryData is the JSON of delivery.
type DeliveryData struct {
	Delivery   HealthData      `json:"delivery"`
	Messengers []MessengerData `json:"messengers" jsonschema:"those that cannot be reached"`
	Chats      []ChatData      `json:"chats"`
	Waiting    []DeliveryItem  `json:"waiting" jsonschema:"in the order of sending, the first ones"`
	Sent       []DeliveryItem  `json:"sent" jsonschema:"newest first, the last ones"`
	Dropped    []DeliveryItem  `json:"dropped" jsonschema:"newest first, the last ones"`
}

// HealthData is the state of the delivery in numbers, of 24 hours.
type HealthData struct {
	Waiting  int        `json:"waiting"`
	Oldest   *time.Time `json:"oldest" jsonschema:"null: nothing waits"`
	Dropped  int        `json:"dropped"`
	Disabled []string   `json:"disabled" jsonschema:"chats"`
	Out      []string   `json:"out" jsonschema:"messengers"`
	Spare    int        `json:"spare" jsonschema:"messages that went another way"`
}

// MessengerData is a messenger that cannot be reached.
type MessengerData struct {
	Messenger string    `json:"messenger"`
	Since     time.Time `json:"since"`
	Error     string    `json:"error"`
	Token     bool      `json:"token" jsonschema:"it is refused"`
}

// ChatData is a chat, without its topics.
type ChatData struct {
	Chat     string     `json:"chat"`
	Sent     int        `json:"sent"`
	Waiting  int        `json:"waiting"`
	Dropped  int        `json:"dropped"`
	Last     *time.Time `json:"last" jsonschema:"accepted message; null: none"`
	Held     *time.Time `json:"held" jsonschema:"the messenger asked to wait until then; null: it did not"`
	Disabled *time.Time `json:"disabled" jsonschema:"since when it refuses us; null: it does not"`
	Reason   string     `json:"reason,omitempty"`
}

// DeliveryItem is one message to one chat.
type DeliveryItem struct {
	ID       int64      `json:"id"`
	Chat     string     `json:"chat"`
	Kind     string     `json:"kind"`
	Rank     string     `json:"rank"`
	State    string     `json:"state"`
	Title    string     `json:"title"`
	Edit     bool       `json:"edit"`
	Created  time.Time  `json:"created"`
	Sent     *time.Time `json:"sent" jsonschema:"null: not yet"`
	Next     *time.Time `json:"next" jsonschema:"null: at once, or never"`
	Attempts int        `json:"attempts"`
	Error    string     `json:"error,omitempty"`
	Spare    bool       `json:"spare" jsonschema:"it carries a message whose own way is closed"`
}

// deliveries answers about messages that were sent, or wait.
type deliveries struct {
	journal *journal.Journal
	send    bot.Signal // there is something to send
}

// delivery answers what was sent where, what waits and why, and which ways are
// closed. Administrators may have it all tried now, or enable a chat.
func (d deliveries) delivery(ctx context.Context, r bot.Request) (bot.Answer, error) {
	switch {
	case len(r.Words) == 0:
		return d.report(ctx, r)
	case r.Words[0] == "retry" && len(r.Words) == 1:
		return d.retry(ctx, r)
	case r.Words[0] == "enable" && len(r.Words) == 2:
		return d.enable(ctx, r)
	}
	return bot.Answer{}, bot.Usage("delivery", "usage.delivery", r.Words[0])
}

func (d deliveries) report(ctx context.Context, r bot.Request) (bot.Answer, error) {
	report, err := d.journal.Deliveries(ctx, r.Now, r.Now.Add(-deliveryDay), deliveryShown)
	if err != nil {
		return bot.Answer{}, err
	}
	for _, list := range [][]journal.Delivery{report.Next, report.Sent, report.Dropped} {
		withholdAnswers(list, r)
	}
	data := DeliveryData{Delivery: healthData(report), Messengers: []MessengerData{}, Chats: chatData(report),
		Waiting: items(report.Next), Sent: items(report.Sent), Dropped: items(report.Dropped)}
	for _, o := range report.Outages {
		data.Messengers = append(data.Messengers, MessengerData{o.Messenger, o.Since, o.Reason, o.Token})
	}
	told := compose.DeliveryReport{Delivery: healthOf(report), Spares: report.BySpares, MayRetry: r.Role >= bot.Admin}
	for _, x := range report.Chats {
		told.Chats = append(told.Chats, compose.ChatReport(x))
	}
	for _, x := range report.Closed {
		told.Refusals = append(told.Refusals, compose.Refused(x))
	}
	told.Next, told.Dropped = lines(report.Next), lines(report.Dropped)
	return bot.Answer{Message: compose.Deliveries(r.Writer(), told), Data: data}, nil
}

// withholdAnswers removes what others were answered: only an administrator may read
// that.
func withholdAnswers(deliveries []journal.Delivery, r bot.Request) {
	for i, d := range deliveries {
		if d.Kind == journal.AnswerKind && r.Role < bot.Admin && !bot.SameChat(d.To, r.Chat.String()) {
			deliveries[i].Message.Title = ""
		}
	}
}

// RetryData is the JSON of delivery retry.
type RetryData struct {
	Tried int `json:"tried" jsonschema:"messages that are tried now"`
}

// EnableData is the JSON of delivery enable.
type EnableData struct {
	Chat        string `json:"chat"`
	WasDisabled bool   `json:"was_disabled" jsonschema:"it had refused us"`
}

// retry has everything that waits tried now.
func (d deliveries) retry(ctx context.Context, r bot.Request) (bot.Answer, error) {
	if r.Role < bot.Admin {
		return bot.Answer{}, bot.NotAllowed(r, "delivery retry", bot.Admin)
	}
	n, err := d.journal.TryNow(ctx, r.Now)
	if err != nil {
		return bot.Answer{}, err
	}
	d.send.Wake()
	return bot.Answer{Message: compose.DeliveryTried(r.Writer(), n), Data: RetryData{n},
		Act: bot.NewAct("delivery", "retry", bot.ResultOK)}, nil
}

// enable has what waits for a chat that refused us tried again.
func (d deliveries) enable(ctx context.Context, r bot.Request) (bot.Answer, error) {
	if r.Role < bot.Admin {
		return bot.Answer{}, bot.NotAllowed(r, "delivery enable", bot.Admin)
	}
	to, err := bot.ParseAddress(r.Words[1])
	if err != nil {
		return bot.Answer{}, bot.Usage("delivery", "usage.delivery", r.Words[1])
	}
	chat := to.Whole().String()
	was, err := d.journal.ReopenChat(ctx, chat, r.Now, people.Actor(r))
	if err != nil {
		return bot.Answer{}, err
	}
	d.send.Wake()
	return bot.Answer{Message: compose.ChatEnabled(r.Writer(), chat, was), Data: EnableData{chat, was}}, nil
}

// health is the state of the delivery, for programs and people.
func (d deliveries) health(ctx context.Context, now time.Time) (HealthData, compose.Delivery, error) {
	report, err := d.journal.DeliverySummary(ctx, now.Add(-deliveryDay))
	return healthData(report), healthOf(report), err
}

func healthData(r journal.DeliveryReport) HealthData {
	h := HealthData{Waiting: r.Waiting, Oldest: bot.OrNull(r.Oldest), Dropped: r.Lost, Spare: r.BySpares, Disabled: []string{}, Out: []string{}}
	for _, x := range r.Closed {
		h.Disabled = append(h.Disabled, x.Chat)
	}
	for _, x := range r.Outages {
		h.Out = append(h.Out, x.Messenger)
	}
	return h
}

func healthOf(r journal.DeliveryReport) compose.Delivery {
	d := compose.Delivery{Waiting: r.Waiting, Oldest: r.Oldest, Lost: r.Lost}
	for _, x := range r.Closed {
		d.Closed = append(d.Closed, x.Chat)
	}
	for _, x := range r.Outages {
		d.Out = append(d.Out, compose.Out{Messenger: x.Messenger, Since: x.Since, Token: x.Token})
	}
	return d
}

func chatData(r journal.DeliveryReport) []ChatData {
	list := []ChatData{}
	for _, x := range r.Chats {
		c := ChatData{Chat: x.Chat, Sent: x.Sent, Waiting: x.Waiting, Dropped: x.Dropped, Last: bot.OrNull(x.Last), Held: bot.OrNull(x.HeldUntil)}
		if i := slices.IndexFunc(r.Closed, func(o journal.ClosedChat) bool { return o.Chat == x.Chat }); i >= 0 {
			c.Disabled, c.Reason, c.Held = bot.OrNull(r.Closed[i].Since), r.Closed[i].Reason, nil
		}
		list = append(list, c)
	}
	return list
}

func items(deliveries []journal.Delivery) []DeliveryItem {
	list := []DeliveryItem{}
	for _, d := range deliveries {
		a := d.Attempt
		item := DeliveryItem{ID: d.ID, Chat: d.To, Kind: d.Kind, Rank: d.Rank.String(), State: string(a.State), Title: d.Message.Title, Edit: d.Edits != 0,
			Created: a.Created, Sent: bot.OrNull(a.SentAt), Attempts: a.Tries, Error: a.Error, Spare: d.Spare != 0}
		if a.State == journal.Pending {
			item.Next = bot.OrNull(a.Next)
		}
		list = append(list, item)
	}
	return list
}

func lines(deliveries []journal.Delivery) []compose.DeliveryLine {
	var list []compose.DeliveryLine
	for _, d := range deliveries {
		a := d.Attempt
		list = append(list, compose.DeliveryLine{Chat: d.To, Title: d.Message.Title, Rank: d.Rank.String(), Made: a.Created, Next: a.Next, Tries: a.Tries, Error: a.Error})
	}
	return list
}
