package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine/enginetest"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// way is a receiver that is out at times. It records what it takes, with the time
// since the beginning.
type way struct {
	mu     sync.Mutex
	out    func(since time.Duration) error // nil: it takes everything
	refuse map[string]error                // by address
	calls  []time.Duration
	tried  []string // addresses
	took   []taken
}

type taken struct {
	to     string
	m      reports.Message
	at     time.Duration
	edited string
}

func (w *way) Send(_ context.Context, to bot.Address, _ string, m reports.Message) (string, error) {
	return w.take(taken{to: to.String(), m: m})
}

func (w *way) Edit(_ context.Context, to bot.Address, ref string, m reports.Message) error {
	_, err := w.take(taken{to: to.String(), m: m, edited: ref})
	return err
}

func (w *way) take(x taken) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	x.at = time.Since(began(nil))
	w.calls, w.tried = append(w.calls, x.at), append(w.tried, x.to)
	if err := w.refuse[x.to]; err != nil {
		return "", err
	}
	if w.out != nil {
		if err := w.out(x.at); err != nil {
			return "", err
		}
	}
	w.took = append(w.took, x)
	return fmt.Sprint(len(w.took)), nil
}

// titles of what a chat got.
func (w *way) titles(to string) (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, x := range w.took {
		if x.to == to {
			all = append(all, x.m.Title)
		}
	}
	return all
}

// probed is a way that can be asked whether it works.
type probed struct{ *way }

func (p probed) Probe(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out(time.Since(began(nil)))
}

// between fails from one time to another.
func between(from, to time.Duration, err error) func(time.Duration) error {
	return func(at time.Duration) error {
		if at >= from && at < to {
			return err
		}
		return nil
	}
}

// twoChats has alerts go to a chat of each messenger, and to e-mail when none works.
func twoChats(a *bot.Audience) {
	for _, to := range []string{"telegram:-1", "slack:C1"} {
		address, _ := bot.ParseAddress(to)
		a.Chats = append(a.Chats, bot.Chat{To: address, Language: "en", Receives: []string{bot.Alerts}})
	}
	mail, _ := bot.ParseAddress("email:ops@example.com")
	a.Spare = []bot.Address{mail}
}

// change is what happens to a problem at a time; the journal gets it as the alerts do.
func change(t *testing.T, j *journal.Journal, wake bot.Signal, kind reports.Reason, incident *reports.Incident, title string, tone reports.Tone) {
	t.Helper()
	now := time.Now()
	if kind == reports.Resolved {
		incident.Times.Resolved = now
	}
	f := incident.Finding
	pr := reports.Problem{ID: incident.Problem, Key: f.Key(), Server: f.Server, Cause: f.Code, Worst: f.Severity, Opened: now, Resolved: incident.Times.Resolved,
		Told: reports.Told{Reason: kind, Severity: f.Severity, At: now}}
	incident.Joins = pr.Key
	e := journal.Entry{At: now, Changes: []reports.Change{{Kind: kind, Incident: *incident}}, Problems: []reports.Problem{pr}}
	for _, to := range []string{"telegram:-1", "slack:C1"} {
		e.Deliveries = append(e.Deliveries, journal.Delivery{To: to, Kind: string(kind), ProblemKey: pr.Key,
			Message: reports.Message{Language: "en", Tone: tone, Title: title}})
	}
	if err := j.Record(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	wake.Wake()
	if incident.ID != 0 {
		return
	}
	open, err := j.OpenIncidents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range open {
		if i.Finding.Key() == incident.Finding.Key() {
			*incident = i
		}
	}
}

// Both messengers are out for half an hour, in which 200 things change. The first
// message afterwards is the oldest critical problem that is open, within five seconds;
// what came and went is one message a chat; e-mail had the critical ones; nothing is
// lost, and nothing is told twice.
func TestAnOutageOfBothMessengers(t *testing.T) {
	page := &bot.Unclear{Arrived: true, Answered: true, Err: errors.New("HTTP status 502")}
	for name, c := range map[string]struct {
		failure error
		asked   bool // the messengers can be asked whether they work
	}{
		"no connection":        {unclear(), true},
		"only sending fails":   {page, false},
		"the token is refused": {&bot.Permanent{Reason: "Unauthorized", Token: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { bothOut(t, c.failure, c.asked) })
		})
	}
}

