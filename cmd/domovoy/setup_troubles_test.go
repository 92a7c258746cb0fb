package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	botlab "domovoy/bot/lab"
	"domovoy/i18n"
)

// Chats of the troubles.
const (
	plainGroup = int64(-500) // becomes a supergroup
	broadcast  = int64(-1007770000000)
)

// What goes wrong with messengers while somebody sets up: setup says what it is and
// what to try, and goes on by itself where it can. Nobody agrees at the end, so nothing
// is changed.
func TestSetupInTrouble(t *testing.T) {
	for _, language := range []string{"en", "ru"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			n := newNewcomer(t, language)
			n.telegram.AddChat(botlab.Chat{ID: plainGroup, Title: "Ops"})
			n.telegram.AddChat(botlab.Chat{ID: broadcast, Type: "channel", Title: "News"})
			before := n.everything()
			var all strings.Builder
			for _, trouble := range setupTroubles() {
				d, code := trouble.talk(n)
				if status := d.end(); status != trouble.status {
					t.Errorf("%s: status %d, want %d\n%s", trouble.name, status, trouble.status, d.told)
				}
				n.noTokenWasTold(d.told.String())
				text := d.text(code)
				if at := strings.LastIndex(text, "\n2. "); at >= 0 {
					text = text[at+1:]
				}
				if until := "\n3. "; !strings.Contains(trouble.name, "Slack") && strings.Contains(text, until) {
					text, _, _ = strings.Cut(text, until)
				}
				text, _, _ = strings.Cut(text, "\n"+n.says(language, "setup.plan.head", i18n.Args{"Dry": false}))
				text = regexp.MustCompile(`127\.0\.0\.1:\d{2,}`).ReplaceAllString(text, "127.0.0.1:PORT")
				text = regexp.MustCompile(`(start[= ])[2-9A-Z]{8}\b`).ReplaceAllString(text, "${1}NEWCODE")
				fmt.Fprintf(&all, "-- %s --\n%s\n", trouble.name, strings.TrimRight(text, "\n"))
			}
			if after := n.everything(); after != before {
				t.Errorf("something changed:\n%s", after)
			}
			golden(t, filepath.Join("testdata", "setup", "troubles."+language+".txtar"), all.String())
		})
	}
}

