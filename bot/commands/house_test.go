package commands_test

import (
	"context"
	"io/fs"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/probe"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/cert"
	"domovoy/reports"
)

// manager is the chat of a manager, whose customers are some of those of a
// randomHouse.
var manager = bot.Address{Messenger: "telegram", Chat: "77"}

// randomFiles are certificate files with random dates.
type randomFiles map[int64]cert.Result

func (f randomFiles) Read([]checks.Site) (map[int64]cert.Result, error) { return f, nil }

// randomPanel is a panel with random sites, certificates, files and issuance log. No
// name has a digit, so that each digit of a message is one of a number.
type randomPanel struct {
	*enginetest.Panel
	r     *rand.Rand
	name  string
	files randomFiles
	seen  map[string]checks.Code // from outside, by site
}

// flags are the values of a panel's switch, mostly on.
func flags() []checks.Flag { return []checks.Flag{checks.On, checks.On, checks.Off, checks.Unset} }

// outsideCodes are what a look from outside may find.
func outsideCodes() []checks.Code {
	return []checks.Code{checks.OK, checks.OK, checks.DNSElsewhere, checks.DNSNoAddress, checks.DNSUnregistered, checks.DNSUndelegated, checks.DNSPartly,
		checks.WebTimeout, checks.WebForbidden, checks.DNSProxied, checks.Unknown, checks.CAPaused, checks.CertUntrusted, checks.DNSCAA}
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// letters is a number in letters: aa, ab and so on.
func letters(n int) string { return string([]byte{'a' + byte(n/26), 'a' + byte(n%26)}) }

func newRandomPanel(r *rand.Rand, name string, sites int) *randomPanel {
	p := &randomPanel{Panel: enginetest.NewPanel(), r: r, name: name, files: randomFiles{}, seen: map[string]checks.Code{}}
	p.Change(func(s *checks.Snapshot) {
		s.Server = name
		for i := range sites {
			p.add(s, i)
		}
		s.Certificates = append(s.Certificates, checks.Certificate{Server: name, ID: 900, Failed: checks.On, Started: time.Now()})
	})
	p.hopeless()
	p.log()
	return p
}

// add adds a site, mostly with a certificate.
func (p *randomPanel) add(s *checks.Snapshot, i int) {
	id := int64(i + 1)
	site := checks.Site{Server: p.name, ID: id, Name: p.name + letters(i) + ".example", Active: checks.On, Secure: pick(p.r, flags()), Redirect: pick(p.r, flags())}
	if i == 0 {
		site.Name = "moving.example" // is on both panels
	}
	for _, prefix := range []string{"www.", "old."}[:p.r.IntN(3)] {
		site.Aliases = append(site.Aliases, prefix+site.Name)
		p.seen[prefix+site.Name] = pick(p.r, outsideCodes())
	}
	if p.r.IntN(12) > 0 {
		site.Owner = "client" + string(rune('a'+p.r.IntN(7)))
	}
	if p.r.IntN(3) > 0 {
		site.Certificate = site.Name + "_le"
		s.Certificates = append(s.Certificates, checks.Certificate{Server: p.name, ID: id, Name: site.Certificate, Domain: site.Name, Owner: site.Owner,
			Processing: flags()[1+p.r.IntN(3)], Failed: flags()[1+p.r.IntN(3)], Started: time.Now()})
		until := time.Now().Add(time.Duration(p.r.IntN(60*24)) * time.Hour)
		p.files[id] = cert.Result{File: checks.CertificateFile{Issuer: "E", NotBefore: until.AddDate(0, 0, -90), NotAfter: until}}
		if p.r.IntN(9) == 0 {
			p.files[id] = cert.Result{Err: fs.ErrNotExist}
		}
	}
	s.Sites = append(s.Sites, site)
	p.seen[site.Name] = pick(p.r, outsideCodes())
}

// hopeless has some certificates fail for half a year.
func (p *randomPanel) hopeless() {
	for range 3 {
		name := p.name + letters(p.r.IntN(20)) + ".example_le"
		for _, days := range []int{-200, -100, -1} {
			p.Log(checks.Attempt{Server: p.name, Certificate: name, Time: time.Now().AddDate(0, 0, days), Outcome: checks.OutcomeFailed, Status: "failed", Text: "some words that no rule knows"})
		}
	}
}

// log adds failed attempts of some certificates.
func (p *randomPanel) log() {
	texts := []string{"DNS problem: NXDOMAIN looking up A for x.ru", "During secondary validation: Timeout during connect", "some words that no rule knows",
		"Invalid response from http://x.ru/.well-known/acme-challenge/x: 404"}
	for range 40 {
		p.Log(checks.Attempt{Server: p.name, Certificate: p.name + letters(p.r.IntN(40)) + ".example_le", Time: time.Now().Add(-time.Duration(p.r.IntN(300)) * time.Minute),
			Outcome: checks.OutcomeFailed, Status: "failed", Text: pick(p.r, texts)})
	}
}

// move changes what a day or a week changes: sites break, are fixed, go, and change
// hands; values become unreadable.
func (p *randomPanel) move() {
	p.Change(func(s *checks.Snapshot) {
		s.Sites, s.Certificates = slices.Clone(s.Sites), slices.Clone(s.Certificates)
		s.Sites = slices.DeleteFunc(s.Sites, func(checks.Site) bool { return p.r.IntN(25) == 0 })
		for i := range s.Sites {
			if p.r.IntN(5) == 0 {
				p.seen[s.Sites[i].Name] = pick(p.r, outsideCodes())
			}
			if p.r.IntN(20) == 0 {
				s.Sites[i].Owner = "clientg"
			}
		}
		for i := range s.Certificates {
			if p.r.IntN(4) == 0 {
				s.Certificates[i].Failed = flags()[1+p.r.IntN(3)]
			}
		}
		s.Unreadable = nil
		for range p.r.IntN(4) {
			s.Unreadable = append(s.Unreadable, checks.Unreadable{Table: "webdomain", Row: int64(p.r.IntN(99)), Column: "active", Value: "maybe"})
		}
		s.UnreadableN = len(s.Unreadable)
	})
	p.log()
}

// look is what the check of names finds of a site.
func (p *randomPanel) look(_ context.Context, x *checks.Target) ([]checks.Finding, error) {
	code := p.seen[x.DNS.Name]
	switch code {
	case checks.OK:
		return nil, nil
	case checks.Unknown:
		return nil, context.DeadlineExceeded
	}
	args := checks.Args{"addresses": "198.51.100.7"}
	if code == checks.DNSUndelegated {
		args["free_date"] = time.Now().AddDate(0, 0, 9)
	}
	return []checks.Finding{{Site: x.Site.Name, Code: code, Severity: code.Severity(), Args: args}}, nil
}

// randomHouse is a bot over two random panels that it has watched for six weeks; the
// last days too, so that there is a yesterday, a week before, and problems older than
// a month. It needs a clock of its own (testing/synctest).
func randomHouse(t *testing.T, r *rand.Rand) (*engine.Engine, bot.Request) {
	t.Helper()
	panels := []*randomPanel{newRandomPanel(r, "alpha", 30+r.IntN(40)), newRandomPanel(r, "beta", 20+r.IntN(20))}
	config := engine.Config{Policy: reports.Policy{ResolveAfter: 1}, Rules: watch.Rules{Within: 4 * time.Hour, Times: 2, LifeLeft: 0.2, Zombie: 180 * 24 * time.Hour},
		Audience: bot.Audience{Managers: []bot.Manager{{To: manager, Owners: []string{"client[a-c]"}}}}}
	for _, p := range panels {
		config.Sources = append(config.Sources, watch.Source{Name: p.name, Reader: p, Files: p.files, Prober: enginetest.Prober(p.look), Workers: 8,
			CA: &watch.CA{Directory: "https://acme-v02.api.letsencrypt.org/directory", Rules: enginetest.LetsEncrypt(t)}})
	}
	e := enginetest.New(t, config)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	look := func() {
		enginetest.Read(t, e)
		must(e.Alerts.Observe(t.Context(), time.Now()))
		must(e.Alerts.Sweep(t.Context(), probe.Sweep{Since: time.Now()}))
		must(e.Alerts.Observe(t.Context(), time.Now()))
	}
	look()
	time.Sleep(time.Until(time.Date(2000, time.January, 17, 0, 0, 0, 0, time.UTC)))
	for half := range 7 { // weeks: the last ends on a Monday, too
		if half > 0 {
			time.Sleep(7 * 12 * time.Hour)
		}
		for _, p := range panels {
			p.move()
		}
		look()
		must(e.Reports.Snapshot(t.Context(), time.Now()))
	}
	for _, later := range []time.Duration{27 * time.Hour, 23 * time.Hour} {
		time.Sleep(later)
		for _, p := range panels {
			p.move()
		}
		look()
	}
	request := enginetest.Request(t, bot.Admin)
	request.Now = time.Now()
	return e, request
}
