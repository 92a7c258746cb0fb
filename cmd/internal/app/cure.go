package app

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"strings"

	"domovoy/bot"
	"domovoy/checks/ispmanager"
	"domovoy/cmd/internal/config"
	"domovoy/cmd/internal/hubs"
	"domovoy/i18n"
	"domovoy/reports/journal"
)

// curing is a log handler that adds to what is said of a known fault what to do about
// it, in the words of "config check". It looks at the error that a record has, so
// that the parts which log it need not know where files and secrets are.
type curing struct {
	slog.Handler
	app *App
	l   *i18n.Locale
}

// WithCures returns a handler whose warnings and errors have the attribute "cure"
// where one is known: which file, whose it is, and the command that mends it.
func WithCures(h slog.Handler, cfg *config.Config, l *i18n.Locale) slog.Handler {
	return curing{h, &App{cfg: cfg}, l}
}

// Handle adds the cure.
func (c curing) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		if cure := c.cure(r); cure != "" {
			r = r.Clone()
			r.AddAttrs(slog.String("cure", cure))
		}
	}
	return c.Handler.Handle(ctx, r)
}

// WithAttrs returns a handler that adds cures, too.
func (c curing) WithAttrs(attrs []slog.Attr) slog.Handler {
	c.Handler = c.Handler.WithAttrs(attrs)
	return c
}

// WithGroup returns a handler that adds cures, too.
func (c curing) WithGroup(name string) slog.Handler {
	c.Handler = c.Handler.WithGroup(name)
	return c
}

// cure is what to do about a record's error; empty: nothing is known.
func (c curing) cure(r slog.Record) string {
	var err error
	var panel, messenger string
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "error":
			err, _ = a.Value.Any().(error)
		case "panel":
			panel = a.Value.String()
		case "messenger":
			messenger, _, _ = strings.Cut(a.Value.String(), ":")
		}
		return true
	})
	if err == nil {
		return ""
	}
	if cure := hubs.Cure(c.l, c.app.cfg, err); cure != "" {
		return cure
	}
	if failed, ok := errors.AsType[*ispmanager.Error](err); ok {
		at := slices.IndexFunc(c.app.cfg.Panels, func(p config.Panel) bool { return p.Name == panel })
		if at < 0 {
			return ""
		}
		return unread("", c.app.cfg.Panels[at], failed).Text(c.l)
	}
	if refused, ok := errors.AsType[*bot.Permanent](err); ok && refused.Token && messenger != "" {
		return c.app.tokenTrial(messenger, err).Text(c.l)
	}
	return Unwritable(c.app.cfg, c.l, err)
}

// Unwritable words that the state may not be written, with the file, its owner and
// the cure; empty: the error is another one.
func Unwritable(cfg *config.Config, l *i18n.Locale, err error) string {
	if !journal.IsFault(err) && !errors.Is(err, journal.ErrUnwritable) && !errors.Is(err, fs.ErrPermission) {
		return ""
	}
	for _, t := range tryState(cfg) {
		if t.Grade == Broken && t.Says == "state" {
			return t.Text(l)
		}
	}
	return ""
}
