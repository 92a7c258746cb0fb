package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"domovoy/i18n"
)

// translateHelp replaces cobra's texts of usage, help and completion with those of
// the catalogs. It is called when root has all commands.
func (p *program) translateHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	root.SetUsageFunc(func(c *cobra.Command) error {
		_, err := io.WriteString(c.OutOrStderr(), p.usage(c))
		return err
	})
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Use = "help " + p.own.Say("cli.help.anytopic")
			c.Short = p.own.Say("cli.help.help")
			c.Long = c.Short
			p.helpTopics(c)
		case "completion":
			c.Short = p.own.Say("cli.help.completion")
			c.Long = c.Short
			p.describeCompletion(c)
		}
	}
	p.flags(root)
}

// describeCompletion describes how each shell loads its completion, for a session
// and permanently.
func (p *program) describeCompletion(completion *cobra.Command) {
	for _, c := range completion.Commands() {
		c.Short = p.own.Say("cli.help.shell", i18n.Args{"Shell": c.Name()})
		c.Long = c.Short + "\n" + p.own.Say("cli.help.load")
		c.Example = map[string]string{
			"bash":       "  source <(domovoy completion bash)\n  domovoy completion bash > /etc/bash_completion.d/domovoy",
			"zsh":        "  source <(domovoy completion zsh)\n  domovoy completion zsh > \"${fpath[1]}/_domovoy\"",
			"fish":       "  domovoy completion fish | source\n  domovoy completion fish > ~/.config/fish/completions/domovoy.fish",
			"powershell": "  domovoy completion powershell | Out-String | Invoke-Expression\n  domovoy completion powershell >> $PROFILE",
		}[c.Name()]
		if f := c.Flags().Lookup("no-descriptions"); f != nil {
			f.Usage = p.own.Say("cli.help.nodescriptions")
		}
	}
}

// flags translates the flags of a command and its subcommands.
func (p *program) flags(c *cobra.Command) {
	c.InitDefaultHelpFlag()
	c.Flags().Lookup("help").Usage = p.own.Say("cli.help.flag", i18n.Args{"Command": c.Name()})
	for flag, name := range map[string]string{"config": "FILE", "out": "DIR", "week": "WEEK", "days": "N", "answers": "FILE", "prefix": "DIR", "user": "USER", "wait": "TIME", "telegram-api": "URL", "slack-api": "URL", "lang": "LANG", "format": "FORMAT", "panel": "NAME"} {
		if f := c.Flags().Lookup(flag); f != nil {
			if flag == "out" && c.Name() == "add" {
				name = "FILE" // report writes several
			}
			if f.DefValue == "[]" {
				f.DefValue = "" // the library would print it, as it does not know the type
			}
			f.Value = named{f.Value, name}
		}
	}
	if f := c.PersistentFlags().Lookup("log"); f != nil {
		f.Value = named{f.Value, "FORM"}
	}
	for _, below := range c.Commands() {
		p.flags(below)
	}
}

// named is a flag whose usage has a name for the value, such as FILE, as in the
// READMEs. The library prints the Go type.
type named struct {
	value
	name string
}

type value interface {
	String() string
	Set(text string) error
}

// Type is the word after the flag in a usage.
func (n named) Type() string { return n.name }

// usage returns the usage of a command, with the parts and the order of cobra's
// own.
func (p *program) usage(c *cobra.Command) string {
	var text strings.Builder
	part := func(key, body string) {
		fmt.Fprintf(&text, "%s\n%s\n\n", p.own.Say("cli.help."+key), strings.TrimRight(body, " \n"))
	}
	part("usage", p.lines(c))
	if c.HasExample() {
		part("examples", c.Example)
	}
	if c.HasAvailableSubCommands() {
		var list strings.Builder
		for _, below := range c.Commands() {
			if below.IsAvailableCommand() || below.Name() == "help" {
				fmt.Fprintf(&list, "  %-*s %s\n", below.NamePadding(), below.Name(), below.Short)
			}
		}
		part("commands", list.String())
	}
	if c.HasAvailableLocalFlags() {
		part("flags", p.defaults(c.LocalFlags().FlagUsages()))
	}
	if c.HasAvailableInheritedFlags() {
		part("global", p.defaults(c.InheritedFlags().FlagUsages()))
	}
	if c.HasAvailableSubCommands() {
		text.WriteString(p.own.Say("cli.help.more", i18n.Args{"Command": c.CommandPath()}) + "\n")
		if !c.HasParent() {
			text.WriteString(p.own.Say("cli.help.manual") + "\n")
		}
	}
	return strings.TrimRight(text.String(), "\n") + "\n"
}

// lines returns the ways to call a command.
func (p *program) lines(c *cobra.Command) string {
	var lines string
	if c.Runnable() {
		lines = "  " + strings.Replace(c.UseLine(), "[flags]", p.own.Say("cli.help.anyflags"), 1) + "\n"
	}
	if c.HasAvailableSubCommands() {
		lines += "  " + c.CommandPath() + " " + p.own.Say("cli.help.anycommand")
	}
	return lines
}

// defaults translates the word that the flag library puts before a default.
func (p *program) defaults(usages string) string {
	return strings.ReplaceAll(usages, "(default ", "("+p.own.Say("cli.help.default")+" ")
}
