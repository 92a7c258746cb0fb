package panel

import (
	"time"

	"domovoy/checks"
)

// StaleCheck is the name of the check in outcomes and failures.
const StaleCheck = "stale"

// Stale finds a panel whose issuing log stopped moving: each certificate is
// due about every sixty days, so a log that was silent for five times the
// usual distance between two lines, and two days on top, stands. A panel
// without a log or without certificates cannot be judged.
func Stale(s checks.Snapshot, moved, now time.Time) []checks.Finding {
	if moved.IsZero() || len(s.Certificates) == 0 {
		return nil
	}
	const day = 24 * time.Hour
	patience := 2*day + 5*60*day/time.Duration(len(s.Certificates))
	if now.Sub(moved) <= patience {
		return nil
	}
	f := finding(checks.PanelStale, checks.Args{"since": moved})
	f.Check, f.Server = StaleCheck, s.Server
	return []checks.Finding{f}
}
