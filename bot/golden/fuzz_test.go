package golden

import (
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"domovoy/bot"
	"domovoy/bot/lab"
	"domovoy/bot/slack"
	"domovoy/bot/telegram"
	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// messages is how many random messages TestRandomMessages renders in each messenger.
var messages = flag.Int("messages", randomMessages, "number of random messages, each for both messengers")

// Random messages with hostile texts everywhere, rendered for both messengers in a
// random language and parsed back as their servers do: none is over a limit, none has
// broken markup, and no text of others acts as markup. With -messages 1000000 it is
// the long run whose figures are in the manual.
func TestRandomMessages(t *testing.T) {
	bundle := load(t)
	workers := runtime.GOMAXPROCS(0)
	var running sync.WaitGroup
	for w := range workers {
		running.Go(func() {
			for n := w; n < *messages && !t.Failed(); n += workers {
				r := rand.New(rand.NewPCG(uint64(n), 12))
				language := []string{"en", "ru"}[r.IntN(2)]
				m := random(r, writer(t, bundle, language))
				m.Language = language
				checkTelegram(t, n, bundle, m)
				checkSlack(t, n, bundle, m)
			}
		})
	}
	running.Wait()
}

// witness begins with markup of all kinds, so that what follows it stands behind it
// literally, however the end of the text is cut.
const (
	mark    = "<b>&lt;*_~`<!here><@U1>"
	marked  = "w1tne55"
	witness = mark + marked
)

// literal reports whether the witness, where it was not cut away, is as it was.
func literal(shown string) bool {
	return strings.Count(shown, marked) == strings.Count(shown, witness)
}

func checkTelegram(t *testing.T, n int, bundle *i18n.Bundle, m reports.Message) {
	shown, entities, err := lab.ParseHTML(telegram.Render(bundle, m))
	switch {
	case err != nil:
		t.Errorf("message %d in Telegram: %v", n, err)
	case lab.Units(shown) > 4096 || len(entities) > 100:
		t.Errorf("message %d in Telegram: %d units, %d entities", n, lab.Units(shown), len(entities))
	case strings.TrimSpace(shown) == "":
		t.Errorf("message %d in Telegram is empty", n)
	case !literal(shown):
		t.Errorf("message %d in Telegram: the text of others is changed:\n%s", n, shown)
	}
	for _, e := range entities {
		if !slices.Contains([]string{"bold", "code", "pre", "expandable_blockquote"}, e.Type) {
			t.Errorf("message %d in Telegram has a %s", n, e.Type)
		}
	}
}

// entities removes the three characters that are escaped.
var entities = strings.NewReplacer("&lt;", "", "&gt;", "", "&amp;", "")

func checkSlack(t *testing.T, n int, bundle *i18n.Bundle, m reports.Message) {
	raw, err := json.Marshal(slack.Render(m, bundle))
	if err != nil {
		t.Error(err)
		return
	}
	body, err := lab.ParseBlocks(string(raw))
	switch {
	case err != nil:
		t.Errorf("message %d in Slack: %v", n, err)
	case !literal(body.Read()):
		t.Errorf("message %d in Slack: the text of others is changed:\n%s", n, body.Read())
	case strings.Contains(string(raw), `"mrkdwn"`):
		t.Errorf("message %d in Slack has mrkdwn, in which nothing of others can stand", n)
	}
	fallback := slack.Fallback(m)
	plain := entities.Replace(fallback)
	if len([]rune(fallback)) > 300 || strings.ContainsAny(plain, "<>&") {
		t.Errorf("message %d in Slack: the notification is %q", n, fallback)
	}
}

// Some of the random messages go through the messengers to the servers of the lab, with
// their buttons and files: nothing is refused.
func TestRandomMessagesAreDelivered(t *testing.T) {
	bundle := load(t)
	server, err := lab.NewTelegram(lab.TelegramOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	workspace, err := lab.NewSlack(lab.SlackOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(workspace.Close)
	tg, err := telegram.New(telegram.Config{Token: server.Token, APIURL: server.URL(), Log: slog.New(slog.DiscardHandler)}, bundle)
	if err != nil {
		t.Fatal(err)
	}
	sl, err := slack.New(slack.Config{BotToken: workspace.BotToken(), AppToken: workspace.AppToken(), APIURL: workspace.APIURL()}, bundle)
	if err != nil {
		t.Fatal(err)
	}
	for n := range int64(40) { // each to a chat of its own, so that no rate limit delays it
		r := rand.New(rand.NewPCG(uint64(n), 13))
		m := random(r, writer(t, bundle, "ru"))
		m.Language = "ru"
		if n%4 == 0 {
			m.Files = []reports.File{{Name: "trouble-2026-11-21.csv", Type: "text/csv", Data: []byte("a;b")}}
		}
		server.AddChat(lab.Chat{ID: 100 + n, Type: "private"})
		workspace.AddChannel(lab.Channel{ID: fmt.Sprint("C", n)})
		for name, send := range map[string]func() (string, error){
			"Telegram": func() (string, error) {
				return tg.Send(t.Context(), bot.Address{Messenger: "telegram", Chat: fmt.Sprint(100 + n)}, "", m)
			},
			"Slack": func() (string, error) {
				return sl.Send(t.Context(), bot.Address{Messenger: "slack", Chat: fmt.Sprint("C", n)}, "", m)
			},
		} {
			if _, err := send(); err != nil {
				t.Errorf("message %d in %s: %v", n, name, err)
			}
		}
		if sent := server.Messages(100 + n); len(sent) == 0 || sent[0].ParseMode == "" {
			t.Errorf("message %d arrived in Telegram without its markup, or not at all", n)
		}
		if m.Files != nil && len(workspace.Files(fmt.Sprint("C", n))) != 1 {
			t.Errorf("message %d has no file in Slack", n)
		}
	}
}

// random is one message: of random parts, or an answer about random facts.
func random(r *rand.Rand, w compose.Writer) reports.Message {
	var m reports.Message
	switch r.IntN(9) {
	case 8:
		var broken []reports.Incident
		for range 1 + r.IntN(30) {
			broken = append(broken, incident(checks.Finding{Server: "isp1", Site: hostile(r), Code: checks.CertExpired, Severity: checks.Critical}, 0))
		}
		m = compose.Told(w, telling(reports.Opened, broken...), house())
		m.Files = nil
	case 0:
		m = compose.Check(w, visit(func(x *checks.Subject) { hostileSite(r, x.Site) }, refused(checks.CAUnauthorized, r.IntN(99)), func(x *checks.Subject) {
			x.History.Last.Text = hostile(r)
		}))
	case 1:
		rows := make([]reports.Row, r.IntN(60))
		for i := range rows {
			rows[i] = reports.Row{Domain: hostile(r), Owner: hostile(r), Server: "isp1", Name: hostile(r), To: hostile(r), Code: pick(r, checks.Codes())}
		}
		m = compose.List(w, rows, compose.Page{Kind: "trouble", Command: "list trouble", Filter: hostile(r), Number: 1 + r.IntN(3), Unread: []string{hostile(r)}})
	case 2:
		trail := compose.AuditTrail{Name: hostile(r), Entries: r.IntN(9), Head: "0123456789abcdef0123"}
		for range r.IntN(20) {
			trail.Acts = append(trail.Acts, reports.Act{At: now, Who: hostile(r), Command: hostile(r), Result: hostile(r)})
		}
		m = compose.Audit(w, trail)
	case 3:
		m = declined(w, &bot.Refusal{Key: pick(r, []string{"usage.list", "refusal.nearest", "refusal.unknown.server"}),
			Args: i18n.Args{"Word": hostile(r), "Command": hostile(r), "Near": hostile(r), "Servers": []string{hostile(r), hostile(r)}}})
	case 4:
		s := house()
		s.Name = hostile(r)
		s.Snapshot.UnreadableN = 3
		s.Snapshot.Unreadable = []checks.Unreadable{{Table: "webdomain", Column: "name", Row: 7, Value: hostile(r)}}
		m = compose.Status(w, []reports.Server{s}, compose.Delivery{})
	default:
		m = parts(r)
	}
	m.Actions = append(m.Actions, actions(r)...)
	return m
}

// parts is a message of random sections, at times far above all limits.
func parts(r *rand.Rand) reports.Message {
	m := reports.Message{Title: hostile(r), Tone: pick(r, []reports.Tone{reports.Plain, reports.ToneBad, reports.ToneWarning, reports.ToneOver, reports.ToneUnknown})}
	for range r.IntN(6) {
		s := reports.Section{Folded: r.IntN(2) == 0, Left: r.IntN(3) * r.IntN(5000)}
		for _, text := range []*string{&s.Heading, &s.Text, &s.Quote} {
			if r.IntN(2) == 0 {
				*text = hostile(r)
			}
		}
		most := 8
		if r.IntN(100) == 0 {
			most = 300
		}
		for range r.IntN(most) {
			s.Items = append(s.Items, reports.Item{Tone: pick(r, []reports.Tone{reports.Plain, reports.ToneBad}), Text: hostile(r), Note: hostile(r)})
		}
		m.Sections = append(m.Sections, s)
	}
	return m
}

func actions(r *rand.Rand) []reports.Action {
	var all []reports.Action
	for n := range r.IntN(30) {
		a := reports.Action{ID: fmt.Sprint("b", n), Label: hostile(r), Command: hostile(r), Danger: r.IntN(9) == 0, Rare: r.IntN(3) == 0}
		if r.IntN(3) == 0 {
			a.Row = n + 1
		}
		all = append(all, a)
	}
	return all
}

func hostileSite(r *rand.Rand, s *checks.Site) {
	s.Name, s.Owner, s.Certificate, s.Aliases = hostile(r), hostile(r), hostile(r), []string{hostile(r)}
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// hostile is a text of somebody else.
func hostile(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(4) {
		b.WriteString(pick(r, []string{
			witness, witness, "shop.ru", "магазин.рф", "xn--e1afmkfd.xn--p1ai", "https://evil.example/?a=b&c=<d>", "</b></code></pre></blockquote>",
			"<blockquote expandable>", "<a href=\"tg://user?id=1\">x</a>", "&#60;b&#62;", "<!channel>", "<https://evil.example|shop.ru>", "*bold* _it_ `code` ```pre```",
			"\x00\x1b[31m", "\u202Eexe.txt\u202C", "\u200b\u200d\ufeff", "\xff\xfe\xc0", "\r\n\n\n\t", "😀👩‍👩‍👧‍👦🇷🇺", "e\u0301\u0301\u0301", "क्षेत्र.भारत",
			"@everyone", "/start", "#tag", "{{.N}} %!s(MISSING)", "\uFDD0\uFDD1\uE000", " ", "", "\U0001F4A9", "[link](http://evil.example)", "198.51.100.7", "::1", "\u2028\u2029", "\u202e",
		}))
		switch r.IntN(800) {
		case 0:
			b.WriteString(strings.Repeat("ы", r.IntN(6000)))
		case 1:
			b.WriteString(strings.Repeat("<&>", r.IntN(3000)))
		case 2:
			b.WriteString(strings.Repeat("a.ru ", r.IntN(2000)))
		case 3:
			b.WriteString(strings.Repeat("😀\n", r.IntN(2000)))
		}
	}
	return b.String()
}
