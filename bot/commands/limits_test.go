package commands_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/commands"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
	"domovoy/reports"
)

// The CA's texts in a log.
const (
	notThere  = "urn:ietf:params:acme:error:dns :: DNS problem: NXDOMAIN looking up A for bad.ru - check that a DNS record exists for this domain"
	perDomain = `urn:ietf:params:acme:error:rateLimited :: too many certificates (50) already issued for "shop.ru" in the last 168h0m0s, retry after %s UTC: see https://letsencrypt.org/docs/rate-limits/#new-certificates-per-registered-domain`
)

// hosting is a panel during a mass re-issue, and an engine over it.
type hosting struct {
	*testing.T
	panel *lab.Panel
	bot   *engine.Engine
	now   time.Time
}

func newHosting(t *testing.T, now time.Time) *hosting {
	t.Helper()
	h := &hosting{T: t, now: now}
	var err error
	h.panel, err = lab.NewPanel(filepath.Join(t.TempDir(), "panel.db"), lab.WithZone(time.UTC))
	h.must(err)
	t.Cleanup(func() { _ = h.panel.Close() })
	reader := ispmanager.New(ispmanager.Config{Name: "isp1", Database: h.panel.Path(), Zone: time.UTC})
	t.Cleanup(func() { _ = reader.Close() })
	ca := &watch.CA{Directory: "https://acme-v02.api.letsencrypt.org/directory", Rules: enginetest.LetsEncrypt(t)}
	chat := bot.Chat{To: bot.Address{Messenger: "telegram", Chat: "-1"}, Receives: []string{bot.Alerts, bot.Daily}, Role: bot.Viewer}
	h.bot = enginetest.New(t, engine.Config{
		Sources:  []watch.Source{{Name: "isp1", Reader: reader, CA: ca}},
		Rules:    watch.Rules{Within: 4 * time.Hour, Times: 2, LifeLeft: 7.0 / 90, Zombie: 180 * 24 * time.Hour},
		Audience: bot.Audience{Chats: []bot.Chat{chat}}, Policy: reports.Policy{ResolveAfter: 2},
	})
	return h
}

func (h *hosting) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *hosting) site(name string, aliases ...string) {
	h.Helper()
	_, err := h.panel.AddSite(lab.Site{Name: name, Aliases: aliases, Owner: "client1", Active: true, Secure: true, RedirectHTTP: true, Certificate: name + "_le2"})
	h.must(err)
	_, err = h.panel.AddCertificate(lab.Certificate{Name: name + "_le2", Domain: name, Owner: "client1", Started: h.now.Add(-time.Hour)})
	h.must(err)
}

func (h *hosting) tried(name, status string, age time.Duration, words string) {
	h.Helper()
	_, err := h.panel.AddAttempt(lab.Attempt{Certificate: name, Status: status, At: h.now.Add(-age), Message: words})
	h.must(err)
}

// fill adds the history: 150 sites issued within half an hour, one of them for
// the second time; one at a limit; one that will be paused; one that has been
// failing for a long time.
func (h *hosting) fill() {
	h.Helper()
	const day = 24 * time.Hour
	h.must(h.panel.Transaction(func() error {
		for n := range 150 {
			name := fmt.Sprintf("s%03d.ru", n)
			h.site(name, "www."+name)
			h.tried(name+"_le2", lab.StatusOK, 30*time.Minute-time.Duration(n)*12*time.Second, "")
		}
		h.tried("s000.ru_le1", lab.StatusOK, 60*day, "") // so that s000.ru_le2 was a renewal
		h.site("new.shop.ru")
		h.tried("new.shop.ru_le2", lab.StatusFailed, time.Hour, fmt.Sprintf(perDomain, h.now.Add(2*time.Hour).Format(time.DateTime)))
		h.site("bad.ru")
		for n := range 600 {
			h.tried("bad.ru_le2", lab.StatusFailed, 10*day-time.Duration(n)*24*time.Minute+time.Minute, notThere)
		}
		h.site("dead.ru")
		for n := range 190 {
			h.tried("dead.ru_le2", lab.StatusFailed, time.Duration(190-n)*day-time.Hour, notThere)
		}
		h.tried("gone.ru_le1", lab.StatusFailed, 2*day, notThere) // its site no longer exists
		return nil
	}))
}

