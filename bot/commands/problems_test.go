package commands_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/bot"
	"domovoy/bot/commands"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// duty is a bot with one panel, two chats that receive alerts, and people.
type duty struct {
	*testing.T
	path   string
	panel  *enginetest.Panel
	engine *engine.Engine
}

func newDuty(t *testing.T, policy reports.Policy) *duty {
	t.Helper()
	d := &duty{T: t, path: filepath.Join(t.TempDir(), "state.db"), panel: enginetest.NewPanel(checks.Site{Name: "a.ru", Owner: "client17"}, checks.Site{Name: "b.ru", Owner: "other"})}
	j, err := journal.Open(t.Context(), d.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	d.begin(j, policy, "telegram:-1", "slack:C1")
	d.read(0)
	d.told()
	return d
}

// begin makes the bot, over what there is already.
func (d *duty) begin(j *journal.Journal, policy reports.Policy, chats ...string) {
	d.Helper()
	policy.ResolveAfter, policy.Remind = 1, 4*time.Hour
	if policy.Thresholds == nil {
		policy.Thresholds = map[checks.Code]reports.Threshold{checks.PanelFailed: {Warn: 1, Critical: 3}}
	}
	var audience bot.Audience
	for _, chat := range chats {
		to, err := bot.ParseAddress(chat)
		if err != nil {
			d.Fatal(err)
		}
		audience.Chats = append(audience.Chats, bot.Chat{To: to, Receives: []string{bot.Alerts}})
	}
	d.engine = enginetest.New(d, engine.Config{Journal: j, Policy: policy, Sources: []watch.Source{{Name: "isp1", Reader: d.panel}}, Rules: watch.Rules{Within: time.Hour, Times: 2},
		Audience: audience})
}

// read has the panel read with so many failed certificates.
func (d *duty) read(failed int) {
	d.Helper()
	d.panel.Change(func(s *checks.Snapshot) {
		s.Certificates = nil
		for n := range failed {
			s.Certificates = append(s.Certificates, checks.Certificate{ID: int64(n + 1), Name: fmt.Sprint("c", n), Failed: checks.On})
		}
	})
	if err := d.engine.Alerts.Observe(d.Context(), time.Now()); err != nil {
		d.Fatal(err)
	}
}

// told lists the deliveries since it was last called: the chat, why, and of an
// edit what it is of.
func (d *duty) told() []string {
	d.Helper()
	var lines []string
	due, err := d.engine.Journal.Due(d.Context(), time.Now().Add(time.Hour), journal.Queue{}, 100)
	for len(due) > 0 && err == nil {
		for _, x := range due {
			line := x.To + " " + x.Kind
			for _, s := range x.Message.Sections {
				if strings.Contains(s.Text, "Taken by") || strings.Contains(s.Text, "Silenced") {
					line += ": " + strings.TrimSuffix(strings.Fields(s.Text)[0], ".")
				}
			}
			lines = append(lines, line)
			if err = d.engine.Journal.MarkSent(d.Context(), x.ID, fmt.Sprint("m", x.ID), time.Now()); err != nil {
				d.Fatal(err)
			}
		}
		due, err = d.engine.Journal.Due(d.Context(), time.Now().Add(time.Hour), journal.Queue{}, 100)
	}
	if err != nil {
		d.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

func (d *duty) wantTold(want ...string) {
	d.Helper()
	if diff := cmp.Diff(want, d.told()); diff != "" {
		d.Errorf("told (-want +got):\n%s", diff)
	}
}

// ask is what a person says; the error is the code of a refusal.
func (d *duty) ask(person, text string) (any, error) {
	r := enginetest.Request(d.T, bot.Operator)
	r.Person, r.Name, r.Now = person, strings.ToUpper(person[:1])+person[1:], time.Now()
	answer, err := d.engine.Commands.Do(d.Context(), text, r)
	return answer.Data, err
}

func (d *duty) must(person, text string) any {
	d.Helper()
	data, err := d.ask(person, text)
	if err != nil {
		d.Fatalf("%s: %v", text, err)
	}
	return data
}

// refused wants a refusal with a code, and returns its arguments.
func (d *duty) refused(person, text string, code bot.Result) map[string]any {
	d.Helper()
	_, err := d.ask(person, text)
	refusal, ok := errors.AsType[*bot.Refusal](err)
	if !ok || refusal.Code != code {
		d.Fatalf("%s: got %v, want the refusal %s", text, err, code)
	}
	return refusal.Args
}

// acts lists what the audit keeps, oldest first.
func (d *duty) acts() []string {
	d.Helper()
	entries, err := d.engine.Journal.AuditOf(d.Context(), "", 100)
	if err != nil {
		d.Fatal(err)
	}
	var lines []string
	for _, e := range slices.Backward(entries) {
		lines = append(lines, strings.Join([]string{e.Person, e.Command, e.Args, e.Result}, " "))
	}
	return lines
}

// TestTakingShowsInBothChats takes a problem in one chat: both show it, the other
// person is told who has it, and the audit has it all.
func TestTakingShowsInBothChats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDuty(t, reports.Policy{})
		d.read(5)
		d.wantTold("slack:C1 opened", "telegram:-1 opened")
		d.must("ann", "ack 1 2h")
		d.wantTold("slack:C1 edit: Taken", "telegram:-1 edit: Taken")
		if by := d.refused("bob", "ack 1", bot.ResultTaken)["By"]; by != "Ann" {
			t.Errorf("taken by %v", by)
		}
		d.must("ann", "ack 1 3h") // longer
		taken := d.must("bob", "ack").(commands.ProblemsData).Problems[0].Taken
		if taken == nil || taken.Person != "ann" || taken.Until.Sub(taken.At) != 3*time.Hour {
			t.Errorf("taken: %+v", taken)
		}
		viewer := enginetest.Request(t, bot.Viewer) // sees the lists, and may not act
		for text, want := range map[string]bool{"ack": true, "silence": true, "ack 1": false, "silence 1 1h x": false, "unsilence 1": false, "hand 1 @x": false, "escalate 1": false} {
			_, err := d.engine.Commands.Ask(t.Context(), text, viewer)
			refusal, _ := errors.AsType[*bot.Refusal](err)
			if want != (err == nil) || !want && refusal.Code != bot.ResultNotAllowed {
				t.Errorf("a viewer: %s: %v", text, err)
			}
		}
		d.refused("ann", "ack 9", bot.ResultNotFound)
		d.told()
		d.read(0)
		d.wantTold("slack:C1 edit: Taken", "slack:C1 resolved: Taken", "telegram:-1 edit: Taken", "telegram:-1 resolved: Taken")
		d.refused("bob", "ack 1", bot.ResultNotFound)
		want := []string{"ann ack 1 2h ok", "bob ack 1 taken", "ann ack 1 3h ok", "ann ack 9 not_found", "bob ack 1 not_found"}
		if diff := cmp.Diff(want, d.acts()); diff != "" {
			t.Error(diff)
		}
	})
}

