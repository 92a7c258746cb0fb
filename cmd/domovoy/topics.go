package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"domovoy/bot/console"
	"domovoy/checks"
	"domovoy/cmd/internal/manual"
	"domovoy/i18n"
	"domovoy/reports/compose"
)

// helpTopics makes "help" show the manual, by topics, and what a code means, beside
// cobra's help about commands.
func (p *program) helpTopics(help *cobra.Command) {
	help.Args = nil
	help.Run = nil
	help.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 1 {
			text, err := p.about(args[0])
			if err != nil {
				return err
			}
			if text != "" {
				_, err = io.WriteString(p.out, text)
				return err
			}
		}
		about, rest, err := c.Root().Find(args)
		if text := p.chatCommand(args); text != "" && (err != nil || !about.HasParent()) {
			_, err = io.WriteString(p.out, text)
			return err
		}
		switch {
		case err == nil && len(rest) == 0:
			return about.Help()
		case err == nil && about.HasParent():
			return p.noArgs(about, rest)
		}
		return usageError{fmt.Errorf("%s", p.own.Say("cli.help.unknown", i18n.Args{"Word": strings.Join(args, " ")}))}
	}
	commands := help.ValidArgsFunction
	help.ValidArgsFunction = func(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		names, directive := commands(c, args, word)
		if m, err := p.manual(); err == nil && len(args) == 0 {
			for _, t := range m.Topics {
				if strings.HasPrefix(t.Name, word) {
					names = append(names, t.Name+"\t"+t.Title)
				}
			}
		}
		return names, directive
	}
}

// topics is the word for the list of topics.
const topics = "topics"

// about returns the text of a topic, of the list of topics or of a code; "" if the
// word is none of them.
func (p *program) about(word string) (string, error) {
	if slices.Contains(checks.Codes(), checks.Code(word)) {
		return p.code(checks.Code(word)), nil
	}
	m, err := p.manual()
	if err != nil {
		return "", err
	}
	if word == topics {
		return p.list(m), nil
	}
	if t, ok := m.Topic(word); ok {
		return t.Render(p.width()), nil
	}
	return "", nil
}

func (p *program) manual() (*manual.Manual, error) { return manual.Load(p.own.Language()) }

// list lists the topics with their titles.
func (p *program) list(m *manual.Manual) string {
	var b strings.Builder
	widest := 0
	for _, t := range m.Topics {
		widest = max(widest, len(t.Name))
	}
	for _, t := range m.Topics {
		fmt.Fprintf(&b, "  %-*s  %s\n", widest, t.Name, t.Title)
	}
	return b.String() + "\n" + p.own.Say("cli.help.codes") + "\n"
}

// code says what a code means: its title, the explanation, and the next step.
func (p *program) code(code checks.Code) string {
	about := compose.HelpCode(compose.Writer{Locale: p.own}, code)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", about.Title, strings.Repeat("─", utf8.RuneCountInString(about.Title)))
	for _, section := range about.Sections {
		b.WriteString("\n" + console.Wrap(section.Text, p.width()) + "\n")
	}
	return b.String()
}

// chatCommand says what a command of the chats does, which "ask" takes, too; "" if
// there is none of this name.
func (p *program) chatCommand(words []string) string {
	key := "help." + strings.Join(words, "")
	if len(words) == 0 || !p.own.Has(key+".usage") {
		return ""
	}
	text := p.own.Say(key+".usage") + "\n\n" + console.Wrap(p.own.Say(key+".text"), p.width()) + "\n"
	if p.own.Has(key + ".details") {
		text += "\n" + console.Wrap(p.own.Say(key+".details"), p.width()) + "\n"
	}
	return text
}
