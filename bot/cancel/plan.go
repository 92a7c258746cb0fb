package cancel

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

	"domovoy/bot"
	"domovoy/bot/task"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// Limits of cancelling, over all plans.
const (
	mostPerName = 2 // cancellations of one name in an hour
	nameWindow  = time.Hour
)

// plan is what the journal keeps of a plan.
type plan struct {
	Selection Selection         `json:"wish"`
	Accounts  map[string]string `json:"accounts"` // URL by server
	Items     []item            `json:"items"`
}

// item is an authorization that a plan would cancel.
type item struct {
	Server  string                     `json:"server"`
	URL     string                     `json:"url"`
	Name    string                     `json:"name"` // with the "*." of a wildcard
	Status  checks.AuthorizationStatus `json:"status"`
	Expires time.Time                  `json:"expires,omitzero"`
	Cost    int                        `json:"cost"`
}

// hash covers the state of the CA that a plan was made for, which must still hold
// when it is carried out. What expires meanwhile, as expected, does not change
// it.
func (p plan) hash(now time.Time) string {
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

// runPlan is the task behind cancel authz: it reads what there is, and keeps a
// plan where something can be cancelled.
func (c *Canceller) runPlan(ctx context.Context, t *task.Task) (bot.Answer, error) {
	var selected Selection
	if err := json.Unmarshal(t.Payload, &selected); err != nil {
		return bot.Answer{}, err
	}
	if selected.Probe {
		return c.planOrders(ctx, t, selected)
	}
	return c.plan(ctx, t, selected)
}

// plan reads what a selection is about, and keeps a plan where something can be
// cancelled. A server whose CA cannot be asked is left out, if it is not the
// only one.
func (c *Canceller) plan(ctx context.Context, t *task.Task, selection Selection) (bot.Answer, error) {
	made := plan{Selection: selection, Accounts: map[string]string{}}
	data := CancelPlan{Authorizations: []AuthorizationData{}, Known: true}
	told := compose.CancelPlan{Lives: planLives, Asked: selection.All, Valid: selection.Valid}
	planner := planner{selection: selection, names: c.withAliases(selection.Names), seen: map[string]bool{}, now: time.Now()}
	var last, err error
	if planner.acted, err = c.journal.BegunSteps(ctx, planner.now.Add(-nameWindow)); err != nil {
		return bot.Answer{}, err
	}
	if _, node := checks.ParsePlace(selection.Server); node != "" {
		told.Place, told.Node = selection.Server, node
	}
	for _, p := range c.accounts(selection.Server) {
		inv, err := c.inventory(ctx, p, selection, func(done, total int) {
			t.Progress(compose.Reading(t.Writer(), compose.ReadProgress{Server: p.Name, Done: done, Total: total, Task: t.ID}))
		})
		if refusal, ok := errors.AsType[*bot.Refusal](err); ok {
			told.Unreadable, last = append(told.Unreadable, t.Writer().Say(refusal.Key, refusal.Args)), err
			continue
		}
		if err != nil {
			return bot.Answer{}, err
		}
		part := planner.plan(inv)
		made.Accounts[p.Name] = inv.client.AccountURL()
		made.Items = append(made.Items, part.items...)
		data.add(part)
		data.Unread += inv.unread
		told.Servers = append(told.Servers, inv.told(part))
	}
	if len(told.Servers) == 0 {
		return bot.Answer{}, last
	}
	told.NeedsSecond = len(made.Items) > c.cap(made)
	if s := keyless(told.Servers); s == nil && len(made.Items) > 0 {
		kept, err := c.keepPlan(ctx, t, made, told.NeedsSecond)
		if err != nil {
			return bot.Answer{}, err
		}
		told.ID, data.ID, data.Expires = kept.ID, kept.ID, &kept.Times.Expires
	}
	return bot.Answer{Message: compose.AskToCancel(t.Writer(), told), Data: CancelPlanData{data}}, nil
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
func (c *Canceller) cap(made plan) int {
	least := -1
	for _, i := range made.Items {
		if p := c.watch.Panel(i.Server); p != nil && p.CA != nil && (least < 0 || p.CA.Cap < least) {
			least = p.CA.Cap
		}
	}
	return max(0, least)
}

func (c *Canceller) keepPlan(ctx context.Context, t *task.Task, made plan, second bool) (journal.Plan, error) {
	text, err := json.Marshal(made)
	if err != nil {
		return journal.Plan{}, err
	}
	now := time.Now()
	kept := journal.Plan{Kind: cancelKind, Payload: text, Hash: made.hash(now), By: t.By, Needs: 1,
		Times: journal.PlanTimes{Created: now, Expires: now.Add(planLives)}}
	if second {
		kept.Needs = 2
	}
	return c.journal.KeepPlan(ctx, kept)
}

// withAliases adds to each name those of the site that it belongs to. A name
// without a site is kept alone: the site may have left.
func (c *Canceller) withAliases(names []string) map[string]bool {
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
		for _, p := range c.watch.Panels() {
			if x, ok := p.State().Find(name); ok {
				wanted[x.Site.Name] = true
				for _, a := range x.Site.Aliases {
					wanted[a] = true
				}
			}
		}
	}
	return wanted
}

// told is what a message says of a server.
func (s *inventory) told(c planned) compose.CancelServer {
	limit, known, charged := charge(s.panel.CA, time.Now())
	told := compose.CancelServer{
		Name: s.panel.Name, Account: s.client.AccountURL(), Key: string(s.key), Hint: string(s.found.Hint),
		Items: len(c.items), Busy: c.busy, Pending: c.pending, Valid: c.valid,
		Left:  compose.CancelLeft{Final: c.final, Foreign: c.foreign, Elsewhere: c.elsewhere, Later: c.later, Unread: s.unread, Hidden: len(s.found.Orders)},
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
func (s *inventory) names(c planned) []compose.CancelName {
	owners, at := s.panel.State(), map[string]int{}
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

// used is what is already spent of the limit that cancelling spends from,
// according to the panel's log.
func (s *inventory) used(name string) int {
	meter := s.panel.Meter()
	if meter == nil {
		return 0
	}
	budget, _ := meter.Deactivations(name, time.Now())
	return budget.Used
}

// add counts a server's part.
func (p *CancelPlan) add(c planned) {
	p.Pending, p.Valid, p.Gone = p.Pending+c.pending, p.Valid+c.valid, p.Gone+c.final+c.foreign
	p.Busy, p.Later, p.Known = p.Busy+c.busy, p.Later+c.later, p.Known && c.known
	p.Elsewhere += c.elsewhere
	for _, i := range c.items {
		a := AuthorizationData{URL: i.URL, Domain: i.Name, Server: i.Server, Status: i.Status, Cost: i.Cost}
		if !i.Expires.IsZero() {
			a.Expires = &i.Expires
		}
		p.Authorizations = append(p.Authorizations, a)
		p.Price += i.Cost
	}
}

// planned is what a selection means at one server.
type planned struct {
	items                                []item
	pending, valid, final, foreign, busy int
	later                                int  // of names that reached this hour's limit
	elsewhere                            int  // not of the node that was asked for
	known                                bool // what cancelling costs
}

// planner picks from what was read what a selection is about.
type planner struct {
	selection Selection
	names     map[string]bool
	seen      map[string]bool // URLs that another server's account has shown already
	acted     map[string]int  // cancellations of this hour, by account and name
	now       time.Time
}

func (x *planner) plan(s *inventory) planned {
	_, known, _ := charge(s.panel.CA, x.now)
	c := planned{known: known}
	issuing, here := ordering(s.panel, x.now), onNode(s.panel, x.selection.Server)
	for _, a := range s.seen {
		given := slices.Contains(x.selection.URLs, a.URL)
		if x.seen[a.URL] || !x.selection.All && !given && !x.names[a.Name] {
			continue
		}
		x.seen[a.URL] = true
		switch {
		case a.Status == checks.AuthorizationForeign || s.foreign(a):
			c.foreign++
		case a.Status.Final() || !a.Expires.IsZero() && a.Expires.Before(x.now):
			c.final++
		case here != nil && !here[a.Name]:
			c.elsewhere++
		case a.Status == checks.AuthorizationValid:
			if c.valid++; x.selection.Valid {
				x.take(&c, s.item(a, x.now), s)
			}
		default:
			if c.pending++; issuing[a.Name] {
				c.busy++
			}
			x.take(&c, s.item(a, x.now), s)
		}
	}
	return c
}

// take plans a cancellation, unless its name reached this hour's limit.
func (x *planner) take(c *planned, i item, s *inventory) {
	name := watch.ActKey(s.client.AccountURL(), i.Name)
	if x.acted[name] >= mostPerName {
		c.later++
		return
	}
	x.acted[name]++
	c.items = append(c.items, i)
}

// foreign reports whether a URL names another account than ours, as Let's
// Encrypt's do: a read without a key does not say so.
func (s *inventory) foreign(a checks.Authorization) bool {
	account := s.client.AccountURL()
	if account == "" {
		return false
	}
	_, number, ok := strings.Cut(a.URL, "/acme/authz/")
	owner, _, two := strings.Cut(number, "/")
	return ok && two && strings.Contains(account, "/acme/acct/") && owner != account[strings.LastIndex(account, "/")+1:]
}

func (s *inventory) item(a checks.Authorization, now time.Time) item {
	return item{Server: s.panel.Name, URL: a.URL, Name: identifier(a), Status: a.Status, Expires: a.Expires, Cost: cost(s.panel.CA, a.Status, now)}
}

// identifier is the name as the CA counts it: a wildcard is one of its own.
func identifier(a checks.Authorization) string {
	if a.Wildcard {
		return "*." + a.Name
	}
	return a.Name
}

// onNode are the names of the sites that a node serves; nil: no node was asked
// for. The account has no nodes: the panel orders for all of them, and whose an
// authorization is follows from its name.
func onNode(p *watch.Panel, place string) map[string]bool {
	if _, node := checks.ParsePlace(place); node == "" {
		return nil
	}
	names := map[string]bool{}
	for _, x := range (reports.Filter{Server: place}).OnNodes(p.State()).Subjects {
		for _, name := range append([]string{x.Site.Name}, x.Site.Aliases...) {
			names[strings.TrimPrefix(name, "*.")] = true
		}
	}
	return names
}

// orderLasts is how long a panel's order may be under way before it hangs.
const orderLasts = time.Hour

// ordering are the names for which the panel orders just now.
func ordering(p *watch.Panel, now time.Time) map[string]bool {
	state, names := p.State(), map[string]bool{}
	for _, c := range state.Snapshot.Certificates {
		if c.Processing != checks.On || c.Domain == "" || now.Sub(c.Started) > orderLasts {
			continue
		}
		names[c.Domain] = true
		if x, ok := state.Find(c.Domain); ok {
			for _, a := range x.Site.Aliases {
				names[a] = true
			}
		}
	}
	return names
}
