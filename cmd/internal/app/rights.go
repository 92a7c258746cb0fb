package app

import (
	"context"

	"domovoy/cmd/internal/config"
)

// ClosedAt is the first file or folder on the way to a path that this user may not
// enter or read; empty: nothing keeps it from the path, or nothing is there.
func ClosedAt(path string) string {
	if b, closes := barrierTo(path); closes && !b.missing {
		return b.path
	}
	return ""
}

// TryPanel reads a panel once, with its certificates and logs, as Trials does.
func TryPanel(ctx context.Context, p config.Panel) []Trial {
	ctx, cancel := context.WithTimeout(ctx, trialBound)
	defer cancel()
	return tryPanel(ctx, 0, p)
}

// Quoted is a path as a shell takes it.
func Quoted(path string) string { return quoted(path) }
