package bot

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports/compose"
)

// Kinds of tasks of cancelling.
const (
	cancelPlanKind = "cancel.plan"
	cancelKind     = "cancel"
	probeKind      = "cancel.probe"
)

// planLives is how long a plan can be confirmed.
const planLives = 10 * time.Minute

// cancelWish is what somebody wants to have cancelled.
type cancelWish struct {
	Names  []string `json:"names,omitempty"` // A-label form
	URLs   []string `json:"urls,omitempty"`
	All    bool     `json:"all,omitempty"`
	Valid  bool     `json:"valid,omitempty"` // valid ones, too
	Probe  bool     `json:"probe,omitempty"` // find authorizations by new orders
	Server string   `json:"server,omitempty"`
}

// CancelPlanData is the JSON of cancel authz.
type CancelPlanData struct {
	Plan CancelPlan `json:"plan"`
}

// CancelPlan is what would be cancelled.
type CancelPlan struct {
	ID             string              `json:"id,omitempty"` // to confirm it by; empty: there is nothing to confirm
	Expires        *time.Time          `json:"expires,omitempty"`
	Authorizations []AuthorizationData `json:"authorizations"` // those that would be cancelled
	Pending        int                 `json:"pending"`
	Valid          int                 `json:"valid"`
	Gone           int                 `json:"gone"`  // final, expired or foreign
	Busy           int                 `json:"busy"`  // pending ones whose name is being ordered just now
	Later          int                 `json:"later"` // pending, but its name had its share of this hour
	Unread         int                 `json:"unread"`
	Price          int                 `json:"price"` // the sum of the costs
	Known          bool                `json:"price_known"`
}

// AuthorizationData is an authorization of a plan. Expires is null where the
// CA does not tell; the cost is in failed validations of the name.
type AuthorizationData struct {
	URL     string                     `json:"url"`
	Domain  string                     `json:"domain"`
	Server  string                     `json:"server"`
	Status  checks.AuthorizationStatus `json:"status"`
	Expires *time.Time                 `json:"expires"`
	Cost    int                        `json:"cost"`
}

// cancel begins to plan what is to be cancelled; nothing is, before somebody
// confirms the plan.
func cancel(_ context.Context, b *Bot, r Request) (Answer, error) {
	wish, err := b.wish(r)
	if err != nil {
		return Answer{}, err
	}
	task, err := r.Begins(cancelPlanKind, wish)
	if err != nil {
		return Answer{}, err
	}
	return Answer{Message: compose.Reading(r.Writer(), compose.ReadProgress{}), Task: task}, nil
}

// wish reads "authz shop.ru server=isp1 valid".
func (b *Bot) wish(r Request) (cancelWish, error) {
	var w cancelWish
	if len(r.Words) < 2 || r.Words[0] != "authz" {
		return w, usage("cancel", "usage.cancel", "")
	}
	for _, word := range r.Words[1:] {
		server, isServer := strings.CutPrefix(word, "server=")
		switch {
		case isServer:
			w.Server = server
		case word == "all":
			w.All = true
		case word == "valid":
			w.Valid = true
		case word == "probe":
			w.Probe = true
		case b.isAuthorization(word):
			w.URLs = append(w.URLs, word)
		default:
			name, err := checks.ParseName(word)
			if err != nil {
				return w, &Refusal{Code: ResultUsage, Key: "refusal.name", Args: i18n.Args{"Word": shown(word)}}
			}
			w.Names = append(w.Names, name)
		}
	}
	if !w.All && len(w.Names)+len(w.URLs) == 0 || w.All && len(w.Names)+len(w.URLs) > 0 {
		return w, usage("cancel", "usage.cancel", "")
	}
	if w.Probe && (len(w.Names) == 0 || len(w.Names) > mostProbes) {
		return w, &Refusal{Code: ResultUsage, Key: "usage.probe", Args: i18n.Args{"Most": mostProbes}}
	}
	return w, b.atSomeCA(w)
}

// isAuthorization tells the URL of an authorization from a site that somebody
// pasted with its path.
func (b *Bot) isAuthorization(word string) bool {
	u, err := url.Parse(word)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return false
	}
	return strings.Contains(strings.ToLower(u.Path), "/authz") ||
		slices.ContainsFunc(b.watch.panels, func(p *watched) bool { return p.CA != nil && p.CA.leads(word) })
}

// atSomeCA refuses what no configured CA can be asked about.
func (b *Bot) atSomeCA(w cancelWish) error {
	panels := b.accounts(w.Server)
	if len(panels) == 0 {
		var names []string
		for _, p := range b.accounts("") {
			names = append(names, p.Name)
		}
		if len(names) == 0 {
			return &Refusal{Code: ResultUnavailable, Key: "refusal.noca"}
		}
		return &Refusal{Code: ResultUsage, Key: "refusal.unknown.server", Args: i18n.Args{"Word": shown(w.Server), "Servers": names}}
	}
	for _, u := range w.URLs {
		if !slices.ContainsFunc(panels, func(p *watched) bool { return p.CA.leads(u) }) {
			return &Refusal{Code: ResultUsage, Key: "refusal.otherca", Args: i18n.Args{"URL": shown(u)}}
		}
	}
	return nil
}

// accounts are the panels with an account at a CA; of a server, or all.
func (b *Bot) accounts(server string) []*watched {
	var panels []*watched
	for _, p := range b.watch.panels {
		if p.CA != nil && (server == "" || p.Name == server) {
			panels = append(panels, p)
		}
	}
	return panels
}
