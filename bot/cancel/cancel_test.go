package cancel_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/cancel"
	"domovoy/checks/lab/boulder"
	"domovoy/reports"
)

// planned requests a plan as a program does, and returns it.
func (o *office) planned(words string) cancel.CancelPlan {
	o.Helper()
	r := o.local()
	a, err := o.bot.Commands.Do(o.Context(), "cancel authz "+words, r)
	o.must(err)
	text, err := json.Marshal(a.Data)
	o.must(err)
	var data cancel.CancelPlanData
	o.must(json.Unmarshal(text, &data))
	return data.Plan
}

// confirmed confirms a plan as a program does, and returns the result.
func (o *office) confirmed(id string) cancel.CancelResult {
	o.Helper()
	a, err := o.bot.Commands.Do(o.Context(), "confirm "+id, o.local())
	o.must(err)
	data, ok := a.Data.(cancel.CancelResultData)
	if !ok {
		o.Fatalf("the answer is %+v", a.Data)
	}
	return data.Result
}

// local is the administrator at the console.
func (o *office) local() bot.Request {
	return bot.Request{Person: "local:root", Name: "root", Role: bot.Admin, Chat: bot.Address{Messenger: "console", Chat: "local"},
		Private: true, Locale: o.bot.People.In(""), Now: time.Now()}
}

// exact checks that each of the URLs was deactivated once, and nothing else.
func (o *office) exact(urls []string) {
	o.Helper()
	if twice := o.ca.DeactivatedTwice(); len(twice) > 0 {
		o.Errorf("deactivated more than once: %q", twice)
	}
	var did []string
	for _, d := range o.ca.Deactivations() {
		did = append(did, d.URL)
	}
	slices.Sort(did)
	urls = slices.Sorted(slices.Values(urls))
	if !slices.Equal(did, urls) {
		o.Errorf("%d authorizations were deactivated, want %d; the first: %q, want %q", len(did), len(urls), first(did), first(urls))
	}
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// Of 300 authorizations of 150 names, among others that the plan does not
// cover, exactly the pending ones of the account are canceled, at the price
// that the plan stated.
func TestCancelAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := boulder.New(boulder.Options{Latency: 20 * time.Millisecond})
		o := place(t, ca, "en")
		names := boulder.Names(150, "client.example")
		pending := ca.Populate(o.known.ID, names, 2, boulder.Pending)
		valid := ca.Populate(o.known.ID, names[:10], 1, boulder.Valid)
		invalid := ca.Populate(o.known.ID, names[:7], 1, boulder.Invalid)
		expired := ca.Populate(o.known.ID, names[:5], 1, boulder.Pending)
		ca.Expire(expired...)
		foreign := ca.Populate(ca.Register(nil).ID, names[:3], 1, boulder.Pending)
		o.logged(slices.Concat(pending, valid, invalid, expired, foreign)...)

		p := o.planned("all")
		if p.Pending != 300 || p.Valid != 10 || p.Gone != 15 || len(p.Authorizations) != 300 || p.Price != 300 || !p.Known || p.ID == "" {
			t.Fatalf("the plan has %d pending, %d valid, %d gone, %d to cancel, costs %d, id %q", p.Pending, p.Valid, p.Gone, len(p.Authorizations), p.Price, p.ID)
		}
		if n := ca.Count(boulder.KindDeactivate); n > 0 {
			t.Fatalf("planning sent %d cancellations", n)
		}
		began := time.Now()
		r := o.confirmed(p.ID)
		if r.Deactivated != 300 || r.Skipped+r.Failed+r.Left != 0 || len(r.Items) != 300 {
			t.Errorf("the result is %d deactivated, %d skipped, %d failed, %d left", r.Deactivated, r.Skipped, r.Failed, r.Left)
		}
		if took := time.Since(began); took < 60*time.Second || took > 70*time.Second {
			t.Errorf("it took %s", took)
		}
		o.exact(pending)
		charged := 0
		for _, n := range ca.Charged(o.known.ID) {
			charged += n
		}
		if charged != p.Price {
			t.Errorf("the CA charged %d, and the plan said %d", charged, p.Price)
		}
		if peak := ca.Peak(time.Second, boulder.KindDeactivate); peak > 5 {
			t.Errorf("%d cancellations in a second", peak)
		}
		want := []string{"local:root confirm ok", "local:root cancel done deactivated=300 skipped=0 failed=0 left=0 price=300"}
		if got := o.audited(); !slices.Equal(got, want) {
			t.Errorf("the audit has %q", got)
		}
	})
}

