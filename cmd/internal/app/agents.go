package app

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"domovoy/bot/commands"
	"domovoy/bot/console"
	"domovoy/bot/engine"
	"domovoy/bot/fleet"
	"domovoy/bot/fleet/lease"
	"domovoy/bot/fleet/lookout"
	"domovoy/bot/fleet/remote"
	"domovoy/bot/watch"
	"domovoy/checks/budget"
	"domovoy/checks/cert"
	"domovoy/checks/panel"
	"domovoy/cmd/internal/config"
	"domovoy/cmd/internal/hubs"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// agents are the panels behind agents.
type agents struct {
	*remote.Fleet
	asker  *lookout.Asker // nil: nothing is looked at from outside
	conn   *nats.Conn
	closes func() // the connection
	known  map[string]fleet.About
	begun  time.Time
	looked int // panels that were other than those of known, when FleetChanged looked last
}

// openAgents begins to listen to the fleet, and waits a moment for what the hub has.
// It returns nil if the configuration has no fleet: then there is no connection.
func (a *App) openAgents(ctx context.Context) (*agents, error) {
	f := a.cfg.Fleet
	if !f.IsOn() || a.journal == nil { // without a journal the configuration is only tried
		return nil, nil
	}
	c, err := hubs.Way(a.cfg, a.log)
	if err != nil {
		return nil, err
	}
	conn, err := fleet.Dial(c)
	if err != nil {
		return nil, fmt.Errorf("preparing the way to the hub: %w", err)
	}
	if _, err := conn.Subscribe(fleet.RefusalsSubject, a.hubRefused); err != nil {
		conn.Close()
		return nil, fmt.Errorf("preparing to hear what the hub refuses: %w", err)
	}
	a.news = engine.NewNews()
	opened, err := remote.Open(ctx, remote.Config{Conn: conn, Places: a.journal, Log: a.log, Refused: a.metrics.Refused, News: a.news.Add})
	if err != nil {
		conn.Close()
		return nil, err
	}
	all := &agents{Fleet: opened, conn: conn, closes: conn.Close, known: map[string]fleet.About{}, begun: time.Now()}
	if a.outside != nil {
		asker := &lookout.Asker{Conn: conn, Log: a.log, Refused: a.metrics.SightRefused}
		if err := asker.Start(ctx); err != nil {
			all.Close()
			return nil, err
		}
		all.asker = asker
	}
	opened.Await(ctx)
	if all.asker != nil {
		all.asker.Await(ctx)
	}
	return all, nil
}

// warnOfPair says in the log that a bot of a pair speaks at the hub of this one, which is
// in none: everything would be said twice.
func (a *App) warnOfPair(ctx context.Context) {
	if a.agents == nil || a.cfg.Fleet.Pair || !a.agents.conn.IsConnected() {
		return
	}
	if h, err := lease.Of(ctx, a.agents.conn); err == nil && h.Host != "" {
		a.log.WarnContext(ctx, "another bot speaks at this hub: set fleet.pair for this one, too, or stop one of them", "host", h.Host, "since", h.Since.Time)
	}
}

// hubRefused counts what our own hub refused.
func (a *App) hubRefused(m *nats.Msg) {
	counts, err := fleet.DecodeRefusals(m.Data)
	if err != nil {
		a.log.Warn("what the hub says that it refused cannot be read", "error", err)
	}
	for why, times := range counts {
		a.metrics.HubRefused(why, times)
	}
}

// Close ends listening.
func (a *agents) Close() {
	if a == nil {
		return
	}
	if a.asker != nil {
		a.asker.Close()
	}
	a.Fleet.Close()
	a.closes()
}

// Panels of a fleet that joins: with so many the program waits for more of them.
const (
	manyPanels = 10
	joinWait   = time.Minute
)

