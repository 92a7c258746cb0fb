package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"time"

	"domovoy/bot"
	"domovoy/bot/state"
	"domovoy/checks/pace"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// Unopened is the error of a program that cannot run without its state. It wraps the
// reason.
type Unopened struct {
	Path string // of the state
	Err  error
}

// Error returns a text for logs.
func (e *Unopened) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *Unopened) Unwrap() error { return e.Err }

// unopened makes an error that the state cannot be opened. The end of the context is
// none.
func unopened(cfg *config.Config, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return &Unopened{Path: cfg.State, Err: err}
}

// NoPlace is the error of a state that cannot be where the configuration has it: a
// folder is there, or its own folder cannot be created.
func NoPlace(cfg *config.Config) error {
	if info, err := os.Stat(cfg.State); err == nil && info.IsDir() {
		return unopened(cfg, journal.ErrDirectory)
	}
	return unopened(cfg, fs.ErrNotExist)
}

// wordEvery is how often at most a program that cannot start says why: systemd starts
// it again and again.
const wordEvery = time.Hour

// lastWord is what a program says from memory before it ends for want of its state.
type lastWord struct {
	cfg   *config.Config
	marks marks
}

func lastWordOf(cfg *config.Config) lastWord { return lastWord{cfg: cfg, marks: marksOf(cfg.State)} }

// LastWord tells people through the configured messengers why the program cannot run,
// if that is the fault of its state and was not told within the last hour, over
// restarts. Where nothing could keep in mind that it was told, it returns an hour
// later, so that a restart tells nothing sooner.
func LastWord(ctx context.Context, cfg *config.Config, bundle *i18n.Bundle, log *slog.Logger, err error) {
	reason, is := whyEnded(cfg, err)
	if !is || ctx.Err() != nil {
		return
	}
	receivers, failed := (&App{cfg: cfg, bundle: bundle, log: log}).receivers()
	if failed != nil {
		log.ErrorContext(ctx, "cannot say why the program ends", "error", failed)
	}
	s := state.Speaker{Receivers: receivers, Audience: audience(cfg, bundle, log), Log: log}
	lastWordOf(cfg).speak(ctx, s, reason)
}

// whyEnded is the fault of the state that an error stands for; false: for none.
func whyEnded(cfg *config.Config, err error) (journal.FaultReason, bool) {
	_, is := errors.AsType[*Unopened](err)
	return journal.ReasonOf(cfg.State, err), is || journal.IsFault(err)
}

func (l lastWord) speak(ctx context.Context, s state.Speaker, reason journal.FaultReason) {
	now := time.Now()
	if last, _ := l.marks.last(now); now.Sub(last) < wordEvery {
		s.Log.InfoContext(ctx, "people know why the program ends, they were told within the last hour", "at", last)
		return
	}
	reached := s.Speak(ctx, func(chat bot.Chat) reports.Message {
		w := compose.Writer{Locale: localeOf(s.Audience, chat.Language), Now: now}
		return compose.StateUnopened(w, string(reason), l.cfg.State)
	})
	if reached == 0 {
		return // the next start tries again
	}
	if err := l.marks.set(now, marked); err != nil {
		s.Log.WarnContext(ctx, "nothing can be written that this was told: the program ends in an hour", "error", err)
		_ = pace.Sleep(ctx, wordEvery) // its error is the context's end
	}
}

// over notes that the state is open, and reports whether people were told of the
// contrary and do not know yet.
func (l lastWord) over(ctx context.Context, log *slog.Logger) bool {
	last, over := l.marks.last(time.Now())
	if last.IsZero() || over {
		return false
	}
	if err := l.marks.set(last, markedOver); err != nil { // nor could the state be written
		log.WarnContext(ctx, "cannot note that the state is open again", "error", err)
	}
	return true
}

func localeOf(a bot.Audience, language string) *i18n.Locale {
	if language == "" {
		language = a.Language
	}
	return a.Bundle.Locale(language, a.Zone)
}

// receivers are all ways to send that the configuration has, by their names in
// addresses, with an error if some cannot be used.
func (a *App) receivers() (map[string]bot.Receiver, error) {
	receivers := map[string]bot.Receiver{}
	messengers, err := a.messengers()
	for name, m := range messengers {
		receivers[name] = m
	}
	senders, failed := a.senders()
	maps.Copy(receivers, senders)
	if err = errors.Join(err, failed); err != nil {
		return receivers, fmt.Errorf("preparing to send: %w", err)
	}
	return receivers, nil
}
