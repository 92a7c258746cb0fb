package cancel

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"domovoy/bot"
	"domovoy/bot/task"
	"domovoy/checks/acme/account"
	"domovoy/checks/budget"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// mostProbes bounds the new orders of one plan: they come from the budget of
// the customers' certificates.
const mostProbes = 10

// orderPlan is a plan to find authorizations by placing new orders. That costs
// orders, and may create pending authorizations where there were none: it has a
// word of its own, and needs a confirmation.
type orderPlan struct {
	Selection Selection `json:"wish"`
	Orders    []order   `json:"orders"`
}

// order is one new order. A CA returns a pending order only for exactly the same
// names, so that it has all names of a site.
type order struct {
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
	Orders []string `json:"orders" jsonschema:"the first name of each"`
	Price  int      `json:"price" jsonschema:"in new orders of the account"`
}

// planOrders keeps a plan of the orders that a selection needs.
func (c *Canceller) planOrders(ctx context.Context, t *task.Task, selected Selection) (bot.Answer, error) {
	made := orderPlan{Selection: selected}
	told := compose.OrderPlan{Lives: planLives}
	for _, p := range c.accounts(selected.Server) {
		if trouble := p.CA.Account.KeyTrouble(); trouble != "" {
			return bot.Answer{}, caRefusal(p, account.ErrKeyNeeded)
		}
		if rules := p.CA.Rules; rules != nil {
			told.CA, told.Limit, told.Window = rules.Name, orderLimit(rules).Size, orderLimit(rules).Span()
		}
		here := onNode(p, selected.Server)
		for _, name := range selected.Names {
			if here != nil && !here[name] {
				continue
			}
			if x, ok := p.State().Find(name); ok {
				made.Orders = append(made.Orders, order{p.Name, append([]string{x.Site.Name}, x.Site.Aliases...)})
			} else if len(c.accounts(selected.Server)) == 1 { // a name of no site is ordered only where it is clear at whose cost
				made.Orders = append(made.Orders, order{p.Name, []string{name}})
			}
		}
	}
	if len(made.Orders) == 0 {
		return c.plan(ctx, t, Selection{Names: selected.Names, Valid: selected.Valid, Server: selected.Server})
	}
	text, err := json.Marshal(made)
	if err != nil {
		return bot.Answer{}, err
	}
	now := time.Now()
	kept, err := c.journal.KeepPlan(ctx, journal.Plan{Kind: orderKind, Payload: text, By: t.By, Needs: 1,
		Times: journal.PlanTimes{Created: now, Expires: now.Add(planLives)}})
	if err != nil {
		return bot.Answer{}, err
	}
	data := ProbePlanData{ID: kept.ID, Orders: []string{}, Price: len(made.Orders)}
	for _, o := range made.Orders {
		data.Orders, told.Names = append(data.Orders, o.Names[0]), append(told.Names, o.Names...)
	}
	told.ID, told.Orders = kept.ID, len(made.Orders)
	return bot.Answer{Message: compose.AskToOrder(t.Writer(), told), Data: ProbeData{data}}, nil
}

// orderLimit is the limit on an account's new orders.
func orderLimit(rules *budget.CA) budget.Limit {
	for _, l := range rules.LimitsAt(time.Now()) {
		if l.Spent == budget.OrderMade && l.Scope == budget.Account {
			return l
		}
	}
	return budget.Limit{}
}

// runOrders is the task behind a confirmed plan of orders: each order is made
// once, as the stored steps show; then what they show is planned to be cancelled.
// An order whose answer was lost is not made again.
func (c *Canceller) runOrders(ctx context.Context, t *task.Task) (bot.Answer, error) {
	kept, err := c.journal.Plan(ctx, t.Plan)
	if err != nil {
		return bot.Answer{}, err
	}
	var made orderPlan
	if err := json.Unmarshal(kept.Payload, &made); err != nil {
		return bot.Answer{}, err
	}
	selected := made.Selection
	selected.Probe = false
	for _, o := range made.Orders {
		found, err := c.order(ctx, t, o)
		if err != nil {
			return bot.Answer{}, err
		}
		selected.URLs = append(selected.URLs, found...)
	}
	answer, err := c.plan(ctx, t, selected)
	answer.Act = bot.NewAct(cancelKind, bot.ShortWords(append([]string{"authz", "probe", "plan=" + kept.ID}, selected.Names...)), bot.ResultProbed)
	return answer, err
}

// order makes one order, and returns the authorizations that it has.
func (c *Canceller) order(ctx context.Context, t *task.Task, o order) ([]string, error) {
	j, item := c.journal, o.Server+" "+o.Names[0]
	if err := j.KeepSteps(ctx, t.ID, []journal.Step{{Item: item, State: journal.StepPlanned}}); err != nil {
		return nil, err
	}
	steps, err := j.Steps(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(steps, func(s journal.Step) bool { return s.Item == item }); steps[i].Tries > 0 {
		return nil, nil // an earlier process made it
	}
	p := c.watch.Panel(o.Server)
	if p == nil || p.CA == nil {
		return nil, &bot.Refusal{Code: bot.ResultUnavailable, Key: "refusal.noca"}
	}
	client, trouble, err := p.CA.Account.Open(ctx)
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
