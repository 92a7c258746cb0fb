package commands

import (
	"context"
	"errors"
	"slices"
	"time"

	"domovoy/bot"
	"domovoy/bot/people"
	"domovoy/bot/task"
	"domovoy/bot/watch"
	"domovoy/i18n"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// ConfirmData is the JSON of a confirmation that is not enough.
type ConfirmData struct {
	Plan      string    `json:"plan"`
	Confirmed []string  `json:"confirmed"`
	Needs     int       `json:"needs"`
	Expires   time.Time `json:"expires"`
}

// background begins and stops work that goes on after the answer.
type background struct {
	journal *journal.Journal
	watch   *watch.Watch
	tasks   *task.Runner
}

// confirm starts a plan: once, by the person who asked for it, in the chat where
// they asked, before it expires. A plan that needs a second person starts when
// that person confirms, too.
func (b background) confirm(ctx context.Context, r bot.Request) (bot.Answer, error) {
	if len(r.Words) != 1 {
		return bot.Answer{}, bot.Usage("confirm", "usage.confirm", "")
	}
	p, err := b.journal.Plan(ctx, r.Words[0])
	if errors.Is(err, journal.ErrNoPlan) {
		return bot.Answer{}, &bot.Refusal{Code: bot.ResultNotFound, Key: "refusal.plan.unknown", Args: i18n.Args{"Plan": bot.Short(r.Words[0])}}
	}
	if err != nil {
		return bot.Answer{}, err
	}
	if begun := b.abandoned(ctx, p, r); begun != nil {
		return bot.Answer{Message: compose.Confirmed(r.Writer(), p.ID), Work: begun}, nil
	}
	if err := mayConfirm(p, r); err != nil {
		return bot.Answer{}, err
	}
	confirmed := append(slices.Clone(p.Confirmed), r.Person)
	if len(confirmed) < p.Needs {
		if err := b.journal.ConfirmPlan(ctx, p.ID, r.Person, *people.Entry(r, bot.NewAct("confirm", p.ID, bot.ResultFirst))); err != nil {
			return bot.Answer{}, err
		}
		m := compose.ConfirmedFirst(r.Writer(), compose.Confirmation{Plan: p.ID, Name: r.Name, Left: p.Times.Expires.Sub(r.Now)})
		return bot.Answer{Message: m, Data: ConfirmData{p.ID, confirmed, p.Needs, p.Times.Expires}}, nil
	}
	begun, err := bot.NewWork(p.Kind, struct{}{})
	if err != nil {
		return bot.Answer{}, err
	}
	begun.Plan = p.ID
	return bot.Answer{Message: compose.Confirmed(r.Writer(), p.ID), Work: begun, Act: bot.NewAct("confirm", p.ID, bot.ResultOK)}, nil
}

// abandoned finds the task of a plan that a program at the console began and
// did not finish; nil: there is none. The same person, confirming again there,
// goes on with it.
func (b background) abandoned(ctx context.Context, p journal.Plan, r bot.Request) *bot.Work {
	if p.Times.Used.IsZero() || p.By.Person != r.Person || p.By.Chat != r.Chat.String() {
		return nil
	}
	t, err := b.journal.TaskOfPlan(ctx, p.ID)
	if err != nil || !t.State.Open() || !b.tasks.Abandoned(ctx, t, r) {
		return nil
	}
	return &bot.Work{Kind: t.Kind, Task: t.ID}
}

// mayConfirm refuses a plan that this person may not, or no longer, confirm here.
func mayConfirm(p journal.Plan, r bot.Request) error {
	refuse := func(code bot.Result, key string) error {
		return &bot.Refusal{Code: code, Key: key, Args: i18n.Args{"Plan": p.ID, "Name": p.By.Name, "Age": p.Times.Expires.Sub(p.Times.Created)}}
	}
	first := len(p.Confirmed) == 0
	switch {
	case !p.Times.Used.IsZero():
		return task.UsedUp(p.ID)
	case !r.Now.Before(p.Times.Expires):
		return refuse(bot.ResultExpired, "refusal.plan.expired")
	case first && r.Person != p.By.Person:
		return refuse(bot.ResultForeign, "refusal.plan.person")
	case !first && slices.Contains(p.Confirmed, r.Person):
		return refuse(bot.ResultSecond, "refusal.plan.second")
	case !bot.SameChat(p.By.Chat, r.Chat.String()) && (first || !atConsole(p)):
		return refuse(bot.ResultForeign, "refusal.plan.chat")
	}
	return nil
}

// atConsole reports whether a plan was made at the console. Nobody else is there,
// so that the second person may confirm it from any chat.
func atConsole(p journal.Plan) bool {
	to, err := bot.ParseAddress(p.By.Chat)
	return err == nil && to.Messenger == "console"
}
