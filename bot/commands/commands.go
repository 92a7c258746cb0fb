// Package commands answers what people ask: one file a command, with the JSON
// of its answer.
package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"domovoy/bot"
	"domovoy/bot/alerts"
	"domovoy/bot/canary"
	"domovoy/bot/cancel"
	"domovoy/bot/digest"
	"domovoy/bot/people"
	"domovoy/bot/probe"
	"domovoy/bot/share"
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
	Canary  *canary.Canary
	Reports *digest.Reporter
	Share   *share.Pages // nil: customers are shown nothing
	Fleet   Roster       // nil: there is none
	Send    bot.Signal   // there is something to send
	Log     *slog.Logger
}

// Commands answers requests: it knows who may ask what, and by which words. Make it
// with New.
type Commands struct {
	Parts
	list  []bot.Command
	words vocabulary
	times vocabulary // words before a time, which mean more than that elsewhere
}

// New makes commands over parts of the bot.
func New(parts Parts) *Commands {
	c := &Commands{Parts: parts, times: vocabulary{}}
	c.times.add(parts.People.Bundle, "from", "until")
	c.list = c.List()
	c.words = newVocabulary(c.list, parts.People.Bundle)
	return c
}

// List is everything one can ask for, in the order of help; their names and roles are
// those of a zero Commands, too. A new command is one file and one line here.
func (c *Commands) List() []bot.Command {
	p := c.Parts
	acts, sent, site := trail{p.Journal}, deliveries{p.Journal, p.Send}, sites{p.Journal, p.Watch, p.Prober, p.Share}
	open, quiet := problems{p.Journal, p.Alerts}, silences{p.Journal, p.Watch, p.Alerts, p.People, c.times}
	work := background{p.Journal, p.Watch, p.Tasks}
	return []bot.Command{
		{Name: "status", Role: bot.Viewer, Run: overview{p.Watch, doubts{p.Watch}, sent}.status},
		{Name: "check", Role: bot.Viewer, Run: site.check},
		{Name: "list", Role: bot.Viewer, Run: lists{p.Watch, p.Reports}.list},
		{Name: "why", Role: bot.Viewer, Run: site.why},
		{Name: "limits", Role: bot.Viewer, Run: budgets{p.Journal, p.Watch}.limits},
		{Name: "chart", Role: bot.Viewer, Run: charts{p.Journal, p.Watch}.chart},
		{Name: "plan", Role: bot.Viewer, Run: reissue{p.Watch}.plan},
		{Name: "ack", Role: bot.Viewer, Acts: bot.Operator, Run: open.ack},
		{Name: "silence", Role: bot.Viewer, Acts: bot.Operator, Run: quiet.silence},
		{Name: "unsilence", Role: bot.Operator, Run: quiet.unsilence},
		{Name: "hand", Role: bot.Operator, Run: open.hand},
		{Name: "escalate", Role: bot.Operator, Run: open.escalate},
		{Name: "report", Role: bot.Operator, Run: digests{p.Reports}.report},
		{Name: "share", Role: bot.Operator, Run: shares{site, p.People, p.Share}.share},
		{Name: "cancel", Role: bot.Admin, Run: p.Cancel.Ask},
		{Name: "confirm", Role: bot.Admin, Run: work.confirm},
		{Name: "sweep", Role: bot.Operator, Run: work.sweep},
		{Name: "stop", Role: bot.Operator, Run: work.stop},
		{Name: "delivery", Role: bot.Viewer, Run: sent.delivery},
		{Name: "audit", Role: bot.Admin, Run: acts.audit},
		{Name: "selftest", Role: bot.Operator, Run: selfTest{p.Journal, p.Watch, acts, p.People, p.Canary}.run},
		{Name: "fleet", Role: bot.Viewer, Run: p.fleet},
		{Name: "lang", Role: bot.Viewer, Run: languages{p.Journal, p.People}.lang},
		{Name: "whoami", Role: bot.Viewer, Run: whoami},
		{Name: "help", Role: bot.Viewer, Run: c.help},
	}
}

// offered are the commands that help and menus list: without a fleet nobody needs to
// read of it.
func (c *Commands) offered() []bot.Command {
	return slices.DeleteFunc(slices.Clone(c.list), func(x bot.Command) bool { return x.Name == "fleet" && c.Fleet == nil })
}

// find a command by its name.
func (c *Commands) find(name string) (bot.Command, bool) {
	i := slices.IndexFunc(c.list, func(x bot.Command) bool { return x.Name == name })
	if i < 0 {
		return bot.Command{}, false
	}
	return c.list[i], true
}

// Ask answers one line of text. A refusal is an error of type *bot.Refusal; any
// other error is internal and not for the one who asked: see bot.Explain.
func (c *Commands) Ask(ctx context.Context, text string, r bot.Request) (answer bot.Answer, err error) {
	s := c.words.parse(text)
	r.Words, r.Typed = s.words, s.typedWords
	if r.Role < bot.Viewer {
		return bot.Answer{}, bot.UnknownPerson(r)
	}
	answer, err = c.ask(ctx, s.name, r)
	if refusal, ok := errors.AsType[*bot.Refusal](err); ok {
		err = guide{c, s, r}.offered(ctx, s.quoted(refusal))
	}
	return answer, err
}

// ask runs a command, if there is one and the person may use it.
func (c *Commands) ask(ctx context.Context, name string, r bot.Request) (answer bot.Answer, err error) {
	if _, command := c.find(name); !command && slices.Contains(reports.Lists(), name) { // the name of a list alone asks for it
		name, r.Words = "list", append([]string{name}, r.Words...)
	}
	command, ok := c.find(name)
	if !ok && name == "revoke" { // in a PKI that is another act than cancelling an authorization
		return bot.Answer{}, &bot.Refusal{Code: bot.ResultUnknownCommand, Key: "refusal.revoke"}
	}
	if !ok {
		return bot.Answer{}, &bot.Refusal{Code: bot.ResultUnknownCommand, Key: "refusal.command", Args: i18n.Args{"Command": bot.Short(name)}}
	}
	needs := command.Role
	if len(r.Words) > 0 {
		needs = max(needs, command.Acts)
	}
	if r.Role < needs {
		return bot.Answer{}, bot.NotAllowed(r, command.Name, needs)
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
		if c.acts(c.words.parse(text)) { // refused questions are not kept here
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
	s := c.words.parse(text)
	if !c.acts(s) {
		s.words = nil
	}
	return bot.NewAct(bot.Short(s.name), bot.ShortWords(s.words), code)
}

// Name of the command that a text asks for; "unknown" if there is none.
func (c *Commands) Name(text string) string {
	if command, ok := c.find(c.words.parse(text).name); ok {
		return command.Name
	}
	return "unknown"
}

// acts reports whether a command changes something outside the bot, or what
// others are told: the audit then keeps its words, too.
func (c *Commands) acts(s said) bool {
	command, ok := c.find(s.name)
	return ok && command.Role >= bot.Admin || s.believes() || slices.Contains([]string{"stop", "ack", "silence", "unsilence", "hand", "escalate", "share"}, s.name)
}

// noWords refuses words behind a command that takes none.
func noWords(command string, r bot.Request) error {
	if len(r.Words) == 0 {
		return nil
	}
	return &bot.Refusal{Code: bot.ResultUsage, Key: "usage.nowords", Args: i18n.Args{"Command": command, "Word": bot.Short(r.Words[0])}}
}
