package commands_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"domovoy/bot"
	"domovoy/bot/commands"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/watch"
	"domovoy/checks"
)

// foundBot is a bot over a few sites of similar names.
func foundBot(t *testing.T) *engine.Engine {
	t.Helper()
	e := enginetest.New(t, engine.Config{Sources: []watch.Source{{Name: "isp1", Reader: enginetest.NewPanel(
		checks.Site{Name: "konservy.com", Owner: "client12", Secure: checks.Off}, checks.Site{Name: "konservy.ru", Owner: "client13", Secure: checks.Off},
		checks.Site{Name: "konservy-ivanovo.ru"}, checks.Site{Name: "shop.konservy.ru"}, checks.Site{Name: "well.ru", Aliases: []string{"www.well.ru"}},
	)}}})
	enginetest.Read(t, e)
	return e
}

// www.NAME and *.NAME are answered as the site NAME, and it is said whether the
// panel knows them; else the most similar sites come first.
func TestWhichSiteIsMeant(t *testing.T) {
	e := foundBot(t)
	for _, tt := range []struct{ asked, site, says string }{
		{"www.konservy.ru", "konservy.ru", "www.konservy.ru — this site has no such name in the panel"},
		{"*.konservy.ru", "konservy.ru", "*.konservy.ru — this site has no such name in the panel"},
		{"www.well.ru", "well.ru", "Asked about: www.well.ru\""},
		{"\u200bwww.konservy\u2011ivanovo.ru", "konservy-ivanovo.ru", "no such name in the panel"},
		{"konservy.org", "", "Similar: konservy.ru, konservy.com and shop.konservy.ru"},
		{"api.konservy.com", "", "Similar: konservy.com"},
	} {
		answer, err := e.Commands.Do(t.Context(), "check "+tt.asked, enginetest.Request(t, bot.Viewer))
		if err != nil {
			if m, _ := bot.Explain(t.Context(), e.Log, err, enginetest.Request(t, bot.Viewer)); !strings.Contains(m.Title, tt.says) || tt.site != "" {
				t.Errorf("%s: %s", tt.asked, m.Title)
			}
			continue
		}
		text, _ := json.Marshal(answer.Message)
		if data := answer.Data.(commands.CheckData); data.Domain != tt.site || !strings.Contains(string(text), tt.says) {
			t.Errorf("%s: %s, %s", tt.asked, data.Domain, text)
		}
	}
}

// A refusal quotes the word that was typed, and a filter that matches nothing is
// told as such, with the owner that was probably meant.
func TestRefusedAndEmptyLists(t *testing.T) {
	e := foundBot(t)
	for _, tt := range []struct{ asked, says string }{
		{"список все", "“все”"},
		{"list failed сегодня", "“сегодня”"},
		{"list ending", "No registration is known to be ending within 30 days"},
		{"list dropable", "“dropable”"},
		{"revoke authz all", "I do not revoke certificates"},
		{"list nocertificate owner=client1", "Nothing in “nocertificate” matches owner=client1"},
		{"list trouble owner=client1", "No sites have problems"},
		{"list trouble older=month", "“month”"},
		{"list new", "started less than a day ago"},
		{"plan reissue cause=other", "“rest”"},
		{"list trouble cause=other", "No sites have problems"},
		{"проблемы", "No sites have problems"},
		{"nohttps owner=client1", "Nothing in “nocertificate” matches owner=client1"},
	} {
		answer, err := e.Commands.Do(t.Context(), tt.asked, enginetest.Request(t, bot.Admin))
		m := answer.Message
		if err != nil {
			m, _ = bot.Explain(t.Context(), e.Log, err, enginetest.Request(t, bot.Admin))
		}
		if !strings.Contains(m.Title, tt.says) {
			t.Errorf("%s: %s, want %s", tt.asked, m.Title, tt.says)
		}
	}
}

// Filters know the nodes of a cluster.
func TestNodesInFilters(t *testing.T) {
	panel := enginetest.NewPanel(checks.Site{Name: "a.ru", Node: "node1", Secure: checks.Off}, checks.Site{Name: "b.ru", Node: "node2", Secure: checks.Off}, checks.Site{Name: "c.ru"})
	panel.Change(func(s *checks.Snapshot) {
		s.Nodes = []checks.Node{{Name: "node1"}, {Name: "node2", Maintain: checks.On}}
	})
	e := enginetest.New(t, engine.Config{Sources: []watch.Source{{Name: "isp1", Reader: panel}}})
	enginetest.Read(t, e)
	ask := func(words string) (bot.Answer, error) {
		return e.Commands.Do(t.Context(), words, enginetest.Request(t, bot.Admin))
	}
	for words, want := range map[string]string{
		"list sites server=isp1": "a.ru@node1 b.ru@node2 c.ru@", "list sites server=isp1/node2": "b.ru@node2", "list nocertificate server=isp1/*": "a.ru@node1 b.ru@node2",
	} {
		answer, err := ask(words)
		if err != nil {
			t.Fatal(words, err)
		}
		var got []string
		for _, row := range answer.Data.(commands.ListData).Items {
			got = append(got, row.Domain+"@"+row.Node)
		}
		slices.Sort(got)
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s: %s, want %s", words, text, want)
		}
	}
	answer, err := ask("status server=isp1/node2")
	if err != nil {
		t.Fatal(err)
	}
	status := answer.Data.(commands.StatusData)
	if len(status.Servers) != 1 || status.Servers[0].Server != "isp1/node2" || status.Servers[0].Sites != 1 || !*status.Servers[0].Nodes[0].Maintenance {
		t.Errorf("%+v", status)
	}
	for _, m := range status.Metrics {
		if m.Code == checks.PanelNoCertificate && *m.Value != 1 || m.Threshold != nil {
			t.Errorf("%+v", m)
		}
	}
	if answer, err := ask("check b.ru server=isp1/node2"); err != nil || answer.Data.(commands.CheckData).Node != "node2" {
		t.Errorf("%+v, %v", answer.Data, err)
	}
	answer, err = ask("limits server=isp1/node2")
	if err != nil || !slices.Equal(answer.Data.(commands.LimitsData).Whole, []string{"isp1"}) ||
		answer.Message.Sections[0].Text != "isp1/node2 has no limits of its own: the CA counts by account, and isp1 orders for all its nodes from one. What follows is that account, all of isp1." {
		t.Errorf("limits of a node: %+v, %v", answer.Message.Sections, err)
	}
	for _, words := range []string{"check a.ru server=isp1/node2", "list sites server=isp1/node3", "silence server=isp1/node3 2h why", "list trouble week=2026-W01 server=isp1/node2"} {
		if _, err := ask(words); err == nil {
			t.Errorf("%s was answered", words)
		}
	}
}
