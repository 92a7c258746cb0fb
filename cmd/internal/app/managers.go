package app

import (
	"log/slog"
	"sync"

	"domovoy/cmd/internal/config"
)

// named returns a function that reads a manager's file of customers each time it
// is called. If the file cannot be read, it returns what it read last.
func named(m config.Manager, log *slog.Logger) func() (map[string]bool, error) {
	var mu sync.Mutex
	last, failed := m.OwnersInFile()
	return func() (map[string]bool, error) {
		mu.Lock()
		defer mu.Unlock()
		switch now, err := m.OwnersInFile(); {
		case err == nil:
			last, failed = now, nil
		case failed == nil:
			log.Error("a manager’s list of customers cannot be read, using the last one read", "manager", m.To.String(), "error", err)
		default:
			failed = err
		}
		return last, failed
	}
}
