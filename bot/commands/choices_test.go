package commands_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine/enginetest"
	"domovoy/reports"
)

// tapped is what a person sees who says or taps something: the buttons' commands.
func (d *duty) tapped(language, command string) (title string, offers []string) {
	d.Helper()
	r := enginetest.Request(d.T, bot.Operator)
	r.Person, r.Name, r.Now, r.Locale = "telegram:1", "Anna", time.Now(), d.engine.People.In(language)
	answer, err := d.engine.Commands.Do(d.Context(), command, r)
	m := answer.Message
	if err != nil {
		var refusal *bot.Refusal
		if !errors.As(err, &refusal) {
			d.Fatalf("%s: %v", command, err)
		}
		m, _ = bot.Explain(d.Context(), d.engine.Log, err, r)
	}
	for _, a := range m.Actions {
		if a.Label == "" || strings.Contains(a.Label, "⟨") {
			d.Errorf("%s: the button for %q is called %q", command, a.Command, a.Label)
		}
		offers = append(offers, a.Command)
	}
	return m.Title, offers
}

// A menu sends commands bare. Silencing, handing over and escalating need no typing:
// first the problem, then for how long or to whom.
func TestActsAreCompletedByTaps(t *testing.T) {
	for _, tt := range []struct {
		language, asked, says string
		offers                []string
	}{
		{"en", "/silence", "No silences.", []string{"silence 1"}},
		{"ru", "/тишина", "Тишины нет.", []string{"silence 1"}},
		{"en", "silence 1", "Until when?", []string{"silence 1 1h by button", "silence 1 4h by button", "silence 1 12h by button", "silence 1 1d by button", "silence 1 7d by button"}},
		{"ru", "тишина 1", "До какого времени?", []string{"silence 1 1h кнопкой", "silence 1 4h кнопкой", "silence 1 12h кнопкой", "silence 1 1d кнопкой", "silence 1 7d кнопкой"}},
		{"en", "silence owner=client1* 2h", "Why?", []string{"silence owner=client1* 2h planned work", "silence owner=client1* 2h known, waiting for the customer", "silence owner=client1* 2h being fixed"}},
		{"en", "silence whatever", "What should be silent", []string{"silence 1"}},
		{"en", "/hand", "Which problem", []string{"hand 1"}},
		{"ru", "передай", "Какую проблему", []string{"hand 1"}},
		{"en", "hand 1", "Who should take it?", []string{"hand 1 Ivan", "hand 1 slack:T1:U1"}},
		{"ru", "/эскалация", "Какую проблему?", []string{"escalate 1"}},
		{"en", "/escalate", "Which problem?", []string{"escalate 1"}},
	} {
		t.Run(tt.language+" "+tt.asked, func(t *testing.T) {
			d := newDuty(t, reports.Policy{Escalation: []reports.Step{{After: time.Hour, To: "telegram:-1"}}})
			d.engine.People.People = map[string]bot.Role{"telegram:1": bot.Operator, "telegram:2": bot.Operator, "slack:T1:U1": bot.Admin, "telegram:3": bot.Viewer}
			d.read(3)
			r := enginetest.Request(t, bot.Operator)
			r.Person, r.Name = "telegram:2", "Ivan"
			if _, err := d.engine.Commands.Do(t.Context(), "lang en", r); err != nil { // they were seen by name
				t.Fatal(err)
			}
			title, offers := d.tapped(tt.language, tt.asked)
			if !strings.Contains(title, tt.says) || !slices.Equal(offers, tt.offers) {
				t.Errorf("%q with %q, want %q with %q", title, offers, tt.says, tt.offers)
			}
		})
	}
}

// The last tap acts.
func TestTheLastTapActs(t *testing.T) {
	d := newDuty(t, reports.Policy{})
	d.read(3)
	for _, first := range []string{"silence 1", "hand 1"} {
		d.engine.People.People = map[string]bot.Role{"telegram:2": bot.Operator}
		_, offers := d.tapped("en", first)
		if title, _ := d.tapped("en", offers[0]); !strings.Contains(title, "1") {
			t.Errorf("%s: %s", offers[0], title)
		}
	}
	if _, offers := d.tapped("en", "silence"); !slices.Equal(offers, []string{"unsilence 1"}) {
		t.Errorf("what is silent already is offered: %q", offers)
	}
}

// Where nothing is open there is nothing to choose.
func TestNothingToChoose(t *testing.T) {
	d := newDuty(t, reports.Policy{})
	for _, command := range []string{"hand", "escalate"} {
		if title, offers := d.tapped("en", command); title != "No open problems." || len(offers) > 0 {
			t.Errorf("%s: %s, %q", command, title, offers)
		}
	}
}
