package journal

import (
	"context"
	"encoding/json"
)

// LogPlace is how far the log of a panel behind an agent was taken from the hub. The
// zero value: nothing was.
type LogPlace struct {
	Stream string // which stream; another one begins at its first message
	Seq    uint64 // of the last message that was taken, with all before it
}

// LogPlace returns how far a panel's log was taken.
func (j *Journal) LogPlace(ctx context.Context, panel string) (LogPlace, error) {
	scan := func(s scanner) (p LogPlace, err error) {
		var place int64
		err = s.Scan(&p.Stream, &place)
		p.Seq = uint64(place)
		return p, err
	}
	p, _, err := firstOf(glance(ctx, j, "reading how far a log was taken", scan, `SELECT stream, place FROM fleet_panel WHERE name = ?`, panel))
	return p, err
}

// KeepLogPlace keeps how far a panel's log was taken. The attempts must be stored
// before.
func (j *Journal) KeepLogPlace(ctx context.Context, panel string, p LogPlace) error {
	return j.copy(ctx, "keeping how far a log was taken", func(t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO fleet_panel (name, stream, place) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET stream = excluded.stream, place = excluded.place`, panel, p.Stream, int64(p.Seq))
		return err
	})
}

// FleetPanel is a panel behind an agent.
type FleetPanel struct {
	Name  string
	About json.RawMessage // what its agent said of it last; nil: nothing yet

	Reading int64 // number of the last reading that counted, as KeepReading kept it; 0: none
}

// FleetPanels lists the panels behind agents that are remembered, by name.
func (j *Journal) FleetPanels(ctx context.Context) ([]FleetPanel, error) {
	return glance(ctx, j, "reading the panels behind agents", func(s scanner) (p FleetPanel, err error) {
		var about string
		if err = s.Scan(&p.Name, &about, &p.Reading); about != "" {
			p.About = json.RawMessage(about)
		}
		return p, err
	}, `SELECT name, about, reading FROM fleet_panel ORDER BY name`)
}

// KeepReading keeps the number of the last reading of a panel behind an agent, so that
// an older one that is sent again counts for nothing after a restart, too.
func (j *Journal) KeepReading(ctx context.Context, panel string, number int64) error {
	return j.copy(ctx, "keeping the number of a reading", func(t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO fleet_panel (name, reading) VALUES (?, ?)
			ON CONFLICT DO UPDATE SET reading = max(reading, excluded.reading)`, panel, number)
		return err
	})
}

// KeepFleetPanel remembers a panel behind an agent, but not its Reading.
func (j *Journal) KeepFleetPanel(ctx context.Context, p FleetPanel) error {
	return j.copy(ctx, "keeping a panel behind an agent", func(t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO fleet_panel (name, about) VALUES (?, ?) ON CONFLICT DO UPDATE SET about = excluded.about`, p.Name, string(p.About))
		return err
	})
}

// ForgetFleetPanel forgets a panel whose agent was removed.
func (j *Journal) ForgetFleetPanel(ctx context.Context, name string) error {
	return j.copy(ctx, "forgetting a panel behind an agent", func(t *tx) error {
		_, err := t.exec(ctx, `DELETE FROM fleet_panel WHERE name = ?`, name)
		return err
	})
}
