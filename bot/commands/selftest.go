package commands

import (
	"cmp"
	"context"
	"errors"
	"time"

	"domovoy/bot"
	"domovoy/bot/canary"
	"domovoy/bot/people"
	"domovoy/bot/watch"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// SelfTestData is the JSON of selftest.
type SelfTestData struct {
	OK     bool           `json:"ok"`
	Checks []SelfTestItem `json:"checks"`
}

// SelfTestItem is one thing that was tested. Error is empty where it is well.
type SelfTestItem struct {
	Name  string     `json:"name" jsonschema:"state, audit, panel, alarm or chat"`
	Of    string     `json:"of,omitempty"`
	OK    bool       `json:"ok"`
	Error string     `json:"error,omitempty"`
	Last  *time.Time `json:"last,omitempty" jsonschema:"the last success: of a reading, of a test alarm, of a message"`
}

// selfTest looks at the bot itself.
type selfTest struct {
	journal *journal.Journal
	watch   *watch.Watch
	trail   trail
	people  *people.Directory
	canary  *canary.Canary
}

// run answers whether the bot itself works: the state can be written, the
// audit is whole, the panels are read, a made-up problem becomes an alert, and the
// chats get their messages.
func (s selfTest) run(ctx context.Context, r bot.Request) (bot.Answer, error) {
	if err := noWords("selftest", r); err != nil {
		return bot.Answer{}, err
	}
	var told []compose.SelfTest
	health := s.journal.Health(ctx, r.Now)
	fault, isFault := errors.AsType[*journal.Fault](health)
	switch {
	case isFault:
		told = append(told, compose.SelfTest{Name: "state", Error: health.Error(), Why: "state.why." + string(fault.Reason)})
	case health != nil:
		return bot.Answer{}, health
	default:
		told = append(told, compose.SelfTest{Name: "state"})
	}
	chain, trail, err := s.trail.chain(ctx)
	if err != nil {
		return bot.Answer{}, err
	}
	told = append(told, compose.SelfTest{Name: "audit", Error: chain.Error, Trail: trail})
	for _, server := range s.watch.States() {
		told = append(told, ofPanel(server.Name, server.Trouble, server.Read))
	}
	alarm, err := s.alarm(ctx)
	if err != nil {
		return bot.Answer{}, err
	}
	told = append(told, alarm)
	for _, chat := range s.people.Chats {
		d, err := s.journal.ChatDelivery(ctx, chat.To.String())
		if err != nil {
			return bot.Answer{}, err
		}
		told = append(told, ofChat(chat.To.String(), d, r.Now))
	}
	data := SelfTestData{OK: true}
	for _, t := range told {
		data.OK = data.OK && t.Error == ""
		data.Checks = append(data.Checks, SelfTestItem{Name: t.Name, Of: t.Of, OK: t.Error == "", Error: t.Error, Last: bot.OrNull(t.Last)})
	}
	return bot.Answer{Message: compose.SelfTested(r.Writer(), told), Data: data}, nil
}

// alarm takes a made-up problem the way of the daily test alarm, as far as its
// messages, and looks at how the last one fared.
func (s selfTest) alarm(ctx context.Context) (compose.SelfTest, error) {
	fault, state, err := s.canary.Test(ctx)
	t := compose.SelfTest{Name: "alarm", Last: state.Last, Alarm: fault}
	if t.Alarm == nil {
		t.Alarm = state.Missing()
	}
	if t.Alarm != nil {
		t.Error = t.Alarm.Error()
	}
	return t, err
}

func ofPanel(name, trouble string, read time.Time) compose.SelfTest {
	t := compose.SelfTest{Name: "panel", Of: name, Last: read, Error: trouble}
	if trouble != "" {
		t.Why = "trouble." + trouble
	}
	return t
}

// chatPatience is how long a message may wait until its chat counts as not
// reached.
const chatPatience = 5 * time.Minute

func ofChat(to string, d journal.ChatDelivery, now time.Time) compose.SelfTest {
	t := compose.SelfTest{Name: "chat", Of: to, Last: d.Sent, Waiting: d.Waiting}
	if d.Waiting > 0 && now.Sub(d.Oldest) >= chatPatience {
		t.Error, t.Why = cmp.Or(d.Error, "not delivered"), "selftest.waiting"
	}
	return t
}