func (h *hosting) ask(text string) (reports.Message, string) {
	h.Helper()
	h.must(h.bot.Watch.Read(h.Context(), h.now))
	r := bot.Request{Person: "local:root", Role: bot.Viewer, Locale: h.bot.People.In("en"), Now: h.now}
	a, err := h.bot.Commands.Ask(h.Context(), text, r)
	h.must(err)
	data, err := json.Marshal(a.Data)
	h.must(err)
	return a.Message, string(data)
}

// words returns the texts of a message, a line each.
func words(m reports.Message) string {
	lines := []string{m.Title}
	for _, s := range m.Sections {
		lines = append(lines, s.Heading, s.Text)
		for _, i := range s.Items {
			lines = append(lines, i.Text+" · "+i.Note)
		}
	}
	for _, a := range m.Actions {
		lines = append(lines, "["+a.Command+"]")
	}
	return strings.Join(lines, "\n")
}

func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("without %q:\n%s", part, text)
		}
	}
}

func TestLimits(t *testing.T) {
	h := newHosting(t, time.Date(2026, 11, 21, 14, 5, 0, 0, time.UTC))
	h.fill()
	m, data := h.ask("limits")
	wants(t, words(m), "The CA’s limits are nearly reached", "Let’s Encrypt, account of isp1",
		"shop.ru — certificates for the domain per week: 0 of 50 left (next not before today at 16:05)",
		"other accounts use this limit too", "bad.ru", "failures in a row: 600, in the last 24 hours: 59",
		"1 site has been failing for months", "From 15 December", "[list paused]", "[list zombie]")
	var d commands.LimitsData
	h.must(json.Unmarshal([]byte(data), &d))
	today, all := d.Issuance[len(d.Issuance)-1], 0
	for _, x := range d.Issuance {
		all += x.Attempts
	}
	// 150 of the re-issue and one of shop.ru today; bad.ru fails 60 times a day, dead.ru once: 29
	// times since the first midnight.
	if len(d.Issuance) != 30 || today.Server != "isp1" || today.Date != "2026-11-21" || today.Attempts < 150+1+30 || today.Failed != today.Attempts-150 ||
		all != 150+1+600+29+1 {
		t.Errorf("days: %d with %d attempts, today %+v", len(d.Issuance), all, today)
	}
	account := d.Budgets[0]
	// 149 of the re-issue (one is a renewal), and as many of bad.ru as fit; a
	// token was regained every 36 s meanwhile.
	if account.Code != "new_orders" || account.Server != "isp1" || account.Subject != "" || account.Limit != 300 ||
		account.Left < 190 || account.Left > 205 || account.Used+account.Left != 300 || account.Refill == nil || account.AtMost {
		t.Errorf("%+v", account)
	}
	codes := map[checks.Code]commands.ForecastData{}
	for _, f := range d.Forecasts {
		codes[f.Code] = f
	}
	if f := codes[checks.CABudget]; f.At == nil || f.At.Before(h.now) || f.At.After(h.now.Add(3*time.Hour)) {
		t.Errorf("new orders run out: %+v", f)
	}
	if f := codes[checks.CAPausing]; f.Subject != "bad.ru" || f.At == nil || f.At.Sub(h.now) > 12*24*time.Hour {
		t.Errorf("who will be paused: %+v", f)
	}
	if f := codes[checks.CAZombie]; f.Subject != "dead.ru" {
		t.Errorf("who fails for long: %+v", f)
	}
	if _, none := h.ask("limits server=isp1"); none != data {
		t.Errorf("the only server has another answer: %s", none)
	}
}

