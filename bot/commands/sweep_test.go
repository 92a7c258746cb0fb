package commands_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/commands"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/probe"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/ispmanager"
	"domovoy/checks/suite"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// slowly is an engine over a panel whose sites take nearly a second each to
// probe, one after the other; probes counts the probes of each site.
type slowly struct {
	*testing.T
	*engine.Engine
	asked  bot.Request
	probes map[string]int
}

func newSlowly(t *testing.T, sites int, online func(context.Context) error) *slowly {
	t.Helper()
	x := &slowly{T: t, probes: map[string]int{}}
	prober := enginetest.Prober(func(ctx context.Context, t *checks.Target) ([]checks.Finding, error) {
		name := t.DNS.Name
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(970 * time.Millisecond): // never when the task is looked after
		}
		x.probes[name]++
		return []checks.Finding{{Site: name, Name: name, Code: checks.DNSElsewhere, Severity: checks.Warning, Args: checks.Args{"addresses": "198.51.100.7"}}}, nil
	})
	var all []checks.Site
	for i := range sites {
		all = append(all, checks.Site{Name: fmt.Sprintf("s%d.ru", i)})
	}
	x.Engine = enginetest.New(t, engine.Config{Policy: reports.Policy{ResolveAfter: 2},
		Sources: []watch.Source{{Name: "isp1", Reader: enginetest.NewPanel(all...), Prober: prober, Workers: 1, Online: online}}})
	enginetest.Read(t, x.Engine)
	x.asked = bot.Request{Person: "post:5", Name: "Ann", Role: bot.Operator, Chat: bot.Address{Messenger: "post", Chat: "5"},
		Locale: x.People.In("en"), Now: time.Now()}
	return x
}

// asks starts a sweep from a chat, and stores the result in the journal.
func (x *slowly) asks() (id int64) {
	x.Helper()
	a, err := x.Commands.Ask(x.Context(), "обход", x.asked)
	if err != nil {
		x.Fatal(err)
	}
	answers := []journal.Delivery{{To: x.asked.Chat.String(), Kind: journal.AnswerKind, Message: a.Message}}
	if err := x.Tasks.Begin(x.Context(), 0, answers, x.asked, a); err != nil {
		x.Fatal(err)
	}
	open, err := x.Journal.OpenTasks(x.Context())
	if err != nil || len(open) != 1 {
		x.Fatalf("open tasks %+v, %v", open, err)
	}
	return open[0].ID
}

// works runs the tasks for some time.
func (x *slowly) works(while time.Duration) { x.Helper(); enginetest.Run(x.T, while, x.Tasks.Run) }

// told removes the messages for the chat from the outbox.
func (x *slowly) told() (titles []string) {
	x.Helper()
	for {
		due, err := x.Journal.Due(x.Context(), time.Now(), journal.Queue{}, 9)
		if err != nil {
			x.Fatal(err)
		}
		if len(due) == 0 {
			return titles
		}
		for _, d := range due {
			titles = append(titles, d.Message.Title)
			if err := x.Journal.MarkSent(x.Context(), d.ID, "ref", time.Now()); err != nil {
				x.Fatal(err)
			}
		}
	}
}

// end returns the state of a task.
func (x *slowly) end(id int64) string {
	x.Helper()
	task, err := x.Journal.Task(x.Context(), id)
	if err != nil {
		x.Fatal(err)
	}
	return string(task.State) + " " + string(task.Result)
}

// once counts the sites that were probed exactly once.
func once(looks map[string]int) (n int) {
	for _, times := range looks {
		if times == 1 {
			n++
		}
	}
	return n
}

// A sweep on demand begins at once, shows its progress, and reports the result
// in the chat where it began; a second one meanwhile is refused.
func TestASweepOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newSlowly(t, 10, nil)
		id := x.asks()
		said := x.told()
		go func() {
			time.Sleep(5500 * time.Millisecond)
			var refused *bot.Refusal
			if _, err := x.Commands.Ask(t.Context(), "sweep", x.asked); !errors.As(err, &refused) || refused.Code != bot.ResultBusy || refused.Args["Task"] != fmt.Sprint(id) {
				t.Errorf("a second one: %v", err)
			}
			said = append(said, x.told()...)
		}()
		x.works(20 * time.Second)
		said = append(said, x.told()...)
		if len(said) != 3 || said[0] != "Sweep started: 10 sites" || !strings.HasSuffix(said[1], "of 10") || !strings.HasPrefix(said[2], "10 sites checked") {
			t.Errorf("told %q", said)
		}
		if got := x.end(id); !strings.HasPrefix(got, `done {"summary":{"domains":10,"by_code":{"dns.elsewhere":10},"seconds":9`) || once(x.probes) != 10 {
			t.Errorf("the task is %s; %v", got, x.probes)
		}
		audit, err := x.Journal.AuditOf(t.Context(), "", 9)
		if err != nil || len(audit) != 1 || audit[0].Command != "sweep" {
			t.Errorf("the audit has %+v, %v", audit, err)
		}
	})
}

