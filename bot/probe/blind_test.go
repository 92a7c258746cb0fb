package probe_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	mdns "github.com/miekg/dns"

	"domovoy/bot"
	"domovoy/bot/commands"
	"domovoy/bot/digest"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/probe"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/dns"
	"domovoy/checks/lab/internet"
	"domovoy/checks/registry"
	"domovoy/checks/suite"
	"domovoy/checks/web"
	"domovoy/reports"
)

// town is a panel in the lab's internet, whose sites have an owner each, and
// the cause of each site's trouble.
type town struct {
	*testing.T
	lab    *internet.Lab
	engine *engine.Engine
	now    time.Time // of all questions, so that answers differ only if what is known does
}

// causes are the sites of the town, in the order in which a sweep comes to them.
func causes() []struct {
	name string
	zone internet.Zone // with no origin: the DNS does not know the name
	want checks.Code
} {
	zone := func(lines string) internet.Zone { return internet.Zone{Text: lines} }
	const here = "@ A 127.80.0.10"
	return []struct {
		name string
		zone internet.Zone
		want checks.Code
	}{
		{"well.ru", zone(here), checks.OK},
		{"moved.ru", zone("@ A 93.184.216.34"), checks.DNSElsewhere},
		{"closed.ru", zone("@ A 127.80.0.30"), checks.WebRefused},
		{"free.ru", internet.Zone{}, checks.DNSUnregistered},
		{"unpaid.ru", internet.Zone{}, checks.DNSUndelegated},
		{"lame.ru", internet.Zone{Text: here, Temper: internet.Refusing}, checks.DNSLame},
		{"fails.ru", internet.Zone{Text: here, Temper: internet.Failing}, checks.DNSServFail},
		{"bogus.ru", internet.Zone{Text: here, Bogus: mdns.ExtendedErrorCodeSignatureExpired}, checks.DNSDNSSEC},
		{"forbids.ru", zone(here + "\n@ CAA 0 issue \"other.example\""), checks.DNSCAA},
		{"empty.ru", zone("@ TXT \"nothing here\""), checks.DNSNoAddress},
		{"fine.ru", zone(here), checks.OK},
		{"good.ru", zone(here), checks.OK},
	}
}

func newTown(t *testing.T) *town {
	t.Helper()
	all := internet.Situations()
	l, err := all[slices.IndexFunc(all, func(s internet.Situation) bool { return s.Name == "all is well" })].Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	year := 365 * 24 * time.Hour
	var sites []checks.Site
	for i, c := range causes() {
		sites = append(sites, checks.Site{Name: c.name, Owner: fmt.Sprint("client", i)})
		if c.want != checks.DNSUnregistered {
			r := internet.Registration{Domain: c.name, Delegated: true, Registrar: "REGRU-RU", Created: time.Now().Add(-3 * year), PaidTill: time.Now().Add(year), Servers: []string{"ns1." + c.name}}
			if c.want == checks.DNSUndelegated {
				r.Delegated, r.PaidTill, r.FreeDate = false, time.Now().AddDate(0, 0, -9), time.Now().AddDate(0, 0, 20)
			}
			l.Registry.Register(r)
		}
		if c.zone.Text == "" {
			continue
		}
		c.zone.Origin = c.name
		if err := l.DNS.AddZone(c.zone); err != nil {
			t.Fatal(err)
		}
	}
	return &town{t, l, townsEngine(t, l, sites), time.Now().Add(time.Minute)}
}

// townsEngine is an engine whose checks from outside look at the lab's internet.
func townsEngine(t *testing.T, l *internet.Lab, sites []checks.Site) *engine.Engine {
	t.Helper()
	resolver, err := dns.Open(dns.Options{Servers: []netip.AddrPort{netip.MustParseAddrPort(l.Resolver)}, Timeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resolver.Close() })
	own := append(slices.Clone(l.Panel.Addresses), netip.MustParseAddr("127.80.0.30"))
	names := dns.NewInspector(resolver, dns.InspectorOptions{Port: uint16(l.DNS.Port()), Reserved: true, Pause: 20 * time.Millisecond})
	live := &suite.Live{Checks: suite.Checks(suite.Reading{}, suite.Outside{Addresses: own, Names: names,
		Registry: registry.New(registry.Options{Whois: map[string]string{"ru": l.Registry.WHOIS()}, RDAP: l.Registry.RDAP(), Timeout: time.Second, Rate: 60_000}),
		Way: web.New(web.Options{Ports: web.Ports{HTTP: uint16(l.Web.HTTPPort()), HTTPS: uint16(l.Web.HTTPSPort())}, Timeout: 400 * time.Millisecond,
			Challenges: web.Folder(l.Panel.Challenges), Own: own, Resolve: names.Addresses})})}
	online := func(ctx context.Context) error {
		err := names.Control(ctx)
		if b, ok := errors.AsType[*checks.Blindness](err); err == nil || ok && b.Cause == checks.BlindRegistry {
			return err
		}
		return fmt.Errorf("%w: %w", probe.ErrOffline, err)
	}
	e := enginetest.New(t, engine.Config{Policy: reports.Policy{ResolveAfter: 2},
		Sources: []watch.Source{{Name: "isp1", Reader: enginetest.NewPanel(sites...), Prober: live, Workers: 4, Online: online}}})
	enginetest.Read(t, e)
	return e
}

