// Package cancel cancels authorizations at the CAs: it plans, prices and, once
// a plan is confirmed, executes and verifies.
package cancel

import (
	"context"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"domovoy/bot"
	"domovoy/bot/task"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// Canceller plans and carries out cancellations.
type Canceller struct {
	journal *journal.Journal
	watch   *watch.Watch
	log     *slog.Logger
}

// New makes a canceller.
func New(j *journal.Journal, w *watch.Watch, log *slog.Logger) *Canceller {
	return &Canceller{journal: j, watch: w, log: log}
}

// Kinds of tasks that cancelling needs.
func (c *Canceller) Kinds() []task.Kind {
	return []task.Kind{
		{Name: planKind, Stop: bot.Admin, Run: c.runPlan},
		{Name: cancelKind, Stop: bot.Admin, Run: c.runCancel},
		{Name: orderKind, Stop: bot.Admin, Run: c.runOrders},
	}
}

// The names of the kinds, as the journal keeps them.
const (
	planKind   = "cancel.plan"
	cancelKind = "cancel"
	orderKind  = "cancel.probe"
)

// planLives is how long a plan can be confirmed.
const planLives = 10 * time.Minute

// Selection is what somebody wants to have cancelled.
type Selection struct {
	Names  []string `json:"names,omitempty"` // A-label form
	URLs   []string `json:"urls,omitempty"`
	All    bool     `json:"all,omitempty"`
	Valid  bool     `json:"valid,omitempty"`  // valid ones, too
	Probe  bool     `json:"probe,omitempty"`  // find authorizations by new orders
	Server string   `json:"server,omitempty"` // or one with its node: isp1/node2
}

// CancelPlanData is the JSON of cancel authz.
type CancelPlanData struct {
	Plan CancelPlan `json:"plan"`
}

// CancelPlan is what would be cancelled.
type CancelPlan struct {
	ID             string              `json:"id,omitempty" jsonschema:"to confirm it by; empty: there is nothing to confirm"`
	Expires        *time.Time          `json:"expires,omitempty"`
	Authorizations []AuthorizationData `json:"authorizations" jsonschema:"those that would be cancelled"`
	Pending        int                 `json:"pending"`
	Valid          int                 `json:"valid"`
	Gone           int                 `json:"gone" jsonschema:"final, expired or foreign"`
	Busy           int                 `json:"busy" jsonschema:"pending ones whose name is being ordered just now"`
	Later          int                 `json:"later" jsonschema:"pending, but its name had its share of this hour"`
	Unread         int                 `json:"unread"`
	Elsewhere      int                 `json:"elsewhere,omitempty" jsonschema:"where a node was asked for: of sites of other nodes, or of no site"`
	Price          int                 `json:"price" jsonschema:"the sum of the costs"`
	Known          bool                `json:"price_known"`
}

// AuthorizationData is an authorization of a plan. Expires is null where the
// CA does not say; the cost is in failed validations of the name.
type AuthorizationData struct {
	URL     string                     `json:"url"`
	Domain  string                     `json:"domain"`
	Server  string                     `json:"server"`
	Status  checks.AuthorizationStatus `json:"status"`
	Expires *time.Time                 `json:"expires"`
	Cost    int                        `json:"cost"`
}

// Ask answers the command cancel: it begins a plan. Nothing is cancelled until
// somebody confirms the plan.
func (c *Canceller) Ask(_ context.Context, r bot.Request) (bot.Answer, error) {
	selection, err := c.parse(r)
	if err != nil {
		return bot.Answer{}, err
	}
	begun, err := bot.NewWork(planKind, selection)
	if err != nil {
		return bot.Answer{}, err
	}
	return bot.Answer{Message: compose.Reading(r.Writer(), compose.ReadProgress{}), Work: begun}, nil
}

// parse reads "authz shop.ru server=isp1 valid".
func (c *Canceller) parse(r bot.Request) (Selection, error) {
	var selected Selection
	if len(r.Words) < 2 || r.Words[0] != "authz" {
		return selected, bot.Usage("cancel", "usage.cancel", "")
	}
	for _, word := range r.Words[1:] {
		server, isServer := strings.CutPrefix(word, "server=")
		switch {
		case isServer:
			selected.Server = server
		case word == "all":
			selected.All = true
		case word == "valid":
			selected.Valid = true
		case word == "probe":
			selected.Probe = true
		case c.isAuthorization(word):
			selected.URLs = append(selected.URLs, word)
		default:
			name, err := checks.ParseName(word)
			if err != nil {
				return selected, bot.NotDomain(word)
			}
			selected.Names = append(selected.Names, name)
		}
	}
	if !selected.All && len(selected.Names)+len(selected.URLs) == 0 || selected.All && len(selected.Names)+len(selected.URLs) > 0 {
		return selected, bot.Usage("cancel", "usage.cancel", "")
	}
	if selected.Probe && (len(selected.Names) == 0 || len(selected.Names) > mostProbes) {
		return selected, &bot.Refusal{Code: bot.ResultUsage, Key: "usage.probe", Args: i18n.Args{"Most": mostProbes}}
	}
	return selected, c.atSomeCA(selected)
}

// isAuthorization distinguishes the URL of an authorization from a site that
// somebody pasted with its path.
func (c *Canceller) isAuthorization(word string) bool {
	u, err := url.Parse(word)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return false
	}
	return strings.Contains(strings.ToLower(u.Path), "/authz") ||
		slices.ContainsFunc(c.watch.Panels(), func(p *watch.Panel) bool { return p.CA != nil && hasHost(p.CA, word) })
}

// atSomeCA refuses what no configured CA can be asked about.
func (c *Canceller) atSomeCA(selected Selection) error {
	panels := c.accounts(selected.Server)
	if len(panels) == 0 {
		var names []string
		for _, p := range c.accounts("") {
			names = append(names, p.Name)
			for _, n := range p.State().Snapshot.Nodes {
				names = append(names, checks.Place(p.Name, n.Name))
			}
		}
		if len(names) == 0 {
			return &bot.Refusal{Code: bot.ResultUnavailable, Key: "refusal.noca"}
		}
		return &bot.Refusal{Code: bot.ResultUsage, Key: "refusal.unknown.server", Args: i18n.Args{"Word": bot.Short(selected.Server), "Servers": names}}
	}
	for _, u := range selected.URLs {
		if !slices.ContainsFunc(panels, func(p *watch.Panel) bool { return hasHost(p.CA, u) }) {
			return &bot.Refusal{Code: bot.ResultUsage, Key: "refusal.otherca", Args: i18n.Args{"URL": bot.Short(u)}}
		}
	}
	return nil
}

// accounts are the panels with an account at a CA; of a server, of that with a
// node (isp1/node2), or all.
func (c *Canceller) accounts(place string) []*watch.Panel {
	server, node := checks.ParsePlace(place)
	var panels []*watch.Panel
	for _, p := range c.watch.Panels() {
		if p.CA != nil && (place == "" || p.Name == server) && (node == "" || hasNode(p, place)) {
			panels = append(panels, p)
		}
	}
	return panels
}

// hasNode reports whether a panel has a node that a place names.
func hasNode(p *watch.Panel, place string) bool {
	on := reports.Filter{Server: place}
	return slices.ContainsFunc(p.State().Snapshot.Nodes, func(n checks.Node) bool { return on.HasNode(n.Name) })
}
