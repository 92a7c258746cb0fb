package commands

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"domovoy/bot"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// ListData is the JSON of list. Items holds every row, or the page asked for.
type ListData struct {
	List   string    `json:"list"`
	Week   string    `json:"week,omitempty"` // 2026-W46: the rows are of the end of that week
	Total  int       `json:"total"`
	Items  []RowData `json:"items"`
	Unread []string  `json:"unread,omitempty"` // servers that could not be listed
}

// RowData is one row. Since, the beginning of the root cause, is null where it is
// not known.
type RowData struct {
	Domain string      `json:"domain"`
	Owner  string      `json:"owner"`
	Server string      `json:"server"`
	Code   checks.Code `json:"code"` // the site's root cause
	Since  *time.Time  `json:"since"`
	Least  bool        `json:"at_least,omitempty"`  // it was there when we first looked, so it is at least that old
	Ends   *time.Time  `json:"expires,omitempty"`   // end of the certificate, where the list is about it
	Name   string      `json:"name,omitempty"`      // the alias that the code is about
	To     string      `json:"to,omitempty"`        // where the name leads instead of to us
	Free   *time.Time  `json:"free_date,omitempty"` // when the registry gives the name away
}

// listRequest is what the words of list say; of plan, limits and check, what
// they have in common with it.
type listRequest struct {
	kind   string
	filter reports.Filter
	week   string // 2026-W46: as the report of that week has it; empty: as of now
	all    bool   // with week: of all customers, also in a manager's chat
	page   int    // 0: not asked for
	file   bool
}

// list answers with the sites behind a count.
func (c *Commands) list(ctx context.Context, r bot.Request) (bot.Answer, error) {
	asked, err := parseList(r.Words)
	if err != nil {
		return bot.Answer{}, err
	}
	if asked.week != "" {
		return c.weekList(ctx, asked, r)
	}
	readable, unread, err := c.serversFor(ctx, asked, r.Now)
	if err != nil {
		return bot.Answer{}, err
	}
	page := compose.Page{Kind: asked.kind, Command: asked.command(), Filter: asked.filters(), Number: asked.page, Unread: unread}
	if reports.FromOutside(asked.kind) || asked.kind == "unknown" {
		page.Looked = readable
	}
	rows := reports.List(asked.kind, readable, asked.filter)
	if len(rows) == 0 && page.Filter != "" {
		if page.Instead, err = c.instead(ctx, asked, r.Now); err != nil {
			return bot.Answer{}, err
		}
	}
	return listed(asked, rows, page, r)
}

// listed is the answer with a list: a page of it, or the whole as a file.
func listed(asked listRequest, rows []reports.Row, page compose.Page, r bot.Request) (bot.Answer, error) {
	data := listData(asked, rows, page.Unread)
	if asked.file {
		m, err := compose.ListFile(r.Writer(), rows, asked.kind)
		return bot.Answer{Message: m, Data: data}, err
	}
	return bot.Answer{Message: compose.List(r.Writer(), rows, page), Data: data}, nil
}

// weekList answers with the sites behind a number of a week's report.
func (c *Commands) weekList(ctx context.Context, asked listRequest, r bot.Request) (bot.Answer, error) {
	rows, at, err := c.Reports.WeekList(ctx, asked.kind, asked.week, asked.all, asked.filter, r)
	if err != nil {
		return bot.Answer{}, err
	}
	page := compose.Page{Kind: asked.kind, Command: asked.command(), Filter: asked.filters(), Number: asked.page, At: at}
	if len(rows) == 0 && page.Filter != "" {
		whole, _, err := c.Reports.WeekList(ctx, asked.kind, asked.week, asked.all, reports.Filter{}, r)
		if err != nil {
			return bot.Answer{}, err
		}
		page.Instead.All = len(whole)
	}
	return listed(asked, rows, page, r)
}

