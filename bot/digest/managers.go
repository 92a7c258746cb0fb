package digest

import (
	"fmt"
	"path"
	"slices"

	"domovoy/bot"
	"domovoy/reports"
)

// customers are a manager's, as of now.
type customers struct {
	bot.Manager
	named map[string]bool
}

// managers reads who answers for whom: a list of customers may have changed
// since the last report.
func (d *Reporter) managers() ([]customers, error) {
	var all []customers
	for _, m := range d.people.Managers {
		c := customers{Manager: m}
		if m.Named != nil {
			var err error
			if c.named, err = m.Named(); err != nil {
				return nil, fmt.Errorf("reading the customers of %s: %w", m.To, err)
			}
		}
		all = append(all, c)
	}
	return all, nil
}

// has reports whether an owner is one of the manager's customers.
func (c customers) has(owner string) bool {
	return c.named[owner] || slices.ContainsFunc(c.Owners, func(glob string) bool {
		ok, err := path.Match(glob, owner)
		return ok && err == nil
	})
}

// partOf is the manager whose part of the report a chat gets: the one whose chat
// it is, unless it receives the whole report; nil: all of it.
func (d *Reporter) partOf(chat bot.Address, managers []customers) *customers {
	if slices.ContainsFunc(d.people.Receivers(bot.Weekly), func(c bot.Chat) bool { return c.To == chat }) {
		return nil
	}
	i := slices.IndexFunc(managers, func(c customers) bool { return c.To == chat })
	if i < 0 {
		return nil
	}
	return &managers[i]
}

// weekOf folds a week's history into a report, of one manager's customers or
// of all (nil); the report of all names the owners whom no manager has.
func weekOf(h reports.History, week reports.Week, managers []customers, part *customers) reports.Weekly {
	if part != nil {
		r := reports.FoldWeek(h, week, part.has)
		r.Manager = part.To.String()
		return r
	}
	r := reports.FoldWeek(h, week, nil)
	if len(managers) == 0 {
		return r
	}
	for _, o := range r.Owners() {
		if o.Owner != "" && !slices.ContainsFunc(managers, func(c customers) bool { return c.has(o.Owner) }) {
			r.Orphans = append(r.Orphans, o.Owner)
		}
	}
	return r
}
