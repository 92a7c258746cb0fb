package alerts

import (
	"context"
	"errors"
	"slices"
	"time"

	"domovoy/bot"
	"domovoy/bot/people"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// act is what a person does to problems and silences, under way.
type act struct {
	now      time.Time
	standing journal.Standing
	silences []reports.Silence // new, or with another end
	withdraw []int64
	tellings []reports.Telling
}

// problem finds an open problem to change.
func (a *act) problem(id int64) *reports.Problem {
	for n := range a.standing.Problems {
		if a.standing.Problems[n].ID == id {
			return &a.standing.Problems[n]
		}
	}
	return nil
}

// act stores what a person does, with what follows from it at once, the messages
// about it and the entry in the audit: all or nothing, before anybody is told. If
// somebody else was faster, do is called again with what is so then; its
// error refuses.
func (r *Recorder) act(ctx context.Context, asked bot.Request, audit *bot.Act, do func(a *act) error) (journal.Stored, error) {
	r.deciding.Lock()
	defer r.deciding.Unlock()
	for range retries {
		entry, err := r.acted(ctx, asked, do)
		if err != nil {
			return journal.Stored{}, err
		}
		entry.Audit = people.Entry(asked, audit)
		stored, err := r.journal.RecordNumbered(ctx, entry)
		if errors.Is(err, journal.ErrStale) {
			continue
		}
		if err == nil {
			r.send.Wake()
			r.review.Wake()
		}
		return stored, err
	}
	return journal.Stored{}, journal.ErrStale
}

// acted is the entry of what a person does.
func (r *Recorder) acted(ctx context.Context, asked bot.Request, do func(a *act) error) (journal.Entry, error) {
	now := asked.Now
	entry := journal.Entry{At: now}
	standing, err := r.journal.Standing(ctx, now)
	if err != nil {
		return entry, err
	}
	open, err := r.journal.OpenIncidents(ctx)
	if err != nil {
		return entry, err
	}
	before := slices.Clone(standing.Problems)
	a := act{now: now, standing: standing}
	if err := do(&a); err != nil {
		return entry, err
	}
	changed := a.changed(before)
	situation := reports.Situation{Now: now, Open: ofProblems(open), Problems: a.standing.Problems, Silences: a.after(), Passed: standing.Passed,
		Owner: r.owners(), Sites: r.sites()}
	if situation.Opens, err = r.opens(ctx, situation); err != nil {
		return entry, err
	}
	d := r.watch.Policy.Decide(situation)
	d.Tellings = append(a.tellings, d.Tellings...)
	d.Problems, d.Redraw = withChanged(d.Problems, changed), withChanged(d.Redraw, changed)
	entry.Revision, entry.Changes, entry.Problems = standing.Revision, d.Changes, d.Problems
	entry.Silences, entry.Withdraw = a.silences, a.withdraw
	s, err := r.scene(ctx, run{now: now}, open, d)
	if err != nil {
		return entry, err
	}
	for n := range d.Tellings { // in the state that is stored
		t := &d.Tellings[n]
		if at := slices.IndexFunc(d.Problems, func(p reports.Problem) bool { return p.Key == t.Problem.Key }); at >= 0 {
			t.Problem = d.Problems[at]
		}
	}
	entry.Deliveries, err = r.tell(ctx, s, d)
	return entry, err
}

// changed are the problems that differ from what they were.
func (a *act) changed(before []reports.Problem) []reports.Problem {
	var changed []reports.Problem
	for n, p := range a.standing.Problems {
		if p != before[n] {
			changed = append(changed, p)
		}
	}
	return changed
}

// after are the silences once the act is done; a new one has no number yet and
// holds from the next review on.
func (a *act) after() []reports.Silence {
	silences := slices.Clone(a.standing.Silences)
	for _, s := range a.silences {
		if at := slices.IndexFunc(silences, func(x reports.Silence) bool { return x.ID == s.ID }); at >= 0 {
			silences[at] = s
		}
	}
	return silences
}

// withChanged adds the changed problems that a list does not have.
func withChanged(list, changed []reports.Problem) []reports.Problem {
	for _, p := range changed {
		if !slices.ContainsFunc(list, func(x reports.Problem) bool { return x.ID == p.ID }) {
			list = append(list, p)
		}
	}
	return list
}

// openProblem refuses a number that is not that of an open problem.
func (r *Recorder) openProblem(ctx context.Context, a *act, id int64) (*reports.Problem, error) {
	if p := a.problem(id); p != nil {
		return p, nil
	}
	p, ok, err := r.journal.Problem(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, &bot.Refusal{Code: bot.ResultNotFound, Key: "refusal.problem.unknown", Args: i18n.Args{"Problem": id}}
	}
	return nil, &bot.Refusal{Code: bot.ResultNotFound, Key: "refusal.problem.over", Args: i18n.Args{"Problem": id, "At": p.Resolved}}
}

// Take records that a person works on a problem until a moment. It is refused
// while somebody else does. What waits to be sent because nobody did is
// withdrawn.
func (r *Recorder) Take(ctx context.Context, asked bot.Request, id int64, until time.Time, audit *bot.Act) (taken reports.Problem, err error) {
	_, err = r.act(ctx, asked, audit, func(a *act) error {
		p, err := r.openProblem(ctx, a, id)
		if err != nil {
			return err
		}
		if by := p.Life.Taken; p.IsTaken(a.now) && by.Person != asked.Person {
			return &bot.Refusal{Code: bot.ResultTaken, Key: "refusal.problem.taken", Args: i18n.Args{"Problem": id, "By": by.By(), "Until": by.Until}}
		}
		p.Take(reports.Taking{Person: asked.Person, Name: asked.Name, At: a.now, Until: until})
		a.withdraw, taken = []int64{id}, *p
		return nil
	})
	return taken, err
}

// Hand offers a problem to somebody. It is not taken by that: the escalation
// goes on until they take it.
func (r *Recorder) Hand(ctx context.Context, asked bot.Request, id int64, to string, audit *bot.Act) (handed reports.Problem, err error) {
	_, err = r.act(ctx, asked, audit, func(a *act) error {
		p, err := r.openProblem(ctx, a, id)
		if err != nil {
			return err
		}
		by := asked.Name
		if by == "" {
			by = asked.Person
		}
		p.Hand(reports.Handing{To: to, By: by, At: a.now})
		a.tellings, handed = append(a.tellings, r.about(ctx, reports.Handed, *p)), *p
		return nil
	})
	return handed, err
}

// Escalate takes the next step of the escalation now.
func (r *Recorder) Escalate(ctx context.Context, asked bot.Request, id int64, audit *bot.Act) (to reports.Step, err error) {
	_, err = r.act(ctx, asked, audit, func(a *act) error {
		p, err := r.openProblem(ctx, a, id)
		if err != nil {
			return err
		}
		left := r.watch.Policy.StepsLeft(p.Life)
		switch {
		case len(r.watch.Policy.Escalation) == 0:
			return &bot.Refusal{Code: bot.ResultUnavailable, Key: "refusal.escalation.none"}
		case len(left) == 0:
			return &bot.Refusal{Code: bot.ResultUsed, Key: "refusal.escalation.all", Args: i18n.Args{"Problem": id}}
		}
		to = left[0]
		p.Life.Call(to, r.watch.Policy)
		if p.Life.Waiting.IsZero() {
			p.Life.Waiting = a.now
		}
		t := r.about(ctx, reports.Escalated, *p)
		t.Step, t.Asked = to, asked.Name
		a.tellings = append(a.tellings, t)
		return nil
	})
	return to, err
}

// Silence records a silence and returns it with its number.
func (r *Recorder) Silence(ctx context.Context, asked bot.Request, s reports.Silence, audit *bot.Act) (reports.Silence, error) {
	stored, err := r.act(ctx, asked, audit, func(a *act) error {
		if s.Match.Problem != 0 {
			if _, err := r.openProblem(ctx, a, s.Match.Problem); err != nil {
				return err
			}
		}
		a.silences = []reports.Silence{s}
		return nil
	})
	if err != nil {
		return s, err
	}
	s.ID = stored.Silences[0]
	_, err = r.Review(ctx, asked.Now) // it holds from now on
	return s, err
}

// Unsilence ends a silence now. What is still there speaks.
func (r *Recorder) Unsilence(ctx context.Context, asked bot.Request, id int64, audit *bot.Act) (ended reports.Silence, err error) {
	_, err = r.act(ctx, asked, audit, func(a *act) error {
		at := slices.IndexFunc(a.standing.Silences, func(s reports.Silence) bool { return s.ID == id && a.now.Before(s.End) })
		if at < 0 {
			return &bot.Refusal{Code: bot.ResultNotFound, Key: "refusal.silence", Args: i18n.Args{"Silence": id}}
		}
		ended = a.standing.Silences[at]
		ended.End = a.now
		a.silences = []reports.Silence{ended}
		return nil
	})
	return ended, err
}

// about is a telling about a problem as it is.
func (r *Recorder) about(ctx context.Context, reason reports.Reason, p reports.Problem) reports.Telling {
	t := reports.Telling{Reason: reason, Problem: p}
	open, err := r.journal.OpenIncidents(ctx)
	if err != nil {
		return t // the act fails at its own look
	}
	for _, i := range open {
		if i.Problem == p.ID {
			t.Incidents = append(t.Incidents, i)
		}
	}
	return t
}
