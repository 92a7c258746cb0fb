package bot

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// Bot answers requests and decides what to tell. Make one with New.
type Bot struct {
	journal  *journal.Journal
	watch    *Watch
	audience Audience
	policy   reports.Policy
	words    vocabulary
	log      *slog.Logger
	rang     bell // rung when there is something to send
	shelf    shelf
	kinds    []TaskKind
	begun    bell // rung when there is a task to begin or to stop
}

// New makes a bot over a watch; it starts nothing.
func New(j *journal.Journal, watch *Watch, audience Audience, policy reports.Policy, log *slog.Logger) *Bot {
	return &Bot{
		journal: j, watch: watch, audience: audience, policy: policy,
		words: newVocabulary(audience.Bundle), log: log, rang: newBell(),
		kinds: TaskKinds(), begun: newBell(),
	}
}

// Ask answers one line of text. A refusal is an error of type *Refusal; any
// other error is internal and not for the one who asked: see Explain.
func (b *Bot) Ask(ctx context.Context, text string, r Request) (answer Answer, err error) {
	name, words := b.words.parse(text)
	r.Words = words
	if r.Role < Viewer {
		return Answer{}, b.stranger(r)
	}
	i := slices.IndexFunc(Commands(), func(c Command) bool { return c.Name == name })
	if i < 0 {
		return Answer{}, &Refusal{Code: ResultUnknownCommand, Key: "refusal.command", Args: map[string]any{"Command": shown(name)}}
	}
	c := Commands()[i]
	if r.Role < c.Role {
		return Answer{}, &Refusal{Code: ResultNotAllowed, Key: "refusal.role", Args: map[string]any{
			"Command": c.Name, "Needs": r.Locale.Say("role." + c.Role.String()), "Role": r.Locale.Say("role." + r.Role.String())}}
	}
	defer func() {
		if p := recover(); p != nil {
			answer, err = Answer{}, fmt.Errorf("%s panicked: %v\n%s", name, p, debug.Stack())
		}
	}()
	return c.Run(ctx, b, r)
}

// stranger refuses somebody whom the configuration does not know, and tells
// the id that would make them known.
func (b *Bot) stranger(r Request) error {
	if r.Person == "" {
		return &Refusal{Code: ResultNotAllowed, Key: "refusal.nobody"}
	}
	return &Refusal{Code: ResultNotAllowed, Key: "refusal.stranger", Args: map[string]any{"Person": r.Person, "Chat": r.Chat.String()}}
}

// Explain turns an error of Ask into what the one who asked is told, with
// the code for programs. An internal error is logged under a reference that
// they can quote.
func (b *Bot) Explain(ctx context.Context, err error, r Request) (reports.Message, Result) {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return compose.Refusal(r.Writer(), r.Locale.Say(refusal.Key, refusal.Args)), refusal.Code
	}
	reference := strings.ToLower(rand.Text()[:4])
	b.log.ErrorContext(ctx, "request failed", "reference", reference, "person", r.Person, "error", err)
	return compose.Refusal(r.Writer(), r.Locale.Say("refusal.internal", map[string]any{"Reference": reference})), ResultInternal
}

// shown keeps foreign words short in an answer.
func shown(word string) string {
	if runes := []rune(word); len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return word
}

// servers gives what is known of every panel, with thresholds, trends and
// since when.
func (b *Bot) servers(ctx context.Context, now time.Time) ([]reports.Server, error) {
	open, err := b.journal.OpenIncidents(ctx)
	if err != nil {
		return nil, err
	}
	var servers []reports.Server
	for _, p := range b.watch.panels {
		s, err := b.dress(ctx, p.state(), slices.Values(open), now)
		if err != nil {
			return nil, err
		}
		servers = append(servers, s)
	}
	return servers, nil
}

// dress adds to a server's state what the journal remembers.
func (b *Bot) dress(ctx context.Context, s reports.Server, open iter.Seq[reports.Incident], now time.Time) (reports.Server, error) {
	was := map[string]reports.Incident{} // of the server as a whole
	s.Opened = reports.Since{}
	for i := range open {
		if i.Finding.Server != s.Name {
			continue
		}
		s.Opened.Add(i.Finding, i.Times.Opened)
		if i.Finding.Site == "" {
			was[i.Finding.Key()] = i
		}
	}
	readings := slices.Clone(s.Readings)
	for n := range readings {
		if err := b.dressReading(ctx, &readings[n], was, now); err != nil {
			return s, err
		}
	}
	s.Readings = readings
	return s, nil
}

// dressReading adds threshold, severity and trend to a count.
func (b *Bot) dressReading(ctx context.Context, r *reports.Reading, was map[string]reports.Incident, now time.Time) error {
	r.Threshold = b.policy.Thresholds[r.Code]
	if !r.Known() {
		return nil
	}
	key := b.policy.Key(r.Metric)
	r.Severity = r.Threshold.Level(r.Value, was[key].Finding.Severity)
	for back, to := range map[time.Duration]**int{time.Hour: &r.Hour, 24 * time.Hour: &r.Day} {
		value, ok, err := b.journal.MetricAt(ctx, r.Server, r.Code, now.Add(-back), back/2)
		if err != nil {
			return err
		}
		if ok {
			*to = &value
		}
	}
	return nil
}
