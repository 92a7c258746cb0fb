package alerts

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"domovoy/bot"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// The made-up panel and its only site. The name can be nobody's (RFC 2606 section 3),
// and looks like one that a CA would sign.
const (
	madeUpPanel = "test"
	madeUpSite  = "test-alarm.example.com"
)

// madeUpAge is how long ago the made-up certificate was ordered: longer than any
// certificate lasts.
const madeUpAge = 400 * 24 * time.Hour

// Rehearsal is how far a made-up problem came.
type Rehearsal struct {
	Fault *reports.CanaryFault // nil: all the way
	Chats []bot.Chat           // that receive alerts: for each of them there is a message
}

// Rehearse has a made-up row of a panel go the way of a real one: the rules judge it,
// an incident and a problem are made of it, and messages for the chats that receive
// alerts. Each panel's database is asked, too. Nothing of it is stored or sent. What
// holds alerts back for a while, as quiet hours do, does not count. The error is the
// end of the context, or our own journal's.
func (r *Recorder) Rehearse(ctx context.Context, now time.Time) (Rehearsal, error) {
	done := Rehearsal{Chats: r.people.Receivers(bot.Alerts)}
	for _, p := range r.watch.Panels() {
		why, err := unread(ctx, p)
		if err != nil {
			return done, err
		}
		if why != "" && done.Fault == nil {
			done.Fault = &reports.CanaryFault{Step: reports.CanaryPanel, Of: p.Name, Reason: why}
		}
	}
	s := r.watch.Rehearse(ctx, madeUp(now), now)
	decision := r.rehearsed(s, now)
	if !raised(decision, madeUpSite) || !raised(decision, "") {
		done.Fault = &reports.CanaryFault{Step: reports.CanaryRule}
		return done, ctx.Err()
	}
	messages, err := r.tell(ctx, scene{now: now, of: s.Name, servers: map[string]reports.Server{s.Name: s}}, decision)
	if err != nil {
		return done, err
	}
	for _, chat := range done.Chats {
		if !slices.ContainsFunc(messages, func(d journal.Delivery) bool { return d.To == chat.To.String() && d.Message.Title != "" }) {
			done.Fault = &reports.CanaryFault{Step: reports.CanaryAlert, Of: chat.To.String()}
		}
	}
	return done, nil
}

// unread asks the database of a panel, and returns why it does not answer, or why the
// last reading of it failed. That it is busy for a moment says nothing.
func unread(ctx context.Context, p *watch.Panel) (why string, err error) {
	_, err = p.Reader.Newest(ctx)
	unreadable, failed := errors.AsType[watch.Unreadable](err)
	if err != nil && !failed {
		return "", err
	}
	trouble := p.State().Trouble
	switch {
	case failed && !passes(unreadable.Why()):
		return unreadable.Why(), nil
	case trouble == reports.NeverRead, !failed && passes(trouble):
		return "", nil
	}
	return trouble, nil
}

// madeUp is a panel with one site whose certificate was not renewed, as its database
// would have it.
func madeUp(now time.Time) checks.Snapshot {
	return checks.Snapshot{Server: madeUpPanel, Taken: now,
		Sites:        []checks.Site{{Server: madeUpPanel, ID: 1, Name: madeUpSite, Certificate: madeUpSite + "_le1", Active: checks.On, Secure: checks.On}},
		Certificates: []checks.Certificate{{Server: madeUpPanel, ID: 1, Name: madeUpSite + "_le1", Domain: madeUpSite, Processing: checks.Off, Failed: checks.Off, Started: now.Add(-madeUpAge)}}}
}

// rehearsed is what is decided of a made-up panel, one of whose counts has also risen
// to its threshold, if there is any.
func (r *Recorder) rehearsed(s reports.Server, now time.Time) reports.Decision {
	policy := r.watch.Policy
	policy.Quiet, policy.Escalation = reports.Quiet{}, nil
	for n := range s.Readings {
		if alarm := policy.Thresholds[s.Readings[n].Code].Alarm(); alarm > 0 {
			s.Readings[n].Value, s.Readings[n].Excused = alarm, 0
			break
		}
	}
	changes := policy.Reconcile(now, nil, r.judged(s, nil), func(string) bool { return false })
	return policy.Decide(reports.Situation{Now: now, Changes: changes, Sites: map[string]int{s.Name: len(s.Subjects)}})
}

// raised reports whether a decision tells of a site; empty: of a count.
func raised(d reports.Decision, site string) bool {
	return slices.ContainsFunc(d.Tellings, func(t reports.Telling) bool {
		return t.Reason == reports.Opened && slices.ContainsFunc(t.Incidents, func(i reports.Incident) bool {
			return i.Finding.Site == site && (site != "" || strings.HasPrefix(i.Finding.Check, reports.CountCheck+"."))
		})
	})
}