// FleetChanged reports whether the fleet has other panels than those that the program was
// built with, or something else is known of them that the program is built by. All panels
// are read again then, so that with many it is not said while more come, for a minute, and
// not before all that the hub has was read. The journal remembers what changed: who builds
// the program again does not wait until everything was read.
func (a *App) FleetChanged(ctx context.Context) bool {
	if a.agents == nil {
		return false
	}
	if a.panelRemoved(ctx) {
		return true
	}
	if !a.agents.CaughtUp() {
		return false
	}
	others, names := map[string]fleet.About{}, a.agents.Names()
	for _, name := range names {
		if a.isLocal(name) || a.agents.Removed(name) != "" {
			continue
		}
		about, said := a.agents.Panel(name).About()
		was, known := a.agents.known[name]
		if !known || said && !sameAbout(was, about) {
			others[name] = about
		}
	}
	before := a.agents.looked
	a.agents.looked = len(others)
	if len(others) == 0 || joining(before, len(others), len(names), time.Since(a.agents.begun)) {
		return false
	}
	for name, about := range others {
		if about.Protocol == 0 { // nothing was said yet
			continue
		}
		text, _ := json.Marshal(about) // plain values always marshal
		if err := a.journal.KeepFleetPanel(ctx, journal.FleetPanel{Name: name, About: text}); err != nil {
			a.log.ErrorContext(ctx, "cannot remember a panel of the fleet", "panel", name, "error", err)
		}
	}
	return true
}

// panelRemoved reports whether a panel is still known whose agent was removed. What the
// hub did not forget when it was, it is told again: it was away, or had not read yet that
// the agent's rights ended.
func (a *App) panelRemoved(ctx context.Context) bool {
	if m, err := fleet.ReadMembers(fleet.Folder(a.cfg.State)); err == nil {
		for _, r := range m.Removed {
			if a.agents.conn.IsConnected() && a.agents.Removed(r.Panel) == "" {
				if err := fleet.Forget(ctx, a.agents.conn, r); err != nil {
					a.log.WarnContext(ctx, "the panel of a removed agent is not forgotten yet", "panel", r.Panel, "error", err)
				}
			}
		}
	}
	for name := range a.agents.known {
		if a.agents.Removed(name) != "" {
			return true
		}
	}
	return false
}

// forgetPanel forgets a panel whose agent was removed, with an entry in the audit. Run
// then ends its incidents.
func (a *App) forgetPanel(ctx context.Context, name, by string) error {
	if err := a.journal.ForgetFleetPanel(ctx, name); err != nil {
		return err
	}
	a.log.InfoContext(ctx, "a panel is forgotten, its agent was removed", "panel", name, "by", by)
	return a.journal.Audit(ctx, journal.AuditEntry{At: time.Now(), Person: by, Name: strings.TrimPrefix(by, "local:"), Role: "admin",
		Chat: console.Chat().String(), Command: "fleet remove", Args: name, Result: "ok"})
}

// joining reports whether to wait for more panels: before and others are how many were
// not known at the last look and are not now, since is how long the program runs.
func joining(before, others, panels int, since time.Duration) bool {
	return others > before && panels >= manyPanels && since < joinWait
}

