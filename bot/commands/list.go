package commands

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"domovoy/bot"
	"domovoy/bot/digest"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// ListData is the JSON of list. Items holds every row, or the page asked for.
type ListData struct {
	List   string    `json:"list"`
	Week   string    `json:"week,omitempty" jsonschema:"2026-W46: the rows are of the end of that week"`
	By     string    `json:"by,omitempty" jsonschema:"owner: an item is an owner"`
	Total  int       `json:"total"`
	Items  []RowData `json:"items"`
	Unread []string  `json:"unread,omitempty" jsonschema:"servers that could not be listed"`

	Price  []ReissueServer `json:"price,omitempty" jsonschema:"of droppable: what the smaller certificates cost"`
	Unsure int             `json:"unsure,omitempty" jsonschema:"of droppable: sites of which it is not known, since some names could not be looked at"`

	// Domains counts the domains of these servers by what is known of their
	// registration, where the list is about that.
	Domains map[checks.RegistrationStanding]int `json:"domains,omitempty"`
	Unasked []UnaskedData                       `json:"unasked,omitempty" jsonschema:"of ending: the registries that could not be asked"`
}

// RowData is one row. Since, the beginning of the root cause, is null where it is
// not known.
type RowData struct {
	Domain string      `json:"domain"`
	Owner  string      `json:"owner"`
	Server string      `json:"server"`
	Node   string      `json:"node,omitempty" jsonschema:"of a cluster, where it is known"`
	Code   checks.Code `json:"code" jsonschema:"the site's root cause"`
	Since  *time.Time  `json:"since"`
	Least  bool        `json:"at_least,omitempty" jsonschema:"it was there when we first looked, so it is at least that old"`
	Ends   *time.Time  `json:"expires,omitempty" jsonschema:"end of the certificate, or of the registration, where the list is about it"`
	Name   string      `json:"name,omitempty" jsonschema:"the alias that the code is about"`
	To     string      `json:"to,omitempty" jsonschema:"where the name leads instead of to us"`
	Free   *time.Time  `json:"free_date,omitempty" jsonschema:"when the registry gives the name away"`
	Parked string      `json:"parking,omitempty" jsonschema:"the registrar on whose name servers for unpaid domains it stands"`
	Nobody bool        `json:"unverified,omitempty" jsonschema:"the registry says that the domain's owner is not identified"`
	Pays   checks.Who  `json:"who,omitempty" jsonschema:"who has to pay, where the list is about registrations"`
	Was    checks.Code `json:"was,omitempty" jsonschema:"root cause of a problem that is over"`
	Until  *time.Time  `json:"until,omitempty" jsonschema:"when it ended"`
	Sites  int         `json:"sites,omitempty" jsonschema:"by owner: how many sites the owner has in the list; the item's others are of the first"`
	Row    int64       `json:"row,omitempty" jsonschema:"of a value in the panel's database, whose place is in Domain"`
	Value  string      `json:"value,omitempty" jsonschema:"as stored there"`
	Drop   []NameData  `json:"drop,omitempty" jsonschema:"of droppable: the aliases to remove"`
	Pass   []string    `json:"pass,omitempty" jsonschema:"of droppable: the names that the certificate is for then"`
}

// UnaskedData is a registry that could not be asked about some domains.
type UnaskedData struct {
	Registry string                 `json:"registry" jsonschema:"the server"`
	Failure  checks.RegistryFailure `json:"failure" jsonschema:"unreachable, quota, unclear"`
	Domains  int                    `json:"domains" jsonschema:"of which it is not known when their registration ends"`
}

// NameData is a name that the CA does not accept, with the reason.
type NameData struct {
	Domain string      `json:"domain"`
	Code   checks.Code `json:"code"`
}

// listRequest is what the words of list say; of plan, limits and check, what
// they have in common with it.
type listRequest struct {
	kind   string
	filter reports.Filter
	week   string // 2026-W46: as the report of that week has it; empty: as of now
	all    bool   // with week: of all customers, also in a manager's chat
	owners bool   // a row for each owner, not for each site
	page   int    // 0: not asked for
	file   bool
}

// lists answers with sites, line by line.
type lists struct {
	watch   *watch.Watch
	reports *digest.Reporter
}

