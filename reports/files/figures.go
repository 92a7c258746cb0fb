package files

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"domovoy/i18n"
	"domovoy/reports/compose"
)

// figure is a count with its meaning.
type figure struct {
	key, name, meaning string
	list               string // the command that lists as many
	value, delta       int
	compared           bool // delta is against the week before
}

// figures are the report's counts, the most important ones for a manager first.
func (d *document) figures() []figure {
	r, s := d.week, d.sums
	call, off, free, wontRenew := r.Lengths()
	counts := []struct {
		key  string
		n    int
		list []string
	}{
		{"open", s.Open, []string{"trouble"}}, {"new", s.New + s.Back, nil}, {"back", s.Back, nil}, {"fixed", s.Fixed, nil}, {"left", s.Left, nil},
		{"passing", s.Passing, nil}, {"month", s.Month, []string{"trouble", compose.Month}}, {"callers", len(r.Callers()), []string{"call", compose.ByOwner}},
		{"call", call, nil}, {"off", off, nil}, {"free", free, nil}, {"norenew", wontRenew, nil},
	}
	figures := make([]figure, len(counts))
	for i, c := range counts {
		if c.list == nil {
			c.list = []string{c.key}
		}
		list := compose.WeekCommand(r, c.list[0], c.list[1:]...)
		figures[i] = figure{list: list, key: c.key, value: c.n, name: d.Say("files.number." + c.key), meaning: d.Say("files.meaning." + c.key)}
	}
	if !r.Before.IsZero() {
		figures[0].compared, figures[0].delta = true, s.Open-s.Was
	}
	return figures
}

// part is a titled group of facts about the report.
type part struct {
	title string
	facts []fact
}

// fact is a named value: a number, a text or a moment.
type fact struct {
	key   string // what kind of fact it is; may be empty
	name  string
	value any
	note  string
	list  string // the command that lists as many; empty: the value counts no rows
}

// parts are the causes, the data that the report is made of, and the servers.
func (d *document) parts() []part {
	parts := []part{
		{d.Say("files.part.causes"), d.causes()},
		{d.Say("files.part.data"), d.data()},
		{d.Say("files.part.servers"), d.servers()},
	}
	if prices := d.dropPrices(); len(prices) > 0 {
		parts = slices.Insert(parts, 1, part{d.Say("files.part.droppable"), prices})
	}
	return parts
}

// causes counts what is open by its cause, the most frequent first.
func (d *document) causes() []fact {
	var facts []fact
	for code, n := range d.openByCause() {
		facts = append(facts, fact{key: "cause", name: d.codes[code].cause, value: n, note: d.codes[code].step, list: compose.WeekCommand(d.week, "trouble", "cause="+string(code))})
	}
	slices.SortFunc(facts, func(a, b fact) int {
		return cmp.Or(cmp.Compare(b.value.(int), a.value.(int)), strings.Compare(a.name, b.name))
	})
	return facts
}

// data is the week, the time and the version of the rules of the numbers.
func (d *document) data() []fact {
	r := d.week
	facts := []fact{{name: d.Say("files.data.week"), value: d.span(), note: d.state()}}
	if !r.Data.IsZero() {
		facts = append(facts, fact{name: d.Say("files.data.at"), value: r.Data, note: d.Say("files.data.atnote")})
	}
	if !r.Before.IsZero() {
		facts = append(facts, fact{name: d.Say("files.data.before"), value: r.Before})
	} else {
		facts = append(facts, fact{name: d.Say("files.data.before"), value: "—", note: d.Say("files.data.nobefore")})
	}
	if r.Rules != "" {
		facts = append(facts, fact{key: "rules", name: d.Say("files.data.rules"), value: r.Rules, note: d.Say("files.data.rulesnote")})
	}
	return facts
}

// servers is how many sites of each server were checked.
func (d *document) servers() []fact {
	facts := make([]fact, len(d.week.Servers))
	for i, s := range d.week.Servers {
		notes := []string{d.Say("files.server.days", i18n.Args{"Days": s.Days})}
		if s.Unknown > 0 {
			unknown := d.Count("files.server.unknown", s.Unknown)
			if s.Named {
				unknown += ": " + compose.WeekCommand(d.week, "unknown", "server="+s.Name)
			}
			notes = append(notes, unknown)
		}
		if undated := d.undated(s); undated != "" {
			notes = append(notes, undated)
		}
		if s.Unread {
			notes = append(notes, d.Say("files.server.unread"))
		}
		facts[i] = fact{name: s.Name, value: s.Sites, note: strings.Join(notes, "; ")}
		if s.Sites == 0 {
			facts[i].value = "—"
		}
	}
	return facts
}

// serversNamed is how many servers a title names.
const serversNamed = 3

// title says whose report it is, and of which week.
func (d *document) title() string {
	var names []string
	for _, s := range d.week.Servers {
		names = append(names, clean(s.Name))
	}
	args := i18n.Args{"Span": d.span()}
	switch {
	case len(names) > serversNamed:
		args["Servers"] = d.Count("files.servers", len(names))
	case len(names) > 0:
		args["Servers"] = d.List(names)
	}
	return d.Say("files.title", args)
}

// span is the week with its first and last day, always with the year: a file
// is read later, too.
func (d *document) span() string {
	from, last := d.week.Week.From, d.week.Week.To.AddDate(0, 0, -1)
	args := i18n.Args{"Week": d.week.Week.Number, "From": d.Date(from, last), "To": d.Date(last, last.AddDate(1, 0, 0))}
	if from.Month() == last.Month() {
		args["From"] = strconv.Itoa(from.Day())
	} else {
		args["Apart"] = true
	}
	return d.Say("files.span", args)
}

// state says why a report does not cover the whole week; empty: it does.
func (d *document) state() string {
	switch r := d.week; {
	case r.Data.IsZero():
		return d.Say("files.state.nodata")
	case r.Data.Before(r.Week.To) && d.now.Before(r.Week.To):
		return d.Say("files.state.sofar")
	case r.Data.Before(r.Week.To):
		return d.Say("files.state.short")
	}
	return ""
}
