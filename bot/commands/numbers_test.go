package commands_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strconv"
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

// Every number of status, the digest and the weekly report that has a button
// equals the length of the list that the button opens, on random panels with
// random journals; and the numbers that matter most have one.
func TestEachNumberHasItsList(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 11))
			e, request := randomHouse(t, r)
			pressed := 0
			for _, ask := range []string{"status", "report daily", "report weekly", "report weekly " + reports.WeekOf(request.Now, time.UTC).Name()} {
				for _, language := range []string{"en", "ru"} {
					request.Locale = e.People.In(language)
					answer, err := e.Commands.Do(t.Context(), ask, request)
					if err != nil {
						t.Fatalf("%s: %v", ask, err)
					}
					pressed += press(t, e, request, ask, answer.Message)
					if ask == "report daily" {
						everyCauseHasAButton(t, answer.Message)
					}
				}
			}
			if pressed < 20 {
				t.Errorf("only %d buttons were pressed", pressed)
			}
		})
	}
}

// press presses every button of a message that opens a list, and returns how
// many there are.
func press(t *testing.T, e *engine.Engine, request bot.Request, ask string, m reports.Message) (pressed int) {
	t.Helper()
	for _, a := range m.Actions {
		if !strings.HasPrefix(a.Command, "list ") {
			continue
		}
		pressed++
		answer, err := e.Commands.Do(t.Context(), a.Command, request)
		if err != nil {
			t.Errorf("%s: the button %q opens nothing: %v", ask, a.Command, err)
			continue
		}
		list, _ := answer.Data.(commands.ListData)
		if n := numberAtEnd(a.Label); n != list.Total || len(list.Items) != list.Total {
			t.Errorf("%s says %q, and %q lists %d", ask, a.Label, a.Command, list.Total)
		}
		if !strings.Contains(everything(t, m), figure(a.Label)) {
			t.Errorf("%s has the button %q, and no such number", ask, a.Label)
		}
	}
	return pressed
}

// everyCauseHasAButton reports a headline or a cause of the digest without a list.
func everyCauseHasAButton(t *testing.T, m reports.Message) {
	t.Helper()
	total, causes := 0, 0
	for _, a := range m.Actions {
		switch {
		case a.Command == "list trouble":
			total = numberAtEnd(a.Label)
		case strings.HasPrefix(a.Command, "list trouble cause="):
			causes += numberAtEnd(a.Label)
		}
	}
	if total == 0 || total != causes || !strings.Contains(m.Sections[0].Text, strconv.Itoa(total)) {
		t.Errorf("the causes' buttons add up to %d, the headline's has %d: %s", causes, total, m.Sections[0].Text)
	}
}

// numberAtEnd is the number that a label ends with: "All with problems: 1,204"; -1:
// there is none.
func numberAtEnd(label string) int {
	n, err := strconv.Atoi(strings.NewReplacer(",", "", "\u00a0", "", "\u202f", "").Replace(figure(label)))
	if err != nil {
		return -1
	}
	return n
}

// figure is the last word of a label.
func figure(label string) string { return label[strings.LastIndex(label, " ")+1:] }

