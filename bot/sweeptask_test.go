package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/checks"
	"domovoy/checks/suite"
	"domovoy/reports/journal"
)

// slowly is a bot whose panel has so many sites, each of which takes nearly a
// second to look at, one after the other; looks counts how often each was.
func slowly(t *testing.T, sites int) (b *Bot, r Request, looks map[string]int) {
	t.Helper()
	looks = map[string]int{}
	b = outdoors(t, nil, sites, nil)
	p := b.watch.panels[0]
	p.Workers = 1
	p.tried()
	p.Live = &suite.Live{Checks: []checks.Check{lookingUp(func(ctx context.Context, t *checks.Target) ([]checks.Finding, error) {
		name := t.DNS.Name
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(970 * time.Millisecond): // never when the task is looked after
		}
		looks[name]++
		return []checks.Finding{{Site: name, Name: name, Code: checks.DNSElsewhere, Severity: checks.Warning, Args: checks.Args{"addresses": "198.51.100.7"}}}, nil
	})}}
	r = Request{Person: "post:5", Name: "Ann", Role: Operator, Chat: Address{Messenger: "post", Chat: "5"},
		Locale: b.audience.Bundle.Locale("en", time.UTC), Now: time.Now()}
	return b, r, looks
}

// asksToSweep asks in a chat, and has the journal keep what that begins.
func asksToSweep(t *testing.T, b *Bot, r Request) journal.Task {
	t.Helper()
	a, err := b.Ask(t.Context(), "обход", r)
	if err != nil {
		t.Fatal(err)
	}
	task, err := b.journal.Begin(t.Context(), 0, []journal.Delivery{{To: r.Chat.String(), Kind: journal.AnswerKind, Message: a.Message}}, a.Entry, *a.Task)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

// once are the sites that were looked at exactly once.
func once(looks map[string]int) (n int) {
	for _, times := range looks {
		if times == 1 {
			n++
		}
	}
	return n
}

// A sweep that somebody asks for begins at once, shows how far it is, and ends
// with its sum where it began; a second one meanwhile is refused.
func TestASweepOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, r, looks := slowly(t, 10)
		task := asksToSweep(t, b, r)
		said := told(t, b)
		go func() {
			time.Sleep(5500 * time.Millisecond)
			var refused *Refusal
			if _, err := b.Ask(t.Context(), "sweep", r); !errors.As(err, &refused) || refused.Code != ResultBusy || refused.Args["Task"] != fmt.Sprint(task.ID) {
				t.Errorf("a second one: %v", err)
			}
			said = append(said, told(t, b)...)
		}()
		works(t, b, 20*time.Second)
		said = append(said, told(t, b)...)
		if len(said) != 3 || said[0] != "Sweep begun: 10 sites" || !strings.HasSuffix(said[1], "of 10") || !strings.HasPrefix(said[2], "10 sites looked at") {
			t.Errorf("told %q", said)
		}
		if got := end(t, b, task.ID); !strings.HasPrefix(got, `done {"summary":{"domains":10,"by_code":{"dns.elsewhere":10},"seconds":9`) || once(looks) != 10 {
			t.Errorf("the task is %s; %v", got, looks)
		}
		audit, err := b.journal.AuditOf(t.Context(), "", 9)
		if err != nil || len(audit) != 1 || audit[0].Command != "sweep" {
			t.Errorf("the audit has %+v, %v", audit, err)
		}
	})
}

// Killed in the middle, it goes on where it was; stopped, it keeps what it saw.
func TestASweepOnDemandIsCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, r, looks := slowly(t, 30)
		task := asksToSweep(t, b, r)
		works(t, b, 10500*time.Millisecond)
		if got := end(t, b, task.ID); got != "running " || len(looks) != 10 {
			t.Errorf("after the first process the task is %s; %v", got, looks)
		}
		go func() {
			time.Sleep(10500 * time.Millisecond)
			if _, err := b.Ask(t.Context(), fmt.Sprint("stop ", task.ID), r); err != nil {
				t.Error(err)
			}
		}()
		works(t, b, 20*time.Second)
		said := told(t, b)
		if got := end(t, b, task.ID); !strings.HasPrefix(got, `stopped {"summary":null,"looked":1`) || !strings.HasPrefix(said[len(said)-1], "Sweep stopped at 1") {
			t.Errorf("the task is %s, told %q", got, said)
		}
		kept, err := b.journal.Looks(t.Context(), "isp1")
		if err != nil || len(kept) != len(looks) || once(looks) != len(looks) || len(looks) < 20 {
			t.Errorf("%d looks are kept of %v, %v", len(kept), looks, err)
		}
	})
}

// What cannot be swept is said at once, or instead of the sum.
func TestASweepThatCannotBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refusal := func(b *Bot, r Request) string {
			var refused *Refusal
			_, err := b.Ask(t.Context(), "sweep", r)
			if !errors.As(err, &refused) {
				return fmt.Sprint(err)
			}
			return refused.Code.String() + " " + refused.Key
		}
		b, r, looks := slowly(t, 3)
		b.watch.panels[0].Online = func(context.Context) error { return fmt.Errorf("%w: no route", ErrOffline) }
		task := asksToSweep(t, b, r)
		works(t, b, 5*time.Second)
		if got := end(t, b, task.ID); !strings.HasPrefix(got, `failed {"error":{"code":"unavailable"`) || len(looks) > 0 {
			t.Errorf("without a network the task is %s; %v", got, looks)
		}
		r.Role = Viewer
		if got := refusal(b, r); got != "not_allowed refusal.role" {
			t.Errorf("a viewer: %s", got)
		}
		r.Role = Operator
		b.watch.panels[0].server.Read = time.Time{}
		if got := refusal(b, r); got != "unavailable trouble.never" {
			t.Errorf("before the first reading: %s", got)
		}
		b.watch.panels[0].looks = nil
		if got := refusal(b, r); got != "unavailable trouble.inside" {
			t.Errorf("with resolvers: []: %s", got)
		}
	})
}
