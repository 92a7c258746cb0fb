package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"domovoy/bot/fleet"
	"domovoy/cmd/internal/config"
	"domovoy/cmd/internal/hubs"
	"domovoy/i18n"
)

// fleet is the enrolment of agents at the hub.
func (p *program) fleet() *cobra.Command {
	c := &cobra.Command{
		Use:   "fleet",
		Short: p.own.Say("cli.fleet"),
		Args:  p.noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(p.fleetAdd(), p.fleetList(), p.fleetRemove())
	return c
}

// fleetAdd enrols an agent and prints its file.
func (p *program) fleetAdd() *cobra.Command {
	var panels []string
	var out string
	c := p.needConfig(&cobra.Command{
		Use:     "add NAME",
		Short:   p.own.Say("cli.fleet.add"),
		Example: "  domovoy fleet add isp2 >isp2.enrolment\n  domovoy fleet add fra1 --vantage --out fra1.enrolment",
		Args:    p.oneName,
	})
	vantage := c.Flags().Bool("vantage", false, p.own.Say("cli.flag.vantage"))
	bot := c.Flags().Bool("bot", false, p.own.Say("cli.flag.bot"))
	c.Flags().StringArrayVar(&panels, "panel", nil, p.own.Say("cli.flag.panel"))
	c.Flags().StringVar(&out, "out", "", p.own.Say("cli.flag.outfile"))
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := p.load()
		if err != nil {
			return err
		}
		if *bot && (*vantage || len(panels) > 0) {
			return usageError{errors.New(p.own.Say("cli.fleet.onlybot"))}
		}
		if len(panels) == 0 && !*vantage {
			panels = []string{args[0]}
		}
		if out != "" { // before anything is changed
			if _, err := os.Lstat(out); err == nil {
				return p.unenrolled(fmt.Errorf("%s: %w", out, fs.ErrExist))
			}
		}
		slices.Sort(panels)
		enrol := func() (hubs.Enrolled, error) {
			if *bot {
				return hubs.EnrolBot(c.Context(), cfg, args[0], time.Now())
			}
			return hubs.Enrol(c.Context(), cfg, args[0], slices.Compact(panels), time.Now())
		}
		e, err := enrol()
		if err != nil {
			return p.unenrolled(err)
		}
		return p.printEnrolment(cfg, e, out)
	}
	return c
}

// printEnrolment prints the file, or writes it with mode 0600.
func (p *program) printEnrolment(cfg *config.Config, e hubs.Enrolled, out string) error {
	text, err := e.Text(p.own.Say("cli.fleet.file", i18n.Args{"Name": e.Name, "Panels": e.Panels, "Bot": e.Bot}))
	if err != nil {
		return err
	}
	if out == "" {
		_, err = fmt.Fprint(p.out, text)
	} else {
		err = writeNew(out, text)
	}
	if err != nil {
		return p.unenrolled(err)
	}
	if !e.Sure {
		fmt.Fprintln(p.err, p.own.Say("cli.fleet.unsure", i18n.Args{"Hub": e.Hub}))
	}
	return p.printUsers(cfg, e.Server)
}

// writeNew writes a file that is not there yet.
func writeNew(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// printUsers prints what the configuration of a server that is not ours must say now.
func (p *program) printUsers(cfg *config.Config, needed bool) error {
	if !needed {
		return nil
	}
	users, err := hubs.ServerUsers(cfg)
	if err == nil {
		_, err = fmt.Fprintf(p.err, "%s\n\n%s", p.own.Say("cli.fleet.users"), users)
	}
	return err
}

// fleetRemove ends the rights of an agent.
func (p *program) fleetRemove() *cobra.Command {
	return p.needConfig(&cobra.Command{
		Use:   "remove NAME",
		Short: p.own.Say("cli.fleet.remove"),
		Args:  p.oneName,
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := p.load()
			if err != nil {
				return err
			}
			if err := hubs.Expel(c.Context(), cfg, args[0], p.local().Person(), time.Now()); err != nil {
				return p.unenrolled(err)
			}
			fmt.Fprintln(p.out, p.own.Say("cli.fleet.removed", i18n.Args{"Name": args[0], "Server": cfg.Fleet.Listen == ""}))
			return p.printUsers(cfg, cfg.Fleet.Listen == "")
		},
	})
}

// fleetList lists the agents.
func (p *program) fleetList() *cobra.Command {
	return p.needFormat(p.needConfig(&cobra.Command{
		Use:   "list",
		Short: p.own.Say("cli.fleet.list"),
		Args:  p.noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := p.checkFormat(); err != nil {
				return err
			}
			cfg, err := p.load()
			if err != nil {
				return err
			}
			entries, err := hubs.Roster(c.Context(), cfg)
			if err != nil && !errors.Is(err, hubs.ErrAway) {
				return p.unenrolled(err)
			}
			return errors.Join(p.printRoster(cfg, entries, err == nil), p.unenrolled(err))
		},
	}))
}

// printRoster prints the agents; known: the hub said what it knows of them.
func (p *program) printRoster(cfg *config.Config, entries []fleet.Entry, known bool) error {
	if p.format == "json" {
		out := json.NewEncoder(p.out)
		out.SetEscapeHTML(false)
		return out.Encode(map[string]any{"agents": hubs.AgentData(entries, known, time.Now())})
	}
	if len(entries) == 0 {
		_, err := fmt.Fprintln(p.out, p.own.Say("cli.fleet.none"))
		return err
	}
	l := p.bundle.Locale(p.own.Language(), cfg.Timezone)
	table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, strings.ReplaceAll(l.Say("cli.fleet.columns"), ", ", "\t"))
	now := time.Now()
	for _, e := range entries {
		seen, rest := l.Say("cli.fleet.never"), "—\t—\t—\t—"
		switch {
		case !known:
			seen = "?"
		case !e.Seen.IsZero():
			seen = l.Age(now.Sub(e.Seen))
			rest = fmt.Sprintf("%s\t%+.1f\t%d\t%s", e.Version, e.Offset.Seconds(), e.Backlog, dash(e.Abilities))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", e.Name, dash(e.Panels), seen, rest)
	}
	return table.Flush()
}

func dash(words []string) string {
	if len(words) == 0 {
		return "—"
	}
	return strings.Join(words, ", ")
}

// oneName wants the name of an agent.
func (p *program) oneName(_ *cobra.Command, args []string) error {
	if len(args) != 1 || !fleet.ValidName(args[0]) {
		return usageError{errors.New(p.own.Say("cli.fleet.name"))}
	}
	return nil
}

// unenrolled is why an enrolment could not be changed or shown, and what to do.
func (p *program) unenrolled(err error) error {
	for _, known := range []struct {
		of  error
		key string
	}{
		{hubs.ErrNoFleet, "nofleet"}, {hubs.ErrAgent, "agent"}, {hubs.ErrAway, "away"}, {fleet.ErrEnrolled, "enrolled"}, {fleet.ErrNotEnrolled, "unknown"},
		{fleet.ErrPanelTaken, "taken"}, {fleet.ErrName, "badname"}, {fs.ErrExist, "exists"}, {fs.ErrPermission, "permission"},
	} {
		if errors.Is(err, known.of) {
			return explained{err, p.own.Say("cli.unenrolled."+known.key, i18n.Args{"Error": err.Error()})}
		}
	}
	return err
}
