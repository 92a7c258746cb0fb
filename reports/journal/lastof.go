package journal

import "context"

// LastAttemptsOf is LastAttempts of some certificates only: what a reading
// touched. It costs a look-up each, where LastAttempts reads them all; CROSS
// keeps SQLite from reading them all here too, and the names once for each.
func (j *Journal) LastAttemptsOf(ctx context.Context, server string, certificates []string) (map[string]LastAttempt, error) {
	last := map[string]LastAttempt{}
	err := j.look(ctx, "reading the last attempts", func(t *tx) error {
		_, err := all(ctx, t, scanLast(last), `SELECT `+attemptColumns+`, c.failures, c.first_failed, c.last_issued
			FROM json_each(?) n CROSS JOIN certificate c ON c.server = ? AND c.name = n.value
			JOIN attempt a ON a.server = c.server AND a.row = c.last_row`, jsonText(certificates), server)
		return err
	})
	return last, err
}
