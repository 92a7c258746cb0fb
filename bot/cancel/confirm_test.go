package cancel_test

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/cancel"
	"domovoy/bot/commands"
	"domovoy/checks/lab/boulder"
	"domovoy/reports"
)

// A confirmation by the wrong person, too late, in another chat or for the
// second time is refused with the reason; nothing is done, and it is in the
// audit log.
func TestRefusedConfirmations(t *testing.T) {
	for name, c := range map[string]struct {
		cap    int // 0: one person is enough
		person string
		chat   string
		before func(o *office, plan reports.Message)
		says   string
		audit  string
	}{
		"a viewer":        {person: "post:4", says: "needs the role administrator. Your role here: viewer", audit: "post:4 confirm not_allowed"},
		"an operator":     {person: "post:3", says: "needs the role administrator. Your role here: operator", audit: "post:3 confirm not_allowed"},
		"another admin":   {person: "post:2", says: "was requested by Ann", audit: "post:2 confirm foreign"},
		"another chat":    {person: "post:1", chat: "post:1", says: "made in another chat", audit: "post:1 confirm foreign"},
		"an expired plan": {person: "post:1", before: func(*office, reports.Message) { time.Sleep(10 * time.Minute) }, says: "has expired: a plan can be confirmed for 10 min", audit: "post:1 confirm expired"},
		"a replayed button": {person: "post:1", before: func(o *office, plan reports.Message) {
			o.press("post:-1", "post:1", plan, time.Minute)
		}, says: "has already been carried out", audit: "post:1 confirm used"},
		"a changed world": {person: "post:1", before: func(o *office, _ reports.Message) {
			o.ca.Set(o.pending()[1], boulder.Valid)
		}, says: "1 of 6 authorizations have changed", audit: "post:1 cancel changed"},
		"another account": {person: "post:1", before: func(o *office, _ reports.Message) {
			o.elsewhere()
		}, says: "6 of 6 authorizations have changed", audit: "post:1 cancel changed"},
		"the same person twice": {cap: 5, person: "post:1", before: func(o *office, plan reports.Message) {
			o.press("post:-1", "post:1", plan, time.Second)
		}, says: "You have already confirmed plan", audit: "post:1 confirm second"},
		"the second person first": {cap: 5, person: "post:2", says: "was requested by Ann", audit: "post:2 confirm foreign"},
		"the second person elsewhere": {cap: 5, person: "post:2", chat: "post:2", before: func(o *office, plan reports.Message) {
			o.press("post:-1", "post:1", plan, time.Second)
		}, says: "made in another chat", audit: "post:2 confirm foreign"},
		"the second person too late": {cap: 5, person: "post:2", before: func(o *office, plan reports.Message) {
			o.press("post:-1", "post:1", plan, 11*time.Minute)
		}, says: "has expired", audit: "post:2 confirm expired"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := place(t, boulder.New(boulder.Options{}), "en")
				o.logged(o.ca.Populate(o.known.ID, boulder.Names(6, "client.example"), 1, boulder.Pending)...)
				if c.cap > 0 {
					o.bot.Watch.Panels()[0].CA.Cap = c.cap
				}
				o.works()
				defer o.stop()
				plan := o.say("post:-1", "post:1", "cancel authz all", 10*time.Second)
				if c.before != nil {
					c.before(o, plan)
				}
				done := len(o.ca.Deactivations())
				chat := c.chat
				if chat == "" {
					chat = "post:-1"
				}
				m := o.say(chat, c.person, plan.Actions[0].Command, 10*time.Second)
				if !strings.Contains(m.Title, c.says) || strings.Contains(m.Title, "⟨") {
					t.Errorf("told %q, want %q in it", m.Title, c.says)
				}
				if n := len(o.ca.Deactivations()); n != done {
					t.Errorf("%d were cancelled", n-done)
				}
				if audit := o.audited(); len(audit) == 0 || audit[len(audit)-1] != c.audit {
					t.Errorf("the audit has %q, want %q at its end", audit, c.audit)
				}
			})
		})
	}
}

// elsewhere configures another account's key.
func (o *office) elsewhere() {
	o.Helper()
	other := place(o.T, o.ca, "en")
	o.with(func(a *cancel.LocalAccount) { a.KeyFile = other.key })
}