// A domain includes its site's aliases, and nothing of other sites; a URL means
// one authorization; valid ones are included only on request.
func TestWhatAPlanIsAbout(t *testing.T) {
	for words, want := range map[string]struct{ pending, valid, items int }{
		"shop.ru":                     {3, 1, 3},
		"https://www.shop.ru/cart":    {3, 1, 3},
		"пример.рф":                   {3, 1, 3},
		"shop.ru valid":               {3, 1, 4},
		"blog.ru":                     {1, 0, 1},
		"blog.ru shop.ru server=isp1": {4, 1, 4},
		"left.example":                {1, 0, 1}, // no longer a site of ours
		"all":                         {6, 1, 6},
		"все":                         {6, 1, 6},
		"nothing.example":             {0, 0, 0},
		"URL":                         {1, 0, 1},
		"URL blog.ru":                 {2, 0, 2},
		"crowded.example":             {1, 0, 1},
	} {
		t.Run(words, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ca := boulder.New(boulder.Options{})
				o := place(t, ca, "en")
				var urls []string
				for _, name := range []string{"shop.ru", "www.shop.ru", "xn--e1afmkfd.xn--p1ai", "blog.ru", "left.example"} {
					urls = append(urls, ca.Populate(o.known.ID, []string{name}, 1, boulder.Pending)...)
				}
				urls = append(urls, ca.Populate(o.known.ID, []string{"shop.ru"}, 1, boulder.Valid)...)
				urls = append(urls, ca.Populate(o.known.ID, []string{"crowded.example"}, 1, boulder.Pending)...)
				o.logged(urls...)
				p := o.planned(strings.ReplaceAll(words, "URL", urls[4]))
				if p.Pending != want.pending || p.Valid != want.valid || len(p.Authorizations) != want.items || (p.ID != "") != (want.items > 0) {
					t.Errorf("%d pending, %d valid, %d to cancel, id %q; want %+v", p.Pending, p.Valid, len(p.Authorizations), p.ID, want)
				}
			})
		})
	}
}

// At most two authorizations of a name are canceled in an hour, over all plans.
func TestTwoOfANameInAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := boulder.New(boulder.Options{})
		o := place(t, ca, "en")
		urls := ca.Populate(o.known.ID, []string{"shop.ru"}, 5, boulder.Pending)
		o.logged(urls...)
		for n, want := range []int{2, 0, 2, 1} {
			p := o.planned("shop.ru")
			if len(p.Authorizations) != want || p.Later != p.Pending-want {
				t.Errorf("plan %d has %d to cancel and %d later of %d pending, want %d", n, len(p.Authorizations), p.Later, p.Pending, want)
			}
			if p.ID != "" {
				o.confirmed(p.ID)
			}
			if n > 0 {
				time.Sleep(time.Hour + time.Second)
			}
		}
		o.exact(urls)
		if peak := ca.Peak(time.Hour, boulder.KindDeactivate); peak > 2 {
			t.Errorf("%d in an hour", peak)
		}
	})
}

