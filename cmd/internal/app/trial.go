package app

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"domovoy/cmd/internal/config"
	"domovoy/i18n"
)

// Grade is what a trial means for who starts the program.
type Grade uint8

// The grades.
const (
	Fine    Grade = iota // it works
	Unknown              // it could not be tried: that says nothing
	Lacking              // the program works, but does less than the configuration asks for
	Broken               // the program would not do its work
)

// Trial is what trying one thing that a configuration names has shown.
type Trial struct {
	Key   string // of the configuration, such as panels[0].database; empty: the host as a whole
	Grade Grade
	Says  string    // key of the text, under "trial."
	Args  i18n.Args // of both texts
	Cure  string    // key of what to do, under "trial.cure."; empty: nothing

	Secrets []config.Origin // where the secrets are that the cure speaks of, as Where
}

// Text is the trial in one line, without its key: what is, and what to do.
func (t Trial) Text(l *i18n.Locale) string {
	text := l.Say("trial."+t.Says, t.Args)
	if t.Cure == "" {
		return text
	}
	args := t.Args
	if len(t.Secrets) > 0 {
		var where []string
		for _, o := range t.Secrets {
			where = append(where, l.Say("trial.secret."+string(o.Kind), i18n.Args{"Name": o.Name, "Key": o.Key}))
		}
		args = maps.Clone(args)
		args["Where"] = where
	}
	return text + " " + l.Say("trial.cure."+t.Cure, args)
}

// trialBound is for each trial: what has not answered by then could not be tried.
const trialBound = 15 * time.Second

// Trials tries what a configuration names, side by side: panels, files, name servers,
// CAs, tokens, chats, and this host. It posts nothing and changes nothing; offline:
// it also connects to nothing but the panels' databases. The trials come in the order
// of the configuration.
func Trials(ctx context.Context, cfg *config.Config, bundle *i18n.Bundle, offline bool) []Trial {
	a := &App{cfg: cfg, bundle: bundle, log: slog.New(slog.DiscardHandler)}
	var parts []func(context.Context) []Trial
	for i := range cfg.Panels {
		parts = append(parts, func(ctx context.Context) []Trial { return tryPanel(ctx, i, cfg.Panels[i]) })
	}
	parts = append(parts, func(context.Context) []Trial { return tryState(cfg) }, func(context.Context) []Trial { return tryShare(cfg.Share) })
	if !offline {
		parts = append(parts, a.tryResolvers, a.tryHub, a.tryCAs, a.tryRegistries, a.tryMessengers)
	}
	found := make([][]Trial, len(parts))
	var all sync.WaitGroup
	for i, try := range parts {
		all.Go(func() {
			bounded, cancel := context.WithTimeout(ctx, trialBound)
			defer cancel()
			found[i] = try(bounded)
		})
	}
	all.Wait()
	var trials []Trial
	for _, part := range found {
		trials = append(trials, part...)
	}
	return trials
}
