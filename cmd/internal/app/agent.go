package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"domovoy/bot/fleet"
	"domovoy/bot/fleet/agent"
	"domovoy/checks/budget"
	"domovoy/checks/cert"
	"domovoy/checks/ispmanager"
	"domovoy/checks/suite"
	"domovoy/checks/web"
	"domovoy/cmd/internal/config"
	"domovoy/cmd/internal/hubs"
)

// RunAgent is the agent of this host's panels: it reads them and sends what it saw to
// the hub, and takes the looks of its vantage point, until the context ends, which is no
// error.
func RunAgent(ctx context.Context, cfg *config.Config, log *slog.Logger) (err error) {
	c, err := hubs.Way(cfg, log) // an agent has the same keys as a bot at another's hub
	if err != nil {
		return err
	}
	enrolled, _ := cfg.Fleet.Enrolment()
	c.Name = cmp.Or(enrolled.Name, cfg.Vantage.Name)
	if c.Name == "" { // a bare key: its agent has the name of the panel, as "fleet add" makes it
		c.Name = cfg.Panels[0].Name
	}
	conn, err := fleet.Dial(c)
	if err != nil {
		return fmt.Errorf("preparing the way to the hub: %w", err)
	}
	defer conn.Close()
	store, err := agent.OpenStore(ctx, cfg.State)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	panels, closes, err := agentPanels(cfg, log)
	defer func() { err = errors.Join(err, closes()) }()
	if err != nil {
		return err
	}
	a, err := agent.New(ctx, agent.Config{Name: c.Name, Version: Version(), Panels: panels, Vantage: cfg.Vantage.Name, Store: store, Conn: conn, Log: log})
	if err != nil {
		return err
	}
	log.InfoContext(ctx, "running as an agent", "name", c.Name, "panels", len(panels), "vantage", cfg.Vantage.Name)
	if !cfg.Vantage.IsOn() {
		return a.Run(ctx, cfg.Schedule.Panel)
	}
	worker, closeWorker, err := lookoutOf(ctx, cfg, conn, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeWorker()) }()
	both, stop := context.WithCancel(ctx)
	var looking sync.WaitGroup
	defer looking.Wait()
	defer stop()
	looking.Go(func() {
		if err := worker.Run(both); err != nil {
			log.ErrorContext(ctx, "nothing is looked at from here", "error", err)
		}
	})
	return a.Run(both, cfg.Schedule.Panel)
}

// agentPanels are the panels of this host, as a bot of this host would read them.
func agentPanels(cfg *config.Config, log *slog.Logger) (panels []agent.Panel, closes func() error, err error) {
	var readers []*ispmanager.Panel
	closes = func() (failed error) {
		for _, r := range readers {
			failed = errors.Join(failed, r.Close())
		}
		return failed
	}
	for _, p := range cfg.Panels {
		reader := readerOf(p)
		readers = append(readers, reader)
		one := agent.Panel{Name: p.Name, Reader: reader, Zone: p.Timezone, Challenges: web.Folder(p.Challenges)}
		if one.About, err = aboutOf(p); err != nil {
			return nil, closes, fmt.Errorf("panel %s: %w", p.Name, err)
		}
		if p.Certificates != "" {
			one.Files = cert.NewFiles(p.Certificates)
		}
		roots, err := cert.Roots(p.ACME.CAFile)
		if err != nil {
			return nil, closes, fmt.Errorf("panel %s: %w", p.Name, err)
		}
		here, err := ofHost(p, roots, nil, nil) // the bot asks the blocklists, and knows the addresses of all panels
		if err != nil {
			return nil, closes, fmt.Errorf("panel %s: %w", p.Name, err)
		}
		one.Checks = suite.Logged(log, suite.OfHost(here))
		ca, err := authority(p, &budget.Book{})
		if err != nil {
			return nil, closes, err
		}
		if ca != nil {
			one.Account = ca.Account
		}
		panels = append(panels, one)
	}
	return panels, closes, nil
}

// readerOf reads a panel of this host.
func readerOf(p config.Panel) *ispmanager.Panel {
	return ispmanager.New(ispmanager.Config{Name: p.Name, Database: p.Database, Conf: p.DBConf, Password: p.Password.Reveal,
		Zone: p.Timezone, SitesEvery: sitesEvery})
}