// TestOneOfManyTakes has many take a problem at once, half of them through
// another process on the same state: one has it, the others are told who.
func TestOneOfManyTakes(t *testing.T) {
	d := newDuty(t, reports.Policy{})
	d.read(5)
	j, err := journal.Open(t.Context(), d.path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	other := &duty{T: t, engine: enginetest.New(t, engine.Config{Journal: j, Sources: []watch.Source{{Name: "isp1", Reader: d.panel}}})}
	const people = 16
	var all sync.WaitGroup
	errs := make([]error, people)
	for n := range people {
		all.Go(func() {
			by := d
			if n%2 == 0 {
				by = other
			}
			_, errs[n] = by.ask(fmt.Sprintf("person%d", n), "ack 1")
		})
	}
	all.Wait()
	taken := d.must("nobody", "ack").(commands.ProblemsData).Problems[0].Taken
	if taken == nil {
		t.Fatal("nobody has it")
	}
	for n, err := range errs {
		refusal, _ := errors.AsType[*bot.Refusal](err)
		switch person := fmt.Sprintf("person%d", n); {
		case person == taken.Person && err != nil:
			t.Errorf("%s has it and was told %v", person, err)
		case person != taken.Person && (refusal == nil || refusal.Code != bot.ResultTaken || refusal.Args["By"] != taken.Name):
			t.Errorf("%s was told %v", person, err)
		}
	}
	ok := slices.DeleteFunc(d.acts(), func(s string) bool { return !strings.HasSuffix(s, " ok") })
	if len(ok) != 1 {
		t.Errorf("the audit has %v", ok)
	}
}

// TestASilenceEndsByItself runs the bot in virtual time: what a silence holds
// back is told in the second in which it ends, without a reading, and also when
// the bot was down then.
func TestASilenceEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDuty(t, reports.Policy{})
		d.must("ann", "silence server=isp1 90m moving the server")
		d.read(5)
		d.wantTold()
		enginetest.Run(t, 89*time.Minute, d.engine.Alerts.Run)
		d.wantTold()
		enginetest.Run(t, time.Minute+time.Second, d.engine.Alerts.Run)
		d.wantTold("slack:C1 heldover", "telegram:-1 heldover")

		d.must("ann", "silence 1 1h once more")
		d.wantTold("slack:C1 edit: Silenced", "telegram:-1 edit: Silenced")
		time.Sleep(2 * time.Hour) // the bot is down
		enginetest.Run(t, time.Second, d.engine.Alerts.Run)
		d.wantTold("slack:C1 heldover", "telegram:-1 heldover")
	})
}

