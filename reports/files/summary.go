package files

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports/compose"
)

// answer is the report in a few sentences.
func (d *document) answer() string {
	return compose.WeekAnswer(compose.Writer{Locale: d.Locale, Now: d.now}, d.week)
}

// ranked is an owner or a cause with how many sites with problems it has.
type ranked struct {
	name string
	n    int
}

// ranking are the largest owners or causes.
type ranking struct {
	title  string
	top    []ranked
	others int // sites of those that are not among the top
}

// most is the largest count.
func (r ranking) most() int {
	if len(r.top) == 0 {
		return 0
	}
	return r.top[0].n
}

// topRanked is how many owners and causes a ranking has.
const topRanked = 5

// rankings are the owners and the causes with the most problems.
func (d *document) rankings() []ranking {
	owners, causes := ranking{title: d.Say("files.page.owners")}, ranking{title: d.Say("files.page.causes")}
	for _, o := range d.week.Owners() {
		if o.Open > 0 {
			owners.top = append(owners.top, ranked{d.owner(o.Owner), o.Open})
		}
	}
	counts := d.openByCause()
	for _, code := range slices.SortedFunc(maps.Keys(counts), func(a, b checks.Code) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(d.codes[a].cause, d.codes[b].cause))
	}) {
		causes.top = append(causes.top, ranked{d.codes[code].cause, counts[code]})
	}
	return []ranking{owners.cut(), causes.cut()}
}

// cut counts what is not among the top together.
func (r ranking) cut() ranking {
	for _, x := range r.top[min(topRanked, len(r.top)):] {
		r.others += x.n
	}
	r.top = r.top[:min(topRanked, len(r.top))]
	return r
}

// openByCause counts what is open by its cause.
func (d *document) openByCause() map[checks.Code]int {
	counts := map[checks.Code]int{}
	for _, r := range d.week.Rows {
		if r.Change.Open() {
			counts[r.Code]++
		}
	}
	return counts
}

// headline is one of the three numbers that matter most.
type headline struct {
	name   string
	values []headlineValue
	notes  []string
}

// headlineValue is a count of figures by its key, with a sign before it, or none.
type headlineValue struct {
	key, sign string
	n         int
}

// headlines are the sites with problems, how that moved, and what waits for customers.
func (d *document) headlines() []headline {
	r, work := d.week, d.week.Work()
	open := headline{name: d.Say("files.page.opened"), values: []headlineValue{{"open", "", d.sums.Open}}}
	if sites := r.Sites(); sites > 0 {
		open.notes = append(open.notes, d.Say("files.page.of", i18n.Args{"Sites": d.Count("weekly.sites", sites)}))
	}
	moved := headline{name: d.Say("files.page.moved"), values: []headlineValue{{"new", "▲", d.sums.New + d.sums.Back}, {"fixed", "▼", d.sums.Fixed}}}
	if !r.Before.IsZero() {
		moved.notes = append(moved.notes, d.Say("files.page.week", i18n.Args{"Change": d.Change(d.sums.Open - d.sums.Was)}))
	}
	customers := headline{name: d.Say("files.page.customers"), values: []headlineValue{{"call", "", work.Customers}},
		notes: []string{d.Count("weekly.answer.owners", len(r.Callers()))}}
	return []headline{open, moved, customers}
}

// others are the counts besides the headlines that are not zero.
func (d *document) others() []ranked {
	work := d.week.Work()
	all := []ranked{{d.Say("files.page.other.us"), work.Us}, {d.Say("files.page.other.wait"), work.Wait}}
	for _, f := range d.figures() {
		switch f.key {
		case "open", "new", "fixed", "call", "callers":
		default:
			all = append(all, ranked{d.Say("files.page.other." + f.key), f.value})
		}
	}
	return slices.DeleteFunc(all, func(x ranked) bool { return x.n == 0 })
}