// An authorization that changed after the confirmation is skipped; after an
// error of the CA it is read before the next attempt; a request that took
// effect despite an error is not repeated.
func TestWhatHappensMeanwhile(t *testing.T) {
	for name, c := range map[string]struct {
		fault   boulder.Fault
		n       int
		want    string
		posts   int
		minutes float64 // at least
	}{
		"a 500 of a thing done":     {boulder.Fault{Kind: boulder.InternalButDone}, 3, "10 0 0", 10, 0},
		"a 500 of a thing not done": {boulder.Fault{Kind: boulder.Internal}, 3, "10 0 0", 13, 0},
		"done, and cut off":         {boulder.Fault{Kind: boulder.Drop}, 3, "10 0 0", 10, 0},
		"cut off before":            {boulder.Fault{Kind: boulder.Cut}, 3, "10 0 0", 13, 0},
		"a bad nonce":               {boulder.Fault{Kind: boulder.StaleNonce}, 3, "10 0 0", 13, 0},
		"always failing":            {boulder.Fault{Kind: boulder.Internal}, 1000, "0 0 10", 30, 0},
		"429 for twenty minutes":    {boulder.Fault{Kind: boulder.TooMany, RetryAfter: 20 * time.Minute}, 1, "10 0 0", 11, 20},
		"503 for three minutes":     {boulder.Fault{Kind: boulder.Unavailable, RetryAfter: 3 * time.Minute}, 1, "10 0 0", 11, 3},
		"refused":                   {boulder.Fault{Kind: boulder.Refuse, Problem: boulder.NewProblem(400, "malformed", "no")}, 1, "9 0 1", 10, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ca := boulder.New(boulder.Options{})
				o := place(t, ca, "en")
				pending := ca.Populate(o.known.ID, boulder.Names(10, "client.example"), 1, boulder.Pending)
				o.logged(pending...)
				p := o.planned("all")
				ca.Fail(boulder.KindDeactivate, c.n, c.fault)
				began := time.Now()
				r := o.confirmed(p.ID)
				if got := fmt.Sprint(r.Deactivated, " ", r.Skipped, " ", r.Failed); got != c.want {
					t.Errorf("deactivated, skipped and failed are %s, want %s: %+v", got, c.want, r.Items)
				}
				if n := ca.Count(boulder.KindDeactivate); n != c.posts {
					t.Errorf("%d requests, want %d", n, c.posts)
				}
				if twice := ca.DeactivatedTwice(); len(twice) > 0 {
					t.Errorf("twice: %q", twice)
				}
				if took := time.Since(began); took.Minutes() < c.minutes || took > time.Hour {
					t.Errorf("it took %s", took)
				}
				spared(t, ca, c.fault.RetryAfter)
			})
		})
	}
}

// Requests to a CA that cannot be reached are retried; after hours the task
// ends, reports what was done, and leaves the rest.
func TestACAThatCannotBeReached(t *testing.T) {
	for name, c := range map[string]struct {
		requests int // number of requests that are cut off
		want     string
		least    time.Duration
	}{
		"for some minutes": {26, "300 0 0 0", 2 * time.Minute},
		"for good":         {1 << 30, "100 0 0 200", 2 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				done := 0
				var ca *boulder.CA
				ca = boulder.New(boulder.Options{Watch: func(m boulder.Moment) {
					if m.Request.Kind == boulder.KindDeactivate && m.Done {
						if done++; done == 100 {
							ca.Fail("", c.requests, boulder.Fault{Kind: boulder.Cut})
						}
					}
				}})
				o := place(t, ca, "en")
				o.logged(ca.Populate(o.known.ID, boulder.Names(300, "client.example"), 1, boulder.Pending)...)
				p := o.planned("all")
				began := time.Now()
				r := o.confirmed(p.ID)
				if got := fmt.Sprint(r.Deactivated, " ", r.Skipped, " ", r.Failed, " ", r.Left); got != c.want {
					t.Errorf("deactivated, skipped, failed and left are %s, want %s", got, c.want)
				}
				if took := time.Since(began); took < c.least || took > c.least+10*time.Minute {
					t.Errorf("it took %s", took)
				}
				if twice := ca.DeactivatedTwice(); len(twice) > 0 {
					t.Errorf("twice: %q", twice)
				}
			})
		})
	}
}

// spared checks that no request was sent while the CA asked to stop.
func spared(t *testing.T, ca *boulder.CA, rest time.Duration) {
	t.Helper()
	var until time.Time
	for _, r := range ca.Requests() {
		if r.At.Before(until) && r.At.After(until.Add(-rest+5*time.Second)) { // requests in progress may end
			t.Errorf("%s %s was asked %s too early", r.Kind, r.URL, until.Sub(r.At))
		}
		if r.Status == 429 || r.Status == 503 {
			until = r.At.Add(rest)
		}
	}
}