// sameAbout reports whether the program would be built alike. Which version an agent
// has does not matter for that.
func sameAbout(a, b fleet.About) bool {
	a.InEpoch, a.Version, b.InEpoch, b.Version = fleet.InEpoch{}, "", fleet.InEpoch{}, ""
	x, _ := json.Marshal(a) // plain values always marshal
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

func (a *App) isLocal(name string) bool {
	return slices.ContainsFunc(a.cfg.Panels, func(p config.Panel) bool { return p.Name == name })
}

// remoteSources are the panels behind agents: those that the hub knows now, and those
// that the journal remembers.
func (a *App) remoteSources(ctx context.Context, networks func([]netip.Addr) panel.Places, book *budget.Book) ([]watch.Source, error) {
	if a.agents == nil {
		return nil, nil
	}
	remembered, err := a.journal.FleetPanels(ctx)
	if err != nil {
		return nil, err
	}
	names := a.agents.Names()
	for _, p := range remembered {
		if by := a.agents.Removed(p.Name); by != "" {
			if err := a.forgetPanel(ctx, p.Name, by); err != nil {
				return nil, err
			}
			continue
		}
		names = append(names, p.Name)
	}
	slices.Sort(names)
	var sources []watch.Source
	for _, name := range slices.Compact(names) {
		if a.isLocal(name) {
			a.log.WarnContext(ctx, "an agent sends a panel that this host has, too; this host's counts", "panel", name)
			continue
		}
		far := a.agents.Panel(name)
		about, said := far.About()
		if i := slices.IndexFunc(remembered, func(p journal.FleetPanel) bool { return p.Name == name && p.About != nil }); !said && i >= 0 {
			said = json.Unmarshal(remembered[i].About, &about) == nil // else it is unknown until the agent says it again
		}
		a.agents.known[name] = about
		if said {
			text, _ := json.Marshal(about) // plain values always marshal
			if err := a.journal.KeepFleetPanel(ctx, journal.FleetPanel{Name: name, About: text}); err != nil {
				return nil, err
			}
		}
		source, err := a.remoteSource(name, far, about, networks(about.Addresses), book)
		if err != nil {
			return nil, err
		}
		sources = append(sources, source)
	}
	return sources, nil
}

// remoteSource is one panel behind an agent.
func (a *App) remoteSource(name string, far *remote.Panel, about fleet.About, places panel.Places, book *budget.Book) (watch.Source, error) {
	source := watch.Source{Name: name, Reader: far, Places: places}
	if about.Files {
		source.Files = far
	}
	if a.outside != nil {
		live, err := a.outside.liveAt(about, &remote.Host{Panel: far, About: about, Own: a.own, Listings: a.outside.listings})
		if err != nil {
			return source, fmt.Errorf("preparing to look at %s from outside: %w", name, err)
		}
		source.Prober = live
		a.outside.serve(&source, a.cfg)
	}
	if about.Directory != "" {
		directory, err := url.Parse(about.Directory)
		if err != nil {
			return source, fmt.Errorf("the CA of %s: %w", name, err)
		}
		source.CA = &watch.CA{Directory: about.Directory, Cap: about.Cap, Account: remote.Account{Panel: far}}
		if rules, known := book.Find(directory.Host); known {
			source.CA.Rules = rules
		}
	}
	return source, nil
}

// own returns the addresses of all panels, those behind agents among them.
func (a *App) own() []netip.Addr {
	all := a.outside.own()
	for _, name := range slices.Sorted(maps.Keys(a.agents.known)) { // complete when the program is built
		all = append(all, a.agents.known[name].Addresses...)
	}
	return all
}

// aboutOf is what an agent says of a panel of its configuration.
func aboutOf(p config.Panel) (fleet.About, error) {
	about := fleet.About{Addresses: p.Addresses, Files: p.Certificates != "", Challenges: p.Challenges != ""}
	a := p.ACME
	about.Account = storedAccount(a)
	if a.CAFile != "" {
		text, err := cert.RootFile(a.CAFile)
		if err != nil {
			return about, err
		}
		if about.Roots, err = fleet.Roots(text); err != nil {
			return about, fmt.Errorf("%s: %w", a.CAFile, err)
		}
	}
	if a.Directory != "" && (!a.Proxy.IsSet() || a.Proxy.Reveal() != "") {
		about.Directory, about.Cap, about.HasProxy = a.Directory, a.Cap, a.Proxy.IsSet()
	}
	return about, nil
}

// roster is what the command fleet asks; nil: there is no fleet.
func (a *App) roster() commands.Roster {
	if !a.cfg.Fleet.IsOn() {
		return nil
	}
	return func(ctx context.Context) ([]reports.Agent, bool, error) { return hubs.Agents(ctx, a.cfg) }
}
