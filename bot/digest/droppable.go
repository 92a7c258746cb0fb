package digest

import (
	"context"
	"time"

	"domovoy/checks"
	"domovoy/reports"
)

// dropper knows the panels as of now; the zero one is of a week that is too old
// for that.
type dropper struct {
	d       *Reporter
	servers []reports.Server
	now     time.Time
}

// droppable reads what a report says of aliases to remove. That is not stored:
// only the report of this week or of the last has it, as of now.
func (d *Reporter) droppable(ctx context.Context, week reports.Week, now time.Time) (dropper, error) {
	if this := reports.WeekOf(now, d.people.Zone); week.From.Before(this.Before().From) {
		return dropper{}, nil
	}
	servers, err := d.watch.Servers(ctx, now)
	return dropper{d, servers, now}, err
}

// of is the part of a manager's customers, or of all (nil); nil: the week is too
// old.
func (x dropper) of(part *customers) *reports.Dropping {
	if x.d == nil {
		return nil
	}
	mine := func(string) bool { return true }
	if part != nil {
		mine = part.has
	}
	drop := reports.DropOf(x.servers, reports.Filter{}, x.now, mine, func(server string, sets [][]string) checks.Price {
		return x.d.watch.Panel(server).Reissue(sets, x.now)
	})
	return &drop
}