func bothOut(t *testing.T, failure error, asked bool) {
	const from, to = time.Minute, 31 * time.Minute
	j := enginetest.NewDisk(t)
	telegram, slack := &way{out: between(from, to, failure)}, &way{out: between(from, to, failure)}
	mail := &way{}
	receivers := map[string]bot.Receiver{"telegram": telegram, "slack": slack, "email": mail}
	if asked {
		receivers["telegram"], receivers["slack"] = probed{telegram}, probed{slack}
	}
	out := outboxFor(t, j.Journal, slog.DiscardHandler, receivers, twoChats)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- out.Run(ctx) }()
	time.Sleep(from + time.Second)

	enqueue(t, j.Journal, reply("telegram:-1", "an answer"))
	var flaps, stay []*reports.Incident
	for n := range 67 { // each opens and ends, every third again: 134 changes and 66 more
		flaps = append(flaps, &reports.Incident{Finding: overdueAt(fmt.Sprintf("flap%d.example", n/2))})
	}
	worst := &reports.Incident{Finding: overdueAt("worst.example")}
	for n, i := range flaps {
		change(t, j.Journal, out.Wake, reports.Opened, i, "opened "+i.Finding.Site, reports.ToneWarning)
		time.Sleep(4 * time.Second)
		change(t, j.Journal, out.Wake, reports.Resolved, i, "over "+i.Finding.Site, reports.ToneOver)
		if n == 30 {
			change(t, j.Journal, out.Wake, reports.Opened, worst, "the worst", reports.ToneBad)
		}
		if n%2 == 0 {
			s := &reports.Incident{Finding: overdueAt(fmt.Sprintf("stays%d.example", n))}
			change(t, j.Journal, out.Wake, reports.Opened, s, "stays "+s.Finding.Site, reports.ToneWarning)
			stay = append(stay, s)
		}
		time.Sleep(15 * time.Second)
	}
	time.Sleep(time.Hour)
	cancel()
	<-ended

	for name, w := range map[string]*way{"telegram:-1": telegram, "slack:C1": slack} {
		got := w.took
		if len(got) == 0 {
			t.Fatalf("%s got nothing", name)
		}
		if first := got[0]; first.m.Title != "the worst" || first.at > to+5*time.Second || !first.m.Silent {
			t.Errorf("%s first got %q after %s, silent %t", name, first.m.Title, first.at-to, first.m.Silent)
		}
		if text := got[0].m.Sections[0].Text; !strings.HasPrefix(text, "Told late: this was ") || !strings.Contains(text, "ops@example.com") {
			t.Errorf("%s: the first says %q", name, text)
		}
		over, titles := 0, map[string]int{}
		for _, x := range got {
			titles[x.m.Title]++
			if strings.Contains(x.m.Title, "came and went") || strings.HasPrefix(x.m.Title, "over ") {
				over++
			}
		}
		if over > 2 {
			t.Errorf("%s got %d messages about what was over", name, over)
		}
		for _, s := range stay {
			if n := titles["stays "+s.Finding.Site]; n != 1 {
				t.Errorf("%s got %q %d times", name, "stays "+s.Finding.Site, n)
			}
		}
	}
	if got := telegram.titles("telegram:-1"); !slices.Contains(got, "an answer") {
		t.Error("the answer is lost")
	}
	if got := mail.titles("email:ops@example.com"); !slices.Contains(got, "the worst") || countOf(got, "the worst") != 1 {
		t.Errorf("e-mail got %q", got)
	}
	if n := waiting(t, j.Journal); n != 0 {
		t.Errorf("%d still wait", n)
	}
	if n := len(telegram.calls); n > 2000 {
		t.Errorf("Telegram was called %d times", n)
	}
}

