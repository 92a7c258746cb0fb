package probe_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/probe"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/suite"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// gate is what requests for the challenge meet at the sites of a panel: a finding
// for each site by its number, or none.
type gate struct {
	meets atomic.Value // func(i int) *checks.Finding
}

func (g *gate) check(_ context.Context, t *checks.Target) ([]checks.Finding, error) {
	if f := g.meets.Load().(func(int) *checks.Finding)(number(t.DNS.Name)); f != nil {
		return []checks.Finding{*f}, nil
	}
	return nil, nil
}

// fails is a finding at an address of ours, at port 80.
func fails(code checks.Code) *checks.Finding {
	return &checks.Finding{Code: code, Severity: code.Severity(), Args: checks.Args{
		"address": "203.0.113.10", "port": 80, "pattern": "all", "hops": []string{"http://site/ @ 203.0.113.10:80"}}}
}

// behind is an engine over a panel with 40 sites, seen without problems an hour
// ago. owner names the owner of a site.
func behind(t *testing.T, g *gate, owner func(i int) string, names func(*checks.Target) []checks.Finding) *engine.Engine {
	t.Helper()
	var all []checks.Site
	known := map[string]checks.Probe{}
	for i := range 40 {
		all = append(all, checks.Site{Name: siteNo(i), Owner: owner(i)})
		known[siteNo(i)] = checks.Probe{At: time.Now().Add(-time.Hour), Checks: []string{checks.NamesCheck, checks.WayCheck}}
	}
	live := &suite.Live{Checks: []checks.Check{
		enginetest.NamesCheck(func(_ context.Context, t *checks.Target) ([]checks.Finding, error) { return names(t), nil }),
		{Name: checks.WayCheck, Scope: checks.ScopeName, Live: true, Run: g.check},
	}}
	e := enginetest.New(t, engine.Config{Policy: reports.Policy{ResolveAfter: 2},
		Audience: bot.Audience{Chats: []bot.Chat{{To: bot.Address{Messenger: "telegram", Chat: "1"}, Language: "en", Receives: []string{bot.Alerts}}}},
		Sources:  []watch.Source{{Name: "isp1", Reader: enginetest.NewPanel(all...), Prober: live, Workers: 4}}})
	enginetest.Read(t, e)
	g.meets.Store(func(int) *checks.Finding { return nil })
	if err := sweep(t, e); err != nil { // from now on, what is found is new
		t.Fatal(err)
	}
	return e
}

// spots are the open incidents about addresses of ours.
func spots(t *testing.T, e *engine.Engine) []reports.Incident {
	t.Helper()
	open, err := e.Journal.OpenIncidents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(slices.Clone(open), func(i reports.Incident) bool { return i.Finding.Check != probe.AlikeCheck })
}