// instead is what a filter that matches nothing leaves out: the whole list, and
// the rows of an owner who was named only by the beginning of the name.
func (c *Commands) instead(ctx context.Context, asked listRequest, now time.Time) (compose.Instead, error) {
	readable, _, err := c.serversFor(ctx, listRequest{kind: asked.kind}, now)
	if err != nil {
		return compose.Instead{}, err
	}
	left := compose.Instead{All: len(reports.List(asked.kind, readable, reports.Filter{}))}
	if owner := asked.filter.Owner; owner != "" && !strings.ContainsAny(owner, `*?[\`) {
		meant := asked.filter
		meant.Owner += "*"
		if left.Found = len(reports.List(asked.kind, readable, meant)); left.Found > 0 {
			left.Owner = meant.Owner
		}
	}
	return left, nil
}

// parseList reads "failed owner=client1* cause=ca.dns server=isp1 page 2", or
// "call week=2026-W46".
func parseList(words []string) (listRequest, error) {
	asked := listRequest{}
	for i := 0; i < len(words); i++ {
		key, value, assigned := strings.Cut(words[i], "=")
		switch {
		case asked.kind == "" && (slices.Contains(reports.Lists(), words[i]) || slices.Contains(reports.WeekLists(), words[i])):
			asked.kind = words[i]
		case assigned && key == "owner":
			asked.filter.Owner = value
		case assigned && key == "server":
			asked.filter.Server = value
		case assigned && key == "cause":
			asked.filter.Cause = strings.ToLower(value)
		case assigned && (key == "week" || key == bot.Weekly):
			asked.week = value
		case words[i] == "all" && asked.week != "":
			asked.all = true
		case words[i] == "file":
			asked.file = true
		case key == "page":
			if !assigned && i+1 < len(words) {
				i++
				value = words[i]
			}
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 {
				return asked, bot.Usage("list", "usage.page", value)
			}
			asked.page = n
		default:
			return asked, bot.Usage("list", "usage.list", words[i])
		}
	}
	switch {
	case asked.kind == "":
		return asked, bot.Usage("list", "usage.kind", "")
	case asked.week == "" && !slices.Contains(reports.Lists(), asked.kind),
		asked.week != "" && !slices.Contains(reports.WeekLists(), asked.kind):
		return asked, bot.Usage("list", "usage.weeklist", asked.kind)
	}
	return asked, nil
}

// command is what was asked for, without page and file.
func (l listRequest) command() string {
	words := []string{"list", l.kind}
	if l.week != "" {
		words = append(words, "week="+l.week)
	}
	if l.all {
		words = append(words, "all")
	}
	return strings.TrimSpace(strings.Join(words, " ") + " " + l.filters())
}

// filters are what narrows the list, as one types it.
func (l listRequest) filters() string {
	var words []string
	for _, f := range []struct{ key, value string }{{"owner", l.filter.Owner}, {"cause", l.filter.Cause}, {"server", l.filter.Server}} {
		if f.value != "" {
			words = append(words, f.key+"="+f.value)
		}
	}
	return strings.Join(words, " ")
}

func listData(asked listRequest, rows []reports.Row, unread []string) ListData {
	data := ListData{List: asked.kind, Week: asked.week, Total: len(rows), Items: []RowData{}, Unread: unread}
	if asked.page > 0 {
		last := max(0, len(rows)-1) / compose.PageSize // as the message shows it
		from := min(last, asked.page-1) * compose.PageSize
		rows = rows[from:min(len(rows), from+compose.PageSize)]
	}
	for _, r := range rows {
		item := RowData{Domain: r.Domain, Owner: r.Owner, Server: r.Server, Code: r.Code, Name: r.Name, To: r.To}
		if !r.Since.IsZero() {
			item.Since, item.Least = &r.Since, !r.Exact
		}
		if !r.Ends.IsZero() {
			item.Ends = &r.Ends
		}
		if !r.Free.IsZero() {
			item.Free = &r.Free
		}
		data.Items = append(data.Items, item)
	}
	return data
}
