package files

import (
	"cmp"
	"slices"
	"strings"

	"domovoy/checks"
	"domovoy/i18n"
)

// figure is a count with its meaning.
type figure struct {
	key, name, meaning string
	value, delta       int
	compared           bool // delta is against the week before
}

// figures are the report's counts, those first that a manager asks for.
func (p *paper) figures() []figure {
	r, s := p.week, p.sums
	call, off, free, wontRenew := r.Lengths()
	counts := []struct {
		key string
		n   int
	}{
		{"open", s.Open}, {"new", s.New}, {"back", s.Back}, {"fixed", s.Fixed}, {"left", s.Left}, {"passing", s.Passing},
		{"month", s.Month}, {"call", call}, {"off", off}, {"free", free},
		{"norenew", wontRenew},
	}
	figures := make([]figure, len(counts))
	for i, c := range counts {
		figures[i] = figure{key: c.key, value: c.n, name: p.Say("files.number." + c.key), meaning: p.Say("files.meaning." + c.key)}
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
	name  string
	value any
	note  string
}

// parts are the causes, of what the report was made, and what it could not
// see.
func (p *paper) parts() []part {
	return []part{
		{p.Say("files.part.causes"), p.causes()},
		{p.Say("files.part.data"), p.data()},
		{p.Say("files.part.servers"), p.servers()},
	}
}

// causes counts what is open by its cause, the most frequent first.
func (p *paper) causes() []fact {
	counts := map[checks.Code]int{}
	for _, r := range p.week.Rows {
		if r.Change.Open() {
			counts[r.Code]++
		}
	}
	var facts []fact
	for code, n := range counts {
		facts = append(facts, fact{name: p.codes[code].cause, value: n, note: p.codes[code].step})
	}
	slices.SortFunc(facts, func(a, b fact) int {
		return cmp.Or(cmp.Compare(b.value.(int), a.value.(int)), strings.Compare(a.name, b.name))
	})
	return facts
}

// data says of which week, moment and rules the numbers are.
func (p *paper) data() []fact {
	r := p.week
	facts := []fact{{name: p.Say("files.data.week"), value: p.span(), note: p.state()}}
	if !r.Data.IsZero() {
		facts = append(facts, fact{name: p.Say("files.data.at"), value: r.Data, note: p.Say("files.data.atnote")})
	}
	if !r.Before.IsZero() {
		facts = append(facts, fact{name: p.Say("files.data.before"), value: r.Before})
	} else {
		facts = append(facts, fact{name: p.Say("files.data.before"), value: "—", note: p.Say("files.data.nobefore")})
	}
	if r.Rules != "" {
		facts = append(facts, fact{name: p.Say("files.data.rules"), value: r.Rules, note: p.Say("files.data.rulesnote")})
	}
	return facts
}

// servers says how much was looked at.
func (p *paper) servers() []fact {
	facts := make([]fact, len(p.week.Servers))
	for i, s := range p.week.Servers {
		notes := []string{p.Say("files.server.days", i18n.Args{"Days": s.Days})}
		if s.Unknown > 0 {
			notes = append(notes, p.Count("files.server.unknown", s.Unknown))
		}
		if s.Unread {
			notes = append(notes, p.Say("files.server.unread"))
		}
		facts[i] = fact{name: s.Name, value: s.Sites, note: strings.Join(notes, "; ")}
		if s.Sites == 0 {
			facts[i].value = "—"
		}
	}
	return facts
}

// span is the week with its first and last day, always with the year: a file
// is read later, too.
func (p *paper) span() string {
	from, last := p.week.Week.From, p.week.Week.To.AddDate(0, 0, -1)
	return p.Say("files.span", i18n.Args{
		"Week": p.week.Week.Number, "From": p.Date(from, last), "To": p.Date(last, last.AddDate(1, 0, 0)),
	})
}

// state says of a report what keeps it from being a whole week's; empty:
// nothing.
func (p *paper) state() string {
	switch r := p.week; {
	case r.Data.IsZero():
		return p.Say("files.state.nodata")
	case r.Data.Before(r.Week.To) && p.now.Before(r.Week.To):
		return p.Say("files.state.sofar")
	case r.Data.Before(r.Week.To):
		return p.Say("files.state.short")
	}
	return ""
}
