// Package inbox answers what people say in the messengers: it stores each
// update first, then decides who may ask, and answers.
package inbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"domovoy/bot"
	"domovoy/bot/commands"
	"domovoy/bot/internal/work"
	"domovoy/bot/people"
	"domovoy/checks/guard"
	"domovoy/checks/pace"
	"domovoy/reports/journal"
)

// Inbox answers updates: in the order of each chat, some chats at once, and
// those of people in the configuration before those of strangers.
type Inbox struct {
	journal  *journal.Journal
	people   *people.Directory
	commands *commands.Commands
	send     bot.Signal    // there is something to send
	pool     *work.Pool    // an answer is a job; its key is the chat
	turns    chan struct{} // to find an answer; storing it needs none
	flood    flood         // used by Run alone
	log      *slog.Logger

	// Accepts is asked before updates are stored whether the bot may take new ones now: the
	// messenger keeps them as long as it may not. Nil: it always may.
	Accepts func() bool

	// Excuse tells somebody that a request cannot be stored; nil: nobody is told.
	Excuse func(ctx context.Context, u bot.Update, err error)

	// Answered is told of each answer to a known person; nil: nobody is.
	Answered func(command string, result bot.Result, took time.Duration)
}

// New makes an inbox.
func New(j *journal.Journal, d *people.Directory, c *commands.Commands, send bot.Signal, log *slog.Logger) *Inbox {
	return &Inbox{journal: j, people: d, commands: c, send: send, pool: work.NewPool(underWay, bot.NewSignal(), log), turns: make(chan struct{}, atOnce), flood: newFlood(), log: log}
}

const (
	answerBound = 30 * time.Second // the time one answer may take
	atOnce      = 4                // answers found at once
	underWay    = 64               // chats whose answers are found or stored: many are stored with one sync of the disk
	batch       = 100              // strangers looked at before known people are looked for again
)

// Of is the inbox of one messenger, for it to listen into.
func (i *Inbox) Of(messenger string) bot.Inbox { return box{i, messenger} }

// box is one messenger's way into the journal.
type box struct {
	inbox     *Inbox
	messenger string
}

// acceptPause is how long an update waits before Accepts is asked again.
const acceptPause = 200 * time.Millisecond

// errHeld is the error of updates that are left to the messenger.
var errHeld = errors.New("this bot takes no new questions while its lease is in doubt")

func (b box) Receive(ctx context.Context, updates []bot.Update, cursor string) error {
	for b.inbox.Accepts != nil && !b.inbox.Accepts() {
		if err := pace.Sleep(ctx, acceptPause); err != nil {
			return fmt.Errorf("%w: %w", errHeld, err)
		}
	}
	rows := make([]journal.Update, len(updates))
	for n, u := range updates {
		rows[n] = journal.Update(u)
	}
	fresh, err := b.inbox.journal.Receive(ctx, b.messenger, rows, cursor)
	if fresh > 0 {
		b.inbox.pool.Wake.Wake()
	}
	if err != nil && b.inbox.Excuse != nil && ctx.Err() == nil {
		for _, u := range updates {
			b.inbox.Excuse(ctx, u, err)
		}
	}
	return err
}

// Admitted has what waits for a chat that refused us tried now.
func (b box) Admitted(ctx context.Context, to bot.Address) error {
	err := b.inbox.journal.TryChat(ctx, to.Whole().String())
	b.inbox.send.Wake()
	return err
}

func (b box) Cursor(ctx context.Context) (string, error) {
	return b.inbox.journal.Cursor(ctx, b.messenger)
}

// voidPause is how long a messenger that refuses us for good is left alone
// before the next try: somebody may have corrected the token's rights.
const voidPause = 5 * time.Minute

// Listen keeps a messenger listening until the context ends. One that refuses
// us for good stops neither the bot nor the others.
func (i *Inbox) Listen(ctx context.Context, name string, m bot.Messenger) error {
	for ctx.Err() == nil {
		err := m.Listen(ctx, i.Of(name))
		if ctx.Err() != nil {
			break
		}
		i.log.ErrorContext(ctx, "messenger stopped listening", "messenger", name, "retry_in", voidPause, "error", err)
		_ = pace.Sleep(ctx, voidPause) // the loop looks at the context
	}
	return ctx.Err()
}

// Run answers until the context ends. What a killed process left unanswered is
// answered first.
func (i *Inbox) Run(ctx context.Context) error { return i.pool.Run(ctx, i.fill) }