// TestUnsilenceSpeaksAtOnce ends a silence early.
func TestUnsilenceSpeaksAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDuty(t, reports.Policy{})
		d.must("ann", "silence cause=panel 1d a long one")
		d.read(5)
		d.wantTold()
		d.must("bob", "unsilence 1")
		d.wantTold("slack:C1 heldover", "telegram:-1 heldover")
		d.refused("bob", "unsilence 1", bot.ResultNotFound)
		want := []string{"ann silence cause=panel 1d a long one ok", "bob unsilence 1 ok", "bob unsilence 1 not_found"}
		if diff := cmp.Diff(want, d.acts()); diff != "" {
			t.Error(diff)
		}
	})
}

// TestEscalationGoesToItsAddress runs the bot in virtual time: nobody takes a
// critical problem, then somebody does.
func TestEscalationGoesToItsAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDuty(t, reports.Policy{Escalation: []reports.Step{{After: 15 * time.Minute, To: "slack:C9"}, {After: time.Hour, To: "webhook:duty"}, {After: 2 * time.Hour, To: "email:boss@example.com"}}})
		d.read(5)
		d.told()
		enginetest.Run(t, 14*time.Minute, d.engine.Alerts.Run)
		d.wantTold()
		enginetest.Run(t, 2*time.Minute, d.engine.Alerts.Run)
		d.wantTold("slack:C9 escalated")
		enginetest.Run(t, time.Hour, d.engine.Alerts.Run)
		d.wantTold("webhook:duty escalated")
		d.must("ann", "ack 1 8h")
		d.told()
		enginetest.Run(t, 3*time.Hour, d.engine.Alerts.Run)
		d.wantTold()
		d.must("ann", "escalate 1") // she asks for help
		d.wantTold("slack:C1 edit: Taken", "slack:C9 edit: Taken", "slack:C9 escalated: Taken", "telegram:-1 edit: Taken", "webhook:duty edit: Taken")
		d.read(0) // who was called hears that it is over
		over := d.told()
		for _, to := range []string{"slack:C1", "slack:C9", "telegram:-1", "webhook:duty"} {
			if !slices.Contains(over, to+" resolved: Taken") {
				t.Errorf("%s does not hear the end: %v", to, over)
			}
		}
	})
}

// TestTakingWithdraws takes a problem while a step of the escalation waits to be
// sent: it is not sent.
func TestTakingWithdraws(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDuty(t, reports.Policy{Escalation: []reports.Step{{After: 15 * time.Minute, To: "webhook:duty"}}})
		d.read(5)
		d.told()
		enginetest.Run(t, 16*time.Minute, d.engine.Alerts.Run)
		d.must("ann", "ack 1")
		d.wantTold("slack:C1 edit: Taken", "telegram:-1 edit: Taken")
	})
}

// TestHandingIsNoTaking hands a problem over.
func TestHandingIsNoTaking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDuty(t, reports.Policy{})
		d.read(5)
		d.must("ann", "ack 1")
		d.told()
		d.must("ann", "hand 1 @ivan Petrov")
		d.wantTold("slack:C1 edit", "slack:C1 handed", "telegram:-1 edit", "telegram:-1 handed")
		p := d.must("bob", "ack").(commands.ProblemsData).Problems[0]
		if p.Taken != nil || p.Handed != "@ivan Petrov" {
			t.Errorf("%+v", p)
		}
		d.must("ivan", "ack 1")
		if p := d.must("bob", "ack").(commands.ProblemsData).Problems[0]; p.Taken == nil || p.Handed != "" {
			t.Errorf("%+v", p)
		}
	})
}

