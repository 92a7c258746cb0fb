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
	Total  int       `json:"total"`
	Items  []RowData `json:"items"`
	Unread []string  `json:"unread,omitempty"` // servers that could not be listed
}

// RowData is one row. Since is null where it is not known.
type RowData struct {
	Domain string      `json:"domain"`
	Owner  string      `json:"owner"`
	Server string      `json:"server"`
	Code   checks.Code `json:"code"`
	Since  *time.Time  `json:"since"`
	Name   string      `json:"name,omitempty"`      // the alias that the code is about
	To     string      `json:"to,omitempty"`        // where the name leads instead of to us
	Free   *time.Time  `json:"free_date,omitempty"` // when the registry gives the name away
}

// listRequest is what the words of list say; of plan, limits and check, what
// they have in common with it.
type listRequest struct {
	kind   string
	filter reports.Filter
	page   int // 0: not asked for
	file   bool
}

// list answers with the sites behind a count.
func (c *Commands) list(ctx context.Context, r bot.Request) (bot.Answer, error) {
	asked, err := parseList(r.Words)
	if err != nil {
		return bot.Answer{}, err
	}
	readable, unread, err := c.serversFor(ctx, asked, r.Now)
	if err != nil {
		return bot.Answer{}, err
	}
	page := compose.Page{Kind: asked.kind, Command: asked.command(), Filter: asked.filters(), Number: asked.page, Unread: unread}
	if reports.FromOutside(asked.kind) {
		page.Looked = readable
	}
	rows := reports.List(asked.kind, readable, asked.filter)
	data := listData(asked, rows, unread)
	if asked.file {
		m, err := compose.ListFile(r.Writer(), rows, asked.kind)
		return bot.Answer{Message: m, Data: data}, err
	}
	return bot.Answer{Message: compose.List(r.Writer(), rows, page), Data: data}, nil
}

// parseList reads "failed owner=client1* cause=ca.dns server=isp1 page 2".
func parseList(words []string) (listRequest, error) {
	asked := listRequest{}
	for i := 0; i < len(words); i++ {
		key, value, assigned := strings.Cut(words[i], "=")
		switch {
		case slices.Contains(reports.Lists(), words[i]) && asked.kind == "":
			asked.kind = words[i]
		case assigned && key == "owner":
			asked.filter.Owner = value
		case assigned && key == "server":
			asked.filter.Server = value
		case assigned && key == "cause":
			asked.filter.Cause = strings.ToLower(value)
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
	if asked.kind == "" {
		return asked, bot.Usage("list", "usage.kind", "")
	}
	return asked, nil
}

// command is what was asked for, without page and file.
func (l listRequest) command() string {
	return strings.TrimSpace("list " + l.kind + " " + l.filters())
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
	data := ListData{List: asked.kind, Total: len(rows), Items: []RowData{}, Unread: unread}
	if asked.page > 0 {
		last := max(0, len(rows)-1) / compose.PageSize // as the message shows it
		from := min(last, asked.page-1) * compose.PageSize
		rows = rows[from:min(len(rows), from+compose.PageSize)]
	}
	for _, r := range rows {
		item := RowData{Domain: r.Domain, Owner: r.Owner, Server: r.Server, Code: r.Code, Name: r.Name, To: r.To}
		if !r.Since.IsZero() {
			item.Since = &r.Since
		}
		if !r.Free.IsZero() {
			item.Free = &r.Free
		}
		data.Items = append(data.Items, item)
	}
	return data
}
