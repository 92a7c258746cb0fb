package alerts_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/commands"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// The outage of Let's Encrypt on 2026-05-08: nothing was issued from 18:37 to
// 21:03 UTC.
var (
	outageBegan = time.Date(2026, 5, 8, 18, 37, 0, 0, time.UTC)
	outageEnded = time.Date(2026, 5, 8, 21, 3, 0, 0, time.UTC)
)

// In an outagePlay so many certificates are due in five minutes, and an order that
// failed is placed again after half an hour.
const (
	duePerReading = 20
	orderedAgain  = 30 * time.Minute
)

// words are what clients wrote into their logs in the outage.
var words = []string{
	"urn:ietf:params:acme:error:serverInternal :: The service is down for maintenance or had an internal error. Check https://letsencrypt.status.io/ for more details.",
	"<html><head><title>503 Service Temporarily Unavailable</title></head></html>",
	"DNS problem: server failure at resolver looking up A for %s",
	"curl: (28) Operation timed out after 30001 milliseconds with 0 bytes received",
	"Could not resolve host: acme-v02.api.letsencrypt.org",
	"Error finalizing order :: Unable to meet CA SCT embedding requirements",
}

// outagePlay is a panel whose certificates are renewed, some every five minutes.
type outagePlay struct {
	*testing.T
	panel  *enginetest.Panel
	engine *engine.Engine
	sites  []checks.Site
	now    time.Time
	next   int               // the site that is due next
	again  map[int]time.Time // when an order that failed is placed again, by site
	failed map[int]bool      // sites that wait for their certificate
	told   map[string][]journal.Delivery
	edited []journal.Delivery
}

func newOutage(t *testing.T) *outagePlay {
	t.Helper()
	e := &outagePlay{T: t, now: outageBegan.Add(-2 * time.Hour).Add(-2 * time.Minute), again: map[int]time.Time{}, failed: map[int]bool{}, told: map[string][]journal.Delivery{}}
	certificates := make([]checks.Certificate, outageSites)
	e.sites = make([]checks.Site, outageSites)
	for n := range e.sites {
		name := fmt.Sprintf("site%d.example", n)
		e.sites[n] = checks.Site{Name: name, Owner: fmt.Sprintf("client%d", n%317), Secure: checks.On, Redirect: checks.On, Certificate: name + "_le1"}
		certificates[n] = checks.Certificate{Server: "isp1", ID: int64(n + 1), Name: name + "_le1", Domain: name, Owner: e.sites[n].Owner, Started: e.now.AddDate(0, 0, -60)}
	}
	e.panel = enginetest.NewPanel(e.sites...)
	for n := range e.sites {
		e.panel.Log(checks.Attempt{Server: "isp1", Certificate: certificates[n].Name, Time: certificates[n].Started, Outcome: checks.OutcomeIssued, Status: "issued"})
	}
	e.panel.Change(func(x *checks.Snapshot) { x.Certificates = certificates })
	audience := bot.Audience{Chats: []bot.Chat{
		{To: bot.Address{Messenger: "telegram", Chat: "-1"}, Language: "ru", Receives: []string{bot.Alerts}},
		{To: bot.Address{Messenger: "slack", Chat: "C1"}, Language: "en", Receives: []string{bot.Alerts}}}}
	thresholds := map[checks.Code]reports.Threshold{checks.PanelProcessing: {Warn: 60, Critical: 100}, checks.PanelFailed: {Critical: 50},
		checks.PanelFailing: {Critical: 21}, checks.PanelOverdue: {Critical: 20}}
	e.engine = enginetest.New(t, engine.Config{Audience: audience, Policy: reports.Policy{Thresholds: thresholds, ResolveAfter: 2, Remind: 4 * time.Hour},
		Rules:   watch.Rules{Within: 4 * time.Hour, Times: 2, LifeLeft: 7.0 / 90},
		Sources: []watch.Source{{Name: "isp1", Reader: e.panel, CA: &watch.CA{Directory: "https://acme-v02.api.letsencrypt.org/directory", Rules: enginetest.LetsEncrypt(t)}}}})
	return e
}

// pass plays five minutes: orders are placed, then the panel is read, and what
// there is to say is sent.
func (e *outagePlay) pass() {
	e.Helper()
	from := e.now
	e.now = e.now.Add(5 * time.Minute)
	var due []int
	for range duePerReading {
		due = append(due, e.next)
		e.next = (e.next + 1) % len(e.sites)
	}
	for n, at := range e.again {
		if at.Before(e.now) {
			due = append(due, n)
		}
	}
	slices.Sort(due)
	for i, n := range due {
		e.order(n, from.Add(time.Duration(i)*5*time.Minute/time.Duration(len(due))))
	}
	waiting := e.failed
	e.panel.Change(func(x *checks.Snapshot) {
		x.Sites = slices.Clone(x.Sites)
		x.Certificates = slices.Clone(x.Certificates)
		for n := range x.Certificates {
			c := &x.Certificates[n]
			c.Processing, c.Failed = checks.Off, checks.Off
			switch { // the panel goes on trying, whatever it says of that
			case waiting[n] && n%2 == 0:
				c.Processing = checks.On
			case waiting[n]:
				c.Failed = checks.On
			}
		}
	})
	if err := e.engine.Alerts.Observe(e.Context(), e.now); err != nil {
		e.Fatal(err)
	}
	e.deliver()
}

