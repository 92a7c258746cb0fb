package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"domovoy/checks"
	"domovoy/reports"
)

// KeepRegistration stores what is known of a domain's registration, together with
// the question to its registry or its refusal.
func (j *Journal) KeepRegistration(ctx context.Context, r checks.Registration, use checks.RegistryUse) error {
	answer, err := json.Marshal(r.Answer)
	if err != nil {
		return fmt.Errorf("storing the registration of %s: %w", r.Domain, err)
	}
	return j.copy(ctx, "keeping a registration", func(t *tx) error {
		if _, err := t.exec(ctx, `INSERT INTO registration (`+registrationColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET registry = excluded.registry, asked = excluded.asked, due = excluded.due, failure = excluded.failure,
				failures = excluded.failures, looked = excluded.looked, answer = excluded.answer, parking = excluded.parking`,
			r.Domain, r.Registry, millis(r.Asked), millis(r.Due), string(r.Failure), r.Failures, millis(r.Looked), string(answer), r.Parking); err != nil {
			return err
		}
		if !use.Asked.IsZero() {
			if _, err := t.exec(ctx, `INSERT INTO registry_question (registry, at) VALUES (?, ?)`, use.Registry, millis(use.Asked)); err != nil {
				return err
			}
		}
		if use.Shut.IsZero() {
			return nil
		}
		_, err := t.exec(ctx, `INSERT INTO registry_pause (registry, until, patience) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET until = excluded.until, patience = excluded.patience`,
			use.Registry, millis(use.Shut), use.Patience.Milliseconds())
		return err
	})
}

const registrationColumns = `domain, registry, asked, due, failure, failures, looked, answer, parking`

// RegistryPast returns what is known of registrations, with the questions of the
// day before now, the oldest first, and what registries refuse then.
func (j *Journal) RegistryPast(ctx context.Context, now time.Time) (past checks.RegistryPast, err error) {
	err = j.view(ctx, "reading registrations", func(t *tx) error {
		if past.Known, err = all(ctx, t, scanRegistration, `SELECT `+registrationColumns+` FROM registration`); err != nil {
			return err
		}
		question := func(s scanner) (u checks.RegistryUse, err error) {
			err = s.Scan(&u.Registry, stamp{&u.Asked})
			return u, err
		}
		if past.Uses, err = all(ctx, t, question, `SELECT registry, at FROM registry_question WHERE at >= ? ORDER BY at, id`, millis(now.Add(-keepQuestions))); err != nil {
			return err
		}
		pause := func(s scanner) (u checks.RegistryUse, err error) {
			var patience int64
			err = s.Scan(&u.Registry, stamp{&u.Shut}, &patience)
			u.Patience = time.Duration(patience) * time.Millisecond
			return u, err
		}
		pauses, err := all(ctx, t, pause, `SELECT registry, until, patience FROM registry_pause WHERE until > ?`, millis(now))
		past.Uses = append(past.Uses, pauses...)
		return err
	})
	return past, err
}

func scanRegistration(s scanner) (r checks.Registration, err error) {
	var failure, answer string
	if err := s.Scan(&r.Domain, &r.Registry, stamp{&r.Asked}, stamp{&r.Due}, &failure, &r.Failures, stamp{&r.Looked}, &answer, &r.Parking); err != nil {
		return r, err
	}
	r.Failure = checks.RegistryFailure(failure)
	if err := json.Unmarshal([]byte(answer), &r.Answer); err != nil {
		return r, fmt.Errorf("reading the registration of %s: %w", r.Domain, err)
	}
	return r, nil
}

// keepEnding stores one of a snapshot's registrations that end soon.
func (t *tx) keepEnding(ctx context.Context, server string, at time.Time, e reports.Ending) error {
	_, err := t.exec(ctx, `INSERT OR IGNORE INTO ending (server, at, site, owner, domain, ends, free, parking, unverified, who) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		server, millis(at), e.Site, e.Owner, e.Domain, millis(e.Ends), millis(e.Free), e.Parking, e.Unverified, string(e.Who))
	return err
}

func scanEnding(s scanner) (e reports.Ending, err error) {
	err = s.Scan(&e.Server, &e.Site, &e.Owner, &e.Domain, stamp{&e.Ends}, stamp{&e.Free}, &e.Parking, &e.Unverified, &e.Who, stamp{&e.At})
	return e, err
}