// setupTroubles are dialogues; each returns the code that its transcript has.
func setupTroubles() []struct {
	name   string
	status int
	talk   func(n *newcomer) (*dialogue, string)
} {
	return []struct {
		name   string
		status int
		talk   func(n *newcomer) (*dialogue, string)
	}{
		{"a webhook is set", exitRefused, func(n *newcomer) (*dialogue, string) {
			n.telegram.SetWebhook("https://bots.example.com/hook")
			d, code := n.withToken()
			d.hears("deleteWebhook")
			n.telegram.SetWebhook("")
			return d.bothSay(code).declines(), code
		}},
		{"another program receives", exitRefused, func(n *newcomer) (*dialogue, string) {
			d, code := n.withToken()
			d.must(n.telegram.WaitPolling(d.soon()))
			rival, err := http.Get(n.telegram.URL() + "/bot" + n.telegram.Token() + "/getUpdates?timeout=1")
			d.must(err)
			d.must(rival.Body.Close())
			d.hears("systemctl stop domovoy")
			return d.bothSay(code).declines(), code
		}},
		{"an anonymous administrator of the group", exitRefused, func(n *newcomer) (*dialogue, string) {
			d, code := n.withToken()
			n.telegram.Post(botlab.Incoming{Chat: group, Thread: topic, From: botlab.User{ID: admin, FirstName: "Ann"}, SenderChat: group, Text: "/start@" + n.telegram.Username() + " " + code})
			n.telegram.Say(stranger, 0, stranger, "Eve", "/start "+code) // who has read it there
			fresh := d.hears(`(?s)/7\..*\?start=(\w+)`)
			if fresh == code {
				n.Error("a code that others have read is still worth something")
			}
			n.telegram.Say(admin, 0, admin, "Ann", "/start "+fresh)
			d.hears(`telegram:42`)
			return d.declines(), code
		}},
		{"a channel", exitRefused, func(n *newcomer) (*dialogue, string) {
			d, code := n.withToken()
			n.telegram.ChangeMembership(broadcast, botlab.User{ID: admin, FirstName: "Ann"}, "left", "administrator")
			d.hears("News")
			n.telegram.Post(botlab.Incoming{Chat: broadcast, Text: "/start " + code})
			return d.bothSay(code).declines(), code
		}},
		{"a group becomes a supergroup", exitRefused, func(n *newcomer) (*dialogue, string) {
			d, code := n.withToken()
			n.telegram.Say(plainGroup, 0, admin, "Ann", "/start@"+n.telegram.Username()+" "+code)
			d.hears(`telegram:-500\.`)
			n.telegram.Migrate(plainGroup, -1009)
			n.telegram.Say(admin, 0, admin, "Ann", "/start "+code)
			d.hears(`telegram:-1009\.`)
			return d.declines(), code
		}},
		{"nobody sends the code", exitRefused, func(n *newcomer) (*dialogue, string) {
			d, code := n.withToken("--wait", "1s")
			d.hears(d.says("setup.late.again"))
			d.answers("") // once more
			d.hears(d.says("setup.late.again"))
			d.answers(d.house.says(n.language, "setup.no"))
			return d, code
		}},
		{"no group", exitRefused, func(n *newcomer) (*dialogue, string) {
			d, code := n.withToken("--wait", "2s")
			n.telegram.Say(admin, 0, admin, "Ann", "/start "+code)
			d.hears(d.says("setup.late.again"))
			d.answers("")
			return d.declines(), code
		}},
		{"only a proxy leads out", exitOK, func(n *newcomer) (*dialogue, string) {
			api, err := url.Parse(n.telegram.URL())
			n.must(err)
			forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(api) }}
			proxy := httptest.NewServer(forward)
			n.Cleanup(proxy.Close)
			n.env = []string{"HTTPS_PROXY=" + proxy.URL}
			defer func() { n.env = nil }()
			d := n.begin("--telegram-api", "http://127.0.0.1:1", "--dry-run")
			d.hears(d.says("setup.telegram.head"))
			d.answers(n.telegram.Token(), "http://user:secret@127.0.0.1:1", "ftp://127.0.0.1", "")
			code := d.hears(`\?start=(\w+)`)
			d.bothSay(code).answers("")
			if text := d.hears(`(?s)\n(telegram:\n.*?)chats:`); !strings.Contains(text, "proxy: "+proxy.URL+"\n") {
				n.Errorf("the proxy is not written:\n%s", text)
			}
			return d, code
		}},
		{"the Slack app lacks a scope", exitRefused, func(n *newcomer) (*dialogue, string) {
			lacks, err := botlab.NewSlack(botlab.SlackOptions{Team: team, Lacks: []string{"channels:read"}})
			n.must(err)
			n.Cleanup(lacks.Close)
			lacks.AddChannel(botlab.Channel{ID: channel, Name: "ops"})
			lacks.AddPerson(botlab.Person{ID: ann, Name: "ann"})
			lacks.Fail("apps.connections.open", 1, botlab.Fault{Kind: botlab.Refuse, Text: "missing_scope"})
			d := n.begin("--slack-api", lacks.APIURL())
			d.hears(d.says("setup.telegram.head"))
			d.answers("", lacks.BotToken(), lacks.AppToken(), lacks.AppToken())
			code := d.hears(`/domovoy (\w+)`)
			d.must(lacks.WaitConnected(d.soon(), 1))
			lacks.Tell(ann, code)
			d.hears(`/domovoy ` + code)
			lacks.Slash(channel, ann, team, "/domovoy", code)
			d.hears(d.says("setup.plan.ask"))
			d.answers(d.house.says(n.language, "setup.no"))
			return d, code
		}},
		{"Socket Mode is off in the Slack app", exitRefused, func(n *newcomer) (*dialogue, string) {
			n.slack.SetSocketMode(false)
			d := n.begin()
			d.hears(d.says("setup.telegram.head"))
			d.answers("", n.slack.BotToken(), n.slack.AppToken())
			d.hears("Enable Socket Mode")
			code := d.hears(`/domovoy (\w+)`)
			d.must(n.slack.WaitConnected(d.soon(), 1))
			n.slack.Slash(channel, ann, team, "/domovoy", code) // lost
			n.slack.SetSocketMode(true)
			n.slack.Slash(channel, ann, team, "/domovoy", code)
			d.hears(d.says("setup.plan.ask"))
			d.answers(d.house.says(n.language, "setup.no"))
			return d, code
		}},
		{"the Slack app is refused a socket", exitRefused, func(n *newcomer) (*dialogue, string) {
			d := n.begin()
			d.hears(d.says("setup.telegram.head"))
			n.slack.Fail("apps.connections.open", 1, botlab.Fault{Kind: botlab.Refuse, Text: "socket_mode_not_enabled"})
			d.answers("", n.slack.BotToken(), n.slack.AppToken())
			d.hears("Enable Socket Mode")
			return d, "NONE"
		}},
		{"nobody writes in Slack", exitRefused, func(n *newcomer) (*dialogue, string) {
			d := n.begin("--wait", "1s")
			d.hears(d.says("setup.telegram.head"))
			d.answers("", n.slack.BotToken(), n.slack.AppToken())
			code := d.hears(`/domovoy (\w+)`)
			d.hears(d.says("setup.late.again"))
			d.answers(d.house.says(n.language, "setup.no"))
			return d, code
		}},
	}
}

// withToken starts a setup and gives the token; it returns the code.
func (n *newcomer) withToken(args ...string) (*dialogue, string) {
	n.Helper()
	d := n.begin(args...)
	d.hears(d.says("setup.telegram.head"))
	d.answers(n.telegram.Token())
	code := d.hears(`\?start=(\w+)`)
	d.hears(d.says("setup.waiting", i18n.Args{"Wait": "\x00"}))
	return d, code
}

// bothSay sends the code in private and in the group.
func (d *dialogue) bothSay(code string) *dialogue {
	d.Helper()
	d.telegram.Say(admin, 0, admin, "Ann", "/start "+code)
	d.hears(`telegram:42`)
	d.telegram.Say(group, topic, admin, "Ann", "/start@"+d.telegram.Username()+" "+code)
	d.hears(`telegram:-1001234567890/7`)
	return d
}

// declines goes on without Slack and does not agree at the end.
func (d *dialogue) declines() *dialogue {
	d.Helper()
	d.answers("")
	d.hears(d.says("setup.plan.ask"))
	d.answers(d.house.says(d.language, "setup.no"))
	return d
}