func (e *outagePlay) order(n int, at time.Time) {
	name := e.sites[n].Name
	a := checks.Attempt{Server: "isp1", Certificate: name + "_le1", Time: at, Outcome: checks.OutcomeIssued, Status: "issued"}
	delete(e.again, n)
	delete(e.failed, n)
	if !at.Before(outageBegan) && at.Before(outageEnded) {
		a.Outcome, a.Status, a.Text = checks.OutcomeFailed, "failed", words[n%len(words)]
		if strings.Contains(a.Text, "%s") {
			a.Text = fmt.Sprintf(a.Text, name)
		}
		e.again[n], e.failed[n] = at.Add(orderedAgain), true
	}
	e.panel.Log(a)
}

func (e *outagePlay) deliver() {
	e.Helper()
	for {
		due, err := e.engine.Journal.Due(e.Context(), time.Now().Add(time.Hour), journal.Queue{}, 100)
		if err != nil {
			e.Fatal(err)
		}
		if len(due) == 0 {
			return
		}
		for _, d := range due {
			if d.Edits == 0 {
				e.told[d.To] = append(e.told[d.To], d)
			} else {
				e.edited = append(e.edited, d)
			}
			if err := e.engine.Journal.MarkSent(e.Context(), d.ID, fmt.Sprint(d.ID), e.now); err != nil {
				e.Fatal(err)
			}
		}
	}
}

// In the CA's outage of 2 h 26 min ten thousand sites have one incident, each
// chat gets two messages, and nobody is told to do anything with a site.
func TestAnOutageOfTheCAIsOneIncident(t *testing.T) {
	if testing.Short() {
		t.Skip("SHORT: ten thousand sites")
	}
	e := newOutage(t)
	for e.now.Add(5 * time.Minute).Before(outageBegan) {
		e.pass()
	}
	clear(e.told) // the summary of the first reading
	for e.now.Before(outageEnded.Add(-10 * time.Minute)) {
		e.pass()
	}
	waiting := len(e.failed)
	standing, err := e.engine.Journal.Standing(t.Context(), e.now)
	if err != nil || len(standing.Problems) != 1 || standing.Problems[0].Cause != checks.CADown {
		t.Errorf("in the outage the open problems are %+v, %v", standing.Problems, err)
	}
	t.Run("what everybody reads in it", func(t *testing.T) { e.T = t; e.harmless() })
	e.T = t
	for e.now.Before(outageEnded.Add(7 * time.Hour)) {
		e.pass()
	}
	t.Run("what everybody reads after it", func(t *testing.T) { e.T = t; e.harmless() })
	if waiting < 300 {
		t.Errorf("only %d sites waited", waiting)
	}
	if len(e.told) != 2 {
		t.Errorf("%d chats were told", len(e.told))
	}
	for to, some := range e.told {
		var titles []string
		for _, d := range some {
			titles = append(titles, d.Kind+": "+d.Message.Title)
		}
		if len(some) != 2 || some[0].Kind != string(reports.Opened) || some[1].Kind != string(reports.Resolved) {
			t.Errorf("%s was told: %q", to, titles)
			continue
		}
		text := allWords(t, some[0].Message)
		if !strings.Contains(text, "18:3") || !strings.Contains(text, "letsencrypt.status.io") {
			t.Errorf("the first message to %s does not say since when, or where to look: %s", to, text)
		}
		if !strings.Contains(titles[1], "2") {
			t.Errorf("%s is not told how long it took: %s", to, titles[1])
		}
	}
	e.counted(waiting)
}

// counted checks that the message about the outage was edited to say how many
// sites wait, not at each reading but as they become many more.
func (e *outagePlay) counted(waiting int) {
	e.Helper()
	edits, most := 0, 0
	for _, d := range e.edited {
		n := 0
		if _, err := fmt.Sscanf(d.Message.Title, "isp1: the CA itself is failing, %d sites", &n); err == nil {
			edits, most = edits+1, max(most, n)
		}
	}
	if edits == 0 || edits > 20 || 3*most < 2*waiting || most > waiting {
		e.Errorf("the message was edited %d times, up to %d of %d sites", edits, most, waiting)
	}
}

// harmless asks what people ask, and fails if an answer has something to do for a
// customer or at a site.
func (e *outagePlay) harmless() {
	e.Helper()
	var site string
	for n := range e.failed {
		site = e.sites[n].Name
	}
	if site == "" {
		site = e.sites[e.next-1].Name
	}
	for _, language := range []string{"en", "ru"} {
		request := enginetest.Request(e.T, bot.Admin)
		request.Locale, request.Now = e.engine.People.In(language), e.now
		for _, ask := range []string{"status", "check " + site, "why " + site, "list trouble", "list failing", "list processing", "report daily",
			"report weekly " + reports.WeekOf(e.now, time.UTC).Name(), "plan reissue", "limits"} {
			answer, err := e.engine.Commands.Do(e.Context(), ask, request)
			if err != nil {
				e.Errorf("%s: %v", ask, err)
				continue
			}
			text := allWords(e.T, answer.Message)
			for _, word := range []string{"customer", "client ", "клиент ", "Клиент", "re-issue it", "перевыпустить"} {
				if strings.Contains(text, word) {
					e.Errorf("%s says %q: %s", ask, word, text)
				}
			}
			if data, ok := answer.Data.(commands.CheckData); ok && len(e.failed) > 0 && (data.Verdict.Code != checks.CAInternal && data.Verdict.Code != checks.CAUnreachable || data.Verdict.Next.Who != checks.CA) {
				e.Errorf("%s: %+v", ask, data.Verdict)
			}
		}
	}
}

// allWords are the texts of a message without its files.
func allWords(t *testing.T, m reports.Message) string {
	t.Helper()
	m.Files, m.Actions, m.Numbers = nil, nil, nil
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
