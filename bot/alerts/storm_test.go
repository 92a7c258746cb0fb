package alerts_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/cert"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// mortal are certificate files: those of the first so many sites have expired.
type mortal struct {
	expired int64
	now     time.Time
}

func (m *mortal) Read(sites []checks.Site) (map[int64]cert.Result, error) {
	read := map[int64]cert.Result{}
	for _, s := range sites {
		until := m.now.AddDate(0, 0, 60)
		if s.ID <= m.expired {
			until = m.now.Add(-time.Hour)
		}
		read[s.ID] = cert.Result{File: checks.CertificateFile{Issuer: "E7", NotBefore: until.AddDate(0, 0, -90), NotAfter: until}}
	}
	return read, nil
}

// tempest is a panel whose sites all fail and recover, and what two chats are told.
type tempest struct {
	*testing.T
	panel  *enginetest.Panel
	files  *mortal
	engine *engine.Engine
	now    time.Time
}

func newTempest(t *testing.T) *tempest {
	t.Helper()
	s := &tempest{T: t, now: time.Now().Truncate(time.Second), files: &mortal{}}
	sites := make([]checks.Site, stormSites)
	certificates := make([]checks.Certificate, stormSites)
	for n := range sites {
		name := fmt.Sprintf("site%d.example", n)
		sites[n] = checks.Site{Name: name, Owner: fmt.Sprintf("client%d", n%17), Secure: checks.On, Certificate: name + "_le1"}
		certificates[n] = checks.Certificate{Server: "isp1", ID: int64(n + 1), Name: name + "_le1", Domain: name}
	}
	s.panel = enginetest.NewPanel(sites...)
	s.panel.Change(func(x *checks.Snapshot) { x.Certificates = certificates })
	audience := bot.Audience{Chats: []bot.Chat{
		{To: bot.Address{Messenger: "telegram", Chat: "-1"}, Language: "ru", Receives: []string{bot.Alerts}},
		{To: bot.Address{Messenger: "slack", Chat: "C1"}, Language: "en", Receives: []string{bot.Alerts}}}}
	s.engine = enginetest.New(t, engine.Config{Audience: audience, Policy: reports.Policy{ResolveAfter: 2, Remind: 4 * time.Hour},
		Rules:   watch.Rules{Within: 4 * time.Hour, Times: 2, LifeLeft: 7.0 / 90},
		Sources: []watch.Source{{Name: "isp1", Reader: s.panel, Files: s.files}}})
	s.read(0)
	s.read(0)
	s.send()
	return s
}

// read reads the panel a minute later, with so many certificates expired.
func (s *tempest) read(expired int64) {
	s.Helper()
	s.now = s.now.Add(time.Minute)
	s.files.expired, s.files.now = expired, s.now
	s.panel.Change(func(x *checks.Snapshot) { x.Sites = append([]checks.Site(nil), x.Sites...) })
	if err := s.engine.Alerts.Observe(s.Context(), s.now); err != nil {
		s.Fatal(err)
	}
}

// send delivers what waits and returns the new messages, by chat, in their order.
func (s *tempest) send() map[string][]journal.Delivery {
	s.Helper()
	sent := map[string][]journal.Delivery{}
	for {
		due, err := s.engine.Journal.Due(s.Context(), time.Now().Add(time.Hour), journal.Queue{}, 100)
		if err != nil {
			s.Fatal(err)
		}
		if len(due) == 0 {
			return sent
		}
		for _, d := range due {
			if d.Edits == 0 {
				sent[d.To] = append(sent[d.To], d)
			}
			if err := s.engine.Journal.MarkSent(s.Context(), d.ID, fmt.Sprint(d.ID), s.now); err != nil {
				s.Fatal(err)
			}
		}
	}
}

// tenMinutes is what each chat gets within ten minutes.
func (s *tempest) tenMinutes(expired int64) map[string][]journal.Delivery {
	s.Helper()
	got := map[string][]journal.Delivery{}
	for range 10 {
		s.read(expired)
		for to, some := range s.send() {
			got[to] = append(got[to], some...)
		}
	}
	return got
}

// Ten thousand names fail at once, recover, and half of them fail again: a chat gets at
// most five messages in the first ten minutes of each, the first with the groups by
// cause and owner and a file with all.
func TestAStormIsAFewMessages(t *testing.T) {
	if testing.Short() {
		t.Skip("SHORT: ten thousand sites")
	}
	s := newTempest(t)
	for _, phase := range []struct {
		what    string
		expired int64
		least   int // messages
	}{{"all fail", stormSites, 1}, {"all recover", 0, 1}, {"half fail again", stormSites / 2, 1}} {
		got := s.tenMinutes(phase.expired)
		if len(got) != 2 {
			t.Errorf("%s: %d chats were told", phase.what, len(got))
		}
		for to, some := range got {
			if len(some) < phase.least || len(some) > 5 {
				t.Errorf("%s: %s got %d messages", phase.what, to, len(some))
			}
			if phase.expired == 0 {
				continue
			}
			m := some[0].Message
			rows, groups := 0, 0
			for _, f := range m.Files {
				rows = strings.Count(string(f.Data), "\n") - 1
			}
			for _, section := range m.Sections {
				groups += len(section.Items) // those that are folded, too
			}
			if int64(rows) != phase.expired || groups != 10 {
				t.Errorf("%s: the first message to %s has %d groups and %d rows in its file: %s", phase.what, to, groups, rows, m.Title)
			}
		}
	}
}

// What the account or the panel has to say is sent before what waits of a storm.
func TestAnAccountIsNotBehindAStorm(t *testing.T) {
	s := newTempest(t)
	s.read(stormSites)
	for n := range 5 {
		s.panel.Log(checks.Attempt{Server: "isp1", Certificate: fmt.Sprintf("site%d.example_le1", n), Time: s.now, Outcome: checks.OutcomeFailed, Status: "failed",
			Text: `urn:ietf:params:acme:error:unauthorized :: Account is not valid, has status "deactivated"`})
	}
	s.read(stormSites)
	for to, some := range s.send() {
		var order []string
		for _, d := range some {
			order = append(order, d.Message.Title)
		}
		if len(some) < 2 || !strings.Contains(order[0], "УЦ закрыл аккаунт") && !strings.Contains(order[0], "account") {
			t.Errorf("%s is told in this order: %q", to, order)
		}
	}
}
