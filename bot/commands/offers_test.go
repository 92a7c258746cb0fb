package commands_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports"
)

// What a messenger's menu sends bare, and what nobody understands, is answered with
// buttons; an unknown word gets the nearest command.
func TestRefusalsOfferButtons(t *testing.T) {
	e := troubledBot(t)
	for _, tt := range []struct {
		asked, says string
		offers      []string // commands
	}{
		{"/list", "Which list?", []string{"list trouble", "list failed"}},
		{"/check", "Which site?", []string{"check konservy.com", "check konservy.ru"}},
		{"/why", "Which site?", []string{"why konservy.com", "why konservy.ru"}},
		{"/report", "Which report", []string{"report daily", "report weekly"}},
		{"/lang", "Which language?", []string{"lang en", "lang ru"}},
		{"/plan", "Which plan?", []string{"plan reissue"}},
		{"/cancel", "What should be cancelled?", []string{"cancel authz all"}},
		{"status now", "“now”", []string{"status server=isp1"}},
		{"whoami please", "“whoami”", []string{"whoami"}},
		{"кто-я пожалуйста", "“кто-я”", []string{"whoami"}},
		{"status server=isp2", "isp1", []string{"status server=isp1"}},
		{"check a b", "Which site?", []string{"check konservy.com", "check konservy.ru"}},
		{"check konservy.org", "Similar: konservy.ru", []string{"check konservy.ru", "check konservy.com", "check shop.konservy.ru"}},
		{"list faild", "“faild”", []string{"list failed", "list trouble"}},
		{"statsu", "Did you mean “status”?", []string{"status", "help"}},
		{"cehck konservy.ru", "Did you mean “check”?", []string{"check konservy.ru", "help"}},
		{"проврь konservy.ru", "Did you mean “проверь”?", []string{"check konservy.ru", "help"}},
		{"konservy.ru", "Unknown command", []string{"check konservy.ru", "help"}},
		{"nonsense", "Unknown command", []string{"help"}},
	} {
		r := enginetest.Request(t, bot.Admin)
		m, _ := bot.Explain(t.Context(), e.Log, must(e.Commands.Do(t.Context(), tt.asked, r)), r)
		var offers []string
		for _, a := range m.Actions {
			offers = append(offers, a.Command)
			if a.Label == "" || strings.Contains(a.Label, "⟨") {
				t.Errorf("%s: the button for %q is called %q", tt.asked, a.Command, a.Label)
			}
		}
		if !strings.Contains(m.Title, tt.says) {
			t.Errorf("%s: %q, want %q", tt.asked, m.Title, tt.says)
		}
		slices.Sort(offers)
		if diff := cmp.Diff(slices.Sorted(slices.Values(tt.offers)), offers); diff != "" {
			t.Errorf("%s offers:\n%s", tt.asked, diff)
		}
		for _, a := range m.Actions { // a button is never refused for its words
			var refusal *bot.Refusal
			if _, err := e.Commands.Do(t.Context(), a.Command, r); errors.As(err, &refusal) && refusal.Code == bot.ResultUsage {
				t.Errorf("%s: the button %q is refused: %v", tt.asked, a.Command, refusal)
			}
		}
	}
}

// troubledBot is a bot over sites of similar names, two of which could get no
// certificate.
func troubledBot(t *testing.T) *engine.Engine {
	t.Helper()
	panel := enginetest.NewPanel(checks.Site{Name: "konservy.com"}, checks.Site{Name: "konservy.ru"}, checks.Site{Name: "shop.konservy.ru"})
	panel.Change(func(s *checks.Snapshot) {
		for i := range s.Sites[:2] {
			site := &s.Sites[i]
			site.Certificate = site.Name + "_le1"
			s.Certificates = append(s.Certificates, checks.Certificate{Server: "isp1", ID: int64(i + 1), Name: site.Certificate, Domain: site.Name, Failed: checks.On})
		}
	})
	for _, name := range []string{"konservy.com", "konservy.ru"} {
		panel.Log(checks.Attempt{Server: "isp1", Certificate: name + "_le1", Time: time.Now().Add(-time.Hour), Outcome: checks.OutcomeFailed, Status: "failed", Text: "DNS problem: NXDOMAIN looking up A for " + name})
	}
	e := enginetest.New(t, engine.Config{Sources: []watch.Source{{Name: "isp1", Reader: panel}}})
	enginetest.Read(t, e)
	return e
}

// A viewer is not led to what a viewer may not do.
func TestOffersFollowTheRole(t *testing.T) {
	e := foundBot(t)
	r := enginetest.Request(t, bot.Viewer)
	m, _ := bot.Explain(t.Context(), e.Log, must(e.Commands.Do(t.Context(), "audti", r)), r)
	if len(m.Actions) != 1 || m.Actions[0].Command != "help" {
		t.Errorf("a viewer is offered %+v", m.Actions)
	}
}

// A refusal for the role is in the reader's language as a whole.
func TestRoleRefusalsAreInOneLanguage(t *testing.T) {
	e := foundBot(t)
	r := enginetest.Request(t, bot.Viewer)
	r.Locale = e.People.In("ru")
	for _, c := range e.Commands.List() {
		if c.Role <= bot.Viewer {
			continue
		}
		m, _ := bot.Explain(t.Context(), e.Log, must(e.Commands.Do(t.Context(), c.Name, r)), r)
		if strings.ContainsAny(m.Title, "abcdefghijklmnopqrstuvwxyz⟨") {
			t.Errorf("%s: %s", c.Name, m.Title)
		}
	}
}

// What a code means is told in the chats, too; it needs no figures of a site. A code
// that was mistyped is offered.
func TestHelpAboutCodes(t *testing.T) {
	e := foundBot(t)
	for _, language := range []string{"en", "ru"} {
		r := enginetest.Request(t, bot.Viewer)
		r.Locale = e.People.In(language)
		for _, code := range checks.Codes() {
			answer, err := e.Commands.Do(t.Context(), "help "+strings.ToUpper(string(code)), r)
			if err != nil {
				t.Errorf("%s: %v", code, err)
				continue
			}
			text := answer.Message.Title + "\n" + answer.Message.Sections[0].Text + "\n" + answer.Message.Sections[1].Text
			if n := utf8.RuneCountInString(text); strings.Contains(text, "⟨") || strings.Contains(text, "<no value>") || n > phoneScreen {
				t.Errorf("%s %s, %d characters:\n%s", language, code, n, text)
			}
		}
		if _, err := e.Commands.Do(t.Context(), "help web.blokced", r); !offers(err, "help web.blocked") {
			t.Errorf("%s: the code is not offered: %v", language, err)
		}
	}
}

// phoneScreen is how many characters a phone shows at once, about.
const phoneScreen = 750

// offers reports whether a refusal has a button with a command.
func offers(err error, command string) bool {
	refusal, ok := errors.AsType[*bot.Refusal](err)
	return ok && slices.ContainsFunc(refusal.Offers, func(a reports.Action) bool { return a.Command == command })
}

// The console knows its own word, too.
func TestHelpAboutLeaving(t *testing.T) {
	e := foundBot(t)
	r := enginetest.Request(t, bot.Admin)
	if _, err := e.Commands.Do(t.Context(), "help quit", r); err == nil {
		t.Error("a chat has no quit")
	}
	r.Talks = true
	for _, word := range []string{"quit", "exit"} {
		if answer, err := e.Commands.Do(t.Context(), "help "+word, r); err != nil || answer.Message.Title != "quit" {
			t.Errorf("help %s: %+v, %v", word, answer.Message, err)
		}
	}
}