// An item that changed after its last check is skipped.
func TestOneThatChangedAtTheLastMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ca *boulder.CA
		var pending []string
		ca = boulder.New(boulder.Options{Watch: func(m boulder.Moment) {
			if m.Request.Kind == boulder.KindDeactivate && m.Done { // the first deactivation changes the others
				ca.Set(pending[9], boulder.Valid)
			}
		}})
		o := place(t, ca, "en")
		pending = ca.Populate(o.known.ID, boulder.Names(10, "client.example"), 1, boulder.Pending)
		o.logged(pending...)
		// one at a time: otherwise the tenth may already be in progress
		r := o.confirmed(o.planned("all").ID)
		if r.Deactivated+r.Skipped != 10 || r.Failed != 0 {
			t.Errorf("%+v", r)
		}
		for _, d := range ca.Deactivations() {
			if d.Before != boulder.Pending {
				t.Errorf("%s was %s", d.URL, d.Before)
			}
		}
	})
}

// Without a key, or with one that others may read, there is a plan but no
// button; on a panel with default settings the answer names the option.
func TestPlansThatCannotBeConfirmed(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*office)
		says  string
	}{
		"no key":        {func(o *office) { o.with(func(a *cancel.LocalAccount) { a.KeyFile = "" }) }, "no account key is configured"},
		"open key":      {func(o *office) { o.chmod(o.key, 0o640) }, "others can read the account’s key file"},
		"missing key":   {func(o *office) { o.with(func(a *cancel.LocalAccount) { a.KeyFile = o.folder + "/nowhere" }) }, "key file is missing"},
		"no key at all": {func(o *office) { o.file("account.key", "hello") }, "no key of a known type"},
		"stock panel":   {func(o *office) { o.file("acme.log", "[x] Using config home:/root/.acme.sh\n") }, "EnableAcmeshDebug"},
		"no log":        {func(o *office) { o.with(func(a *cancel.LocalAccount) { a.Logs = []string{o.folder + "/none.log"} }) }, "EnableAcmeshDebug"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ca := boulder.New(boulder.Options{})
				o := place(t, ca, "en")
				o.logged(ca.Populate(o.known.ID, []string{"shop.ru"}, 2, boulder.Pending)...)
				c.spoil(o)
				a, err := o.bot.Commands.Do(t.Context(), "cancel authz all", o.local())
				o.must(err)
				if !strings.Contains(texts(a.Message), c.says) || len(a.Message.Actions) > 0 || strings.Contains(texts(a.Message), "⟨") {
					t.Errorf("the plan says:\n%s\nwith the buttons %v", texts(a.Message), a.Message.Actions)
				}
			})
		})
	}
}

// texts returns all texts of a message.
func texts(m reports.Message) string {
	lines := []string{m.Title}
	for _, s := range m.Sections {
		lines = append(lines, s.Heading, s.Text)
		for _, i := range s.Items {
			lines = append(lines, i.Text+" — "+i.Note)
		}
	}
	return strings.Join(lines, "\n")
}

