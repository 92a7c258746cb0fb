package commands_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/bot"
	"domovoy/bot/commands"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports"
)

// registeredBot watches sites of whose domains the registries say different
// things.
func registeredBot(t *testing.T) *engine.Engine {
	t.Helper()
	time.Sleep(72 * time.Hour) // a bubble begins in a week of 1999
	now := time.Now().UTC()    // a day later is another date, also where the clock changes
	known := map[string]*checks.Registration{}
	keep := func(domain string, r checks.Registration) {
		r.Domain, r.Asked, r.Answer.Domain = domain, now.Add(-time.Hour), domain
		if r.Failure == "" {
			r.Looked, r.Answer.Source = r.Asked, "whois.example"
		}
		known[domain] = &r
	}
	until := func(days int) checks.RegistryAnswer {
		return checks.RegistryAnswer{State: checks.RegistryDelegated, PaidTill: now.AddDate(0, 0, days), Registrar: "REGRU-RU"}
	}
	shop, parked := until(14), until(-3)
	shop.Unverified, parked.FreeDate = true, now.AddDate(0, 0, 28).Truncate(24*time.Hour)
	keep("shop.ru", checks.Registration{Answer: shop})
	keep("parked.ru", checks.Registration{Answer: parked, Parking: "REG.RU"})
	keep("far.com", checks.Registration{Answer: until(200)})
	keep("later.com", checks.Registration{Answer: until(50)})
	keep("off.ru", checks.Registration{Answer: until(5)})
	keep("nobody.ru", checks.Registration{Answer: until(20)})
	keep("shop.de", checks.Registration{Answer: checks.RegistryAnswer{State: checks.RegistryDelegated}})
	keep("silent.by", checks.Registration{Registry: "whois.cctld.by:43", Failure: checks.RegistryUnreachable, Due: now.Add(time.Hour)})
	keep("me.github.io", checks.Registration{Failure: checks.RegistryNone})
	panel := enginetest.NewPanel(
		checks.Site{Server: "isp1", Name: "blog.shop.ru", Owner: "client17"}, checks.Site{Server: "isp1", Name: "shop.ru", Owner: "client17", Aliases: []string{"www.shop.ru"}},
		checks.Site{Server: "isp1", Name: "own.ru", Owner: "client2", Aliases: []string{"parked.ru"}}, checks.Site{Server: "isp1", Name: "far.com", Owner: "client3"},
		checks.Site{Server: "isp1", Name: "later.com", Owner: "client3"}, checks.Site{Server: "isp1", Name: "off.ru", Owner: "client4"},
		checks.Site{Server: "isp1", Name: "nobody.ru"}, checks.Site{Server: "isp1", Name: "shop.de", Owner: "client5"}, checks.Site{Server: "isp1", Name: "silent.by", Owner: "client5"},
		checks.Site{Server: "isp1", Name: "me.github.io", Owner: "client5"}, checks.Site{Server: "isp1", Name: "printer.lan", Owner: "client5"})
	panel.Change(func(s *checks.Snapshot) { s.Sites[5].Active = checks.Off })
	e := enginetest.New(t, engine.Config{Sources: []watch.Source{{Name: "isp1", Reader: panel, Registrations: func() map[string]*checks.Registration { return known }}}})
	enginetest.Read(t, e)
	return e
}

// asked is the answer to a line, as text and as data.
func asked(t *testing.T, e *engine.Engine, line string) (string, any) {
	t.Helper()
	answer, err := e.Commands.Do(t.Context(), line, enginetest.Request(t, bot.Viewer))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	text, err := json.Marshal(answer.Message)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), answer.Data
}

// List ending has the sites whose registrations end, the soonest first, with who
// pays, and counts the domains of which that is not known.
func TestListEnding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := registeredBot(t)
		for line, want := range map[string][]string{
			"list ending":                {"own.ru parked.ru customer", "blog.shop.ru shop.ru customer", "shop.ru  customer", "nobody.ru  us"},
			"list ending 60d":            {"own.ru parked.ru customer", "blog.shop.ru shop.ru customer", "shop.ru  customer", "nobody.ru  us", "later.com  customer"},
			"list ending=1w":             {"own.ru parked.ru customer"},
			"list ending owner=client17": {"blog.shop.ru shop.ru customer", "shop.ru  customer"},
			"list ending owner=client9":  nil,
			"список заканчивающихся 2н": {"own.ru parked.ru customer", "blog.shop.ru shop.ru customer", "shop.ru  customer"},
		} {
			var got []string
			_, data := asked(t, e, line)
			list := data.(commands.ListData)
			for _, item := range list.Items {
				got = append(got, item.Domain+" "+item.Name+" "+string(item.Pays))
			}
			if diff := cmp.Diff(want, got); diff != "" || list.Total != len(want) || list.List != "ending" {
				t.Errorf("%s: %s", line, diff)
			}
		}
		text, data := asked(t, e, "list ending")
		list := data.(commands.ListData)
		if diff := cmp.Diff(map[checks.RegistrationStanding]int{checks.RegistrationDated: 5, checks.RegistrationUndated: 1, checks.RegistrationFailing: 1, checks.RegistrationNone: 1, checks.RegistrationWaiting: 1}, list.Domains); diff != "" {
			t.Error(diff)
		}
		first := list.Items[0]
		if first.Parked != "REG.RU" || first.Free == nil || first.Ends == nil || !list.Items[1].Nobody || list.Items[1].Code != checks.OK {
			t.Errorf("%+v, %+v", first, list.Items[1])
		}
		for _, part := range []string{"Registration ends within 30 days: 4 sites",
			"End of registration not known: could not be asked — 1, no registry that could be asked — 1, not published by the registry — 1, not asked yet — 1.",
			"parked.ru · ended 1 January, free from 1 February · client2 · the customer pays · parked at REG.RU",
			"shop.ru · ends 18 January · client17 · the customer pays · owner not verified", "ends 24 January · we pay"} {
			if !strings.Contains(text, part) {
				t.Errorf("%q is missing in %s", part, text)
			}
		}
		csv, err := e.Commands.Do(t.Context(), "list ending file", enginetest.Request(t, bot.Viewer))
		if err != nil || !strings.Contains(string(csv.Message.Files[0].Data), "2000-01-18") {
			t.Errorf("%v %+v", err, csv.Message)
		}
	})
}

