// Package setup asks what a first configuration needs, tries each answer at once, and
// writes everything in one go at the end. It can be run again: what the configuration
// has is the answer to a question that is answered by Enter.
package setup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"domovoy/bot"
	"domovoy/bot/fleet"
	"domovoy/cmd/internal/app"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
)

// Options say where setup works. Everything but Bundle and Talk may be zero.
type Options struct {
	Bundle *i18n.Bundle
	Talk   *Talk
	Given  *Answers // nil: a person is asked
	Agreed bool     // the last question is answered with yes
	Env    config.Env

	Config  string // the file to write
	Prefix  string // everything is below this folder and nothing else is touched; empty: this host
	User    string // of the service
	Agent   string // the file of an enrolment: this host becomes an agent; empty: it has or gets a bot
	Program string // this program's own file, for the unit

	TelegramAPI, SlackAPI string        // other servers of the messengers
	Wait                  time.Duration // for a code
	DryRun                bool          // say what would be written, and no more
}

// Errors of Run. What they mean has been said.
var (
	ErrUnchanged = errors.New("nothing was changed") // no answers, or no agreement
	ErrFailed    = errors.New("a step failed")
)

// session is one run.
type session struct {
	Options
	talk    *Talk
	account account
	old     *config.Config // nil: there is none yet, or none that can be read
	oldText string
	code    string // that people say to the bot
	draft   draft
}

// draft is what is to be written.
type draft struct {
	language  string
	panel     panel
	hasPanel  bool            // the configuration has panels already
	enrolment fleet.Enrolment // of an agent
	vantage   config.Vantage
	parts     []part
	secrets   map[string]string // by the name of the file beside the configuration
	grants    []command
	ends      map[string]string // by the path that is closed to the service's user: where the way ends
	able      bool              // the service gets CAP_DAC_READ_SEARCH
}

// part is one messenger.
type part struct {
	name      string      // telegram, slack
	keys      [][2]string // of its section that change; without a value: none
	gone      []string    // keys of its section that go
	changed   bool
	messenger bot.Messenger
	chats     []config.Chat // that are new
	people    []config.Person
}

// Run asks, tries, writes and starts.
func Run(ctx context.Context, o Options) error {
	// A token that somebody pastes before its question is there is not shown either.
	o.Talk.hide()
	defer o.Talk.reveal()
	s := &session{Options: o, talk: o.Talk, account: findAccount(o.User), code: newCode()}
	s.draft.secrets = map[string]string{}
	err := s.collect(ctx)
	if err == nil {
		err = s.apply(ctx)
	}
	if errors.Is(err, errLeft) || ctx.Err() != nil {
		s.talk.say("setup.unchanged")
		return ErrUnchanged
	}
	return err
}

// collect asks and tries. It changes nothing.
func (s *session) collect(ctx context.Context) error {
	s.talk.say("setup.intro", i18n.Args{"Given": s.Given != nil})
	if err := s.readOld(); err != nil {
		return err
	}
	if s.Given != nil {
		if key, value, example := s.Given.misplaced(); key != "" {
			return s.refuse(s.talk.l.Say("setup.answers.address", i18n.Args{"Key": key, "Value": value, "Example": example}))
		}
	}
	s.draft.language = s.talk.l.Language()
	if s.old != nil {
		s.draft.language = s.old.Language
	} else if s.Given != nil && s.Given.Language != "" {
		s.draft.language = s.Given.Language
	}
	if s.isAgent() {
		s.talk.print("")
		return s.askAgent(ctx)
	}
	for _, ask := range []func(context.Context) error{s.askPanel, s.askTelegram, s.askSlack} {
		s.talk.print("")
		if err := ask(ctx); err != nil {
			return err
		}
	}
	if len(s.draft.parts) == 0 {
		s.talk.say("setup.mute")
		return errLeft
	}
	return nil
}

// readOld reads the configuration that is there.
func (s *session) readOld() error {
	text, err := os.ReadFile(s.Config)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		s.talk.say("setup.old.unread", i18n.Args{"File": s.Config, "Error": err})
		return ErrFailed
	}
	s.oldText = string(text)
	if !written(s.oldText) { // the package's file, which is all comments
		return nil
	}
	cfg, _, err := s.stage(s.oldText) // where the mode of a secret's file does not matter: it is mended
	if err != nil {
		return err
	}
	if cfg == nil {
		s.talk.say("setup.old.faults", i18n.Args{"File": s.Config})
		return nil
	}
	s.old = cfg
	s.talk.say("setup.old.found", i18n.Args{"File": s.Config})
	return nil
}

// written reports whether a file has more than comments.
func written(text string) bool {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return true
		}
	}
	return false
}

// at is a path of this host, below the prefix.
func (s *session) at(path string) string { return filepath.Join(s.Prefix, path) }

// folder is that of the configuration.
func (s *session) folder() string { return filepath.Dir(s.Config) }

// letters of codes; none looks like another one.
const letters = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"

// newCode is a code that nobody can guess within the time that it is waited for.
func newCode() string {
	random := make([]byte, 8)
	_, _ = rand.Read(random) // it never fails
	for i, b := range random {
		random[i] = letters[int(b)%len(letters)]
	}
	return string(random)
}

// hasCode reports whether a text is the code, as a command or alone.
func (s *session) hasCode(text string) bool {
	for word := range strings.FieldsSeq(text) {
		if strings.EqualFold(word, s.code) {
			return true
		}
	}
	return false
}

// refuse says that an answer of the file cannot be used, and ends.
func (s *session) refuse(text string) error {
	s.talk.print(text)
	s.talk.say("setup.unchanged")
	return ErrUnchanged
}

// command is a command of the system.
type command struct {
	args   []string
	stdin  string // empty: none
	secret string // in stdin; shown as ***
	hand   bool   // root of this host cannot run it as it is
}

// String is the command as one types it.
func (c command) String() string {
	words := make([]string, len(c.args))
	for i, arg := range c.args {
		words[i] = app.Quoted(arg)
	}
	text := strings.Join(words, " ")
	if c.stdin != "" {
		text += fmt.Sprintf(" <<'EOF'\n%s\nEOF", c.stdin)
	}
	if c.secret != "" {
		text = strings.ReplaceAll(text, c.secret, "***")
	}
	return text
}