// list answers with the sites behind a count.
func (l lists) list(ctx context.Context, r bot.Request) (bot.Answer, error) {
	asked, err := parseList(r.Words)
	if err != nil {
		return bot.Answer{}, err
	}
	if asked.week != "" {
		return l.week(ctx, asked, r)
	}
	asked.filter.At = r.Now
	readable, unread, err := serversFor(ctx, l.watch, asked)
	if err != nil {
		return bot.Answer{}, err
	}
	page := asked.shown()
	page.Unread = unread
	if reports.FromOutside(asked.kind) || asked.kind == "unknown" {
		page.Looked = readable
	}
	if asked.kind == "ending" {
		page.Domains, page.Unasked = reports.Coverage(readable), reports.CouldNotAsk(readable)
	}
	rows, err := l.rows(ctx, asked, readable, r.Now)
	if err != nil {
		return bot.Answer{}, err
	}
	if len(rows) == 0 && page.Filter != "" {
		if page.Instead, err = l.instead(ctx, asked, r.Now); err != nil {
			return bot.Answer{}, err
		}
	}
	if asked.kind == reports.Droppable {
		drop := reports.DropOf(readable, asked.filter, r.Now, func(string) bool { return true }, l.price(r.Now))
		page.Drop = &drop
	}
	return listed(asked, rows, page, r)
}

// price returns what certificates for sets of names cost on a server.
func (l lists) price(now time.Time) func(string, [][]string) checks.Price {
	return func(server string, sets [][]string) checks.Price { return l.watch.Panel(server).Reissue(sets, now) }
}

// rows are those of a list of now.
func (l lists) rows(ctx context.Context, asked listRequest, servers []reports.Server, now time.Time) ([]reports.Row, error) {
	if reports.SinceYesterday(asked.kind) {
		return l.reports.DayList(ctx, asked.kind, asked.filter, now)
	}
	return reports.List(asked.kind, servers, asked.filter), nil
}

// shown is the page that was asked for.
func (l listRequest) shown() compose.Page {
	return compose.Page{Kind: l.kind, Command: l.command(), Filter: l.filters(), ByOwner: l.owners, Number: l.page, Within: l.filter.Within}
}

// listed is the answer with a list: a page of it, or the whole as a file.
func listed(asked listRequest, rows []reports.Row, page compose.Page, r bot.Request) (bot.Answer, error) {
	if asked.owners {
		rows = reports.ByOwner(rows)
	}
	data := listData(asked, rows, page)
	if page.Drop != nil {
		data.Unsure = page.Drop.Unsure()
		for _, s := range page.Drop.Prices {
			data.Price = append(data.Price, reissueServer(s))
		}
	}
	if asked.file {
		m, err := compose.ListFile(r.Writer(), rows, page)
		return bot.Answer{Message: m, Data: data}, err
	}
	return bot.Answer{Message: compose.List(r.Writer(), rows, page), Data: data}, nil
}

// week answers with the sites behind a number of a week's report.
func (l lists) week(ctx context.Context, asked listRequest, r bot.Request) (bot.Answer, error) {
	if _, node := checks.ParsePlace(asked.filter.Server); node != "" {
		return bot.Answer{}, bot.Usage("list", "usage.weeknode", "server="+asked.filter.Server)
	}
	rows, at, err := l.reports.WeekList(ctx, asked.kind, asked.week, asked.all, asked.filter, r)
	if err != nil {
		return bot.Answer{}, err
	}
	page := asked.shown()
	page.At = at
	if len(rows) == 0 && page.Filter != "" {
		whole, _, err := l.reports.WeekList(ctx, asked.kind, asked.week, asked.all, reports.Filter{}, r)
		if err != nil {
			return bot.Answer{}, err
		}
		page.Instead.All = len(whole)
	}
	return listed(asked, rows, page, r)
}

