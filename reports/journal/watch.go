package journal

import (
	"context"
	"time"
)

// Baselines are the moments at which watches began: of a server under its
// name, of a check on it under server/check.
func (j *Journal) Baselines(ctx context.Context) (map[string]time.Time, error) {
	begun := map[string]time.Time{}
	scan := func(s scanner) (struct{}, error) {
		var name string
		var at time.Time
		err := s.Scan(&name, stamp{&at})
		begun[name] = at
		return struct{}{}, err
	}
	err := j.look(ctx, "reading when watches began", func(t *tx) error {
		_, err := all(ctx, t, scan, `SELECT server, since FROM watch`)
		return err
	})
	return begun, err
}