// Plans that do not exist and plans that may not be confirmed have different
// errors; a person may mistype.
func TestPlansThatAreNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := place(t, boulder.New(boulder.Options{}), "en")
		for words, code := range map[string]string{
			"confirm": "usage", "confirm a b": "usage", "confirm 7f3a": "not_found",
			"cancel": "usage", "cancel authz": "usage", "cancel authz valid": "usage", "cancel orders all": "usage",
			"cancel authz all shop.ru": "usage", "cancel authz no_name": "usage", "cancel authz shop.ru server=isp9": "usage",
			"cancel authz https://acme.example/acme/authz/1/2": "usage",
			"stop": "usage", "stop twelve": "usage", "stop 12": "not_found",
			"audit a.ru b.ru": "usage",
		} {
			_, err := o.bot.Commands.Do(t.Context(), words, o.local())
			var refusal *bot.Refusal
			if !errors.As(err, &refusal) || refusal.Code.String() != code {
				t.Errorf("%q: %v, want %s", words, err, code)
			}
			if text, _ := bot.Explain(t.Context(), slog.New(slog.DiscardHandler), err, o.local()); strings.Contains(text.Title, "⟨") {
				t.Errorf("%q: %q", words, text.Title)
			}
		}
	})
}

// A plan above the cap needs two confirmations: the plan's owner's, then
// another admin's. For a plan from the console, the second person is in a chat.
func TestTwoConfirm(t *testing.T) {
	for _, at := range []string{"chat", "console"} {
		t.Run(at, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := place(t, boulder.New(boulder.Options{}), "en")
				pending := o.ca.Populate(o.known.ID, boulder.Names(6, "client.example"), 1, boulder.Pending)
				o.logged(pending...)
				o.bot.Watch.Panels()[0].CA.Cap = 5
				o.works()
				defer o.stop()
				command, want := "", "post:2 cancel done deactivated=6 skipped=0 failed=0 left=0 price=6 confirmed="
				if at == "chat" {
					plan := o.say("post:-1", "post:1", "cancel authz all", 10*time.Second)
					command = plan.Actions[0].Command
					m := o.press("post:-1", "post:1", plan, 10*time.Second)
					if !strings.Contains(m.Title, "Another administrator must confirm") || len(m.Actions) != 1 {
						t.Errorf("told %q", m.Title)
					}
					want += "post:1"
				} else {
					command = "confirm " + o.planned("all").ID
					a, err := o.bot.Commands.Do(t.Context(), command, o.local())
					if data, ok := a.Data.(commands.ConfirmData); err != nil || !ok || data.Needs != 2 {
						t.Errorf("%+v, %v", a.Data, err)
					}
					want += "local:root"
				}
				if n := len(o.ca.Deactivations()); n > 0 {
					t.Fatalf("%d were cancelled with one confirmation", n)
				}
				m := o.say("post:-1", "post:2", command, time.Minute)
				if !strings.Contains(m.Title, "6 of 6") {
					t.Errorf("told %q", texts(m))
				}
				o.exact(pending)
				if audit := o.audited(); !slices.Contains(audit, want) {
					t.Errorf("the audit has %q, want %q", audit, want)
				}
			})
		})
	}
}

// The audit command shows the last actions, of a site or of all, and whether
// the log is complete.
func TestAudit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := place(t, boulder.New(boulder.Options{}), "en")
		o.logged(o.ca.Populate(o.known.ID, []string{"shop.ru", "blog.ru"}, 1, boulder.Pending)...)
		o.confirmed(o.planned("shop.ru").ID)
		for words, n := range map[string]int{"audit": 2, "audit shop.ru": 1, "audit blog.ru": 0} {
			a, err := o.bot.Commands.Do(t.Context(), words, o.local())
			o.must(err)
			data := a.Data.(commands.AuditData)
			if len(data.Audit) != n || !data.Whole || data.Entries != 2 || len(data.Head) != 64 {
				t.Errorf("%s: %+v", words, data)
			}
			if !strings.Contains(texts(a.Message), "Audit log intact") || strings.Contains(texts(a.Message), "⟨") {
				t.Errorf("%s says %q", words, texts(a.Message))
			}
		}
	})
}
