package commands_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/commands"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/probe"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/cert"
	"domovoy/reports"
)

// One problem has one date, in check, why, lists, digest and weekly report alike:
// an expired certificate that of its end, the CA's refusals that of the first
// failure in the log, and what the first look found "at least since" then.
func TestOneDateForOneProblem(t *testing.T) {
	now := time.Now().UTC()
	expired, refused := now.AddDate(0, 0, -93), now.AddDate(0, 0, -50)
	panel := enginetest.NewPanel(checks.Site{Name: "expired.ru", Certificate: "expired_le1", Secure: checks.On, Owner: "a"},
		checks.Site{Name: "refused.ru", Certificate: "refused_le1", Secure: checks.On, Owner: "b"}, checks.Site{Name: "away.ru", Owner: "c"},
		checks.Site{Name: "well1.ru"}, checks.Site{Name: "well2.ru"}, checks.Site{Name: "well3.ru"})
	panel.Change(func(s *checks.Snapshot) {
		s.Certificates = []checks.Certificate{{Server: "isp1", ID: 1, Name: "expired_le1", Domain: "expired.ru"},
			{Server: "isp1", ID: 2, Name: "refused_le1", Domain: "refused.ru", Failed: checks.On}}
	})
	for n := range 5 {
		panel.Log(checks.Attempt{Server: "isp1", Certificate: "refused_le1", Time: refused.Add(time.Duration(n) * 24 * 12 * time.Hour), Outcome: checks.OutcomeFailed,
			Status: "failed", Text: "DNS problem: NXDOMAIN looking up A for refused.ru"})
	}
	files := randomFiles{
		1: cert.Result{File: checks.CertificateFile{Issuer: "E7", NotBefore: expired.AddDate(0, 0, -90), NotAfter: expired}},
		2: cert.Result{File: checks.CertificateFile{Issuer: "E7", NotBefore: now.AddDate(0, 0, -30), NotAfter: now.AddDate(0, 0, 60)}},
	}
	prober := enginetest.Prober(func(_ context.Context, x *checks.Target) ([]checks.Finding, error) {
		if name := x.Site.Name; name == "away.ru" {
			return []checks.Finding{{Site: name, Code: checks.DNSElsewhere, Severity: checks.Warning, Args: checks.Args{"addresses": "198.51.100.7"}}}, nil
		}
		return nil, nil
	})
	e := enginetest.New(t, engine.Config{Policy: reports.Policy{ResolveAfter: 2}, Rules: watch.Rules{Within: 4 * time.Hour, Times: 2, LifeLeft: 0.1},
		Sources: []watch.Source{{Name: "isp1", Reader: panel, Files: files, Prober: prober, Workers: 2}}})
	enginetest.Read(t, e)
	if err := e.Alerts.Observe(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	if err := e.Alerts.Sweep(t.Context(), probe.Sweep{Since: time.Now()}); err != nil {
		t.Fatal(err)
	}
	request := enginetest.Request(t, bot.Admin)
	date := func(at time.Time) string { return request.Locale.Date(at, now) }
	said := func(question string) (string, any) {
		answer, err := e.Commands.Do(t.Context(), question, request)
		if err != nil {
			t.Fatalf("%s: %v", question, err)
		}
		return everything(t, answer.Message), answer.Data
	}
	_, data := said("list trouble")
	items := data.(commands.ListData).Items
	for site, want := range map[string]struct {
		code  checks.Code
		since time.Time
		words string
	}{
		"expired.ru": {checks.CertExpired, expired, "ince " + date(expired)},
		"refused.ru": {checks.CADNS, refused, "ince " + date(refused)},
		"away.ru":    {checks.DNSElsewhere, now, "t least since " + date(now)},
	} {
		i := slices.IndexFunc(items, func(r commands.RowData) bool { return r.Domain == site })
		if i < 0 {
			text, _ := said("check " + site)
			t.Errorf("%s is not on the list: %s", site, text)
			continue
		}
		row := items[i]
		if row.Code != want.code || row.Since.Sub(want.since).Abs() > time.Minute || row.Least != (site == "away.ru") {
			t.Errorf("%s is listed as %s since %s (at least: %t), want %s since %s", site, row.Code, row.Since, row.Least, want.code, want.since)
		}
		if text, _ := said("check " + site); !strings.Contains(text, want.words) {
			t.Errorf("check %s does not say %q: %s", site, want.words, text)
		}
		began := date(want.since)
		if row.Least {
			began = "at least since today"
		}
		if text, _ := said("why " + site); !strings.Contains(text, began) {
			t.Errorf("why %s does not say %s: %s", site, began, text)
		}
		_, week := said("list trouble week=" + reports.WeekOf(now, time.UTC).Name())
		for _, x := range week.(commands.ListData).Items {
			if x.Domain == site && (x.Code != row.Code || !x.Since.Equal(*row.Since) || x.Least != row.Least) {
				t.Errorf("%s: the week has %+v, the list %+v", site, x, row)
			}
		}
	}
	oldest := "Oldest problem: expired.ru — certificate expired, since " + date(expired)
	for _, report := range []string{"report daily", "report weekly"} {
		if text, _ := said(report); !strings.Contains(text, oldest) {
			t.Errorf("%s does not say %q: %s", report, oldest, text)
		}
	}
}
