package bot

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// Limits of cancelling, over all plans.
const (
	mostPerName = 2 // cancellations of one name in an hour
	nameWindow  = time.Hour
)

// cancelPlan is what the journal keeps of a plan.
type cancelPlan struct {
	Wish     cancelWish        `json:"wish"`
	Accounts map[string]string `json:"accounts"` // URL by server
	Items    []cancelItem      `json:"items"`
}

// cancelItem is an authorization that a plan would cancel.
type cancelItem struct {
	Server  string                     `json:"server"`
	URL     string                     `json:"url"`
	Name    string                     `json:"name"` // with the "*." of a wildcard
	Status  checks.AuthorizationStatus `json:"status"`
	Expires time.Time                  `json:"expires,omitzero"`
	Cost    int                        `json:"cost"`
}

// hash is of the world that a plan was made for, as it must still be: what
// expires meanwhile, as it was foreseen, changes nothing.
func (p cancelPlan) hash(now time.Time) string {
	lines := []string{}
	for _, server := range slices.Sorted(maps.Keys(p.Accounts)) {
		lines = append(lines, server+" "+p.Accounts[server])
	}
	for _, i := range p.Items {
		if i.Expires.IsZero() || i.Expires.After(now) {
			lines = append(lines, fmt.Sprint(i.Server, " ", i.URL, " ", i.Name, " ", i.Status))
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}

// planCancel is the task behind cancel authz: it reads what there is, and
// keeps a plan where something can be cancelled.
func planCancel(ctx context.Context, t *Task) (Answer, error) {
	var w cancelWish
	if err := json.Unmarshal(t.Payload, &w); err != nil {
		return Answer{}, err
	}
	if w.Probe {
		return planProbe(ctx, t, w)
	}
	return t.plan(ctx, w)
}

// plan reads what a wish is about, and keeps a plan where something can be
// cancelled. A server whose CA cannot be asked is left out, if it is not the
// only one.
func (t *Task) plan(ctx context.Context, w cancelWish) (Answer, error) {
	b, plan := t.Bot, cancelPlan{Wish: w, Accounts: map[string]string{}}
	data := CancelPlan{Authorizations: []AuthorizationData{}, Known: true}
	told := compose.CancelPlan{Lives: planLives, Asked: w.All, Valid: w.Valid}
	chooser := chooser{wish: w, names: b.withAliases(w.Names), seen: map[string]bool{}, now: time.Now()}
	var last, err error
	if chooser.acted, err = b.journal.Acted(ctx, chooser.now.Add(-nameWindow)); err != nil {
		return Answer{}, err
	}
	for _, p := range b.accounts(w.Server) {
		s, err := b.survey(ctx, p, w, func(done, total int) {
			t.Progress(compose.Reading(t.Writer(), compose.ReadProgress{Server: p.Name, Done: done, Total: total, Task: t.ID}))
		})
		if refusal, ok := errors.AsType[*Refusal](err); ok {
			told.Unreadable, last = append(told.Unreadable, t.Writer().Locale.Say(refusal.Key, refusal.Args)), err
			continue
		}
		if err != nil {
			return Answer{}, err
		}
		c := chooser.choose(s)
		plan.Accounts[p.Name] = s.client.AccountURL()
		plan.Items = append(plan.Items, c.items...)
		data.add(c)
		data.Unread += s.unread
		told.Servers = append(told.Servers, s.told(c))
	}
	if len(told.Servers) == 0 {
		return Answer{}, last
	}
	told.NeedsSecond = len(plan.Items) > b.cap(plan)
	if s := keyless(told.Servers); s == nil && len(plan.Items) > 0 {
		kept, err := b.keepCancelPlan(ctx, t, plan, told.NeedsSecond)
		if err != nil {
			return Answer{}, err
		}
		told.ID, data.ID, data.Expires = kept.ID, kept.ID, &kept.Times.Expires
	}
	return Answer{Message: compose.AskToCancel(t.Writer(), told), Data: CancelPlanData{data}}, nil
}

// keyless is a server whose authorizations cannot be cancelled; nil: all can.
func keyless(servers []compose.CancelServer) *compose.CancelServer {
	for i := range servers {
		if servers[i].Key != "" && servers[i].Items > 0 {
			return &servers[i]
		}
	}
	return nil
}

// cap is how many cancellations one person may confirm: the least of the
// servers concerned.
func (b *Bot) cap(plan cancelPlan) int {
	least := -1
	for _, i := range plan.Items {
		if p := b.watch.panel(i.Server); p != nil && p.CA != nil && (least < 0 || p.CA.Cap < least) {
			least = p.CA.Cap
		}
	}
	return max(0, least)
}

func (b *Bot) keepCancelPlan(ctx context.Context, t *Task, plan cancelPlan, second bool) (journal.Plan, error) {
	text, err := json.Marshal(plan)
	if err != nil {
		return journal.Plan{}, err
	}
	now := time.Now()
	kept := journal.Plan{Kind: cancelKind, Payload: text, Hash: plan.hash(now), By: t.By, Needs: 1,
		Times: journal.PlanTimes{Created: now, Expires: now.Add(planLives)}}
	if second {
		kept.Needs = 2
	}
	return b.journal.KeepPlan(ctx, kept)
}

// withAliases adds to each name those of the site that it belongs to. A name
// of no site stands for itself: the site may have left.
func (b *Bot) withAliases(names []string) map[string]bool {
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
		for _, p := range b.watch.panels {
			if x, ok := p.state().Find(name); ok {
				wanted[x.Site.Name] = true
				for _, a := range x.Site.Aliases {
					wanted[a] = true
				}
			}
		}
	}
	return wanted
}

// told is what a reader is told of a server.
func (s *survey) told(c chosen) compose.CancelServer {
	limit, known, charged := s.panel.CA.charge(time.Now())
	told := compose.CancelServer{
		Name: s.panel.Name, Account: s.client.AccountURL(), Key: string(s.key), Hint: string(s.found.Hint),
		Items: len(c.items), Busy: c.busy, Pending: c.pending, Valid: c.valid,
		Left:  compose.CancelLeft{Final: c.final, Foreign: c.foreign, Later: c.later, Unread: s.unread, Hidden: len(s.found.Orders)},
		Price: compose.CancelPrice{Known: known, Charged: charged, Limit: limit.Size, Window: limit.Span()},
		Names: s.names(c),
	}
	if s.panel.CA.Rules != nil {
		told.Price.CA = s.panel.CA.Rules.Name
	}
	if s.given > 0 && len(s.found.URLs)+len(s.found.Files) == 0 {
		told.Hint = ""
	}
	return told
}

// names counts what would be cancelled by name, the most first.
func (s *survey) names(c chosen) []compose.CancelName {
	owners, at := s.panel.state(), map[string]int{}
	var names []compose.CancelName
	for _, i := range c.items {
		n, ok := at[i.Name]
		if !ok {
			n = len(names)
			at[i.Name] = n
			x, _ := owners.Find(strings.TrimPrefix(i.Name, "*."))
			names = append(names, compose.CancelName{Name: i.Name, Owner: x.Site.Owner, Used: s.used(i.Name)})
		}
		names[n].N++
		names[n].Cost += i.Cost
		if i.Expires.After(names[n].Expires) {
			names[n].Expires = i.Expires
		}
	}
	slices.SortStableFunc(names, func(a, b compose.CancelName) int {
		return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Name, b.Name))
	})
	return names
}

// used is what is spent already of the limit that cancelling spends from, as
// far as the panel's log tells.
func (s *survey) used(name string) int {
	meter := s.panel.accounting().meter
	if meter == nil {
		return 0
	}
	budget, _ := meter.Deactivations(name, time.Now())
	return budget.Used
}

// add counts a server's part.
func (p *CancelPlan) add(c chosen) {
	p.Pending, p.Valid, p.Gone = p.Pending+c.pending, p.Valid+c.valid, p.Gone+c.final+c.foreign
	p.Busy, p.Later, p.Known = p.Busy+c.busy, p.Later+c.later, p.Known && c.known
	for _, i := range c.items {
		a := AuthorizationData{URL: i.URL, Domain: i.Name, Server: i.Server, Status: i.Status, Cost: i.Cost}
		if !i.Expires.IsZero() {
			a.Expires = &i.Expires
		}
		p.Authorizations = append(p.Authorizations, a)
		p.Price += i.Cost
	}
}
