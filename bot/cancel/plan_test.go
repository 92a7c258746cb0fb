package cancel_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