// 3,000 authorizations in CI, 300 elsewhere, at 100 ms a request: planned in
// under a minute, cancelled within a tenth of what five a second allow, with
// progress in one message.
func TestThreeThousand(t *testing.T) {
	n, whole := 3000, "3,000 of 3,000"
	if os.Getenv("CI") == "" {
		t.Log("SHORT: 300 authorizations; with CI=true in the environment they are 3,000")
		n, whole = 300, "300 of 300"
	}
	synctest.Test(t, func(t *testing.T) {
		ca := boulder.New(boulder.Options{Latency: 100 * time.Millisecond, Rates: boulder.ProductionRates()})
		o := place(t, ca, "en")
		pending := ca.Populate(o.known.ID, boulder.Names(n, "client.example"), 1, boulder.Pending)
		o.logged(pending...)
		o.works()
		defer o.stop()
		m := o.say("post:1", "post:1", "cancel authz all", 55*time.Second)
		if len(m.Actions) != 1 || !strings.Contains(m.Actions[0].Command, "confirm") {
			t.Fatalf("after 55 s the chat reads %q", texts(m))
		}
		began := time.Now()
		ideal := time.Duration(n) * time.Second / 5
		m = o.press("post:1", "post:1", m, ideal*11/10+30*time.Second)
		ref, _ := o.paper.last("post:1")
		o.paper.mu.Lock()
		said, at := o.paper.said[ref], o.paper.at[ref]
		o.paper.mu.Unlock()
		took := at[len(at)-1].Sub(began)
		acted := lastOf(ca.Requests(boulder.KindDeactivate)).Sub(firstOf(ca.Requests(boulder.KindDeactivate)))
		t.Logf("cancelled in %s (five a second: %s), told after %s; the message was edited %d times", acted, ideal, took, len(said)-1)
		if acted < ideal-time.Second || acted > ideal*11/10 {
			t.Errorf("cancelling took %s", acted)
		}
		if !strings.Contains(m.Title, whole) || len(said) < n/30 { // an edit every five seconds
			t.Errorf("after %s the chat reads %q, edited %d times", took, m.Title, len(said))
		}
		for i := 2; i < len(at)-1; i++ { // the last one may follow at once
			if at[i].Sub(at[i-1]) < 5*time.Second-100*time.Millisecond {
				t.Fatalf("edits %d and %d are %s apart", i-1, i, at[i].Sub(at[i-1]))
			}
		}
		if peak := ca.Peak(time.Second, boulder.KindDeactivate); peak > 5 {
			t.Errorf("%d cancellations in a second", peak)
		}
		o.exact(pending)
	})
}

func firstOf(r []boulder.Request) time.Time { return r[0].At }
func lastOf(r []boulder.Request) time.Time  { return r[len(r)-1].At }

// A task is stopped by its button: it reports what was done, and leaves the
// rest.
func TestStopCancelling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := boulder.New(boulder.Options{Latency: 100 * time.Millisecond})
		o := place(t, ca, "en")
		o.logged(ca.Populate(o.known.ID, boulder.Names(500, "client.example"), 1, boulder.Pending)...)
		o.works()
		defer o.stop()
		plan := o.say("post:1", "post:1", "cancel authz all", 20*time.Second)
		m := o.press("post:1", "post:1", plan, 30*time.Second)
		if len(m.Actions) != 1 || !strings.HasPrefix(m.Actions[0].Command, "stop ") {
			t.Fatalf("after half a minute the chat reads %q", texts(m))
		}
		ref, _ := o.paper.last("post:1")
		o.press("post:1", "post:1", m, 10*time.Second)
		o.paper.mu.Lock()
		end := o.paper.said[ref][len(o.paper.said[ref])-1]
		o.paper.mu.Unlock()
		done := len(ca.Deactivations())
		if !strings.Contains(end.Title, fmt.Sprintf("stopped, %d of 500", done)) || done < 50 || done > 200 {
			t.Errorf("%d were cancelled, and the message reads %q", done, texts(end))
		}
		time.Sleep(time.Minute)
		if n := len(ca.Deactivations()); n != done {
			t.Errorf("after the stop %d more were cancelled", n-done)
		}
		tasks, err := o.bot.Journal.OpenTasks(t.Context())
		if err != nil || len(tasks) > 0 {
			t.Errorf("%d tasks are open, %v", len(tasks), err)
		}
		if len(ca.DeactivatedTwice()) > 0 {
			t.Error("twice")
		}
	})
}

// A bot that is stopped during a cancellation, twenty times, continues each
// time where it stopped, and does nothing twice.
func TestGoesOnAfterEachStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := boulder.New(boulder.Options{Latency: 70 * time.Millisecond})
		o := place(t, ca, "en")
		pending := ca.Populate(o.known.ID, boulder.Names(300, "client.example"), 1, boulder.Pending)
		o.logged(pending...)
		o.works()
		plan := o.say("post:1", "post:1", "cancel authz all", 20*time.Second)
		o.press("post:1", "post:1", plan, 0)
		for round := range 20 {
			time.Sleep(time.Duration(1000+137*round) * time.Millisecond)
			o.stop()
			o.works()
		}
		time.Sleep(5 * time.Minute)
		o.stop()
		o.exact(pending)
		_, m := o.paper.last("post:1")
		if !strings.Contains(m.Title, "300 of 300") {
			t.Errorf("the chat reads %q", texts(m))
		}
	})
}
