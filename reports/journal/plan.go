package journal

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Errors about plans.
var (
	ErrNoPlan = errors.New("there is no such plan")
	ErrUsed   = errors.New("was used before") // a plan is carried out once
)

// Plan is an action that was proposed to a person and waits for confirmation.
type Plan struct {
	ID        string // a few hex digits; empty until it is stored
	Kind      string // the kind of the task that carries it out
	Payload   json.RawMessage
	Hash      string   // of the data that it was computed from, to notice when that changed
	By        Actor    // the person it was proposed to
	Needs     int      // the number of people who must confirm it
	Confirmed []string // the ids of those who did
	Times     PlanTimes
}

// PlanTimes are the times of a plan.
type PlanTimes struct {
	Created, Expires time.Time
	Used             time.Time // zero: not used yet
}

// planIDBytes is the length of a random plan ID: short enough to be typed without
// mistakes. IDs get longer when too many are taken.
const planIDBytes = 2

// KeepPlan stores a plan under a new ID that no stored plan has.
func (j *Journal) KeepPlan(ctx context.Context, p Plan) (Plan, error) {
	err := j.change(ctx, "keeping a plan", func(t *tx) (err error) {
		for try := 0; ; try++ {
			p.ID = newPlanID(planIDBytes + try/8)
			kept, err := t.keepPlan(ctx, p)
			if err != nil || kept {
				return err
			}
		}
	})
	return p, err
}

func newPlanID(bytes int) string {
	id := make([]byte, bytes)
	rand.Read(id) //nolint:errcheck // it never fails; see its documentation
	return hex.EncodeToString(id)
}

// keepPlan inserts a plan; false: its ID is taken already.
func (t *tx) keepPlan(ctx context.Context, p Plan) (bool, error) {
	n, err := t.exec(ctx, `INSERT INTO plan (id, kind, payload, hash, person, name, role, chat, language, needs, confirmed, created, expires)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`, p.ID, p.Kind, string(p.Payload), p.Hash,
		p.By.Person, p.By.Name, p.By.Role, p.By.Chat, p.By.Language, p.Needs, list(p.Confirmed), millis(p.Times.Created), millis(p.Times.Expires))
	return n == 1, err
}

// Plan returns the plan with that ID, or an error that wraps ErrNoPlan.
func (j *Journal) Plan(ctx context.Context, id string) (p Plan, err error) {
	err = j.view(ctx, "reading a plan", func(t *tx) error {
		p, err = t.plan(ctx, id)
		return err
	})
	return p, err
}

func (t *tx) plan(ctx context.Context, id string) (Plan, error) {
	p, ok, err := one(ctx, t, scanPlan, `SELECT id, kind, payload, hash, person, name, role, chat, language,
		needs, confirmed, created, expires, used FROM plan WHERE id = ?`, id)
	if err == nil && !ok {
		err = fmt.Errorf("%w: %s", ErrNoPlan, id)
	}
	return p, err
}

func scanPlan(s scanner) (p Plan, err error) {
	var confirmed []byte
	by := &p.By
	if err := s.Scan(&p.ID, &p.Kind, (*[]byte)(&p.Payload), &p.Hash, &by.Person, &by.Name, &by.Role, &by.Chat, &by.Language,
		&p.Needs, &confirmed, stamp{&p.Times.Created}, stamp{&p.Times.Expires}, stamp{&p.Times.Used}); err != nil {
		return p, err
	}
	return p, json.Unmarshal(confirmed, &p.Confirmed)
}

// ConfirmPlan records that a person confirmed a plan, and stores an audit entry. It
// is for plans that need more than one confirmation.
func (j *Journal) ConfirmPlan(ctx context.Context, id, person string, entry AuditEntry) error {
	return j.change(ctx, "confirming a plan", func(t *tx) error {
		p, err := t.plan(ctx, id)
		if err != nil {
			return err
		}
		if !slices.Contains(p.Confirmed, person) {
			p.Confirmed = append(p.Confirmed, person)
		}
		if _, err := t.exec(ctx, `UPDATE plan SET confirmed = ? WHERE id = ?`, list(p.Confirmed), id); err != nil {
			return err
		}
		return t.audit(ctx, entry)
	})
}

// usePlan marks a plan as used; the error wraps ErrUsed if it was used before.
func (t *tx) usePlan(ctx context.Context, id string, at time.Time) error {
	n, err := t.exec(ctx, `UPDATE plan SET used = ? WHERE id = ? AND used = 0`, millis(at), id)
	if err == nil && n == 0 {
		err = fmt.Errorf("the plan %s %w", id, ErrUsed)
	}
	return err
}
