// Package app builds the program from its configuration.
package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/bot/mail"
	"domovoy/bot/metrics"
	"domovoy/bot/share"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/cert"
	"domovoy/checks/ispmanager"
	"domovoy/checks/panel"
	"domovoy/checks/registry"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// App is the program, ready to run or to answer. Its owner closes it.
type App struct {
	cfg     *config.Config
	bundle  *i18n.Bundle
	journal *journal.Journal
	readers []*ispmanager.Panel
	outside *outside
	agents  *agents      // nil: there is no fleet
	news    *engine.News // of the agents' panels; nil: there is no fleet
	bot     *engine.Engine
	metrics *metrics.Metrics // nil: the configuration has no port for them
	log     *slog.Logger
	lab     Laboratory
	anyway  bool // Ask answers even if the fleet changed
}

// Laboratory is how a laboratory's internet differs from the real one. The zero
// value is the real one.
type Laboratory struct {
	NameServers  uint16       // port of all name servers, which are on loopback addresses; 0: 53, on public addresses only
	RegistryRate float64      // questions a minute that each registry answers; 0: as many as the real ones
	Hosts        []netip.Addr // loopback addresses of others, which may be connected to
}

// Open opens the journal, creating its folder if there is none, and builds
// everything else. It reads no panel and connects to nothing. It calls notice with a
// text when something takes long.
func Open(ctx context.Context, cfg *config.Config, bundle *i18n.Bundle, log *slog.Logger, notice func(text string)) (*App, error) {
	if err := os.MkdirAll(filepath.Dir(cfg.State), 0o700); err != nil {
		return nil, fmt.Errorf("opening the state: %w", err)
	}
	return openMended(ctx, Laboratory{}, cfg, bundle, log, notice, "")
}

// OpenIn is Open in a laboratory, where nothing takes long.
func OpenIn(ctx context.Context, lab Laboratory, cfg *config.Config, bundle *i18n.Bundle, log *slog.Logger) (*App, error) {
	if err := os.MkdirAll(filepath.Dir(cfg.State), 0o700); err != nil {
		return nil, fmt.Errorf("opening the state: %w", err)
	}
	return openMended(ctx, lab, cfg, bundle, log, func(string) {}, "")
}

// OpenToRun is Open for Run: a state file that is damaged is moved aside first.
// damaged: it is known to be, since Run ended with such an error.
func OpenToRun(ctx context.Context, cfg *config.Config, bundle *i18n.Bundle, log *slog.Logger, notice func(text string), damaged bool) (*App, error) {
	mend := journal.Mend
	if damaged {
		mend = journal.SetAside
	}
	aside, err := mend(ctx, cfg.State, time.Now())
	if err != nil {
		return nil, unopened(cfg, fmt.Errorf("moving a damaged state file aside: %w", err))
	}
	if aside != "" {
		log.ErrorContext(ctx, "the state file was damaged, a new one is begun", "path", cfg.State, "aside", aside)
	}
	if err := os.MkdirAll(filepath.Dir(cfg.State), 0o700); err != nil {
		return nil, unopened(cfg, fmt.Errorf("opening the state: %w", err))
	}
	a, err := openMended(ctx, Laboratory{}, cfg, bundle, log, notice, aside)
	if err == nil && lastWordOf(cfg).over(ctx, log) {
		a.bot.Became = append(a.bot.Became, compose.StateEvent{Kind: "again"})
	}
	return a, err
}

// IsDamaged reports whether an error of OpenToRun or Run means that the state file
// is damaged.
func IsDamaged(err error) bool { return journal.IsDamaged(err) }

// openMended opens the journal and builds everything else. aside is where a
// damaged state file was moved; empty: there was none.
func openMended(ctx context.Context, lab Laboratory, cfg *config.Config, bundle *i18n.Bundle, log *slog.Logger, notice func(text string), aside string) (*App, error) {
	j, err := journal.Open(ctx, cfg.State, journal.WithProgress(migrating(bundle.Locale(cfg.Language, cfg.Timezone), notice)))
	if err != nil {
		return nil, unopened(cfg, err)
	}
	a := &App{cfg: cfg, bundle: bundle, journal: j, log: log, lab: lab}
	if cfg.Metrics.Listen != "" {
		a.metrics = metrics.New(Version(), log)
	}
	sources, err := a.open(ctx)
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	a.bot = engine.New(engine.Config{
		Metrics: a.metrics,
		Journal: j, Registry: a.registry(), Sources: sources, Rules: rules(cfg), Policy: policy(cfg), Audience: audience(cfg, bundle, log),
		Reports: filepath.Join(filepath.Dir(cfg.State), "reports"), Log: log, SpareAfter: cfg.Delivery.SpareAfter,
		Fleet: a.roster(), News: a.news,
		Share: share.Config{Folder: cfg.Share.Directory, URL: cfg.Share.URL, Keep: time.Duration(cfg.Share.Days) * 24 * time.Hour},
	})
	switch lost := j.Lost(); {
	case aside != "":
		a.bot.Became = append(a.bot.Became, compose.StateEvent{Kind: "renewed", Path: aside})
	case lost > 0:
		log.ErrorContext(ctx, "the state file before this one is gone, with its audit", "path", cfg.State, "entries", lost)
		a.bot.Became = append(a.bot.Became, compose.StateEvent{Kind: "lost", Path: cfg.State, Lost: lost})
	}
	return a, nil
}

// manyAttempts of an old state file take longer to bring into the present form than
// anybody waits without a word.
const manyAttempts = 50_000

