package commands

import (
	"context"
	"math"
	"strings"
	"time"

	"domovoy/bot"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// PlanData is the JSON of plan reissue.
type PlanData struct {
	Plan ReissueData `json:"plan"`
}

// ReissueData is what re-issuing the chosen sites' certificates would take.
type ReissueData struct {
	Sites   int                 `json:"sites"`
	Pass    int                 `json:"pass"`
	Fail    int                 `json:"fail"`
	Unknown int                 `json:"unknown" jsonschema:"not probed, or without a verdict"`
	ByCause map[checks.Code]int `json:"by_cause"`
	Servers []ReissueServer     `json:"servers"`
}

// ReissueServer is the price at one account, of the sites that would pass.
// Hours is null where the CA's limits are not known, Looked where no site was
// looked at from outside.
type ReissueServer struct {
	Server   string              `json:"server"`
	Orders   int                 `json:"orders"`
	Renewals int                 `json:"renewals"` // of these, those that the limit on new orders does not count
	Hours    *float64            `json:"hours"`
	Domains  []ReissueDomainData `json:"domains"`
	Waiting  []BudgetData        `json:"waiting"`
	Looked   *time.Time          `json:"looked"` // the oldest look that this rests on
}

// ReissueDomainData is a registered domain that is asked for more than it has.
type ReissueDomainData struct {
	Domain string `json:"domain"`
	Orders int    `json:"orders"`
	Left   int    `json:"left"`
}

// reissue plans new certificates.
type reissue struct{ watch *watch.Watch }

// plan answers what re-issuing the chosen sites' certificates would take.
// Nothing is ordered.
func (p reissue) plan(ctx context.Context, r bot.Request) (bot.Answer, error) {
	asked, err := parsePlan(r.Words)
	if err != nil {
		return bot.Answer{}, err
	}
	readable, unread, err := serversFor(ctx, p.watch, asked)
	if err != nil {
		return bot.Answer{}, err
	}
	told := compose.ReissuePlan{Unreadable: unread}
	data := ReissueData{ByCause: map[checks.Code]int{}, Servers: []ReissueServer{}}
	for _, s := range readable {
		part := reports.Reissuable(s, asked.filter)
		sets := make([][]string, len(part.Pass))
		for i, site := range part.Pass {
			sets[i] = watch.OrderNames(site)
		}
		part.Price = p.watch.Panel(s.Name).Reissue(sets, r.Now)
		told.Servers = append(told.Servers, part)
		data.add(part)
	}
	return bot.Answer{Message: compose.Reissue(r.Writer(), told), Data: PlanData{data}}, nil
}

// parsePlan reads "reissue owner=client1* cause=dns server=isp1".
func parsePlan(words []string) (listRequest, error) {
	asked := listRequest{kind: "reissue"}
	if len(words) == 0 || words[0] != "reissue" {
		return asked, bot.Usage("plan", "usage.plan", strings.Join(words, " "))
	}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "owner":
			asked.filter.Owner = value
		case "server":
			asked.filter.Server = value
		case "cause":
			asked.filter.Cause = strings.ToLower(value)
		default:
			return asked, bot.Usage("plan", "usage.plan", word)
		}
	}
	return asked, nil
}

func (d *ReissueData) add(p reports.ReissueServer) {
	d.Pass += len(p.Pass)
	d.Unknown += p.Unknown
	for code, n := range p.Causes {
		d.Fail += n
		d.ByCause[code] += n
	}
	d.Sites = d.Pass + d.Fail + d.Unknown
	d.Servers = append(d.Servers, reissueServer(p))
}

func reissueServer(p reports.ReissueServer) ReissueServer {
	s := ReissueServer{Server: p.Server, Orders: p.Price.Orders, Renewals: p.Price.Renewals, Domains: []ReissueDomainData{}, Waiting: []BudgetData{}, Looked: bot.OrNull(p.Oldest)}
	if p.Price.Known {
		hours := math.Round(p.Price.Takes.Hours()*10) / 10
		s.Hours = &hours
	}
	for _, x := range p.Price.Domains {
		s.Domains = append(s.Domains, ReissueDomainData(x))
	}
	for _, x := range p.Price.Waiting {
		s.Waiting = append(s.Waiting, budgetData(x))
	}
	return s
}
