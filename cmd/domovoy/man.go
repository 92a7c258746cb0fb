package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"domovoy/cmd/internal/app"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
)

// man prints a manual page, from the command line and the table of keys, in the
// language of the terminal. The package runs it when it is built.
func (p *program) man() *cobra.Command {
	pages := []string{"domovoy", "domovoy.yaml"}
	return &cobra.Command{
		Use:       "man domovoy|domovoy.yaml",
		Short:     p.own.Say("cli.man.short"),
		Hidden:    true,
		ValidArgs: pages,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 1 && slices.Contains(pages, args[0]) {
				return nil
			}
			return usageError{errors.New(p.own.Say("cli.unknown", i18n.Args{"Word": strings.Join(args, " "), "Command": c.CommandPath()}))}
		},
		RunE: func(c *cobra.Command, args []string) error {
			page := p.manOfProgram(c.Root())
			if args[0] != "domovoy" {
				page = p.manOfConfig()
			}
			_, err := io.WriteString(p.out, page)
			return err
		},
	}
}

// manPage is a page in the language of man(7).
type manPage struct{ strings.Builder }

func (m *manPage) macro(line ...string) {
	for i, word := range line[1:] {
		line[i+1] = `"` + strings.ReplaceAll(roff(word), `"`, `\(dq`) + `"`
	}
	m.WriteString(strings.Join(line, " ") + "\n")
}

// text adds paragraphs, which an empty line separates.
func (m *manPage) text(text string) {
	for line := range strings.Lines(strings.TrimSpace(text) + "\n") {
		if line = strings.TrimSpace(line); line == "" {
			line = ".PP"
		} else {
			line = roff(line)
		}
		m.WriteString(line + "\n")
	}
}

// entry adds a term and what it means.
func (m *manPage) entry(term, text string) {
	m.WriteString(".TP\n\\fB" + roff(term) + "\\fR\n")
	m.text(text)
}

// example adds lines as they are to be typed.
func (m *manPage) example(lines string) {
	m.WriteString(".PP\n.nf\n")
	for line := range strings.Lines(lines) {
		m.WriteString("    " + roff(strings.TrimSpace(line)) + "\n")
	}
	m.WriteString(".fi\n")
}

// roff escapes a line of text (groff_char(7)).
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(text)
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	return text
}

// page begins a page with its name in one line.
func (p *program) page(name, section, about string) *manPage {
	m := &manPage{}
	m.macro(".TH", strings.ToUpper(name), section, "", "domovoy "+app.Version(), "Domovoy")
	m.macro(".SH", p.own.Say("cli.man.name"))
	m.text(name + " - " + about)
	return m
}

func (p *program) manOfProgram(root *cobra.Command) string {
	m := p.page("domovoy", "1", root.Short)
	m.macro(".SH", p.own.Say("cli.man.synopsis"))
	m.text("domovoy " + p.own.Say("cli.help.anycommand") + " " + p.own.Say("cli.help.anyflags"))
	m.macro(".SH", p.own.Say("cli.man.description"))
	m.text(p.own.Say("cli.man.about"))
	m.macro(".SH", p.own.Say("cli.man.commands"))
	p.manOfCommands(m, root)
	m.macro(".SH", p.own.Say("cli.man.flags"))
	p.manOfFlags(m, root.PersistentFlags())
	for _, list := range []struct {
		name  string
		terms []string
	}{
		{"status", []string{"0", "1", "2"}},
		{"environment", []string{"DOMOVOY_CONFIG", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "LANG", "NO_COLOR", "GOMEMLIMIT"}},
		{"files", []string{config.DefaultFile, config.Default[config.Basics]().State, "/usr/share/doc/domovoy/examples"}},
	} {
		m.macro(".SH", p.own.Say("cli.man."+list.name))
		for i, term := range list.terms {
			m.entry(term, p.own.Say(fmt.Sprintf("cli.man.%s.%d", list.name, i)))
		}
	}
	m.macro(".SH", p.own.Say("cli.man.seealso"))
	m.text("domovoy.yaml(5), systemctl(1), setfacl(1)\n\n" + p.own.Say("cli.help.manual"))
	return m.String()
}

// manOfCommands describes the commands below c, each with those below it.
func (p *program) manOfCommands(m *manPage, c *cobra.Command) {
	for _, below := range c.Commands() {
		if !below.IsAvailableCommand() && below.Name() != "help" {
			continue
		}
		if below.Runnable() && !below.HasAvailableSubCommands() {
			m.macro(".SS", strings.TrimSuffix(below.UseLine(), " [flags]"))
			m.text(below.Short)
			p.manOfFlags(m, below.LocalNonPersistentFlags())
			if below.HasExample() {
				m.example(below.Example)
			}
		}
		p.manOfCommands(m, below)
	}
}

// manOfFlags lists the flags of a command, but not --help, which each has.
func (p *program) manOfFlags(m *manPage, flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Hidden {
			return
		}
		term := "--" + f.Name
		if f.Shorthand != "" {
			term = "-" + f.Shorthand + ", " + term
		}
		if f.Value.Type() != "bool" {
			term += " " + f.Value.Type()
		}
		about := f.Usage
		if f.DefValue != "" && f.Value.Type() != "bool" {
			about += " (" + p.own.Say("cli.help.default") + " " + f.DefValue + ")"
		}
		m.entry(term, about)
	})
}

func (p *program) manOfConfig() string {
	m := p.page("domovoy.yaml", "5", p.own.Say("cli.man.yaml.name"))
	m.macro(".SH", p.own.Say("cli.man.description"))
	m.text(p.own.Say("cli.man.yaml.about"))
	m.macro(".SH", p.own.Say("cli.man.yaml.keys"))
	for _, k := range config.Keys() {
		about := k.Title(p.own)
		switch {
		case k.Required:
			about += " (" + p.own.Say("cli.man.yaml.required") + ")"
		case k.Default != "":
			about += " (" + p.own.Say("cli.help.default") + " " + k.Default + ")"
		}
		if len(k.Words) > 0 {
			about += ": " + strings.Join(k.Words, " | ")
		}
		m.entry(k.Path, about)
	}
	m.macro(".SH", p.own.Say("cli.man.files"))
	m.entry(config.DefaultFile, p.own.Say("cli.man.files.0"))
	m.entry("/usr/share/doc/domovoy/examples/config.example.yaml", p.own.Say("cli.man.yaml.example"))
	m.macro(".SH", p.own.Say("cli.man.seealso"))
	m.text("domovoy(1)")
	return m.String()
}
