package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/semaphore"

	"domovoy/bot/fleet"
	"domovoy/bot/fleet/lookout"
	"domovoy/bot/vantage"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/budget"
	"domovoy/checks/cert"
	"domovoy/checks/quorum"
	"domovoy/checks/suite"
	"domovoy/cmd/internal/config"
)

// botPlace is the name of the bot's own place if the configuration gives it none.
const botPlace = "bot"

// lookFromAll has the sites of all sources looked at from every vantage point of the
// fleet, too. Without a fleet it changes nothing.
func (a *App) lookFromAll(sources []watch.Source, book *budget.Book) error {
	if a.agents == nil || a.agents.asker == nil {
		return nil
	}
	atHome := semaphore.NewWeighted(int64(a.cfg.Probe.Workers))
	for i := range sources {
		s := &sources[i]
		here, looks := s.Prober.(*suite.Live)
		if !looks {
			continue
		}
		var err error
		if s.Prober, err = a.fromAll(s, here, book, atHome); err != nil {
			return err
		}
	}
	return nil
}

// fromAll is the prober of a source that looks from every vantage point, too.
func (a *App) fromAll(s *watch.Source, here *suite.Live, book *budget.Book, atHome *semaphore.Weighted) (watch.Prober, error) {
	name, host := s.Name, ""
	if s.CA != nil {
		if directory, err := url.Parse(s.CA.Directory); err == nil {
			host = directory.Host
		}
	}
	roots, err := a.rootsOf(name)
	if err != nil {
		return nil, err
	}
	few, whole := cert.RootsBeyond(roots, lookout.MostRoots)
	panel := lookout.Panel{Name: name, Addresses: s.Places.Addresses, Account: a.accountOf(name), Roots: string(few), Rootless: !whole}
	at := placeOf(a.cfg.Vantage)
	if at.Name == "" {
		at.Name = botPlace
	}
	var inside func() string
	if !a.isLocal(name) {
		inside = a.agents.Panel(name).Agent
	}
	return vantage.New(vantage.Config{
		Home: here, At: at,
		Points: func() []vantage.Point { return a.agents.asker.Points(panel) }, Inside: inside,
		Rule: func(now time.Time) quorum.Rule {
			return func(looks int) int { return book.MayMiss(host, looks, now) }
		},
		Before: func(site string) checks.Probe {
			if p := a.bot.Watch.Panel(name); p != nil {
				return p.State().Probes[site]
			}
			return checks.Probe{}
		},
		Share: a.outside.pace.Share,
		Deal:  a.cfg.Fleet.ShareSweeps && whole, AtHome: atHome, // from where chains cannot be judged, one place is not enough
	}), nil
}

// rootsOf are the roots of a private CA of a panel (PEM); empty: it has none.
func (a *App) rootsOf(panel string) ([]byte, error) {
	i := slices.IndexFunc(a.cfg.Panels, func(p config.Panel) bool { return p.Name == panel })
	switch {
	case i < 0:
		return []byte(a.agents.known[panel].Roots), nil
	case a.cfg.Panels[i].ACME.CAFile == "":
		return nil, nil
	}
	return cert.RootFile(a.cfg.Panels[i].ACME.CAFile)
}

// accountOf is the URL of a panel's account at its CA; empty: it is not known.
func (a *App) accountOf(panel string) string {
	if i := slices.IndexFunc(a.cfg.Panels, func(p config.Panel) bool { return p.Name == panel }); i >= 0 {
		return storedAccount(a.cfg.Panels[i].ACME)
	}
	return a.agents.known[panel].Account
}

// placeOf is where a configuration's host is.
func placeOf(v config.Vantage) checks.Vantage {
	return checks.Vantage{Name: v.Name, Network: v.Network, Country: v.Country}
}

// lookoutOf takes the looks that the bot asks of this host's vantage point, on the
// connection of its agent. Its closes is called when it has ended.
func lookoutOf(ctx context.Context, cfg *config.Config, conn *nats.Conn, log *slog.Logger) (w *lookout.Worker, closes func() error, err error) {
	own := *cfg
	own.Lookups.Blocklists = nil // of the panel's addresses, which the bot asks
	networks, err := ranges(&own)
	if err != nil {
		return nil, nil, err
	}
	o, err := openOutside(ctx, &own, Laboratory{}, networks, nil, log)
	if err != nil {
		return nil, nil, err
	}
	o.registry = nil // a registry is asked by one, the bot
	far := &farSites{outside: o, place: cfg.Vantage.Name, panels: map[string]farPanel{}}
	return &lookout.Worker{At: placeOf(cfg.Vantage), Conn: conn, Log: log, Workers: cfg.Probe.Workers, Share: o.pace.Share, Look: far.look,
		Online: func(ctx context.Context) error {
			if err := o.online(ctx); errors.Is(err, ErrOffline) {
				return err
			}
			return nil
		}}, o.resolver.Close, nil
}

// farSites looks at sites of panels that are elsewhere.
type farSites struct {
	outside *outside
	place   string // the vantage point

	mu     sync.Mutex
	panels map[string]farPanel // by name
}

// farPanel is what looks at the sites of a panel.
type farPanel struct {
	like string // what is known of the panel
	live *suite.Live
}

// look looks at a site of a panel.
func (f *farSites) look(ctx context.Context, p lookout.Panel, x checks.Subject, asked bool) checks.Probe {
	live, err := f.panel(p)
	if err != nil {
		return checks.Probe{At: time.Now(), Failures: []checks.Failure{{Check: checks.NamesCheck, Server: p.Name, Site: x.Site.Name, Err: err.Error()}}}
	}
	seen, _ := live.Probe(ctx, x, asked, time.Now()) // no registry is asked, so that nothing is left for later
	return seen
}

// panel returns what looks at the sites of a panel.
func (f *farSites) panel(p lookout.Panel) (*suite.Live, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	like := fmt.Sprint(p)
	if known, ok := f.panels[p.Name]; ok && known.like == like {
		return known.live, nil
	}
	live, err := f.outside.liveAt(fleet.About{Addresses: p.Addresses, Account: p.Account, Roots: p.Roots}, nil)
	if err != nil {
		return nil, err
	}
	if p.Rootless {
		live.Checks = slices.DeleteFunc(live.Checks, func(c checks.Check) bool { return c.Name == cert.ServedCheck })
	}
	live.From = f.place
	f.panels[p.Name] = farPanel{like, live}
	return live, nil
}
