package bot

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/checks"
	"domovoy/checks/budget"
	"domovoy/checks/lab/boulder"
)

// The price is told beside what is spent already; names that are being ordered
// are told of; a server that cannot be asked does not hide the others.
func TestWhatAPlanTells(t *testing.T) {
	for name, c := range map[string]struct {
		before func(*office)
		says   []string
	}{
		"what is spent": {func(o *office) {
			m := budget.NewMeter(letsEncrypt(o.T), "isp1", time.Now())
			m.Charge("shop.ru", time.Now())
			o.bot.watch.panels[0].account(accounting{meter: m})
		}, []string{"For shop.ru that is 2 of 5, with 1 used already"}},
		"a name that is being ordered": {func(o *office) {
			p := o.bot.watch.panels[0]
			p.server.Snapshot.Certificates = []checks.Certificate{{Domain: "shop.ru", Processing: checks.On, Started: time.Now().Add(-time.Minute)}}
		}, []string{"being ordered just now: 2", "[Cancel 2]"}},
		"an order that hangs": {func(o *office) {
			p := o.bot.watch.panels[0]
			p.server.Snapshot.Certificates = []checks.Certificate{{Domain: "shop.ru", Processing: checks.On, Started: time.Now().Add(-2 * time.Hour)}}
		}, []string{"2 authorizations are pending", "shop.ru — client17 · × 2"}},
		"a CA that is silent": {func(o *office) {
			dead := boulder.New(boulder.Options{})
			dead.Fail("", 1<<30, boulder.Fault{Kind: boulder.Cut})
			ca := *o.bot.watch.panels[0].CA
			ca.HTTP, ca.Directory = dead.Client(), dead.Directory()
			other := NewWatch(o.bot.journal, []Panel{{Name: "isp2", CA: &ca}}, Rules{}, o.bot.log).panels[0]
			o.bot.watch.panels = append(o.bot.watch.panels, other)
		}, []string{"isp2: the CA cannot be reached", "[Cancel 2]"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := place(t, boulder.New(boulder.Options{}), "en")
				o.logged(o.ca.Populate(o.account.ID, []string{"shop.ru"}, 2, boulder.Pending)...)
				c.before(o)
				a, err := o.bot.Do(t.Context(), "cancel authz all", o.local())
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
