package bot

import (
	"context"
	"fmt"
	"strings"
	"time"

	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// Request is what a person asks.
type Request struct {
	Person  string // immutable id, such as telegram:123456789 or local:root
	Name    string // for show
	Role    Role
	Chat    Address // where the answer goes
	Private bool
	Words   []string // what was typed, without the command's own name
	Locale  *i18n.Locale
	Now     time.Time
	Notice  func(text string) // tells at once what takes long; nil: nobody can be told
	Talks   bool              // sits at the console, which is left by a word
	Waits   bool              // for the end of what takes long: a program, or somebody at the console
}

// Writer composes in the language and at the moment of the request.
func (r Request) Writer() compose.Writer {
	return compose.Writer{Locale: r.Locale, Now: r.Now, Secrets: r.secrets()}
}

// secrets reports whether the answer may hold a link that acts in the account's
// name: an administrator asks, and nobody else reads along.
func (r Request) secrets() bool { return r.Role >= Admin && r.Private }

// Answer is what a command gives back: for a person, and for a program.
type Answer struct {
	Message reports.Message
	Data    any                 // the JSON of the contract
	Task    *journal.Task       // what takes long and is only begun; the message shows how far it is. nil: all is done
	Entry   *journal.AuditEntry // of what was done; nil: nothing worth it
}

// Command is something one can ask for.
type Command struct {
	Name string
	Role Role // at least
	Run  func(ctx context.Context, b *Bot, r Request) (Answer, error)
}

// Commands lists everything one can ask for, in the order of help. A new
// command is one file and one line here.
func Commands() []Command {
	return []Command{
		{"status", Viewer, status},
		{"check", Viewer, check},
		{"list", Viewer, list},
		{"why", Viewer, why},
		{"limits", Viewer, limits},
		{"plan", Viewer, plan},
		{"report", Operator, report},
		{"cancel", Admin, cancel},
		{"confirm", Admin, confirm},
		{"sweep", Operator, sweep},
		{"stop", Operator, stop},
		{"audit", Admin, audit},
		{"lang", Viewer, lang},
		{"whoami", Viewer, whoami},
		{"help", Viewer, help},
	}
}

// Refusal is why a request was not met, made for the one who asked. Anything
// else that goes wrong is an internal error: it is logged, and the one who
// asked gets a reference.
type Refusal struct {
	Code Result // for programs
	Key  string // of the text
	Args i18n.Args
}

// Error is for logs.
func (r *Refusal) Error() string { return fmt.Sprintf("refused: %s %v", r.Code, r.Args) }

// noWords refuses words behind a command that takes none.
func noWords(command string, r Request) error {
	if len(r.Words) == 0 {
		return nil
	}
	return &Refusal{Code: ResultUsage, Key: "usage.nowords", Args: i18n.Args{"Command": command, "Word": shown(r.Words[0])}}
}

// vocabulary knows every word that means a command or an argument, in any of
// the languages: the catalogs list them under "words.".
type vocabulary map[string]string

// newVocabulary gathers the words. An English word is itself.
func newVocabulary(bundle *i18n.Bundle) vocabulary {
	v := vocabulary{}
	var names []string
	for _, c := range Commands() {
		names = append(names, c.Name)
	}
	names = append(names, reports.Lists()...)
	names = append(names, "authz", "all", "valid", "probe", "reissue", Daily, Weekly, "page", "file", "owner", "cause", "server")
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