// fill begins to answer what waits, and returns how long to wait for more.
func (i *Inbox) fill(ctx context.Context) (time.Duration, error) {
	who, err := i.people.Known(ctx)
	if err != nil {
		return 0, err
	}
	if room := i.pool.Room(); room > 0 {
		updates, err := i.journal.Unanswered(ctx, who, i.pool.Keys(), room)
		if err != nil || len(updates) > 0 {
			return 0, i.take(ctx, updates, err)
		}
	}
	if i.pool.Room() < underWay {
		return work.Idle, nil // strangers can wait; the end of an answer wakes us
	}
	updates, err := i.journal.Strangers(ctx, who, batch)
	if err != nil || len(updates) == 0 {
		return work.Idle, err
	}
	return 0, i.take(ctx, updates, nil)
}

// take begins to answer updates, or sets them aside.
func (i *Inbox) take(ctx context.Context, updates []journal.Update, err error) error {
	for _, u := range updates {
		if err != nil {
			break
		}
		err = guard.Run(func() error { return i.takeOne(ctx, u) })
		if _, bug := errors.AsType[*guard.Panic](err); bug || errors.Is(err, errAddress) {
			err = work.Store(ctx, i.setAside(ctx, u, err))
		}
	}
	return err
}

// setAside leaves an update without an answer, with an entry in the audit if
// somebody known said it; the function stores that.
func (i *Inbox) setAside(ctx context.Context, u journal.Update, err error) func(context.Context) error {
	p, _ := errors.AsType[*guard.Panic](err)
	i.log.ErrorContext(ctx, "an update cannot be answered", "update", u.ID, "chat", u.Chat, "error", err, "stack", p.Trace())
	entry := i.refused(u, bot.Request{Role: i.people.People[u.Person], Now: time.Now()}, u.Text, bot.ResultInternal)
	return func(ctx context.Context) error {
		_, err := i.journal.Answer(ctx, u.ID, nil, entry)
		return err
	}
}

func (i *Inbox) takeOne(ctx context.Context, u journal.Update) error {
	r, err := i.request(ctx, u)
	if err != nil {
		return err
	}
	switch v := i.flood.judge(u, r); {
	case v == ignore:
		return i.journal.Ignore(ctx, u.ID)
	case v == warn, r.Role < bot.Viewer: // takes no time
		_, err = i.journal.Answer(ctx, u.ID, i.turnAway(ctx, u, r, v), nil)
		i.send.Wake()
		return err
	}
	i.pool.Start(u.Chat, "", func() { i.answer(ctx, u, r) })
	return nil
}

// answer answers an update and stores the answer together with the mark that it
// was given. The chat stays busy until that is done, so that no command runs
// again because the journal could not be written.
func (i *Inbox) answer(ctx context.Context, u journal.Update, r bot.Request) {
	var said reply
	begun := time.Now()
	select {
	case i.turns <- struct{}{}:
	case <-ctx.Done():
		return // the next start answers
	}
	err := guard.Run(func() (err error) {
		said, err = i.compose(ctx, u, r)
		return err
	})
	<-i.turns
	store := func(ctx context.Context) error { return i.store(ctx, u, r, said) }
	if _, bug := errors.AsType[*guard.Panic](err); bug {
		store = i.setAside(ctx, u, err)
	} else if err != nil {
		return // shutting down: the next start answers
	}
	log := i.log.With("update", u.ID, "chat", u.Chat)
	if err := work.UntilStored(ctx, log, store); err != nil && ctx.Err() == nil {
		log.ErrorContext(ctx, "cannot store the answer", "error", err)
	}
	if i.Answered != nil {
		i.Answered(i.commands.Name(said.text), cmp.Or(said.result, bot.ResultInternal), time.Since(begun))
	}
	i.send.Wake()
}

// store keeps the answer, and the task that it begins. A plan that somebody
// else was faster to use is refused instead.
func (i *Inbox) store(ctx context.Context, u journal.Update, r bot.Request, said reply) error {
	if said.answer.Work != nil {
		err := i.commands.Tasks.Begin(ctx, u.ID, said.deliveries, r, said.answer)
		refusal, used := errors.AsType[*bot.Refusal](err)
		if !used {
			return err
		}
		said = i.declined(ctx, refusal, u, r, u.Text, said.deliveries[0].Edits)
	}
	_, err := i.journal.Answer(ctx, u.ID, said.deliveries, said.entry)
	return err
}
