package bot

import (
	"context"
	"errors"
	"slices"
	"time"

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

// confirm has a plan carried out: once, by the one who asked for it, where
// they asked, before it expires. One that needs a second person is carried
// out when that person confirms, too.
func confirm(ctx context.Context, b *Bot, r Request) (Answer, error) {
	if len(r.Words) != 1 {
		return Answer{}, usage("confirm", "usage.confirm", "")
	}
	p, err := b.journal.Plan(ctx, r.Words[0])
	if errors.Is(err, journal.ErrNoPlan) {
		return Answer{}, &Refusal{Code: ResultNotFound, Key: "refusal.plan.unknown", Args: i18n.Args{"Plan": shown(r.Words[0])}}
	}
	if err != nil {
		return Answer{}, err
	}
	if task, ok := b.cutShort(ctx, p, r); ok {
		return Answer{Message: compose.Confirmed(r.Writer(), p.ID), Task: &task}, nil
	}
	if err := mayConfirm(p, r); err != nil {
		return Answer{}, err
	}
	confirmed := append(slices.Clone(p.Confirmed), r.Person)
	if len(confirmed) < p.Needs {
		if err := b.journal.ConfirmPlan(ctx, p.ID, r.Person, r.entry("confirm", p.ID, ResultFirst)); err != nil {
			return Answer{}, err
		}
		m := compose.ConfirmedFirst(r.Writer(), compose.Confirmation{Plan: p.ID, Name: r.Name, Left: p.Times.Expires.Sub(r.Now)})
		return Answer{Message: m, Data: ConfirmData{p.ID, confirmed, p.Needs, p.Times.Expires}}, nil
	}
	task, err := r.Begins(p.Kind, struct{}{})
	if err != nil {
		return Answer{}, err
	}
	task.Plan = p.ID
	entry := r.entry("confirm", p.ID, ResultOK)
	return Answer{Message: compose.Confirmed(r.Writer(), p.ID), Task: task, Entry: &entry}, nil
}

// cutShort finds the task of a plan that a program at the console began and
// did not live to end. Who confirms again there goes on with it.
func (b *Bot) cutShort(ctx context.Context, p journal.Plan, r Request) (journal.Task, bool) {
	if p.Times.Used.IsZero() || !r.Waits || p.By.Person != r.Person || p.By.Chat != r.Chat.String() {
		return journal.Task{}, false
	}
	task, err := b.journal.TaskOfPlan(ctx, p.ID)
	if err != nil || !task.State.Open() {
		return task, false
	}
	release, err := b.journal.Lock(ctx, lockOf(task.Kind))
	if err != nil { // somebody is at it
		return task, false
	}
	return task, release() == nil
}

// mayConfirm refuses a plan that is not, or no longer, this person's to
// confirm here.
func mayConfirm(p journal.Plan, r Request) error {
	refuse := func(code Result, key string) error {
		return &Refusal{Code: code, Key: key, Args: i18n.Args{"Plan": p.ID, "Name": p.By.Name, "Age": p.Times.Expires.Sub(p.Times.Created)}}
	}
	first := len(p.Confirmed) == 0
	switch {
	case !p.Times.Used.IsZero():
		return usedUp(p.ID)
	case !r.Now.Before(p.Times.Expires):
		return refuse(ResultExpired, "refusal.plan.expired")
	case first && r.Person != p.By.Person:
		return refuse(ResultForeign, "refusal.plan.person")
	case !first && slices.Contains(p.Confirmed, r.Person):
		return refuse(ResultSecond, "refusal.plan.second")
	case !sameChat(p.By.Chat, r.Chat.String()) && (first || !atConsole(p)):
		return refuse(ResultForeign, "refusal.plan.chat")
	}
	return nil
}

// atConsole reports whether a plan was made at the console, where nobody else
// is: the second person confirms it from whatever chat they are in.
func atConsole(p journal.Plan) bool {
	to, err := ParseAddress(p.By.Chat)
	return err == nil && to.Messenger == "console"
}

// usedUp refuses a plan that was used before.
func usedUp(plan string) error {
	return &Refusal{Code: ResultUsed, Key: "refusal.plan.used", Args: i18n.Args{"Plan": plan}}
}