func TestListsOfLimits(t *testing.T) {
	h := newHosting(t, time.Date(2026, 11, 21, 14, 5, 0, 0, time.UTC))
	h.fill()
	m, _ := h.ask("list zombie")
	wants(t, words(m), "1 site has been failing for months", "dead.ru")
	m, _ = h.ask("list paused")
	wants(t, words(m), "1 name is paused by the CA or soon will be", "bad.ru")
	m, _ = h.ask("check bad.ru")
	wants(t, words(m), "the CA will stop accepting orders for this name around")
}

func TestPlanReissue(t *testing.T) {
	h := newHosting(t, time.Date(2026, 11, 21, 14, 5, 0, 0, time.UTC))
	h.fill()
	m, data := h.ask("plan reissue")
	wants(t, words(m), "150 of 153 sites should get a certificate", "3 sites would get no certificate", "isp1: 150 orders", "renewals of the same names: 150", "never checked externally")
	var d commands.PlanData
	h.must(json.Unmarshal([]byte(data), &d))
	if p := d.Plan; p.Sites != 153 || p.Pass != 150 || p.Fail != 3 || p.ByCause[checks.CARateLimited] != 1 || p.ByCause[checks.CADNS] != 2 ||
		len(p.Servers) != 1 || p.Servers[0].Hours == nil || *p.Servers[0].Hours != 0 {
		t.Errorf("%s", data)
	}
	if _, data = h.ask("plan reissue owner=nobody"); !strings.Contains(data, `"sites":0`) {
		t.Error(data)
	}
	_, err := h.bot.Commands.Ask(t.Context(), "plan", bot.Request{Person: "x", Role: bot.Viewer, Locale: h.bot.People.In("ru"), Now: h.now})
	if r, ok := err.(*bot.Refusal); !ok || r.Code != bot.ResultUsage {
		t.Errorf("%v", err)
	}
}

// A budget that will run out is alerted about once.
func TestBudgetAlerts(t *testing.T) {
	h := newHosting(t, time.Date(2026, 11, 21, 14, 5, 0, 0, time.UTC))
	h.site("quiet.ru")
	h.must(h.bot.Alerts.Observe(t.Context(), h.now)) // the baseline
	h.fill()
	h.now = h.now.Add(time.Minute)
	h.must(h.bot.Alerts.Observe(t.Context(), h.now))
	open, err := h.bot.Journal.OpenIncidents(t.Context())
	h.must(err)
	var told []string
	for _, i := range open {
		if f := i.Finding; f.Site == "" && strings.HasPrefix(string(f.Code), "ca.") {
			told = append(told, string(f.Code))
		}
		if f := i.Finding; f.Code == checks.CAPausing || f.Code == checks.CAZombie {
			t.Errorf("%s of %s is for lists, not for alerts", f.Code, f.Site)
		}
	}
	if strings.Join(told, " ") != "ca.budget" {
		t.Errorf("open at the account: %v", told)
	}
}

// A change is announced once, a month ahead, and is in the digest.
func TestCalendar(t *testing.T) {
	h := newHosting(t, time.Date(2027, 1, 1, 9, 0, 0, 0, time.UTC))
	h.site("shop.ru")
	announced := func() int {
		n, _, err := h.bot.Journal.Waiting(t.Context())
		h.must(err)
		return n
	}
	h.must(h.bot.Reports.Calendar(t.Context(), h.now))
	if n := announced(); n != 0 {
		t.Errorf("%d messages six weeks ahead", n)
	}
	for range 20 {
		h.now = h.now.Add(24 * time.Hour)
		h.must(h.bot.Reports.Calendar(t.Context(), h.now))
	}
	if n := announced(); n != 1 {
		t.Errorf("%d messages for one change", n)
	}
	h.must(h.bot.Watch.Read(t.Context(), h.now))
	digest, err := h.bot.Reports.Daily(t.Context(), bot.Request{Locale: h.bot.People.In("en"), Now: h.now})
	h.must(err)
	wants(t, words(digest.Message), "From 10 February: Let’s Encrypt certificates will be valid for 64 days", "0 of 300 new orders used")
}
