package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"

	"domovoy/cmd/internal/app"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
)

// Forms of the log, for --log.
const (
	logAuto = "auto" // JSON in the journal, lines for people in a terminal, else text
	logJSON = "json"
	logText = "text"
)

// logger writes to stderr. Secrets in its arguments print as ***. What is known to
// mend a fault stands beside it.
func (p *program) logger(cfg *config.Config) *slog.Logger {
	return slog.New(app.WithCures(p.handler(), cfg, p.logLocale(cfg)))
}

// quietly is a log whose warnings and errors are for debugging alone if they only say
// that something was cut short since run has ended: that is no trouble.
func quietly(run context.Context, log *slog.Logger) *slog.Logger {
	return slog.New(ending{log.Handler(), run})
}

type ending struct {
	slog.Handler
	run context.Context
}

// Handle passes a record on.
func (e ending) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn && (isCut(e.run, r) || isCut(ctx, r)) { //nolint:contextcheck // of the run, not of the call
		if r.Level = slog.LevelDebug; !e.Enabled(ctx, r.Level) {
			return nil
		}
	}
	return e.Handler.Handle(ctx, r)
}

// WithAttrs returns a handler that is quiet, too.
func (e ending) WithAttrs(attrs []slog.Attr) slog.Handler {
	return ending{e.Handler.WithAttrs(attrs), e.run}
}

// WithGroup returns a handler that is quiet, too.
func (e ending) WithGroup(name string) slog.Handler {
	return ending{e.Handler.WithGroup(name), e.run}
}

// isCut reports whether a record's error is that a context was cancelled. Some errors
// are texts alone, without the token that was in them, and what uses the network names
// the cause, such as a signal.
func isCut(ctx context.Context, r slog.Record) (cut bool) {
	if !errors.Is(ctx.Err(), context.Canceled) { // a limit of time is something to look at
		return false
	}
	cause := context.Cause(ctx)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "error" {
			return true
		}
		text := a.Value.String()
		err, _ := a.Value.Any().(error)
		cut = errors.Is(err, context.Canceled) || errors.Is(err, cause) ||
			strings.Contains(text, context.Canceled.Error()) || strings.Contains(text, cause.Error())
		return false
	})
	return cut
}

// handler is the form of the log.
//
// The journal keeps a priority with each line, by which journalctl -p and alerts on
// the log choose. systemd takes it from a prefix such as <3>, which it strips
// (sd-daemon(3)), so that what is left is pure JSON: journalctl -o cat | jq. The
// journal's own protocol would need its socket, which a container may lack.
func (p *program) handler() slog.Handler {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if p.verbose {
		options.Level = slog.LevelDebug
	}
	if p.logForm == logAuto && isTerminal(p.err) {
		return &readable{to: p.err, level: options.Level.Level(), mu: &sync.Mutex{}}
	}
	journal := p.toJournal()
	form := func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, options) }
	if p.logForm == logJSON || p.logForm == logAuto && journal {
		form = func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, options) }
	}
	if journal {
		return &prioritized{to: p.err, form: form}
	}
	return form(p.err)
}

// toJournal reports whether stderr is systemd's journal: JOURNAL_STREAM has its
// device and inode (systemd.exec(5)).
func (p *program) toJournal() bool {
	stream, _ := p.env("JOURNAL_STREAM")
	f, ok := p.err.(*os.File)
	if stream == "" || !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && stream == fmt.Sprintf("%d:%d", s.Dev, s.Ino)
}

// logLocale is the language of what to do: the terminal's, or, without one, the
// configuration's.
func (p *program) logLocale(cfg *config.Config) *i18n.Locale {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value, _ := p.env(name); value != "" {
			return p.own
		}
	}
	return p.bundle.Locale(cfg.Language, cfg.Timezone)
}

// prioritized writes each record with the prefix of its syslog priority.
type prioritized struct {
	to    io.Writer
	form  func(io.Writer) slog.Handler
	steps []func(slog.Handler) slog.Handler // attributes and groups, in their order
}

// Enabled asks the form.
func (h *prioritized) Enabled(ctx context.Context, level slog.Level) bool {
	return h.form(io.Discard).Enabled(ctx, level)
}

// Handle writes the line at once, so that lines of several goroutines do not mix.
func (h *prioritized) Handle(ctx context.Context, r slog.Record) error {
	var line bytes.Buffer
	fmt.Fprintf(&line, "<%d>", priority(r.Level))
	form := h.form(&line)
	for _, step := range h.steps {
		form = step(form)
	}
	if err := form.Handle(ctx, r); err != nil {
		return err
	}
	_, err := h.to.Write(line.Bytes())
	return err
}

// WithAttrs keeps the attributes for each record.
func (h *prioritized) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.with(func(f slog.Handler) slog.Handler { return f.WithAttrs(attrs) })
}

// WithGroup keeps the group for each record.
func (h *prioritized) WithGroup(name string) slog.Handler {
	return h.with(func(f slog.Handler) slog.Handler { return f.WithGroup(name) })
}

func (h *prioritized) with(step func(slog.Handler) slog.Handler) slog.Handler {
	steps := append(h.steps[:len(h.steps):len(h.steps)], step)
	return &prioritized{to: h.to, form: h.form, steps: steps}
}

// priority is that of syslog (RFC 5424, section 6.2.1).
func priority(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 4
	case l >= slog.LevelInfo:
		return 6
	}
	return 7
}

// readable writes for a person in a terminal: the time, the level unless it is info,
// the text, its values, and below it what to do.
type readable struct {
	to    io.Writer
	level slog.Level
	group string
	attrs []slog.Attr
	mu    *sync.Mutex
}

// Enabled reports whether a level is shown.
func (h *readable) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

// Handle writes the lines of a record.
func (h *readable) Handle(_ context.Context, r slog.Record) error {
	var line strings.Builder
	line.WriteString(r.Time.Format("15:04:05 "))
	if r.Level != slog.LevelInfo {
		line.WriteString(strings.ToLower(r.Level.String()) + ": ")
	}
	line.WriteString(r.Message)
	cure := ""
	write := func(a slog.Attr) bool {
		value := a.Value.Resolve().String()
		if a.Key == "cure" {
			cure = value
			return true
		}
		if value == "" || strings.ContainsAny(value, " \t\"=") || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			value = fmt.Sprintf("%q", value)
		}
		fmt.Fprintf(&line, "  %s%s=%s", h.group, a.Key, value)
		return true
	}
	for _, a := range h.attrs {
		write(a)
	}
	r.Attrs(write)
	line.WriteString("\n")
	if cure != "" {
		line.WriteString("         → " + cure + "\n")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.to, line.String())
	return err
}

// WithAttrs adds attributes.
func (h *readable) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := *h
	more.attrs = append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)
	return &more
}

// WithGroup puts a name before the keys.
func (h *readable) WithGroup(name string) slog.Handler {
	more := *h
	more.group += name + "."
	return &more
}

// checkLog refuses an unknown --log.
func (p *program) checkLog() error {
	if p.logForm == logAuto || p.logForm == logJSON || p.logForm == logText {
		return nil
	}
	return usageError{fmt.Errorf("%s", p.own.Say("cli.logform", i18n.Args{"Word": p.logForm}))}
}
