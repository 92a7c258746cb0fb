package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"domovoy/bot"
	"domovoy/bot/commands"
	"domovoy/bot/console"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// Local is the user at this host, who is an administrator: the permission to read
// the configuration and the state is the only one needed.
type Local struct {
	User     string // login name
	Language string // empty: the configuration's
}

// Person is how the audit names the user.
func (l Local) Person() string { return "local:" + l.User }

// Reply is an answer to Ask.
type Reply struct {
	Message reports.Message
	Data    any    // for JSON
	Refused string // the code of the refusal; empty if the request was answered
	Blind   bool   // it was answered, but nothing is known of what it asked for
}

// ErrFleetChanged is the error of Ask if an agent's panel, or what its agent can do, became
// known only while it was read: what would be answered lacks the looks from its host. The
// app is to be opened again.
var ErrFleetChanged = errors.New("the fleet is another one than at the start")

// AnswerAnyway has Ask answer even if the fleet changed meanwhile.
func (a *App) AnswerAnyway() { a.anyway = true }

// Ask reads what is new in the panels and answers one line. It may run at the same
// time as Run, and neither opens nor closes incidents. It calls notice with a
// text when something takes long.
func (a *App) Ask(ctx context.Context, who Local, text string, notice func(text string)) (Reply, error) {
	r := a.request(who)
	said := make(chan struct{})
	slow := time.AfterFunc(2*time.Second, func() {
		defer close(said)
		notice(r.Locale.Say("cli.reading"))
	})
	err := a.bot.Watch.Read(ctx, time.Now())
	if !slow.Stop() { // not after the answer
		<-said
	}
	if f := a.journal.AsFault(err); f != nil {
		a.log.ErrorContext(ctx, "the state cannot be kept", "error", err)
		return Reply{Message: compose.StateFault(r.Writer(), string(f.Reason), f.Path), Refused: bot.ResultUnavailable.String()}, nil //nolint:nilerr // the reply says it
	}
	if err != nil {
		return Reply{}, err
	}
	if !a.anyway && a.FleetChanged(ctx) {
		return Reply{}, ErrFleetChanged
	}
	r.Notice = notice
	return a.reply(ctx, text, r), nil
}

// CodeOf is the code of an error for programs: the state cannot be used, or
// something else of ours.
func CodeOf(err error) string {
	if journal.IsFault(err) {
		return bot.ResultUnavailable.String()
	}
	return bot.ResultInternal.String()
}

func (a *App) request(who Local) bot.Request {
	language := who.Language
	if language == "" {
		language = a.cfg.Language
	}
	return bot.Request{Person: who.Person(), Name: who.User, Role: bot.Admin, Chat: console.Chat(),
		Private: true, Locale: a.bundle.Locale(language, a.cfg.Timezone), Now: time.Now()}
}

func (a *App) reply(ctx context.Context, text string, r bot.Request) Reply {
	r.Now = time.Now()
	answer, err := a.bot.Commands.Do(ctx, text, r)
	if err != nil {
		m, code := bot.Explain(ctx, a.log, err, r)
		return Reply{Message: m, Refused: code.String()}
	}
	status, ok := answer.Data.(commands.StatusData)
	return Reply{Message: answer.Message, Data: answer.Data, Blind: ok && status.Blind()}
}

// Console answers lines of the console until its user leaves. For notice see Ask.
func (a *App) Console(ctx context.Context, who Local, c *console.Console, notice func(text string)) error {
	r := a.request(who)
	r.Notice, r.Talks = notice, true
	if who.Language != "" { // --lang has the effect of the command lang
		if err := a.journal.SetLanguage(ctx, r.Chat.String(), who.Language); err != nil {
			return err
		}
	}
	return c.Run(ctx, func(ctx context.Context, line string) (reports.Message, error) {
		if err := a.bot.Watch.Read(ctx, time.Now()); err != nil {
			return reports.Message{}, err
		}
		// The command lang changes the language of this console.
		if language, ok, err := a.journal.Language(ctx, r.Chat.String()); err == nil && ok {
			r.Locale = a.bundle.Locale(language, a.cfg.Timezone)
		}
		return a.reply(ctx, line, r).Message, nil
	})
}

// JSON returns the reply for programs: the data of the command and the buttons of
// the answer, or the refusal.
func (r Reply) JSON() (any, error) {
	if r.Refused != "" {
		said := r.Message.Title
		for _, s := range r.Message.Sections {
			said += " " + s.Text
		}
		return map[string]any{"error": map[string]string{"code": r.Refused, "text": said}}, nil
	}
	text, err := json.Marshal(r.Data)
	if err != nil {
		return nil, fmt.Errorf("writing the answer: %w", err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("writing the answer: %w", err)
	}
	actions := []action{}
	for _, a := range r.Message.Actions {
		if a.Command != "" && a.Row == 0 { // else it opens a page, whose address the data has, or is about a row of the data
			actions = append(actions, action{a.Label, a.Command})
		}
	}
	if len(actions) > 0 {
		if fields["actions"], err = json.Marshal(actions); err != nil {
			return nil, fmt.Errorf("writing the answer: %w", err)
		}
	}
	return fields, nil
}

// action is a button.
type action struct {
	Label   string `json:"label"`
	Command string `json:"command"`
}
