package cancel_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/cancel"
	"domovoy/bot/engine/enginetest"
	"domovoy/checks"
	"domovoy/checks/lab/boulder"
)

// The price is shown together with what is already spent; names that are being
// ordered are named; a server that cannot be asked does not hide the others.
func TestWhatAPlanTells(t *testing.T) {
	for name, c := range map[string]struct {
		before func(*office)
		says   []string
	}{
		"what is spent": {func(o *office) {
			o.panel.Log(checks.Attempt{Certificate: "shop.ru_le1", Outcome: checks.OutcomeFailed, Time: time.Now(), Text: "urn:ietf:params:acme:error:unauthorized :: 198.51.100.7: Invalid response from http://shop.ru/: 404"})
		}, []string{"For shop.ru that is 2 of 5, 1 already used"}},
		"a name that is being ordered": {func(o *office) {
			o.ordering(checks.Certificate{Domain: "shop.ru", Processing: checks.On, Started: time.Now().Add(-time.Minute)})
		}, []string{"In the middle of an order: 2.", "[Cancel 2]"}},
		"an order that hangs": {func(o *office) {
			o.ordering(checks.Certificate{Domain: "shop.ru", Processing: checks.On, Started: time.Now().Add(-2 * time.Hour)})
		}, []string{"Pending authorizations: 2", "shop.ru — client17 · × 2"}},
		"a CA that is silent": {func(o *office) {
			dead := boulder.New(boulder.Options{})
			dead.Fail("", 1<<30, boulder.Fault{Kind: boulder.Cut})
			o.others = append(o.others, cancel.LocalAccount{Directory: dead.Directory(), HTTP: dead.Client(), UserAgent: "test", KeyFile: o.key})
			o.bot = o.open("en")
		}, []string{"isp2: the CA cannot be reached", "[Cancel 2]"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := place(t, boulder.New(boulder.Options{}), "en")
				o.logged(o.ca.Populate(o.known.ID, []string{"shop.ru"}, 2, boulder.Pending)...)
				c.before(o)
				time.Sleep(5 * time.Minute) // until everything is read again
				enginetest.Read(t, o.bot)
				a, err := o.bot.Commands.Do(t.Context(), "cancel authz all", o.local())
				o.must(err)
				said := texts(a.Message)
				for _, action := range a.Message.Actions {
					said += "\n[" + action.Label + "]"
				}
				for _, want := range c.says {
					if !strings.Contains(said, want) {
						t.Errorf("the plan lacks %q:\n%s", want, said)
					}
				}
			})
		})
	}
}

// The account has no nodes, so what a node asks for is told by the sites that it
// serves; what is of other nodes, or of no site, is left alone and counted. Where
// else there may be more is said.
func TestAPlanForANode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := place(t, boulder.New(boulder.Options{}), "en")
		o.panel.Change(func(s *checks.Snapshot) {
			s.Nodes = []checks.Node{{Name: "node1"}, {Name: "node2", Maintain: checks.On}}
			s.Sites[0].Node, s.Sites[1].Node = "node1", "node2"
			s.Sites[1].Aliases = []string{"*.blog.ru"}
		})
		var urls []string
		for _, name := range []string{"shop.ru", "www.shop.ru", "blog.ru", "gone.ru"} {
			urls = append(urls, o.ca.Populate(o.known.ID, []string{name}, 1, boulder.Pending)...)
		}
		o.logged(urls...)
		time.Sleep(5 * time.Minute)
		enginetest.Read(t, o.bot)
		for _, c := range []struct {
			words              string
			domains            string
			elsewhere, pending int
		}{
			{"all server=isp1/node2", "blog.ru", 3, 1},
			{"all server=isp1/node1", "shop.ru www.shop.ru", 2, 2},
			{"all server=isp1/*", "blog.ru shop.ru www.shop.ru", 1, 3},
			{"all server=isp1", "blog.ru gone.ru shop.ru www.shop.ru", 0, 4},
			{"www.shop.ru server=isp1/node1", "shop.ru www.shop.ru", 0, 2},
			{"shop.ru server=isp1/node2", "", 2, 0},
			{"gone.ru server=isp1/node2", "", 1, 0},
			{"gone.ru " + urls[0] + " server=isp1/node1", "shop.ru", 1, 1},
		} {
			a, err := o.bot.Commands.Do(t.Context(), "cancel authz "+c.words, o.local())
			o.must(err)
			p := a.Data.(cancel.CancelPlanData).Plan
			domains := []string{}
			for _, x := range p.Authorizations {
				domains = append(domains, x.Domain)
			}
			slices.Sort(domains)
			if got := strings.Join(domains, " "); got != c.domains || p.Elsewhere != c.elsewhere || p.Pending != c.pending {
				t.Errorf("%s: %q, %d elsewhere, %d pending", c.words, got, p.Elsewhere, p.Pending)
			}
			said := texts(a.Message)
			for _, want := range []string{"The account and its log are the panel’s, on this host.", "orders by itself, its account and its log are on that node"} {
				if strings.Contains(said, want) != strings.Contains(c.words, "/") {
					t.Errorf("%s: %s", c.words, said)
				}
			}
			if left := fmt.Sprintf("of sites of other nodes, or of no site: %d", c.elsewhere); strings.Contains(said, left) != (c.elsewhere > 0) {
				t.Errorf("%s: %s", c.words, said)
			}
		}
		_, err := o.bot.Commands.Do(t.Context(), "cancel authz all server=isp1/node9", o.local())
		if refusal, ok := errors.AsType[*bot.Refusal](err); !ok || !slices.Equal(refusal.Args["Servers"].([]string), []string{"isp1", "isp1/node1", "isp1/node2"}) {
			t.Errorf("of no node: %v", err)
		}
	})
}
