package files

import (
	"iter"
	"slices"

	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// dropKeys are the columns about aliases to remove.
func dropKeys() []string {
	return []string{"name", "owner", "server", "cause", "drop", "pass", "unchecked", "result"}
}

// dropRow is a site with dead aliases, in the reader's language.
type dropRow struct{ name, shown, ascii, owner, server, cause, drop, pass, unchecked, result string }

// dropRows are the sites that pass without their dead aliases, then those of
// which that is not known.
func (d *document) dropRows() iter.Seq[dropRow] {
	w := compose.Writer{Locale: d.Locale, Now: d.now}
	return func(yield func(dropRow) bool) {
		if d.week.Drop == nil {
			return
		}
		for i, r := range slices.Concat(d.week.Drop.Rows, d.week.Drop.Others) {
			result := "drop.passes"
			if i >= len(d.week.Drop.Rows) {
				result = "drop.notknown"
			}
			row := dropRow{name: unicodeName(r.Domain), shown: shownName(r.Domain), ascii: clean(r.Domain), owner: clean(r.Owner), server: r.Server, cause: d.Say("code." + string(r.Code) + ".title"),
				drop: w.DeadNames(r.Names.Dead), pass: compose.ShowNames(r.Names.Pass), unchecked: compose.ShowNames(r.Names.Unknown), result: d.Say(result)}
			if !yield(row) {
				return
			}
		}
	}
}

// droppable is the sheet about aliases to remove; none, if the report is of an
// older week.
func (b *book) droppable() error {
	if b.week.Drop == nil {
		return nil
	}
	keys := dropKeys()
	headings := make([]string, len(keys))
	for i, key := range keys {
		headings[i] = b.Say("files.column." + key)
	}
	n := len(b.week.Drop.Rows) + len(b.week.Drop.Others)
	s, err := b.sheet(reports.Droppable, heads{names: headings, widths: []float64{34, 18, 11, 26, 44, 44, 26, 20}}, n)
	if err != nil {
		return err
	}
	for r := range b.dropRows() {
		if err := s.add([]any{r.shown, r.owner, r.server, r.cause, r.drop, r.pass, r.unchecked, r.result}); err != nil {
			return err
		}
	}
	return b.finish(s)
}

// dropTable is the page's table of the same; false: there is nothing to show.
func (d *document) dropTable() (table, bool) {
	if d.week.Drop == nil {
		return table{}, false
	}
	n := len(d.week.Drop.Rows) + len(d.week.Drop.Others)
	if n == 0 {
		return table{}, false
	}
	keys := d.shownColumns("name", "owner", "server", "cause", "drop", "pass", "result")
	rows := func(yield func([]cell) bool) {
		for r := range d.dropRows() {
			cells := map[string]cell{"name": {Text: r.name}, "owner": {Text: r.owner}, "server": {Text: r.server}, "cause": {Text: r.cause},
				"drop": {Text: r.drop}, "pass": {Text: r.pass}, "result": {Text: r.result}}
			if r.ascii != r.name {
				cells["name"] = cell{Text: r.name, Note: r.ascii}
			}
			if r.unchecked != "" {
				cells["result"] = cell{Text: r.result, Note: d.Say("files.column.unchecked") + ": " + r.unchecked}
			}
			if !yield(d.labelled(keys, cells)) {
				return
			}
		}
	}
	return d.table(reports.Droppable, keys, n, min(n, pageRows/3), rows), true
}

// dropPrices are the facts about what certificates without the dead aliases
// cost, by server.
func (d *document) dropPrices() []fact {
	if d.week.Drop == nil {
		return nil
	}
	w := compose.Writer{Locale: d.Locale, Now: d.now}
	var facts []fact
	for _, s := range d.week.Drop.Prices {
		facts = append(facts, fact{name: d.Say("drop.price", i18n.Args{"Server": s.Server}), value: s.Price.Orders,
			note: d.Say("drop.orders") + " " + w.DropTakes(s), list: compose.WeekCommand(d.week, reports.Droppable, "server="+s.Server)})
	}
	return facts
}
