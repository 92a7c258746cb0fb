package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"domovoy/cmd/internal/config"
	"domovoy/i18n"
)

// RefuseConfig tells people that a new configuration is not used, and why: those
// who are told of faults of the state.
func (a *App) RefuseConfig(ctx context.Context, faults func(*i18n.Locale) []string) {
	a.bot.RefuseConfig(ctx, faults)
}

// Healthy reports whether the state could be kept when it was last looked at.
func (a *App) Healthy() bool { return a.bot.Healthy() }

// Try finds out whether an app can be built from a configuration. It opens no
// state.
func Try(ctx context.Context, cfg *config.Config, bundle *i18n.Bundle, log *slog.Logger) error {
	a := &App{cfg: cfg, bundle: bundle, log: log}
	_, err := a.open(ctx)
	return errors.Join(err, a.closeReaders())
}

// Stamps tell whether files were replaced or written since they were taken.
type Stamps map[string]os.FileInfo

// StampsOf takes the stamps of the files that the secrets of a configuration are
// in.
func StampsOf(cfg *config.Config) Stamps {
	stamps := Stamps{}
	for _, name := range cfg.SecretFiles() {
		info, err := os.Stat(name)
		if err != nil {
			info = nil
		}
		stamps[name] = info
	}
	return stamps
}

// Same reports whether no file changed.
func (s Stamps) Same(now Stamps) bool {
	for name, was := range s {
		is := now[name]
		if (was == nil) != (is == nil) {
			return false
		}
		if was != nil && (!os.SameFile(was, is) || was.Size() != is.Size() || !was.ModTime().Equal(is.ModTime())) {
			return false
		}
	}
	return true
}

// LookEvery is how often the files of secrets are looked at.
const LookEvery = 10 * time.Second