// A sweep that was killed continues where it was; one that was stopped keeps
// its results.
func TestASweepOnDemandIsCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newSlowly(t, 30, nil)
		id := x.asks()
		x.works(10500 * time.Millisecond)
		if got := x.end(id); got != "running " || len(x.probes) != 10 {
			t.Errorf("after the first process the task is %s; %v", got, x.probes)
		}
		go func() {
			time.Sleep(10500 * time.Millisecond)
			if _, err := x.Commands.Ask(t.Context(), fmt.Sprint("stop ", id), x.asked); err != nil {
				t.Error(err)
			}
		}()
		x.works(20 * time.Second)
		said := x.told()
		if got := x.end(id); !strings.HasPrefix(got, `stopped {"summary":null,"looked":1`) || !strings.HasPrefix(said[len(said)-1], "Sweep stopped at 1") {
			t.Errorf("the task is %s, told %q", got, said)
		}
		kept, err := x.Journal.Probes(t.Context(), "isp1")
		if err != nil || len(kept) != len(x.probes) || once(x.probes) != len(x.probes) || len(x.probes) < 20 {
			t.Errorf("%d looks are kept of %v, %v", len(kept), x.probes, err)
		}
	})
}

// If no sweep is possible, that is said at once or instead of the result.
func TestASweepThatCannotBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refusal := func(x *slowly) string {
			var refused *bot.Refusal
			_, err := x.Commands.Ask(t.Context(), "sweep", x.asked)
			if !errors.As(err, &refused) {
				return fmt.Sprint(err)
			}
			return refused.Code.String() + " " + refused.Key
		}
		x := newSlowly(t, 3, func(context.Context) error { return fmt.Errorf("%w: no route", probe.ErrOffline) })
		id := x.asks()
		x.works(5 * time.Second)
		if got := x.end(id); !strings.HasPrefix(got, `failed {"error":{"code":"unavailable"`) || len(x.probes) > 0 {
			t.Errorf("without a network the task is %s; %v", got, x.probes)
		}
		x.asked.Role = bot.Viewer
		if got := refusal(x); got != "not_allowed refusal.role" {
			t.Errorf("a viewer: %s", got)
		}
		inside := enginetest.New(t, engine.Config{Sources: []watch.Source{{Name: "isp1", Reader: enginetest.NewPanel()}}})
		x.asked.Role, x.Commands = bot.Operator, inside.Commands
		if got := refusal(x); got != "unavailable trouble.inside" {
			t.Errorf("with resolvers: []: %s", got)
		}
	})
}

// A sweep before the first reading would find nothing to probe.
func TestASweepBeforeTheFirstReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := ispmanager.New(ispmanager.Config{Name: "isp1", Database: filepath.Join(t.TempDir(), "gone.db")})
		defer gone.Close()
		e := enginetest.New(t, engine.Config{Sources: []watch.Source{{Name: "isp1", Reader: gone, Prober: &suite.Live{}}}})
		enginetest.Read(t, e) // the file does not exist
		r := enginetest.Request(t, bot.Operator)
		var refused *bot.Refusal
		if _, err := e.Commands.Ask(t.Context(), "sweep", r); !errors.As(err, &refused) || refused.Key != "trouble.never" {
			t.Errorf("refused by %v", err)
		}
	})
}

// What a sweep writes goes into files: no link in it acts in the account's name,
// though who sweeps may see it in a chat.
func TestASweepShowsNoLink(t *testing.T) {
	const link = "https://portal.letsencrypt.org/sfe/v1/unpause?jwt=eyJhbGciOiJIUzI1NiJ9.c2VjcmV0.c2lnbmVk"
	panel := enginetest.NewPanel(checks.Site{Name: "shop.ru", Certificate: "shop.ru_le1"})
	panel.Log(checks.Attempt{Certificate: "shop.ru_le1", Outcome: checks.OutcomeFailed, Time: time.Now().Add(-time.Hour),
		Text: "Your account is temporarily prevented from requesting certificates for shop.ru and possibly others. Please visit: " + link})
	e := enginetest.New(t, engine.Config{Sources: []watch.Source{{Name: "isp1", Reader: panel}}})
	enginetest.Read(t, e)
	_, err := commands.Swept(e.Watch, e.People.In("en"), time.Minute, func(data commands.CheckData) error {
		text, err := json.Marshal(data)
		if strings.Contains(string(text), "c2VjcmV0") || data.Verdict.Code != checks.CAPaused {
			t.Errorf("a sweep writes %s", text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
