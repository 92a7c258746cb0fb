// Package commands answers what people ask: one file a command, with the JSON
// of its answer.
package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
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
	Send    bot.Signal // there is something to send
	Log     *slog.Logger
}

// Commands answers requests. Make it with New.
type Commands struct {
	Parts
	words vocabulary
	times vocabulary // words before a time, which mean more than that elsewhere
}

// New makes commands over parts of the bot.
func New(parts Parts) *Commands {
	c := &Commands{Parts: parts}
	c.words, c.times = newVocabulary(c.List(), parts.People.Bundle), vocabulary{}
	c.times.add(parts.People.Bundle, "from", "until")
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
		{Name: "chart", Role: bot.Viewer, Run: c.chart},
		{Name: "plan", Role: bot.Viewer, Run: c.plan},
		{Name: "ack", Role: bot.Viewer, Run: c.ack},
		{Name: "silence", Role: bot.Viewer, Run: c.silence},
		{Name: "unsilence", Role: bot.Operator, Run: c.unsilence},
		{Name: "hand", Role: bot.Operator, Run: c.hand},
		{Name: "escalate", Role: bot.Operator, Run: c.escalate},
		{Name: "report", Role: bot.Operator, Run: c.report},
		{Name: "cancel", Role: bot.Admin, Run: c.cancel},
		{Name: "confirm", Role: bot.Admin, Run: c.confirm},
		{Name: "sweep", Role: bot.Operator, Run: c.sweep},
		{Name: "stop", Role: bot.Operator, Run: c.stop},
		{Name: "delivery", Role: bot.Viewer, Run: c.delivery},
		{Name: "audit", Role: bot.Admin, Run: c.audit},
		{Name: "selftest", Role: bot.Operator, Run: c.selftest},
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

// acts reports whether a command changes something outside the bot, or what
// others are told: the audit then keeps its words, too.
func (c *Commands) acts(s said) bool {
	command, ok := c.find(s.name)
	return ok && command.Role >= bot.Admin || s.believes() || slices.Contains([]string{"stop", "ack", "silence", "unsilence", "hand", "escalate"}, s.name)
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
	names = append(names, reports.WeekLists()...)
	names = append(names, "retry", "enable", "revoke", "authz", "all", "valid", "probe", "reissue", bot.Daily, bot.Weekly, "page", "file", "owner", "cause", "server", "older", "owners", reports.CauseRest)
	names = append(names, "believe", "verify", "name")
	names = append(names, reports.Charts()...)
	names = append(names, reports.ByHour, "dark", "light")
	v.add(bundle, names...)
	return v
}

// add adds English words and what means the same in the catalogs.
func (v vocabulary) add(bundle *i18n.Bundle, names ...string) {
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
}

// said is one line of text as a command and its words. Known words and phrases are in
// English, others as they are; typed and typedWords have each as it was typed.
type said struct {
	name, typed       string
	words, typedWords []string
}

// parse splits what was typed.
func (v vocabulary) parse(text string) said {
	fields := strings.Fields(strings.Map(visible, text))
	if len(fields) > 0 {
		fields[0] = strings.TrimPrefix(fields[0], "/")
	}
	var words, typed []string
	for len(fields) > 0 {
		word, n := v.phrase(fields)
		words, typed = append(words, word), append(typed, strings.Join(fields[:n], " "))
		fields = fields[n:]
	}
	if len(words) == 0 {
		return said{}
	}
	return said{words[0], typed[0], words[1:], typed[1:]}
}

// longestPhrase is how many words a phrase of the catalogs has at most.
const longestPhrase = 3

// phrase is what the first words mean in English, and how many they are. A word
// may be the key of a filter: "владелец=client1".
func (v vocabulary) phrase(fields []string) (word string, n int) {
	for n := min(longestPhrase, len(fields)); n > 1; n-- {
		if known, ok := v[strings.ToLower(strings.Join(fields[:n], " "))]; ok {
			return known, n
		}
	}
	key, value, assigned := strings.Cut(fields[0], "=")
	if known, ok := v[strings.ToLower(key)]; ok {
		key = known
	}
	if known := v[strings.ToLower(value)]; known == reports.CauseRest && key == "cause" { // not "panel", which begins codes
		value = known
	}
	if assigned {
		key += "=" + value
	}
	return key, 1
}

// visible is for strings.Map: it drops characters that nobody sees, which come
// along when a text is copied from a document or a web page, and makes a plain
// hyphen of those that only look like one. Joiners stay: names in some scripts
// need them (RFC 5892, appendices A.1 and A.2).
func visible(r rune) rune {
	switch {
	case r == '\u00AD', r == '\u200B', r == '\u2060', r == '\uFEFF', // soft hyphen, no width
		r == '\u200E', r == '\u200F', '\u202A' <= r && r <= '\u202E', '\u2066' <= r && r <= '\u2069': // direction
		return -1
	case r == '\u2010', r == '\u2011', r == '\u2212': // hyphen, non-breaking hyphen, minus
		return '-'
	}
	return r
}

// quoted has a refusal quote the command, and the word that it does not understand,
// as they were typed, not as they were understood.
func (s said) quoted(refusal *bot.Refusal) *bot.Refusal {
	told := *refusal
	told.Args = maps.Clone(refusal.Args)
	if told.Args == nil {
		told.Args = i18n.Args{}
	}
	told.Args["Typed"] = bot.Short(s.typed)
	quoted, _ := refusal.Args["Word"].(string)
	for i, word := range s.words {
		if s.typedWords[i] != word && quoted == bot.Short(word) {
			told.Args["Word"] = bot.Short(s.typedWords[i])
			break
		}
	}
	return &told
}