// instead is what a filter that matches nothing leaves out: the whole list, and
// the rows of an owner who was named only by the beginning of the name.
func (l lists) instead(ctx context.Context, asked listRequest, now time.Time) (compose.Instead, error) {
	readable, _, err := serversFor(ctx, l.watch, listRequest{kind: asked.kind})
	if err != nil {
		return compose.Instead{}, err
	}
	whole, err := l.rows(ctx, listRequest{kind: asked.kind, filter: reports.Filter{Within: asked.filter.Within}}, readable, now)
	if err != nil {
		return compose.Instead{}, err
	}
	left := compose.Instead{All: len(whole)}
	if owner := asked.filter.Owner; owner != "" && !strings.ContainsAny(owner, `*?[\`) {
		asked.filter.Owner += "*"
		meant, err := l.rows(ctx, asked, readable, now)
		if err != nil {
			return compose.Instead{}, err
		}
		if left.Found = len(meant); left.Found > 0 {
			left.Owner = asked.filter.Owner
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
		case assigned && key == "ending" && asked.kind == "", !assigned && asked.kind == "ending" && asked.filter.Within == 0 && isAge(words[i]):
			within, err := parseAge(cmp.Or(value, words[i]))
			if err != nil {
				return asked, bot.Usage("list", "usage.older", value)
			}
			asked.kind, asked.filter.Within = "ending", within
		case assigned && key == "owner":
			asked.filter.Owner = value
		case assigned && key == "server":
			asked.filter.Server = value
		case assigned && key == "cause":
			asked.filter.Cause = strings.ToLower(value)
		case assigned && key == "older":
			age, err := parseAge(value)
			if err != nil {
				return asked, bot.Usage("list", "usage.older", value)
			}
			asked.filter.Older = age
		case words[i] == "owners":
			asked.owners = true
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

// parseAge reads the age that a filter names: 30d, 12h, 4w.
func parseAge(s string) (time.Duration, error) {
	number := strings.TrimRightFunc(s, unicode.IsLetter)
	units := map[string]time.Duration{"h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "ч": time.Hour, "д": 24 * time.Hour, "н": 7 * 24 * time.Hour}
	n, err := strconv.Atoi(number)
	unit, ok := units[strings.ToLower(s[len(number):])]
	if err != nil || !ok || n < 1 || n > 10_000 {
		return 0, errAge
	}
	return time.Duration(n) * unit, nil
}

// isAge reports whether a word is an age.
func isAge(s string) bool {
	_, err := parseAge(s)
	return err == nil
}

// errAge is what parseAge returns for a word that is no age.
var errAge = errors.New("not an age: want 30d")

// ageWord is an age as parseAge reads it, in days where it is whole days.
func ageWord(age time.Duration) string {
	if age%(24*time.Hour) == 0 {
		return strconv.Itoa(int(age/(24*time.Hour))) + "d"
	}
	return strconv.Itoa(int(age/time.Hour)) + "h"
}

// command is what was asked for, without page and file.
func (l listRequest) command() string {
	words := []string{"list", l.kind}
	if l.filter.Within > 0 {
		words = append(words, ageWord(l.filter.Within))
	}
	if l.week != "" {
		words = append(words, "week="+l.week)
	}
	if l.all {
		words = append(words, "all")
	}
	if l.owners {
		words = append(words, "owners")
	}
	return strings.TrimSpace(strings.Join(words, " ") + " " + l.filters())
}

// filters are what narrows the list, as one types it.
func (l listRequest) filters() string {
	var words []string
	older := ""
	if l.filter.Older > 0 {
		older = ageWord(l.filter.Older)
	}
	for _, f := range []struct{ key, value string }{{"owner", l.filter.Owner}, {"cause", l.filter.Cause}, {"server", l.filter.Server}, {"older", older}} {
		if f.value != "" {
			words = append(words, f.key+"="+f.value)
		}
	}
	return strings.Join(words, " ")
}

func listData(asked listRequest, rows []reports.Row, page compose.Page) ListData {
	data := ListData{List: asked.kind, Week: asked.week, Total: len(rows), Items: []RowData{}, Unread: page.Unread, Domains: page.Domains}
	for _, x := range page.Unasked {
		data.Unasked = append(data.Unasked, UnaskedData(x))
	}
	if asked.owners {
		data.By = "owner"
	}
	if asked.page > 0 {
		last := max(0, len(rows)-1) / compose.PageSize // as the message shows it
		from := min(last, asked.page-1) * compose.PageSize
		rows = rows[from:min(len(rows), from+compose.PageSize)]
	}
	for _, r := range rows {
		item := RowData{Domain: r.Domain, Owner: r.Owner, Server: r.Server, Node: r.Node, Code: r.Code, Name: r.Name, To: r.To, Was: r.Was, Sites: r.Sites}
		if !r.Since.IsZero() {
			item.Since, item.Least = &r.Since, !r.Exact
		}
		if !r.Ends.IsZero() {
			item.Ends = &r.Ends
		}
		if !r.Free.IsZero() {
			item.Free = &r.Free
		}
		if !r.Until.IsZero() {
			item.Until = &r.Until
		}
		if e := r.Ending; e != nil {
			item.Free, item.Parked, item.Nobody, item.Pays = bot.OrNull(e.Free), e.Parking, e.Unverified, e.Who
		}
		if u := r.Unreadable; u != nil {
			item.Row, item.Value = u.Row, u.Value
		}
		if r.Names != nil {
			item.Pass, item.Drop = r.Names.Pass, dropData(*r.Names)
		}
		data.Items = append(data.Items, item)
	}
	return data
}

// dropData are the names that the CA does not accept.
func dropData(names reports.Names) []NameData {
	var all []NameData
	for _, d := range names.Dead {
		all = append(all, NameData{d.Name, d.Code})
	}
	return all
}