// migrating tells how far the migration of a state file is, every two seconds.
func migrating(l *i18n.Locale, notice func(text string)) journal.Progress {
	var told time.Time
	return func(done, all int) {
		if all < manyAttempts || done < all && time.Since(told) < 2*time.Second {
			return
		}
		told = time.Now()
		notice(l.Say("cli.migrating", i18n.Args{"Percent": done * 100 / all}))
	}
}

// open builds the panels.
func (a *App) open(ctx context.Context) (sources []watch.Source, err error) {
	networks, err := ranges(a.cfg)
	if err != nil {
		return nil, err
	}
	if a.outside, err = openOutside(ctx, a.cfg, a.lab, networks, a.journal, a.log); err != nil {
		return nil, err
	}
	book, err := limits(a.cfg)
	if err != nil {
		return nil, err
	}
	for _, p := range a.cfg.Panels {
		reader := readerOf(p)
		a.readers = append(a.readers, reader)
		source := watch.Source{Name: p.Name, Reader: reader, Places: panel.Places{Addresses: p.Addresses, Proxy: networks.Owner}}
		if p.Certificates != "" {
			source.Files = cert.NewFiles(p.Certificates)
		}
		if a.outside != nil {
			if source.Prober, err = a.outside.live(p); err != nil {
				return nil, fmt.Errorf("preparing to look at %s from outside: %w", p.Name, err)
			}
			a.outside.serve(&source, a.cfg)
		}
		if source.CA, err = authority(p, book); err != nil {
			return nil, err
		}
		sources = append(sources, source)
	}
	if a.agents, err = a.openAgents(ctx); err != nil {
		return nil, err
	}
	far, err := a.remoteSources(ctx, func(own []netip.Addr) panel.Places { return panel.Places{Addresses: own, Proxy: networks.Owner} }, book)
	if err != nil {
		return nil, err
	}
	sources = append(sources, far...)
	return sources, a.lookFromAll(sources, book)
}

// registry asks about domains; nil: the configuration turns that off.
func (a *App) registry() *registry.Registry {
	if a.outside == nil {
		return nil
	}
	return a.outside.registry
}

// sitesEvery is how old the settings of sites may be if a panel is read more often
// than that.
const sitesEvery = 10 * time.Second

// Close closes the panels and the journal.
func (a *App) Close() error { return errors.Join(a.closeReaders(), a.journal.Close()) }

func (a *App) closeReaders() error {
	a.agents.Close()
	var failed error
	if a.outside != nil {
		failed = a.outside.resolver.Close()
	}
	for _, r := range a.readers {
		failed = errors.Join(failed, r.Close())
	}
	return failed
}

func rules(cfg *config.Config) watch.Rules {
	t := cfg.Thresholds
	return watch.Rules{Within: t.Failing.Within, Times: t.Failing.Times, LifeLeft: t.Overdue.LifeLeft, Every: sweepEvery(cfg), Learn: t.Overdue.Learn, Zombie: t.Zombie}
}

// sweepEvery is the longest time between two sweeps; 0: there are none.
func sweepEvery(cfg *config.Config) time.Duration {
	if len(cfg.Resolvers) == 0 {
		return 0
	}
	return config.LongestGap(cfg.Schedule.Domains, cfg.Timezone, time.Now())
}

// policy has a threshold for each count that can alert. Sites without a
// certificate or a redirect are only shown.
func policy(cfg *config.Config) reports.Policy {
	t := cfg.Thresholds
	return reports.Policy{
		Thresholds: map[checks.Code]reports.Threshold{
			checks.PanelProcessing: {Warn: t.Processing.Warn, Critical: t.Processing.Critical},
			checks.PanelFailed:     {Warn: t.Failed.Warn, Critical: t.Failed.Critical},
			checks.PanelFailing:    {Warn: t.Failing.Warn, Critical: t.Failing.Critical},
			checks.PanelOverdue:    {Warn: t.Overdue.Warn, Critical: t.Overdue.Critical},
		},
		Remind:       cfg.Alerts.Remind,
		ResolveAfter: cfg.Alerts.ResolveAfter,
		Quiet:        reports.Quiet{From: cfg.Alerts.Quiet.From, To: cfg.Alerts.Quiet.To, Zone: cfg.Timezone},
		Storm:        cfg.Alerts.Storm,
		Escalation:   escalation(cfg),
	}
}

// escalation is the steps in the order in which they fall due.
func escalation(cfg *config.Config) []reports.Step {
	var steps []reports.Step
	for _, s := range cfg.Escalation {
		steps = append(steps, reports.Step{After: s.After, To: s.To.String(), Language: s.Language})
	}
	slices.SortStableFunc(steps, func(a, b reports.Step) int { return cmp.Compare(a.After, b.After) })
	return steps
}

func audience(cfg *config.Config, bundle *i18n.Bundle, log *slog.Logger) bot.Audience {
	a := bot.Audience{People: map[string]bot.Role{}, Language: cfg.Language, Zone: cfg.Timezone, Bundle: bundle}
	for _, c := range cfg.Chats {
		a.Chats = append(a.Chats, bot.Chat{To: c.To, Language: c.Language, Receives: c.Receives, Role: bot.ParseRole(c.Role)})
	}
	if cfg.Email.IsOn() {
		for _, mailbox := range cfg.Email.To {
			a.Spare = append(a.Spare, bot.Address{Messenger: mail.Messenger, Chat: mailbox})
		}
	}
	for _, m := range cfg.Reports.Managers {
		a.Managers = append(a.Managers, bot.Manager{To: m.To, Language: m.Language, Owners: m.Owners, Named: named(m, log)})
	}
	for _, p := range cfg.People {
		a.People[p.ID] = bot.ParseRole(p.Role)
	}
	return a
}
