package commands_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/commands"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/share"
	"domovoy/bot/watch"
	"domovoy/checks"
)

// sharing is an engine over a panel with one site, whose pages go to a folder.
func sharing(t *testing.T, folder string) *engine.Engine {
	t.Helper()
	panel := enginetest.NewPanel(checks.Site{Name: "xn--e1afmkfd.xn--p1ai", Owner: "client17"})
	e := enginetest.New(t, engine.Config{Sources: []watch.Source{{Name: "isp1", Reader: panel}}, Rules: watch.Rules{Within: time.Hour, Times: 2},
		Share: share.Config{Folder: folder, URL: "https://status.example.com/c", Keep: 7 * 24 * time.Hour}})
	enginetest.Read(t, e)
	return e
}

// A page is made, listed and deleted; its file has the customer's words and nothing of
// ours, in the chat's language or the one asked for; the audit has the acts, and not
// the link.
func TestShare(t *testing.T) {
	folder := t.TempDir()
	e := sharing(t, folder)
	ask := func(text string) bot.Answer {
		t.Helper()
		answer, err := e.Commands.Do(t.Context(), text, enginetest.Request(t, bot.Operator))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return answer
	}
	read := func(url string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(folder, strings.TrimPrefix(url, "https://status.example.com/c/")))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	made := ask("share check пример.рф").Data.(commands.ShareData).Share
	page := read(made.URL)
	for _, want := range []string{`lang="en"`, "пример.рф", "Tried on"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	for _, internal := range []string{"isp1", "client17", folder, "<script"} {
		if strings.Contains(page, internal) {
			t.Errorf("the page has %q", internal)
		}
	}
	if made.Expires.Sub(made.Created) != 7*24*time.Hour {
		t.Errorf("it is there from %v until %v", made.Created, made.Expires)
	}
	russian := ask("поделись проверь пример.рф RU").Data.(commands.ShareData).Share
	if page := read(russian.URL); !strings.Contains(page, `lang="ru"`) || !strings.Contains(page, "Пробовали проверить") {
		t.Errorf("the page is not in Russian:\n%s", page)
	}
	if list := ask("share list").Data.(commands.SharesData).Shares; len(list) != 2 || list[1].URL != made.URL || !list[1].Expires.Equal(made.Expires) || list[1].By == "" {
		t.Errorf("listed: %+v", list)
	}
	ask("share revoke 1")
	if list := ask("share list").Data.(commands.SharesData).Shares; len(list) != 1 || list[0].URL != russian.URL {
		t.Errorf("listed after one was deleted: %+v", list)
	}
	if left, _ := os.ReadDir(folder); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
	acts, err := e.Journal.AuditOf(t.Context(), "", 9)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, a := range acts {
		said = append(said, a.Command+" "+a.Args+" "+a.Result)
		if strings.Contains(a.Args, strings.TrimSuffix(filepath.Base(made.URL), ".html")) {
			t.Errorf("the audit has the link: %+v", a)
		}
	}
	if got, want := strings.Join(said, "; "), "share revoke 1 xn--e1afmkfd.xn--p1ai ok; share check xn--e1afmkfd.xn--p1ai 2 ok; share check xn--e1afmkfd.xn--p1ai 1 ok"; got != want {
		t.Errorf("the audit says %s, want %s", got, want)
	}
	check, err := e.Commands.Ask(t.Context(), "check пример.рф", enginetest.Request(t, bot.Operator))
	if err != nil || check.Message.Actions[len(check.Message.Actions)-1].Command != "share check xn--e1afmkfd.xn--p1ai" {
		t.Errorf("check has no button for the page: %+v, %v", check.Message.Actions, err)
	}
}

// Who may not, and what cannot be, is refused.
func TestShareIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		folder, text string
		role         bot.Role
		code         bot.Result
	}{
		"a viewer":        {t.TempDir(), "share check пример.рф", bot.Viewer, bot.ResultNotAllowed},
		"no such site":    {t.TempDir(), "share check nosuch.example", bot.Operator, bot.ResultNotFound},
		"no such page":    {t.TempDir(), "share revoke 9", bot.Operator, bot.ResultNotFound},
		"no number":       {t.TempDir(), "share revoke x", bot.Operator, bot.ResultUsage},
		"no word":         {t.TempDir(), "share", bot.Operator, bot.ResultUsage},
		"no domain":       {t.TempDir(), "share check", bot.Operator, bot.ResultUsage},
		"an unknown word": {t.TempDir(), "share пример.рф", bot.Operator, bot.ResultUsage},
		"pages are off":   {"", "share check пример.рф", bot.Operator, bot.ResultUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sharing(t, c.folder).Commands.Do(t.Context(), c.text, enginetest.Request(t, c.role))
			refusal, ok := errors.AsType[*bot.Refusal](err)
			if !ok || refusal.Code != c.code {
				t.Errorf("%v, want %v", err, c.code)
			}
		})
	}
}
