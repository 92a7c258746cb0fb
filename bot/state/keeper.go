// Package state watches over the bot's own state file: whether it can be kept,
// and what to do and say when it cannot.
package state

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"domovoy/bot"
	"domovoy/bot/people"
	"domovoy/checks/pace"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// Paces of the keeper.
const (
	pulse     = 15 * time.Second // between two looks
	lookBound = 10 * time.Second // for one look, with what it mends
	calm      = 4                // looks without a fault after which one is over
	sendBound = 30 * time.Second // for one message from memory
	sendTries = 3
	excuses   = 10 * time.Minute // between two excuses in one chat
	verified  = 24 * time.Hour   // between two looks at the audit
)

// Keeper watches over the state. It is safe for concurrent use.
type Keeper struct {
	journal   *journal.Journal
	people    *people.Directory
	receivers map[string]bot.Receiver
	send      bot.Signal // there is something to send
	log       *slog.Logger

	mu       sync.Mutex
	fault    *journal.Fault       // the one that people were told about; nil: none
	calm     int                  // looks since then that found none
	excused  map[string]time.Time // by chat; during a fault
	audited  time.Time            // when the audit was last looked at
	tampered string               // what people were told about it; empty: nothing
}

// New makes a keeper that speaks through receivers, by their name in addresses.
func New(j *journal.Journal, d *people.Directory, receivers map[string]bot.Receiver, send bot.Signal, log *slog.Logger) *Keeper {
	return &Keeper{journal: j, people: d, receivers: receivers, send: send, log: log, excused: map[string]time.Time{}}
}

// Run looks at the state until the context ends.
func (k *Keeper) Run(ctx context.Context) error {
	for {
		k.Look(ctx)
		if err := pace.Sleep(ctx, pulse); err != nil {
			return err
		}
	}
}

// Audit looks whether the audit is whole, at the start, once a day, and when its end
// turns out to be gone, and tells people if it is not, once. Its end is logged: the log is a copy in another place.
func (k *Keeper) Audit(ctx context.Context, now time.Time) {
	cut, err := k.journal.AuditCut(ctx)
	if err != nil {
		k.log.WarnContext(ctx, "cannot look at the end of the audit", "error", err)
	}
	k.mu.Lock()
	due := now.Sub(k.audited) >= verified || cut && k.tampered == ""
	if due {
		k.audited = now
	}
	was := k.tampered
	k.mu.Unlock()
	if !due {
		return
	}
	trail := compose.AuditTrail{}
	trail.Entries, trail.Head, err = k.journal.VerifyAudit(ctx)
	broken, isBroken := errors.AsType[*journal.BrokenChain](err)
	chain, isCut := errors.AsType[*journal.CutChain](err)
	is := ""
	switch {
	case isBroken:
		trail.Broken = int(broken.Entry)
		is = fmt.Sprint("broken at ", broken.Entry)
	case isCut:
		trail.Kept, trail.Last, trail.Next = int(chain.Kept), int(chain.Last), int(chain.Next)
		is = fmt.Sprint("cut after ", chain.Last) // whatever entries come then
	case err != nil:
		k.log.WarnContext(ctx, "cannot verify the audit", "error", err)
		return
	default:
		k.log.InfoContext(ctx, "the audit is whole", "entries", trail.Entries, "head", trail.Head)
		return
	}
	k.log.ErrorContext(ctx, "the audit was tampered with", "error", err)
	if was != is {
		k.Tell(ctx, func(w compose.Writer) reports.Message { return compose.AuditVerified(w, trail) }, now)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tampered = is
}

// Healthy reports whether the state can be kept, as of the last look.
func (k *Keeper) Healthy() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.fault == nil
}

// Fault is why the state cannot be kept, as of the last look; nil: it can.
func (k *Keeper) Fault() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fault == nil { // a nil *Fault is no nil error
		return nil
	}
	return k.fault
}

// Look looks once. A file that was deleted is put back, a damaged one is moved
// aside and a new one begun; both are said through the journal. Of any other
// fault people are told from memory, once, and again when it is over.
func (k *Keeper) Look(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, lookBound)
	defer cancel()
	now := time.Now()
	fault, ok := errors.AsType[*journal.Fault](k.journal.Health(bounded, now))
	if !ok {
		k.well(ctx, now)
		k.Audit(bounded, now)
		return
	}
	switch fault.Reason {
	case journal.FaultGone:
		if err := k.journal.Restore(bounded); err != nil {
			k.log.ErrorContext(ctx, "the state file was deleted and cannot be put back", "path", fault.Path, "error", err)
			break
		}
		k.log.ErrorContext(ctx, "the state file was deleted while in use, it has been put back", "path", fault.Path)
		k.Announce(ctx, compose.StateEvent{Kind: "restored", Path: fault.Path}, now)
		return
	case journal.FaultCorrupt:
		aside, err := k.journal.Renew(bounded, now)
		if err != nil {
			k.log.ErrorContext(ctx, "the state file is damaged and cannot be moved aside", "path", fault.Path, "error", err)
			break
		}
		k.log.ErrorContext(ctx, "the state file was damaged, a new one has been begun", "path", fault.Path, "aside", aside, "error", fault.Err)
		k.Announce(ctx, compose.StateEvent{Kind: "renewed", Path: aside}, now)
		return
	}
	k.ill(ctx, fault, now)
}