// told are the titles of the messages that wait to be sent, which are sent.
func told(t *testing.T, e *engine.Engine) []string {
	t.Helper()
	var titles []string
	for {
		due, err := e.Journal.Due(t.Context(), time.Now().Add(time.Minute), journal.Queue{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(due) == 0 {
			return titles
		}
		if err := e.Journal.MarkSent(t.Context(), due[0].ID, "1", time.Now()); err != nil {
			t.Fatal(err)
		}
		if due[0].Kind != "edit" {
			titles = append(titles, due[0].Message.Title)
		}
	}
}

func each(i int) string                      { return fmt.Sprint("client", i) }
func direct(*checks.Target) []checks.Finding { return nil }
func proxied(*checks.Target) []checks.Finding {
	return []checks.Finding{{Code: checks.DNSProxied, Severity: checks.Info, Args: checks.Args{"proxy": "Cloudflare"}}}
}

// Many sites of many owners that begin to fail alike at one address of ours are
// one incident about it, and ours to mend.
func TestManySitesFailAlike(t *testing.T) {
	first := func(n int, code checks.Code) func(int) *checks.Finding {
		return func(i int) *checks.Finding {
			if i < n {
				return fails(code)
			}
			return nil
		}
	}
	for name, c := range map[string]struct {
		owner func(int) string
		names func(*checks.Target) []checks.Finding
		meets func(int) *checks.Finding
		want  checks.Code // of the incident; empty: there is none
		sites int
		acts  checks.Who // on the first site
	}{
		"a dead web server":          {each, direct, first(40, checks.WebRefused), checks.WebRefused, 40, checks.Us},
		"a firewall":                 {each, direct, first(25, checks.WebTimeout), checks.WebTimeout, 25, checks.Us},
		"a redirect in front of all": {each, direct, first(30, checks.WebRedirect), checks.WebRedirect, 30, checks.Us},
		"a loop in front of all":     {each, direct, first(40, checks.WebLoop), checks.WebLoop, 40, checks.Us},
		"too few":                    {each, direct, first(9, checks.WebLoop), "", 0, checks.Customer},
		"one owner's":                {func(int) string { return "client1" }, direct, first(40, checks.WebLoop), "", 0, checks.Customer},
		"behind a CDN":               {each, proxied, first(40, checks.WebLoop), "", 0, checks.Customer},
		"at addresses of others": {each, direct, func(int) *checks.Finding {
			f := fails(checks.WebLoop)
			f.Args["address"], f.Args["hops"] = "198.51.100.7", []string{"http://site/ @ 203.0.113.10:80 301", "http://other/ @ 198.51.100.7:80"}
			return f
		}, "", 0, checks.Customer},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &gate{}
				e := behind(t, g, c.owner, c.names)
				g.meets.Store(c.meets)
				for range 2 { // what stays is the same incident
					time.Sleep(6 * time.Hour)
					if err := sweep(t, e); err != nil {
						t.Fatal(err)
					}
					open := spots(t, e)
					if c.want == "" && len(open) > 0 {
						t.Fatalf("incidents %+v", open)
					}
					if c.want != "" && (len(open) != 1 || open[0].Finding.Code != c.want || reports.Value(open[0].Finding) != c.sites || open[0].Finding.Who() != checks.Us) {
						t.Fatalf("incidents %+v", open)
					}
					stored, err := e.Journal.Probes(t.Context(), "isp1")
					if err != nil {
						t.Fatal(err)
					}
					server := e.Watch.Panels()[0].State()
					asked, err := e.Prober.Site(t.Context(), reports.Site{Server: server, Subject: server.Subjects[0]}, enginetest.Request(t, bot.Viewer))
					if err != nil {
						t.Fatal(err)
					}
					for _, p := range []checks.Probe{stored[siteNo(0)], server.Probes[siteNo(0)], asked.Server.Probes[siteNo(0)]} {
						if v := p.Verdict(); v.Code != c.meets(0).Code || v.Who() != c.acts {
							t.Errorf("%s: %s acts, want %s", v.Code, v.Who(), c.acts)
						}
					}
				}
			})
		})
	}
}

// Of such an incident one message tells, and one of its end.
func TestAnAddressIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{}
		e := behind(t, g, each, direct)
		told(t, e)
		sweeps := func(meets *checks.Finding) []string {
			g.meets.Store(func(int) *checks.Finding { return meets })
			for range 3 {
				time.Sleep(6 * time.Hour)
				if err := sweep(t, e); err != nil {
					t.Fatal(err)
				}
			}
			return told(t, e)
		}
		for _, c := range []struct {
			meets *checks.Finding
			want  string
		}{
			{fails(checks.WebRefused), "isp1: 203.0.113.10: port is closed, on 40 sites at once (customers: 40)"},
			{nil, "isp1: 203.0.113.10: the sites open again after 18 h"},
		} {
			if diff := cmp.Diff([]string{c.want}, sweeps(c.meets)); diff != "" {
				t.Error(diff)
			}
		}
	})
}
