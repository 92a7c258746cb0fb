package bot

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"domovoy/checks/acme/account"
	"domovoy/checks/budget"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// mostProbes bounds the new orders of one plan: they come from the budget of
// the customers' certificates.
const mostProbes = 10

// probePlan is a plan to look for authorizations by ordering anew. That costs
// orders, and may make pending authorizations where there were none: so it is
// asked for by its own word, and confirmed.
type probePlan struct {
	Wish   cancelWish `json:"wish"`
	Orders []probe    `json:"orders"`
}

// probe is one new order. A CA gives back a pending one only for exactly the
// same names, so that they are all of a site's.
type probe struct {
	Server string   `json:"server"`
	Names  []string `json:"names"`
}

// ProbeData is the JSON of a plan of probing.
type ProbeData struct {
	Probe ProbePlanData `json:"probe"`
}

// ProbePlanData is what probing would cost.
type ProbePlanData struct {
	ID     string   `json:"id"`
	Orders []string `json:"orders"` // the first name of each
	Price  int      `json:"price"`  // in new orders of the account
}

// planProbe keeps a plan of the orders that a wish needs.
func planProbe(ctx context.Context, t *Task, w cancelWish) (Answer, error) {
	plan := probePlan{Wish: w}
	told := compose.OrderPlan{Lives: planLives}
	for _, p := range t.Bot.accounts(w.Server) {
		if _, trouble := p.CA.key(); trouble != "" {
			return Answer{}, caRefusal(p, account.ErrKeyNeeded)
		}
		if rules := p.CA.Rules; rules != nil {
			told.CA, told.Limit, told.Window = rules.Name, orders(rules).Size, orders(rules).Span()
		}
		for _, name := range w.Names {
			if x, ok := p.state().Find(name); ok {
				plan.Orders = append(plan.Orders, probe{p.Name, append([]string{x.Site.Name}, x.Site.Aliases...)})
			} else if len(t.Bot.accounts(w.Server)) == 1 { // a name of no site is ordered only where it is clear at whose cost
				plan.Orders = append(plan.Orders, probe{p.Name, []string{name}})
			}
		}
	}
	if len(plan.Orders) == 0 {
		return t.plan(ctx, cancelWish{Names: w.Names, Valid: w.Valid, Server: w.Server})
	}
	text, err := json.Marshal(plan)
	if err != nil {
		return Answer{}, err
	}
	now := time.Now()
	kept, err := t.Bot.journal.KeepPlan(ctx, journal.Plan{Kind: probeKind, Payload: text, By: t.By, Needs: 1,
		Times: journal.PlanTimes{Created: now, Expires: now.Add(planLives)}})
	if err != nil {
		return Answer{}, err
	}
	data := ProbePlanData{ID: kept.ID, Orders: []string{}, Price: len(plan.Orders)}
	for _, o := range plan.Orders {
		data.Orders, told.Names = append(data.Orders, o.Names[0]), append(told.Names, o.Names...)
	}
	told.ID, told.Orders = kept.ID, len(plan.Orders)
	return Answer{Message: compose.AskToOrder(t.Writer(), told), Data: ProbeData{data}}, nil
}

// orders is the limit on an account's new orders.
func orders(rules *budget.CA) budget.Limit {
	for _, l := range rules.LimitsAt(time.Now()) {
		if l.Spent == budget.OrderMade && l.Scope == budget.Account {
			return l
		}
	}
	return budget.Limit{}
}

// runProbe is the task behind a confirmed plan of probing: each order is made
// once, as the steps tell, then what they show is planned to be cancelled. An
// order whose answer was lost is not made again.
func runProbe(ctx context.Context, t *Task) (Answer, error) {
	kept, err := t.Bot.journal.Plan(ctx, t.Plan)
	if err != nil {
		return Answer{}, err
	}
	var plan probePlan
	if err := json.Unmarshal(kept.Payload, &plan); err != nil {
		return Answer{}, err
	}
	w := plan.Wish
	w.Probe = false
	for _, o := range plan.Orders {
		found, err := t.probe(ctx, o)
		if err != nil {
			return Answer{}, err
		}
		w.URLs = append(w.URLs, found...)
	}
	r, err := t.Request()
	if err != nil {
		return Answer{}, err
	}
	answer, err := t.plan(ctx, w)
	entry := r.entry(cancelKind, tried(append([]string{"authz", "probe", "plan=" + kept.ID}, w.Names...)), ResultProbed)
	answer.Entry = &entry
	return answer, err
}

// probe makes one order, and gives the authorizations that it has.
func (t *Task) probe(ctx context.Context, o probe) ([]string, error) {
	j, item := t.Bot.journal, o.Server+" "+o.Names[0]
	if err := j.KeepSteps(ctx, t.ID, []journal.Step{{Item: item, State: journal.StepPlanned}}); err != nil {
		return nil, err
	}
	steps, err := j.Steps(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(steps, func(s journal.Step) bool { return s.Item == item }); steps[i].Tries > 0 {
		return nil, nil // it was made by a process that is gone
	}
	p := t.Bot.watch.panel(o.Server)
	if p == nil || p.CA == nil {
		return nil, &Refusal{Code: ResultUnavailable, Key: "refusal.noca"}
	}
	client, trouble, err := p.CA.open(ctx)
	if err == nil && trouble != "" {
		err = account.ErrKeyNeeded
	}
	if err != nil {
		return nil, caRefusal(p, err)
	}
	if _, err := j.BeginStep(ctx, t.ID, item, time.Now(), time.Now(), 1<<30); err != nil {
		return nil, err
	}
	order, err := client.ProbeOrder(ctx, o.Names)
	if err != nil {
		return nil, errors.Join(caRefusal(p, err), j.EndStep(ctx, t.ID, item, journal.StepFailed, ""))
	}
	return order.Authorizations, j.EndStep(ctx, t.ID, item, journal.StepDone, "")
}
