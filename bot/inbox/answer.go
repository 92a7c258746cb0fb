package inbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"domovoy/bot"
	"domovoy/bot/people"
	"domovoy/checks/guard"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// errAddress is returned by request for a chat that no messenger has.
var errAddress = errors.New("no answer would arrive")

// request is an update as a request: who asks, with which rights, in which
// language.
func (i *Inbox) request(ctx context.Context, u journal.Update) (bot.Request, error) {
	r := bot.Request{Person: u.Person, Name: u.Name, Private: u.Private, Now: time.Now()}
	to, err := bot.ParseAddress(u.Chat)
	if err != nil {
		return r, fmt.Errorf("%w: %w", errAddress, err)
	}
	if r.Chat, err = i.people.Configured(ctx, to); err != nil {
		return r, err
	}
	r.Role = i.people.Role(u.Person, r.Chat)
	configured := ""
	if c, ok := i.people.Chat(r.Chat); ok {
		configured = c.Language
	} else if u.Private {
		configured = u.Language // a hint of the person's own client
	}
	r.Locale, err = i.people.Locale(ctx, r.Chat, configured)
	return r, err
}

// reply is what an update is answered with.
type reply struct {
	deliveries []journal.Delivery
	answer     bot.Answer
	entry      *journal.AuditEntry // of what was done or refused; nil: there is none to keep

	text   string     // the command, as typed
	result bot.Result // zero: it panicked
}

// compose answers an update. A refusal is audited. The error is the context's
// end.
func (i *Inbox) compose(ctx context.Context, u journal.Update, r bot.Request) (reply, error) {
	if pages, err := i.turnPage(ctx, u); pages != nil || err != nil {
		return reply{deliveries: pages, text: u.Text, result: bot.ResultOK}, err
	}
	bounded, cancel := context.WithTimeout(ctx, answerBound)
	defer cancel()
	var text string
	var a bot.Answer
	var notice int64 // the delivery that says what takes so long; 0: none
	r.Notice = func(text string) { notice = i.notice(ctx, u, r, text) }
	err := guard.Run(func() (err error) {
		text, a, err = i.ask(bounded, u, r)
		return err
	})
	if err == nil {
		return reply{deliveries: replacing(notice, deliver(u, a.Message)), answer: a, entry: people.Entry(r, a.Act),
			text: text, result: bot.ResultOK}, nil
	}
	if ctx.Err() != nil {
		return reply{}, ctx.Err()
	}
	if p, ok := errors.AsType[*guard.Panic](err); ok {
		i.log.ErrorContext(ctx, "answering panicked", "update", u.ID, "panic", p.Value, "stack", p.Trace())
	}
	return i.declined(ctx, err, u, r, text, notice), nil
}

// turnPage is the answer to a button that shows more buttons: the message as it is,
// with the next page of them. Nil: the update is something else, or the message is
// not known any more.
func (i *Inbox) turnPage(ctx context.Context, u journal.Update) ([]journal.Delivery, error) {
	if u.Button == "" {
		return nil, nil
	}
	command, chat, ok, err := i.journal.Action(ctx, u.Button)
	if err != nil || !ok || command != journal.MoreCommand || !bot.SameChat(chat, u.Chat) {
		return nil, err
	}
	d, ok, err := i.journal.Shown(ctx, u.Chat, u.Ref)
	if err != nil || !ok {
		return nil, err
	}
	d.Message.Page = (d.Message.Page + 1) % len(d.Message.ButtonPages())
	return []journal.Delivery{{To: d.To, Kind: journal.AnswerKind, Problem: d.Problem, Edits: d.Edits, Message: d.Message}}, nil
}

// ask turns an update into a command and asks it. A button is a typed command
// whose words are in the journal.
func (i *Inbox) ask(ctx context.Context, u journal.Update, r bot.Request) (string, bot.Answer, error) {
	text := u.Text
	if u.Button != "" {
		command, chat, ok, err := i.journal.Action(ctx, u.Button)
		if err != nil {
			return "", bot.Answer{}, err
		}
		if !ok || chat != u.Chat && !bot.SameChat(chat, u.Chat) {
			return "", bot.Answer{}, &bot.Refusal{Code: bot.ResultNotFound, Key: "refusal.button"}
		}
		text = command
	}
	a, err := i.commands.Ask(ctx, text, r)
	if errors.Is(err, context.DeadlineExceeded) {
		err = &bot.Refusal{Code: bot.ResultUnavailable, Key: "refusal.slow"}
	}
	return text, a, err
}

// declined is what is said instead of an answer.
func (i *Inbox) declined(ctx context.Context, err error, u journal.Update, r bot.Request, text string, notice int64) reply {
	m, code := bot.Explain(ctx, i.log, err, r)
	return reply{deliveries: replacing(notice, deliver(u, m)), entry: i.refused(u, r, text, code), text: text, result: code}
}

// refused is the audit's entry of a refusal; nil: strangers leave no trace in
// what is kept for good.
func (i *Inbox) refused(u journal.Update, r bot.Request, text string, code bot.Result) *journal.AuditEntry {
	if r.Role < bot.Viewer {
		return nil
	}
	act := i.commands.Refused(text, code)
	return &journal.AuditEntry{At: r.Now, Person: u.Person, Name: u.Name, Role: r.Role.String(),
		Chat: u.Chat, Command: act.Command, Args: act.Args, Result: act.Result}
}

// turnAway composes the answer to a stranger, or to somebody who says too much.
func (i *Inbox) turnAway(ctx context.Context, u journal.Update, r bot.Request, v verdict) []journal.Delivery {
	err := bot.UnknownPerson(r)
	if v == warn {
		err = &bot.Refusal{Code: bot.ResultNotAllowed, Key: "refusal.toomany"}
	}
	m, _ := bot.Explain(ctx, i.log, err, r)
	return deliver(u, m)
}

func deliver(u journal.Update, m reports.Message) []journal.Delivery {
	return []journal.Delivery{{To: u.Chat, Kind: journal.AnswerKind, ReplyTo: u.Ref, Message: m}}
}

// notice announces in the chat what takes long. A failure is only logged: an
// answer without it is better than none.
func (i *Inbox) notice(ctx context.Context, u journal.Update, r bot.Request, text string) int64 {
	ids, err := i.journal.Enqueue(ctx, deliver(u, reports.Message{Language: r.Locale.Language(), Title: text, Silent: true}))
	if err != nil {
		i.log.WarnContext(ctx, "cannot store the notice", "chat", u.Chat, "error", err)
		return 0
	}
	i.send.Wake()
	return ids[0]
}

// replacing lets deliveries take the place of a notice, if there was one.
func replacing(notice int64, deliveries []journal.Delivery) []journal.Delivery {
	for n := range deliveries {
		deliveries[n].Edits = notice
	}
	return deliveries
}