// TestSilenceReads lists what a silence understands, asked on Saturday at 12:00.
func TestSilenceReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDuty(t, reports.Policy{})
		d.panel.Change(func(s *checks.Snapshot) { s.Nodes = []checks.Node{{Name: "node2"}} })
		d.read(5)
		now := time.Now() // midnight in the bubble
		for _, tt := range []struct {
			text   string
			about  reports.Match
			start  time.Duration
			end    time.Duration
			reason string
		}{
			{"silence 1 2h moving to isp2", reports.Match{Problem: 1}, 0, 2 * time.Hour, "moving to isp2"},
			{"silence #1 1d12h a weekend", reports.Match{Problem: 1}, 0, 36 * time.Hour, "a weekend"},
			{"тишина 1 30мин переезд на сервер", reports.Match{Problem: 1}, 0, 30 * time.Minute, "переезд на сервер"},
			{"silence shop.ru 2ч why not", reports.Match{Site: "shop.ru"}, 0, 2 * time.Hour, "why not"},
			{"silence https://Магазин.рф/ 2h x", reports.Match{Site: "xn--80aairftm.xn--p1ai"}, 0, 2 * time.Hour, "x"},
			{"silence name=*.shop.ru 2h x", reports.Match{Site: "*.shop.ru"}, 0, 2 * time.Hour, "x"},
			{"тишина владелец=client1* причина=CERT до 06:00 перенос", reports.Match{Owner: "client1*", Cause: "cert"}, 0, 6 * time.Hour, "перенос"},
			{"silence server=isp1/node2 from 22:00 until 02:30 kernel update", reports.Match{Server: "isp1/node2"}, 22 * time.Hour, 26*time.Hour + 30*time.Minute, "kernel update"},
			{"silence server=isp1 from 2000-01-02 10:00 2h x 2h", reports.Match{Server: "isp1"}, 34 * time.Hour, 36 * time.Hour, "x 2h"},
		} {
			got := d.must("ann", tt.text).(commands.SilenceData)
			want := commands.SilenceData{Silence: got.Silence, About: tt.about, Reason: tt.reason, Person: "ann", Start: now.Add(tt.start), End: now.Add(tt.end)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.text, diff)
			}
		}
		for text, code := range map[string]bot.Result{
			"silence 1 2h":                             bot.ResultUsage, // no reason
			"silence 1 because":                        bot.ResultUsage, // no end
			"silence 2h because":                       bot.ResultUsage, // of what
			"silence all 2h because":                   bot.ResultUsage,
			"silence 1 -2h because":                    bot.ResultUsage,
			"silence 1 365d because":                   bot.ResultUsage,
			"silence 1 from yesterday 2h x":            bot.ResultUsage,
			"silence owner=[ 2h x":                     bot.ResultUsage,
			"silence server=isp9 2h x":                 bot.ResultUsage,
			"silence cause=certificates 2h x":          bot.ResultUsage,
			"silence 99 2h x":                          bot.ResultNotFound,
			"silence 1 until 1999-12-31 2h":            bot.ResultUsage,
			"ack 1 30d":                                bot.ResultUsage,
			"ack 1 2h please":                          bot.ResultUsage,
			"hand 1":                                   bot.ResultUsage,
			"escalate 1":                               bot.ResultUnavailable,
			"unsilence 77":                             bot.ResultNotFound,
			"silence server=isp1 from 1999-01-01 2h x": bot.ResultUsage,
		} {
			d.refused("ann", text, code)
		}
		if got := len(d.must("ann", "silence").(commands.SilencesData).Silences); got != 9 {
			t.Errorf("%d silences are listed", got)
		}
	})
}

// TestNothingIsLostOverARestart takes, hands over and silences, and opens the state
// again.
func TestNothingIsLostOverARestart(t *testing.T) {
	d := newDuty(t, reports.Policy{})
	d.read(5)
	d.must("ann", "ack 1 2h")
	d.must("ann", "silence owner=client1* 2h moving")
	j, err := journal.Open(t.Context(), d.path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	s, err := j.Standing(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Problems) != 1 || s.Problems[0].Life.Taken.Person != "ann" || len(s.Silences) != 1 || s.Silences[0].Match.Owner != "client1*" {
		t.Errorf("%+v", s)
	}
}
