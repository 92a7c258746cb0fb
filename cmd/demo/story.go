package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/term"

	"domovoy/bot"
	"domovoy/bot/console"
	"domovoy/checks/lab"
	"domovoy/checks/lab/boulder"
	"domovoy/cmd/internal/app"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
	"domovoy/reports"
)

// The story: Domovoy has watched a panel for three months. On a Friday afternoon
// the support team re-issues many certificates at once.
const (
	sampled       = 26 * time.Hour   // how long ago the panel was as the sample begins
	swept         = 5 * time.Hour    // how long ago all sites were checked from outside
	reissued      = 12 * time.Minute // how long ago the re-issue was
	reissuedSites = 113
	issuedShare   = 0.8              // of the re-issued certificates: the names of the others have moved away
	settleAfter   = 90 * time.Second // from the start, at a terminal
	seed          = 4                // of the sample; any value works
)

// stage is what the story needs.
type stage struct {
	app     *app.App
	sample  *lab.Sample
	world   *world // nil: this system lacks the loopback addresses
	ca      *boulder.CA
	console *console.Console
	chats   map[string]bot.Receiver
	local   *i18n.Locale
	now     time.Time // when the story was begun
}

// play builds the stage, plays the past and answers commands. Everything that it
// writes is below one folder, of which only the files of reports are left.
func play(ctx context.Context, o options, bundle *i18n.Bundle, in io.Reader, out io.Writer) (err error) {
	folder, err := os.MkdirTemp("", "domovoy-demo-")
	if err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	dir := filepath.Join(folder, "stage")
	defer func() {
		err = errors.Join(err, os.RemoveAll(dir))
		_ = os.Remove(folder) // fails if there are files of reports
	}()
	s := newStage(o, bundle, folder, in, out)
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.say(ctx, s.local.Say("demo.intro", i18n.Args{"Folder": folder})); err != nil {
		return err
	}
	if err := s.build(ctx, o, bundle, dir); err != nil {
		return err
	}
	if err := s.past(ctx); err != nil {
		return err
	}
	if err := s.invite(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	who := app.Local{User: "demo", Language: o.language}
	if !isTerminal(in) {
		return s.app.Console(ctx, who, s.console, nil)
	}
	future := make(chan error, 1)
	go func() { future <- s.future(ctx) }()
	err = s.app.Console(ctx, who, s.console, s.notice(ctx))
	cancel()
	return errors.Join(err, <-future)
}

// newStage returns a stage with its console alone, which saves files in the folder.
func newStage(o options, bundle *i18n.Bundle, folder string, in io.Reader, out io.Writer) *stage {
	terminal := isTerminal(in) && isTerminal(out)
	c := console.New(in, out, bundle, console.Options{
		Language: o.language, Terminal: terminal, Colour: terminal && !o.plain, Folder: folder})
	return &stage{now: time.Now(), local: bundle.Locale(o.language, time.Local), console: c,
		chats: map[string]bot.Receiver{console.Chat().Messenger: c}}
}

// build builds the sample panel, its internet, the CA and the program, with their
// files in dir.
func (s *stage) build(ctx context.Context, o options, bundle *i18n.Bundle, dir string) (err error) {
	s.sample, err = lab.NewSample(filepath.Join(dir, "panel"), s.now.Add(-sampled), seed, lab.WithAddresses(firstAddress, secondAddress))
	if err != nil {
		return err
	}
	cfg, laboratory, err := s.configure(o, dir)
	if err != nil {
		return err
	}
	s.app, err = app.OpenIn(ctx, laboratory, cfg, bundle, o.log)
	return err
}

// configure starts the internet and the CA, and returns the configuration of the
// program in them.
func (s *stage) configure(o options, dir string) (*config.Config, app.Laboratory, error) {
	authority, err := newAuthority(dir, s.sample)
	if err != nil {
		return nil, app.Laboratory{}, err
	}
	s.ca = authority.ca
	alerts := config.Default[config.Alerts]()
	alerts.ResolveAfter = 1   // the demo reads the panel once after the re-issue settled
	left := filepath.Dir(dir) // what is not removed at the end: a browser can open the pages there
	cfg := &config.Config{
		Basics: config.Basics{Language: o.language, Timezone: time.Local, State: filepath.Join(dir, "domovoy.db")},
		Panels: []config.Panel{{
			Name: s.sample.Server, Database: s.sample.Panel.Path(), Timezone: s.sample.Panel.Zone(),
			Certificates: s.sample.Certificates.Dir(), ACME: authority.ACME,
		}},
		Diagnosis:  config.Diagnosis{Lookups: config.Lookups{LimitsFile: authority.limits}},
		Chats:      []config.Chat{{To: console.Chat(), Language: o.language, Receives: []string{bot.Alerts, bot.Daily}}},
		Thresholds: config.Default[config.Thresholds](),
		Alerts:     alerts,
		Share:      config.Share{Directory: left, URL: "file://" + filepath.ToSlash(left), Days: 7},
		Senders:    config.Senders{Escalation: []config.Step{{After: 15 * time.Minute, To: console.Chat(), Language: o.language}}},
	}
	world, err := newWorld(dir, s.sample, s.now)
	if errors.Is(err, syscall.EADDRNOTAVAIL) { // macOS has 127.0.0.1 alone
		return cfg, app.Laboratory{}, nil
	}
	if err != nil {
		return cfg, app.Laboratory{}, err
	}
	s.world = world
	return cfg, s.world.laboratory(), s.world.configure(cfg)
}

// Close ends everything.
func (s *stage) Close() error {
	var all error
	if s.app != nil {
		all = s.app.Close()
	}
	if s.world != nil {
		all = errors.Join(all, s.world.Close())
	}
	if s.ca != nil {
		s.ca.Close()
	}
	if s.sample != nil {
		all = errors.Join(all, s.sample.Close())
	}
	return all
}

// past plays what has happened until now: the watch begins, weeks go by, a day
// with a few problems, the daily digest, and then the mass re-issue.
func (s *stage) past(ctx context.Context) error {
	ago := func(d time.Duration) time.Time { return s.now.Add(-d) }
	unread := map[string]bot.Receiver{console.Chat().Messenger: silent{}}
	steps := []func() error{
		func() error { return s.app.Watched(ctx, s.facts().midnight(historyDays)) },
		func() error { return s.app.Observe(ctx, ago(sampled)) },
		func() error { return s.sample.MassReissue(ago(20*time.Hour), 24) },
		func() error { return s.sample.Settle(ago(18*time.Hour), issuedShare) },
		func() error { return s.app.Observe(ctx, ago(17*time.Hour)) },
		func() error { return s.app.Observe(ctx, ago(61*time.Minute)) },
		func() error { return s.look(ctx) },
		func() error { return s.app.Began(ctx, s.facts().began) },
		func() error { return s.facts().addHistory(ctx, s.app) },
		func() error { return s.app.Observe(ctx, ago(15*time.Minute)) },
		func() error { return s.app.Deliver(ctx, unread) }, // of the time until then
		func() error { return s.app.Digest(ctx) },
		func() error { return s.app.Deliver(ctx, s.chats) },
		func() error { return s.sample.MassReissue(ago(reissued), reissuedSites) },
		func() error { return s.app.Observe(ctx, s.now) },
		func() error { return s.app.Deliver(ctx, s.chats) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// look checks sites from outside. Of those that are in order it has the results of
// a sweep that is over: to check them all would take the first seconds.
func (s *stage) look(ctx context.Context) error {
	if s.world == nil {
		return s.say(ctx, s.local.Say("demo.inside"))
	}
	at := s.now.Add(-swept)
	if err := s.app.Looked(ctx, s.sample.Server, s.facts().sound(at)); err != nil {
		return err
	}
	s.app.Registered(s.world.registered)
	return s.app.Look(ctx, at)
}

// facts are what is true of the sites now.
func (s *stage) facts() facts { return newFacts(s.sample.Truths(), s.now) }

// future ends the story while the user types: most certificates of the re-issue
// are issued, and the bot reports that the alert is over.
func (s *stage) future(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(settleAfter):
	}
	if err := s.sample.Settle(time.Now(), issuedShare); err != nil {
		return err
	}
	if err := s.app.Observe(ctx, time.Now()); err != nil {
		return err
	}
	return s.app.Deliver(ctx, s.chats)
}

// invite tells what to try, with the name of a site whose attempts fail because
// it has moved away.
func (s *stage) invite(ctx context.Context) error {
	for _, t := range s.sample.Truths() {
		if t.Trouble == lab.Elsewhere && !t.Failing.IsZero() {
			return s.say(ctx, s.local.Say("demo.try", i18n.Args{"Name": ascii(t.Site.Name)}))
		}
	}
	return errors.New("no site of the sample has moved away")
}

// say prints a text, wrapped as messages are.
func (s *stage) say(ctx context.Context, text string) error {
	_, err := s.console.Send(ctx, console.Chat(), "", reports.Message{Language: s.local.Language(), Sections: []reports.Section{{Text: text}}})
	return err
}

// notice returns a function that prints what takes long.
func (s *stage) notice(ctx context.Context) func(string) {
	return func(text string) { _ = s.say(ctx, text) } // the answer will say whether the terminal is gone
}

// silent is a messenger that drops all messages.
type silent struct{}

func (silent) Listen(ctx context.Context, _ bot.Inbox) error { <-ctx.Done(); return nil }

func (silent) Send(context.Context, bot.Address, string, reports.Message) (string, error) {
	return "", nil
}

func (silent) Edit(context.Context, bot.Address, string, reports.Message) error { return nil }

func isTerminal(x any) bool {
	f, ok := x.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
