// Package commands answers what people ask: one file a command, with the JSON
// of its answer.
package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"domovoy/bot"
	"domovoy/bot/alerts"
	"domovoy/bot/cancel"
	"domovoy/bot/digest"
	"domovoy/bot/people"
	"domovoy/bot/probe"
	"domovoy/bot/task"
	"domovoy/bot/watch"
	"domovoy/checks/guard"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// Parts are what commands work with.
type Parts struct {
	Journal *journal.Journal
	Watch   *watch.Watch
	Prober  *probe.Prober
	Alerts  *alerts.Recorder
	People  *people.Directory
	Tasks   *task.Runner
	Cancel  *cancel.Canceller
	Reports *digest.Reporter
	Log     *slog.Logger
}

// Commands answers requests. Make it with New.
type Commands struct {
	Parts
	words vocabulary
}

// New makes commands over parts of the bot.
func New(parts Parts) *Commands {
	c := &Commands{Parts: parts}
	c.words = newVocabulary(c.List(), parts.People.Bundle)
	return c
}

// List is everything one can ask for, in the order of help. A new command is
// one file and one line here.
func (c *Commands) List() []bot.Command {
	return []bot.Command{
		{Name: "status", Role: bot.Viewer, Run: c.status},
		{Name: "check", Role: bot.Viewer, Run: c.check},
		{Name: "list", Role: bot.Viewer, Run: c.list},
		{Name: "why", Role: bot.Viewer, Run: c.why},
		{Name: "limits", Role: bot.Viewer, Run: c.limits},
		{Name: "plan", Role: bot.Viewer, Run: c.plan},
		{Name: "report", Role: bot.Operator, Run: c.report},
		{Name: "cancel", Role: bot.Admin, Run: c.cancel},
		{Name: "confirm", Role: bot.Admin, Run: c.confirm},
		{Name: "sweep", Role: bot.Operator, Run: c.sweep},
		{Name: "stop", Role: bot.Operator, Run: c.stop},
		{Name: "audit", Role: bot.Admin, Run: c.audit},
		{Name: "lang", Role: bot.Viewer, Run: c.lang},
		{Name: "whoami", Role: bot.Viewer, Run: c.whoami},
		{Name: "help", Role: bot.Viewer, Run: c.help},
	}
}

// find a command by its name.
func (c *Commands) find(name string) (bot.Command, bool) {
	list := c.List()
	i := slices.IndexFunc(list, func(x bot.Command) bool { return x.Name == name })
	if i < 0 {
		return bot.Command{}, false
	}
	return list[i], true
}

// Ask answers one line of text. A refusal is an error of type *bot.Refusal; any
// other error is internal and not for the one who asked: see bot.Explain.
func (c *Commands) Ask(ctx context.Context, text string, r bot.Request) (answer bot.Answer, err error) {
	name, words := c.words.parse(text)
	r.Words = words
	if r.Role < bot.Viewer {
		return bot.Answer{}, bot.UnknownPerson(r)
	}
	command, ok := c.find(name)
	if !ok {
		return bot.Answer{}, &bot.Refusal{Code: bot.ResultUnknownCommand, Key: "refusal.command", Args: i18n.Args{"Command": bot.Short(name)}}
	}
	if r.Role < command.Role {
		return bot.Answer{}, bot.NotAllowed(r, command.Name, command.Role)
	}
	err = guard.Run(func() (err error) { answer, err = command.Run(ctx, r); return err })
	if p, ok := errors.AsType[*guard.Panic](err); ok {
		return bot.Answer{}, fmt.Errorf("%s panicked: %v\n%s", name, p.Value, p.Trace()) // logged once, where it is explained
	}
	return answer, err
}

// Do answers one line of text and finishes the work that it begins, for somebody
// who waits: a program, or a person at the console. Errors are those of Ask.
func (c *Commands) Do(ctx context.Context, text string, r bot.Request) (bot.Answer, error) {
	r.Waits = true
	answer, err := c.Ask(ctx, text, r)
	if refusal, ok := errors.AsType[*bot.Refusal](err); ok {
		if name, _ := c.words.parse(text); c.acts(name) { // refused questions are not kept here
			answer.Act = c.Refused(text, refusal.Code)
		}
	}
	if err != nil || answer.Work == nil {
		return answer, errors.Join(err, c.keep(ctx, r, answer.Act))
	}
	return c.Tasks.Inline(ctx, r, answer)
}

// keep stores an act in the audit; nil is none.
func (c *Commands) keep(ctx context.Context, r bot.Request, act *bot.Act) error {
	if act == nil {
		return nil
	}
	return c.Journal.Audit(ctx, *people.Entry(r, act))
}

// Refused is what the audit keeps of a refused command.
func (c *Commands) Refused(text string, code bot.Result) *bot.Act {
	name, words := c.words.parse(text)
	if !c.acts(name) {
		words = nil
	}
	return bot.NewAct(bot.Short(name), bot.ShortWords(words), code)
}

// acts reports whether a command changes something outside the bot: the audit
// then keeps its words, too.
func (c *Commands) acts(name string) bool {
	command, ok := c.find(name)
	return ok && command.Role >= bot.Admin || name == "stop"
}

// cancel begins to plan a cancellation.
func (c *Commands) cancel(ctx context.Context, r bot.Request) (bot.Answer, error) {
	return c.Cancel.Ask(ctx, r)
}

// noWords refuses words behind a command that takes none.
func noWords(command string, r bot.Request) error {
	if len(r.Words) == 0 {
		return nil
	}
	return &bot.Refusal{Code: bot.ResultUsage, Key: "usage.nowords", Args: i18n.Args{"Command": command, "Word": bot.Short(r.Words[0])}}
}

// vocabulary knows every word that means a command or an argument, in any of
// the languages: the catalogs list them under "words.".
type vocabulary map[string]string

// newVocabulary gathers the words. An English word is itself.
func newVocabulary(commands []bot.Command, bundle *i18n.Bundle) vocabulary {
	v := vocabulary{}
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	names = append(names, reports.Lists()...)
	names = append(names, "authz", "all", "valid", "probe", "reissue", bot.Daily, bot.Weekly, "page", "file", "owner", "cause", "server")
	for _, language := range bundle.Languages() {
		l := bundle.Locale(language, nil)
		for _, name := range names {
			v[name] = name
			if key := "words." + name; l.Has(key) {
				for word := range strings.SplitSeq(l.Say(key), ",") {
					v[strings.TrimSpace(word)] = name
				}
			}
		}
	}
	return v
}

// parse splits what was typed into a command's name and its words. Known
// words come out in English; others stay as they are.
func (v vocabulary) parse(text string) (name string, words []string) {
	for i, word := range strings.Fields(text) {
		if i == 0 {
			word = strings.TrimPrefix(word, "/")
		}
		key, value, assigned := strings.Cut(word, "=")
		if known, ok := v[strings.ToLower(key)]; ok {
			key = known
		}
		if assigned {
			key += "=" + value
		}
		if i == 0 {
			name = key
			continue
		}
		words = append(words, key)
	}
	return name, words
}
