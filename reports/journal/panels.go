package journal

import (
	"context"
	"encoding/json"
	"time"
)

// PanelMemory is what is remembered of a panel's readings.
type PanelMemory struct {
	Memory   json.RawMessage // of the last reading that was believed
	At       time.Time       // of that reading
	Doubt    string          // why the reading after it is not believed; empty: it is
	Doubted  time.Time       // since when it is not; zero: it is
	Other    json.RawMessage // of the reading that is not believed; may be nil
	Believed time.Time       // when a doubt last ended though the panel did not change back; zero: never
}

// PanelMemory returns what is remembered of a panel; false: it was never read.
func (j *Journal) PanelMemory(ctx context.Context, server string) (m PanelMemory, ok bool, err error) {
	scan := func(s scanner) (m PanelMemory, err error) {
		var memory, other string
		err = s.Scan(&memory, stamp{&m.At}, &m.Doubt, stamp{&m.Doubted}, &other, stamp{&m.Believed})
		m.Memory = json.RawMessage(memory)
		if other != "" {
			m.Other = json.RawMessage(other)
		}
		return m, err
	}
	return firstOf(glance(ctx, j, "reading what is remembered of a panel", scan, `SELECT memory, at, doubt, doubted, other, believed FROM panel WHERE server = ?`, server))
}

// KeepPanelMemory replaces what is remembered of a panel.
func (j *Journal) KeepPanelMemory(ctx context.Context, server string, m PanelMemory) error {
	return j.copy(ctx, "keeping what is remembered of a panel", func(t *tx) error { return t.keepPanelMemory(ctx, server, m) })
}

func (t *tx) keepPanelMemory(ctx context.Context, server string, m PanelMemory) error {
	_, err := t.exec(ctx, `INSERT INTO panel (server, memory, at, doubt, doubted, other, believed) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET memory = excluded.memory, at = excluded.at, doubt = excluded.doubt,
			doubted = excluded.doubted, other = excluded.other, believed = excluded.believed`,
		server, string(m.Memory), millis(m.At), m.Doubt, millis(m.Doubted), string(m.Other), millis(m.Believed))
	return err
}

// BelievePanel replaces what is remembered of a panel because a person said that
// it is right, together with the audit's entry of that.
func (j *Journal) BelievePanel(ctx context.Context, server string, m PanelMemory, entry AuditEntry) error {
	return j.change(ctx, "believing a panel", func(t *tx) error {
		if err := t.keepPanelMemory(ctx, server, m); err != nil {
			return err
		}
		return t.audit(ctx, entry)
	})
}

// OwnersBetween lists the certificates that the stored rows of a panel's log belong
// to, from the row after after to the row last.
func (j *Journal) OwnersBetween(ctx context.Context, server string, after, last int64) (names []string, err error) {
	err = j.view(ctx, "reading the certificates of lost attempts", func(t *tx) error {
		names, err = all(ctx, t, single[string], `SELECT DISTINCT c.name FROM attempt a JOIN certificate c ON c.id = a.certificate
			WHERE a.id > (`+serverID+` << ?4) + ?2 AND a.id <= (`+serverID+` << ?4) + ?3`,
			server, max(-1, after), min(last, rowMask), rowBits)
		return err
	})
	return names, err
}