func everything(t *testing.T, m reports.Message) string {
	t.Helper()
	m.Actions, m.Files = nil, nil
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// randomFiles are certificate files with random dates.
type randomFiles map[int64]cert.Result

func (f randomFiles) Read([]checks.Site) (map[int64]cert.Result, error) { return f, nil }

// randomHouse is a bot over a panel with random sites, certificates, files and
// issuance log, read twice with a sweep between.
func randomHouse(t *testing.T, r *rand.Rand) (*engine.Engine, bot.Request) {
	t.Helper()
	now := time.Now()
	ago := func(most time.Duration) time.Time { return now.Add(-time.Duration(r.Int64N(int64(most)))) }
	flags := []checks.Flag{checks.On, checks.On, checks.Off, checks.Unset}
	codes := []checks.Code{checks.OK, checks.OK, checks.DNSElsewhere, checks.DNSNoAddress, checks.DNSUnregistered, checks.DNSUndelegated, checks.DNSPartly,
		checks.WebTimeout, checks.WebForbidden, checks.DNSProxied, checks.Unknown, checks.CAPaused, checks.CertUntrusted, checks.DNSCAA}
	texts := []string{"DNS problem: NXDOMAIN looking up A for x.ru", "During secondary validation: Timeout during connect", "some words that no rule knows",
		"Invalid response from http://x.ru/.well-known/acme-challenge/x: 404"}
	files, seen := randomFiles{}, map[string]checks.Code{}
	var sites []checks.Site
	var certificates []checks.Certificate
	for i := range 40 + r.IntN(60) {
		name := fmt.Sprintf("site%d.example", i)
		site := checks.Site{Name: name, Owner: fmt.Sprintf("client%d", r.IntN(9)), Secure: flags[r.IntN(4)], Redirect: flags[r.IntN(4)]}
		if r.IntN(3) > 0 {
			site.Certificate = name + "_le1"
			certificates = append(certificates, checks.Certificate{Server: "isp1", ID: int64(i + 1), Name: site.Certificate, Domain: name, Owner: site.Owner,
				Processing: flags[1+r.IntN(3)], Failed: flags[1+r.IntN(3)], Started: ago(100 * 24 * time.Hour)})
			until := now.Add(time.Duration(r.IntN(40*24)-10*24) * time.Hour)
			files[int64(i+1)] = cert.Result{File: checks.CertificateFile{Issuer: "E7", NotBefore: until.AddDate(0, 0, -90), NotAfter: until}}
			if r.IntN(9) == 0 {
				files[int64(i+1)] = cert.Result{Err: fs.ErrNotExist}
			}
		}
		sites = append(sites, site)
		seen[name] = codes[r.IntN(len(codes))]
	}
	certificates = append(certificates, checks.Certificate{Server: "isp1", ID: 900, Failed: checks.On, Started: ago(200 * 24 * time.Hour)})
	prober := enginetest.Prober(func(_ context.Context, x *checks.Target) ([]checks.Finding, error) {
		code := seen[x.Site.Name]
		switch code {
		case checks.OK:
			return nil, nil
		case checks.Unknown:
			return nil, context.DeadlineExceeded
		}
		args := checks.Args{"addresses": "198.51.100.7"}
		if code == checks.DNSUndelegated {
			args["free_date"] = now.AddDate(0, 0, 9)
		}
		return []checks.Finding{{Site: x.Site.Name, Code: code, Severity: code.Severity(), Args: args}}, nil
	})
	panel := enginetest.NewPanel(sites...)
	panel.Change(func(s *checks.Snapshot) { s.Certificates, s.UnreadableN = certificates, r.IntN(3) })
	for range 60 {
		panel.Log(checks.Attempt{Server: "isp1", Certificate: fmt.Sprintf("site%d.example_le1", r.IntN(50)), Time: ago(5 * time.Hour), Outcome: checks.OutcomeFailed,
			Status: "failed", Text: texts[r.IntN(len(texts))]})
	}
	e := enginetest.New(t, engine.Config{Policy: reports.Policy{ResolveAfter: 1}, Rules: watch.Rules{Within: 4 * time.Hour, Times: 2, LifeLeft: 0.2},
		Sources: []watch.Source{{Name: "isp1", Reader: panel, Files: files, Prober: prober, Workers: 8}}})
	look := func() {
		enginetest.Read(t, e)
		if err := e.Alerts.Observe(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	look()
	if r.IntN(4) > 0 {
		if err := e.Alerts.Sweep(t.Context(), probe.Sweep{Since: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	last := reports.WeekOf(now, time.UTC).Before()
	for _, at := range []time.Time{last.From, last.To} {
		snapshots, err := e.Reports.Snapshots(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range snapshots {
			if err := e.Journal.KeepSnapshot(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		for _, site := range sites {
			if r.IntN(5) == 0 {
				seen[site.Name] = codes[r.IntN(len(codes))]
			}
		}
		panel.Change(func(s *checks.Snapshot) {
			for i := range s.Certificates {
				if r.IntN(4) == 0 {
					s.Certificates[i].Failed = flags[1+r.IntN(3)]
				}
			}
		})
		look()
	}
	request := enginetest.Request(t, bot.Admin)
	request.Now = time.Now()
	return e, request
}