// sweep sweeps once, and asks again at once what is in doubt.
func (w *town) sweep() error {
	return w.engine.Alerts.Sweep(w.Context(), probe.Sweep{Since: time.Now(), Recheck: time.Millisecond})
}

// ask asks the bot as an administrator.
func (w *town) ask(command string) bot.Answer {
	w.Helper()
	r := enginetest.Request(w.T, bot.Admin)
	r.Now = w.now
	a, err := w.engine.Commands.Ask(w.Context(), command, r)
	if err != nil {
		w.Fatalf("%s: %v", command, err)
	}
	return a
}

// knows fails the test unless the list behind the digest's headline has exactly
// the causes.
func (w *town) knows() {
	w.Helper()
	want, got := map[string]checks.Code{}, map[string]checks.Code{}
	for _, c := range causes() {
		if c.want != checks.OK {
			want[c.name] = c.want
		}
	}
	for _, row := range w.ask("list trouble").Data.(commands.ListData).Items {
		got[row.Domain] = row.Code
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.Fatalf("list trouble (-want +got):\n%s", diff)
	}
}

// told are the digest and the weekly report. The digest's lines about our own
// sight are taken out of it, and counted.
func (w *town) told() (daily, weekly []reports.Section, ours []string) {
	w.Helper()
	daily = w.ask("report daily").Data.(digest.ReportData).Text.Sections
	weekly = w.ask("report weekly").Data.(digest.WeeklyData).Text.Sections
	for i := range daily {
		var rest []string
		for line := range strings.Lines(daily[i].Text) {
			if strings.Contains(line, "our DNS resolver") {
				ours = append(ours, strings.TrimSpace(line))
				continue
			}
			rest = append(rest, line)
		}
		daily[i].Text = strings.Join(rest, "")
	}
	return daily, weekly, ours
}

// from begins a fault with the first question about a name.
func from(name string, f internet.Fault) internet.Fault {
	var begun atomic.Bool
	return func(d *internet.DNS, w mdns.ResponseWriter, q *mdns.Msg) bool {
		if mdns.CanonicalName(q.Question[0].Name) == mdns.Fqdn(name) {
			begun.Store(true)
		}
		return begun.Load() && f(d, w, q)
	}
}

// ofSites spares the questions of the controls: top-level domains, and names
// that nobody has.
func ofSites(f internet.Fault) internet.Fault {
	return func(d *internet.DNS, w mdns.ResponseWriter, q *mdns.Msg) bool {
		name := q.Question[0].Name
		for _, c := range causes() {
			if mdns.IsSubDomain(mdns.Fqdn(c.name), mdns.CanonicalName(name)) {
				return f(d, w, q)
			}
		}
		return false
	}
}

// After a sweep with a resolver that fails for all names alike, the lists, the
// digest and the weekly report say of every site what they said before, and the
// digest says once whose fault the rest is.
func TestABlindSweepLeavesTheReports(t *testing.T) {
	servfail, nxdomain := internet.Answers(mdns.RcodeServerFailure), internet.Answers(mdns.RcodeNameError)
	for name, c := range map[string]struct {
		fault internet.Fault
		ends  bool // the sweep ends without a result
	}{
		"SERVFAIL":                            {servfail, true},
		"NXDOMAIN":                            {nxdomain, true},
		"SERVFAIL, from the third site on":    {from("closed.ru", servfail), true},
		"NXDOMAIN, from the third site on":    {from("closed.ru", nxdomain), true},
		"no answers, from the third site on":  {from("closed.ru", internet.Drops), true},
		"no records, from the third site on":  {from("closed.ru", internet.Answers(mdns.RcodeSuccess)), true},
		"one address, from the third site on": {from("closed.ru", internet.Hijacks(netip.MustParseAddr("93.184.216.99"))), true},
		"SERVFAIL for all sites' names":       {ofSites(servfail), false},
		"NXDOMAIN for all sites' names":       {ofSites(nxdomain), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits more than it computes
			w := newTown(t)
			if err := w.sweep(); err != nil {
				t.Fatal(err)
			}
			w.knows()
			daily, weekly, ours := w.told()
			if len(daily) == 0 || len(weekly) == 0 || len(ours) > 0 {
				t.Fatalf("before: %d and %d sections, %q", len(daily), len(weekly), ours)
			}
			w.lab.DNS.Break(c.fault)
			err := w.sweep()
			w.lab.DNS.Break(nil)
			if errors.Is(err, probe.ErrOffline) != c.ends || err != nil && !c.ends {
				t.Fatalf("the sweep ended with %v", err)
			}
			w.same(daily, weekly, "our DNS resolver has not been working")
			if err := w.sweep(); err != nil {
				t.Fatal(err)
			}
			w.same(daily, weekly, "our DNS resolver was not working")
		})
	}
}

// same fails the test unless everything is known and told as before, and the
// digest says one thing about ourselves.
func (w *town) same(daily, weekly []reports.Section, ours string) {
	w.Helper()
	w.knows()
	d, wk, told := w.told()
	if diff := cmp.Diff(daily, d); diff != "" {
		w.Errorf("the digest (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(weekly, wk); diff != "" {
		w.Errorf("the weekly report (-before +after):\n%s", diff)
	}
	if len(told) != 1 || !strings.Contains(told[0], ours) {
		w.Errorf("the digest says of ourselves %q, want once %q", told, ours)
	}
}
