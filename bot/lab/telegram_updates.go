package lab

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// updateQueue keeps updates until a higher offset confirms them.
// https://core.telegram.org/bots/api#getupdates
type updateQueue struct {
	next    int // update_id of the update to come
	waiting []update
	allowed []string      // nil: nobody has asked yet, all kinds the default has
	poll    chan struct{} // of the poll under way, closed to end it; may be nil
}

type update struct {
	id   int
	kind string // the name of its one field: message, callback_query…
	body object
}

// offByDefault are the kinds a bot gets only by naming them.
func offByDefault() []string {
	return []string{"chat_member", "message_reaction", "message_reaction_count"}
}

// add queues an update unless the bot has not asked for its kind: the filter
// works when an update is made, not when it is fetched.
func (q *updateQueue) add(kind string, body object) {
	wanted := slices.Contains(q.allowed, kind)
	if len(q.allowed) == 0 {
		wanted = !slices.Contains(offByDefault(), kind)
	}
	if !wanted {
		return
	}
	q.waiting = append(q.waiting, update{id: q.next, kind: kind, body: body})
	q.next++
}

// confirm forgets what an offset confirms: everything below it, or, when it is
// negative, all but that many of the newest.
func (q *updateQueue) confirm(offset int) {
	if offset < 0 {
		q.waiting = q.waiting[max(0, len(q.waiting)+offset):]
		return
	}
	q.waiting = slices.DeleteFunc(q.waiting, func(u update) bool { return u.id < offset })
}

func (q *updateQueue) batch(limit int) []object {
	list := []object{}
	for _, u := range q.waiting[:min(limit, len(q.waiting))] {
		list = append(list, object{"update_id": u.id, u.kind: u.body})
	}
	return list
}

func (t *Telegram) getUpdates(ctx context.Context, q request) (any, error) {
	offset, limit, wait := q.number("offset", 0), q.number("limit", 100), q.number("timeout", 0)
	limit = min(max(limit, 1), 100)
	var allowed []string
	if text := q.params["allowed_updates"]; text != "" && json.Unmarshal([]byte(text), &allowed) != nil {
		return nil, badRequest("can't parse allowed updates JSON object")
	}
	ended := t.startPoll(offset, allowed)
	defer t.endPoll(ended)
	timer := time.NewTimer(time.Duration(min(wait, 50)) * time.Second)
	defer timer.Stop()
	return t.longPoll(ctx, limit, ended, timer.C)
}

// startPoll ends the poll under way, as the real server does: of two pollers
// the older one gets 409.
func (t *Telegram) startPoll(offset int, allowed []string) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.updates.poll != nil {
		close(t.updates.poll)
	}
	t.updates.poll = make(chan struct{})
	if allowed != nil {
		t.updates.allowed = allowed
	}
	t.updates.confirm(offset)
	t.bell.ring()
	return t.updates.poll
}

func (t *Telegram) endPoll(poll chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.updates.poll == poll {
		t.updates.poll = nil
	}
}

func (t *Telegram) longPoll(ctx context.Context, limit int, ended <-chan struct{}, late <-chan time.Time) (any, error) {
	for {
		changed := t.bell.listen()
		t.mu.Lock()
		batch := t.updates.batch(limit)
		t.mu.Unlock()
		if len(batch) > 0 {
			return batch, nil
		}
		select {
		case <-changed:
		case <-late:
			return []object{}, nil
		case <-ended:
			return nil, errConflict
		case <-ctx.Done():
			return []object{}, nil // nobody reads it
		}
	}
}

// SetNextUpdateID makes the numbers of updates jump: Telegram restarts them at
// random after a week without any.
func (t *Telegram) SetNextUpdateID(id int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.updates.next = id
}

// Unconfirmed counts the updates the bot has not confirmed.
func (t *Telegram) Unconfirmed() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.updates.waiting)
}

// WaitConfirmed waits until the bot has confirmed all updates.
func (t *Telegram) WaitConfirmed(ctx context.Context) error {
	_, err := await(ctx, &t.bell, func() (int, bool) {
		n := t.Unconfirmed()
		return n, n == 0
	})
	return err
}

// WaitPolling waits until a getUpdates is under way.
func (t *Telegram) WaitPolling(ctx context.Context) error {
	_, err := await(ctx, &t.bell, func() (struct{}, bool) {
		t.mu.Lock()
		defer t.mu.Unlock()
		return struct{}{}, t.updates.poll != nil
	})
	return err
}

// number reads a whole number; anything else counts as not given, as it does
// with the real server.
func (q *request) number(name string, otherwise int) int {
	n, err := strconv.Atoi(q.params[name])
	if err != nil {
		return otherwise
	}
	return n
}

func (q *request) flag(name string) bool {
	on, err := strconv.ParseBool(q.params[name])
	return err == nil && on
}