// Check says when the registration ends or why that is not known, and of one that
// ends soon, who has to pay for it. No domain without a date is called fine.
func TestCheckSaysTheRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := registeredBot(t)
		for site, says := range map[string][]string{
			"shop.ru":      {"The registration of shop.ru ends on 18 January. The registry says that the owner is not verified.", "the customer renews the domain at the registrar (REGRU-RU), or gives it up", "client17"},
			"own.ru":       {"parked.ru ended on 1 January; anyone can register it from 1 February. The registrar has put it on its parking name servers (REG.RU).", "Registration: own.ru: not asked yet"},
			"far.com":      {"Registration: far.com: until 22 July, REGRU-RU (whois.example,"},
			"nobody.ru":    {"Next step: renew the domain at the registrar"},
			"shop.de":      {"Registration: shop.de: the registry does not publish when it ends"},
			"silent.by":    {"Registration: silent.by: not known when it ends: the registry does not answer (whois.cctld.by:43; is outgoing TCP port 43 open?); next try"},
			"me.github.io": {"no registry that could be asked"},
		} {
			text, data := asked(t, e, "check "+site)
			for _, part := range says {
				if !strings.Contains(text, part) {
					t.Errorf("%s: %q is missing in %s", site, part, text)
				}
			}
			found := map[checks.Code]checks.Severity{}
			for _, f := range data.(commands.CheckData).Findings {
				found[f.Code] = f.Severity
			}
			want := map[string]checks.Severity{"shop.ru": checks.Warning, "own.ru": checks.Warning, "nobody.ru": checks.Warning, "far.com": checks.Info}[site]
			if found[checks.DNSEnding] != want {
				t.Errorf("%s: dns.ending is %s, want %s", site, found[checks.DNSEnding], want)
			}
		}
	})
}

// The digest and the weekly report count what ends within a month and name the
// first; each number has its list.
func TestReportsSayWhatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := registeredBot(t)
		for _, line := range []string{"report daily", "report weekly"} {
			answer, err := e.Commands.Do(t.Context(), line, enginetest.Request(t, bot.Operator))
			if err != nil {
				t.Fatal(err)
			}
			answer.Message.Files = nil
			text, _ := json.Marshal(answer.Message)
			want := []string{"ended 1 January, free from 1 February · client2 · the customer pays · parked at REG.RU"}
			if line == "report weekly" {
				want = append(want, "Registration ends within a month: 4 sites", "Domains of which it is not known when their registration ends, on these panels: 4.")
			} else {
				want = append(want, "Domain registration ends within 30 days, sites: 4", "could not be asked — 1", "whois.cctld.by:43 cannot be reached, domains: 1. If outgoing connections to TCP port 43 are blocked on this host, allow them, or name another server in lookups.whois.")
			}
			for _, part := range want {
				if !strings.Contains(string(text), part) {
					t.Errorf("%s: %q is missing in %s", line, part, text)
				}
			}
			i := -1
			for n, number := range answer.Message.Numbers {
				if strings.HasPrefix(number.Command, "list ending") {
					i = n
				}
			}
			if i < 0 {
				t.Fatalf("%s: no number for the list: %+v", line, answer.Message.Numbers)
			}
			number := answer.Message.Numbers[i]
			if _, data := asked(t, e, number.Command); data.(commands.ListData).Total != number.N || number.N != 4 {
				t.Errorf("%s: %d, and %s has %d", line, number.N, number.Command, data.(commands.ListData).Total)
			}
		}
	})
}

// Where registries are not asked, an empty list says so.
func TestNoRegistryIsAsked(t *testing.T) {
	e := enginetest.New(t, engine.Config{Sources: []watch.Source{{Name: "isp1", Reader: enginetest.NewPanel(checks.Site{Server: "isp1", Name: "shop.ru"})}}})
	enginetest.Read(t, e)
	if text, _ := asked(t, e, "list ending"); !strings.Contains(text, "Registries are not asked") {
		t.Error(text)
	}
	if n := reports.Undated(reports.Coverage(e.Watch.States())); n != 0 {
		t.Errorf("%d domains", n)
	}
}