func countOf(list []string, s string) (n int) {
	for _, x := range list {
		if x == s {
			n++
		}
	}
	return n
}

// The sequence that Telegram receives is the same, whatever happens at Slack; only
// what Telegram takes over from it, and what is told about it, is more.
func TestReceiversFailIndependently(t *testing.T) {
	play := func(t *testing.T, seed uint64, slackOut func(time.Duration) error) []string {
		j := enginetest.NewDisk(t)
		telegram, slack := &way{}, &way{out: slackOut}
		receivers := map[string]bot.Receiver{"telegram": telegram, "slack": slack}
		if slackOut != nil && seed%2 == 1 {
			receivers["slack"] = probed{slack}
		}
		out := outboxFor(t, j.Journal, slog.DiscardHandler, receivers, twoChats)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- out.Run(ctx) }()
		rnd := rand.New(rand.NewPCG(seed, 6))
		for n := range 40 {
			i := &reports.Incident{Finding: overdueAt(fmt.Sprintf("site%d.example", n))}
			tone := []reports.Tone{reports.ToneBad, reports.ToneWarning}[rnd.IntN(2)]
			change(t, j.Journal, out.Wake, reports.Opened, i, fmt.Sprint("opened ", n), tone)
			enqueue(t, j.Journal, reply("telegram:-1", fmt.Sprint("answer ", n)), reply("slack:C1", fmt.Sprint("answer ", n)))
			out.Wake.Wake()
			time.Sleep(time.Duration(100+rnd.IntN(20_000)) * time.Millisecond)
			if rnd.IntN(2) == 0 {
				change(t, j.Journal, out.Wake, reports.Resolved, i, fmt.Sprint("over ", n), reports.ToneOver)
			}
			time.Sleep(time.Duration(100+rnd.IntN(60_000)) * time.Millisecond)
		}
		time.Sleep(15 * time.Minute)
		cancel()
		<-ended
		var said []string
		for _, x := range telegram.took {
			if own := !strings.Contains(fmt.Sprint(x.m.Sections), "another way") && !strings.HasPrefix(x.m.Title, "slack") && !strings.HasPrefix(x.m.Title, "Slack"); own {
				said = append(said, x.m.Title)
			}
		}
		return said
	}
	for seed := range uint64(patterns) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			var want, got []string
			synctest.Test(t, func(t *testing.T) { want = play(t, seed, nil) })
			synctest.Test(t, func(t *testing.T) { got = play(t, seed, pattern(seed)) })
			if !slices.Equal(want, got) || len(want) < 80 {
				t.Errorf("Telegram got\n%q\nand without Slack's failures\n%q", got, want)
			}
		})
	}
}

// pattern is a random pattern of failures.
func pattern(seed uint64) func(time.Duration) error {
	rnd := rand.New(rand.NewPCG(seed, 7))
	kinds := []error{nil, unclear(), &bot.Unclear{Arrived: true, Err: errors.New("EOF")}, &bot.RetryAfter{After: 30 * time.Second},
		&bot.RetryAfter{After: time.Minute, Scope: bot.ScopeAll}, &bot.Refused{Reason: "odd"}, &bot.Permanent{Reason: "too long"},
		&bot.Permanent{Reason: "is_archived", Chat: true}, &bot.Permanent{Reason: "token_revoked", Token: true}, errors.New("what")}
	var spells []error
	for range 200 {
		spells = append(spells, kinds[rnd.IntN(len(kinds))])
	}
	length := time.Duration(1+rnd.IntN(600)) * time.Second
	return func(at time.Duration) error { return spells[int(at/length)%len(spells)] }
}