// ill tells people about a fault, if they do not know it yet.
func (k *Keeper) ill(ctx context.Context, fault *journal.Fault, now time.Time) {
	k.mu.Lock()
	told := k.fault != nil
	k.fault, k.calm = fault, 0
	k.mu.Unlock()
	if told {
		return
	}
	k.log.ErrorContext(ctx, "the state cannot be kept", "reason", string(fault.Reason), "path", fault.Path, "error", fault.Err)
	k.speaker().Speak(ctx, func(chat bot.Chat) reports.Message {
		return compose.StateFault(k.writer(ctx, chat, now), string(fault.Reason), fault.Path)
	})
}

// well ends a fault after some looks without one.
func (k *Keeper) well(ctx context.Context, now time.Time) {
	k.mu.Lock()
	k.calm++
	over := k.fault != nil && k.calm >= calm
	if over {
		k.fault = nil
		clear(k.excused)
	}
	k.mu.Unlock()
	if over {
		k.log.InfoContext(ctx, "the state can be kept again")
		k.Announce(ctx, compose.StateEvent{Kind: "again"}, now)
	}
}

// Announce tells the chats that receive alerts, or the administrators if none
// does, what became of the state.
func (k *Keeper) Announce(ctx context.Context, e compose.StateEvent, now time.Time) {
	k.Tell(ctx, func(w compose.Writer) reports.Message { return compose.State(w, e) }, now)
}

// Tell tells those chats something about the bot itself.
func (k *Keeper) Tell(ctx context.Context, message func(compose.Writer) reports.Message, now time.Time) {
	var deliveries []journal.Delivery
	for _, chat := range k.chats() {
		deliveries = append(deliveries, journal.Delivery{To: chat.To.String(), Kind: "state", Message: message(k.writer(ctx, chat, now))})
	}
	if len(deliveries) == 0 {
		return
	}
	if _, err := k.journal.Enqueue(ctx, deliveries); err != nil {
		k.log.ErrorContext(ctx, "cannot say something about the bot itself", "error", err)
		return
	}
	k.send.Wake()
}

// Excuse answers somebody whose request cannot be stored: why, and that it will
// be answered later. It answers a chat once in a while, and only during a fault.
func (k *Keeper) Excuse(ctx context.Context, u bot.Update, err error) {
	fault, ok := errors.AsType[*journal.Fault](err)
	if !ok {
		if fault = k.current(); fault == nil {
			return
		}
	}
	to, bad := bot.ParseAddress(u.Chat)
	if bad != nil || k.people.Role(u.Person, to) < bot.Viewer {
		return
	}
	now := time.Now()
	k.mu.Lock()
	last, told := k.excused[u.Chat]
	due := !told || now.Sub(last) >= excuses
	if due {
		k.excused[u.Chat] = now
	}
	k.mu.Unlock()
	if due {
		language := ""
		if c, ok := k.people.Chat(to); ok {
			language = c.Language
		}
		k.speaker().say(ctx, to, compose.StateExcuse(k.writer(ctx, bot.Chat{To: to, Language: language}, now), string(fault.Reason)))
	}
}

func (k *Keeper) current() *journal.Fault {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.fault
}

// chats are those that receive alerts; if there are none, the administrators' own.
func (k *Keeper) chats() []bot.Chat {
	if chats := k.people.Receivers(bot.Alerts); len(chats) > 0 {
		return chats
	}
	var chats []bot.Chat
	for _, to := range k.people.OwnChats() {
		chats = append(chats, bot.Chat{To: to})
	}
	return chats
}

// speaker speaks from memory.
func (k *Keeper) speaker() Speaker {
	return Speaker{Receivers: k.receivers, Audience: k.people.Audience, Log: k.log}
}

// writer of a chat: in the language chosen there, if that can be read.
func (k *Keeper) writer(ctx context.Context, chat bot.Chat, now time.Time) compose.Writer {
	l, err := k.people.Locale(ctx, chat.To, chat.Language)
	if err != nil {
		l = k.people.In(chat.Language)
	}
	return compose.Writer{Locale: l, Now: now}
}
