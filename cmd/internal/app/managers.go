package app

import (
	"log/slog"
	"sync"

	"domovoy/cmd/internal/config"
)

// named reads a manager's list of customers anew each time it is asked for.
// While the file cannot be read, what it said last stands.
func named(m config.Manager, log *slog.Logger) func() (map[string]bool, error) {
	var mu sync.Mutex
	last, failed := m.Named()
	return func() (map[string]bool, error) {
		mu.Lock()
		defer mu.Unlock()
		switch now, err := m.Named(); {
		case err == nil:
			last, failed = now, nil
		case failed == nil:
			log.Error("a manager’s list of customers cannot be read, an earlier one stands", "manager", m.To.String(), "error", err)
		default:
			failed = err
		}
		return last, failed
	}
}
