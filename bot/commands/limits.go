package commands

import (
	"context"
	"slices"
	"strings"
	"time"

	"domovoy/bot"
	"domovoy/bot/digest"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/budget"
	"domovoy/checks/panel"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// LimitsData is the JSON of limits.
type LimitsData struct {
	Budgets   []BudgetData   `json:"budgets"`
	Forecasts []ForecastData `json:"forecasts"`
	Changes   []ChangeData   `json:"changes"`
	Unknown   []string       `json:"unknown,omitempty" jsonschema:"servers at whose CA no limits are known"`
	Issuance  []IssuanceData `json:"issuance" jsonschema:"the last 30 days, oldest first, server by server"`
	Whole     []string       `json:"whole,omitempty" jsonschema:"servers of which a node was asked for: limits are those of their account, for all nodes"`
}

// IssuanceData is a day of a server: how many attempts to issue ended, how many
// of them failed, and how many succeeded within three days of their first failure.
type IssuanceData struct {
	Server    string `json:"server"`
	Date      string `json:"date"`
	Attempts  int    `json:"attempts"`
	Failed    int    `json:"failed"`
	Recovered int    `json:"recovered"`
}

// BudgetData is one bucket. Left may be less where AtMost, and more where
// AtLeast; Why then says why. Refill is null where the bucket is full.
type BudgetData struct {
	Code    string     `json:"code"`
	Server  string     `json:"server"`
	Subject string     `json:"subject"`
	Used    int        `json:"used"`
	Limit   int        `json:"limit"`
	Left    int        `json:"left"`
	Refill  *time.Time `json:"refill"`
	Full    *time.Time `json:"full"`
	AtMost  bool       `json:"at_most"`
	AtLeast bool       `json:"at_least"`
	Why     string     `json:"why,omitempty"`

	Renewals int `json:"renewals,omitempty" jsonschema:"of an account: recent ones, which the CA does not count"`
}

// ForecastData is what will happen. At is null where it is so already.
type ForecastData struct {
	Code    checks.Code `json:"code"`
	Server  string      `json:"server"`
	Subject string      `json:"subject"`
	At      *time.Time  `json:"at"`
	Args    checks.Args `json:"args"`
}

// ChangeData is the next known change at a CA.
type ChangeData struct {
	Server string            `json:"server"`
	Date   string            `json:"date"`
	Source string            `json:"source"`
	Text   map[string]string `json:"text"`
}

// budgets answers what is left at the CA.
type budgets struct {
	journal *journal.Journal
	watch   *watch.Watch
}

// limits answers with what is left at the CA.
func (b budgets) limits(ctx context.Context, r bot.Request) (bot.Answer, error) {
	asked := listRequest{}
	for _, word := range r.Words {
		server, ok := strings.CutPrefix(word, "server=")
		if !ok {
			return bot.Answer{}, bot.Usage("limits", "usage.limits", word)
		}
		asked.filter.Server = server
	}
	servers, err := asked.named(b.watch.States())
	if err != nil {
		return bot.Answer{}, err
	}
	data := LimitsData{Budgets: []BudgetData{}, Forecasts: []ForecastData{}, Changes: []ChangeData{}, Issuance: []IssuanceData{}}
	var all []compose.AccountLimits
	for _, s := range servers {
		l := b.of(s, r.Now)
		if _, node := checks.ParsePlace(asked.filter.Server); node != "" {
			l.Place = checks.Place(s.Name, node)
			data.Whole = append(data.Whole, s.Name)
		}
		if l.Issuance, err = b.journal.Issuance(ctx, s.Name, midnights(r.Locale.Local(r.Now)), panel.Shortly); err != nil {
			return bot.Answer{}, err
		}
		all = append(all, l)
		data.add(l)
	}
	return bot.Answer{Message: compose.Limits(r.Writer(), all), Data: data}, nil
}

// issuanceDays is how many days limits counts attempts of.
const issuanceDays = 30

// midnights are the beginnings of the last days, today's among them, and that of
// tomorrow.
func midnights(now time.Time) []time.Time {
	moments := make([]time.Time, 0, issuanceDays+1)
	for n := range issuanceDays + 1 {
		moments = append(moments, time.Date(now.Year(), now.Month(), now.Day()+1-issuanceDays+n, 0, 0, 0, 0, now.Location()))
	}
	return moments
}

// scarceMost is how many domains, sets and names of a limit are shown.
const scarceMost = 5

// of gathers what is worth knowing of a server's budgets.
func (b budgets) of(s reports.Server, now time.Time) compose.AccountLimits {
	l := compose.AccountLimits{Server: s.Name, Trouble: s.Trouble}
	p := b.watch.Panel(s.Name)
	if p == nil {
		return l
	}
	l.Quota = p.Quota(now)
	for _, f := range s.Outcome.Findings {
		switch {
		case f.Code == checks.CABudget, f.Site != "" && (f.Code == checks.CAPausing || f.Code == checks.CAZombie):
			l.Coming = append(l.Coming, f)
		case f.Code == checks.CAPaused:
			l.Paused++
		}
	}
	for _, r := range s.Metrics() {
		if r.Code == checks.PanelProcessing && r.Known() {
			l.Ordering = r.Value
		}
	}
	checks.SortFindings(l.Coming)
	l.Next = nextChange(p.Limits(), now)
	m := p.Meter()
	if m == nil {
		return l
	}
	told := map[string]int{}
	for _, x := range m.Budgets(now) {
		if x.Subject != "" && told[x.Code] < scarceMost {
			told[x.Code]++
			l.Scarce = append(l.Scarce, x)
		}
	}
	return l
}

// ahead is how far the next change of a CA's rules is looked for.
const ahead = 5 * 365 * 24 * time.Hour

// nextChange is the first that comes; nil: none is known.
func nextChange(rules *budget.CA, now time.Time) *reports.RuleChange {
	if rules == nil {
		return nil
	}
	coming := rules.Coming(now, now.Add(ahead))
	if len(coming) == 0 {
		return nil
	}
	n := digest.RuleChange(rules, coming[0])
	return &n
}

// add puts a server's budgets in.
func (d *LimitsData) add(l compose.AccountLimits) {
	if l.Quota.CA == "" {
		d.Unknown = append(d.Unknown, l.Server)
	}
	for _, x := range slices.Concat(l.Quota.Account, l.Scarce) {
		d.Budgets = append(d.Budgets, budgetData(x))
	}
	for _, f := range l.Coming {
		at, _ := f.Args["at"].(time.Time)
		d.Forecasts = append(d.Forecasts, ForecastData{Code: f.Code, Server: f.Server, Subject: f.Site, At: bot.OrNull(at), Args: f.Args})
	}
	for _, x := range l.Issuance {
		d.Issuance = append(d.Issuance, IssuanceData{Server: l.Server, Date: x.From.Format(time.DateOnly), Attempts: x.Attempts, Failed: x.Failed, Recovered: x.Recovered})
	}
	if c := l.Next; c != nil {
		d.Changes = append(d.Changes, ChangeData{Server: l.Server, Date: c.Date.Format(time.DateOnly), Source: c.Source, Text: c.Text})
	}
}

func budgetData(x checks.Budget) BudgetData {
	return BudgetData{Code: x.Code, Server: x.Server, Subject: x.Subject, Used: x.Used, Limit: x.Limit, Left: x.Left,
		Refill: bot.OrNull(x.Refill), Full: bot.OrNull(x.Full), AtMost: x.AtMost, AtLeast: x.AtLeast, Why: x.Why, Renewals: x.Renewals}
}
