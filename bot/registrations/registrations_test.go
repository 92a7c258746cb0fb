package registrations_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/registrations"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/registry"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// world is the registries of all zones, on real sockets outside of the test's
// time. Its clock is the time that the last client to ask has read. Each server has
// the limit that its registry publishes or may have, and bans a client that exceeds
// it for an hour.
type world struct {
	now   atomic.Pointer[time.Time]
	ends  func(domain string) time.Time // zero: not published
	whois map[string]string             // by zone
	rdap  string
	block atomic.Bool // a firewall drops what goes out to WHOIS servers

	mu    sync.Mutex
	asked map[string][]time.Time // by domain
	over  []string               // what exceeded a limit
}

// desk is one server's count of questions.
type desk struct {
	name  string
	n     int
	per   time.Duration
	times []time.Time
}

// ask notes a question, and reports whether it is within the limit.
func (w *world) ask(d *desk, domain string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := *w.now.Load()
	w.asked[domain] = append(w.asked[domain], now)
	d.times = append(d.times, now)
	if len(d.times) > d.n && now.Sub(d.times[len(d.times)-1-d.n]) <= d.per {
		w.over = append(w.over, fmt.Sprintf("%s at %s: more than %d in %s", d.name, now.Format(time.DateTime), d.n, d.per))
		return false
	}
	return true
}

// seen is when each domain was asked about, and what exceeded a limit, so far. A
// server may still be answering a client that has given up.
func (w *world) seen() (asked map[string][]time.Time, over []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.asked), slices.Clone(w.over)
}

// count is how many questions a server was asked so far.
func (w *world) count(d *desk) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(d.times)
}

func (w *world) clock() time.Time {
	now := time.Now()
	w.now.Store(&now)
	return now
}

// serve starts a WHOIS server for zones; form writes its answer.
func (w *world) serve(t *testing.T, d *desk, form func(domain string, end time.Time) string, zones ...string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	for _, zone := range zones {
		w.whois[zone] = l.Addr().String()
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(conn).ReadString('\n')
			domain := strings.TrimSpace(line)
			text := "% You are not allowed to connect.\n"
			if w.ask(d, domain) {
				text = form(domain, w.ends(domain))
			}
			fmt.Fprint(conn, text)
			_ = conn.Close()
		}
	}()
}

// newWorld starts the registries: of .ru, .рф and .su, of .by, .ua, .kz and .eu by
// WHOIS, and of all others by RDAP.
func newWorld(t *testing.T, ends func(string) time.Time) *world {
	w := &world{ends: ends, whois: map[string]string{}, asked: map[string][]time.Time{}}
	w.clock()
	minute := func(name string, n int) *desk { return &desk{name: name, n: n, per: time.Minute} }
	w.serve(t, minute("tci", 30), func(d string, end time.Time) string {
		return fmt.Sprintf("domain: %s\nnserver: ns1.hoster.example.\nstate: REGISTERED, DELEGATED, VERIFIED\npaid-till: %s\nfree-date: %s\nsource: TCI\n\nLast updated on 2026-11-29T12:01:30Z\n", strings.ToUpper(d), end.UTC().Format(time.RFC3339), end.AddDate(0, 1, 0).UTC().Format(time.DateOnly))
	}, "ru", "su", "xn--p1ai")
	w.serve(t, minute("by", 10), func(d string, end time.Time) string {
		return fmt.Sprintf("Domain Name: %s\nRegistrar: Example, Ltd\nName Server: ns1.hoster.example\nExpiration Date: %s\n\n---\nService provided by Belarusian Cloud Technologies LLC\n", d, end.UTC().Format(time.DateOnly))
	}, "by")
	w.serve(t, minute("ua", 10), func(d string, end time.Time) string {
		return fmt.Sprintf("%% This is the Ukrainian Whois query server #C.\n\ndomain: %s\nnserver: ns1.hoster.example\nstatus: ok\nexpires: %s\nsource: UAEPP\n\n%% Query time: 5 msec\n", d, end.UTC().Format("2006-01-02 15:04:05-07"))
	}, "ua")
	w.serve(t, minute("kz", 10), func(d string, _ time.Time) string {
		return "Domain Name............: " + d + "\n\nPrimary server.........: ns1.hoster.example\n\nDomain status : ok - Normal state.\n                \nRegistar created: KAZNIC\nCurrent Registar: KAZNIC\n\n"
	}, "kz")
	w.serve(t, minute("eu", 15), func(d string, _ time.Time) string {
		return "% WHOIS " + d + "\nDomain: " + d + "\nScript: LATIN\n\nName servers:\n        ns1.hoster.example\n\nPlease visit www.eurid.eu for more info.\n"
	}, "eu")
	rdap := minute("rdap", 10)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		domain := strings.TrimPrefix(r.URL.Path, "/domain/")
		if !w.ask(rdap, domain) {
			out.WriteHeader(http.StatusForbidden)
			return
		}
		events := ""
		if end := w.ends(domain); !end.IsZero() {
			events = fmt.Sprintf(`{"eventAction":"expiration","eventDate":%q}`, end.UTC().Format(time.RFC3339))
		}
		out.Header().Set("Content-Type", "application/rdap+json")
		fmt.Fprintf(out, `{"objectClassName":"domain","ldhName":%q,"status":["active"],"events":[%s],"nameservers":[{"objectClassName":"nameserver","ldhName":"ns1.hoster.example"}]}`, domain, events)
	}))
	server.Config.SetKeepAlivesEnabled(false)
	server.Start()
	t.Cleanup(server.Close)
	w.rdap = server.URL
	return w
}

// undated reports whether the registry of a domain does not publish the end.
func undated(domain string) bool {
	return slices.ContainsFunc([]string{".kz", ".eu", ".de"}, func(zone string) bool { return strings.HasSuffix(domain, zone) })
}

// bot is one process that looks: over the panel's sites, with what the journal has.
type bot struct {
	*engine.Engine
	registry *registry.Registry
	looker   *registrations.Looker
}

func (w *world) start(t *testing.T, j *journal.Journal, sites []checks.Site) bot {
	t.Helper()
	past, err := j.RegistryPast(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r := registry.New(registry.Options{Whois: w.whois, RDAP: w.rdap, Now: w.clock, Past: past, Keeper: j, Dial: w.dial})
	e := enginetest.New(t, engine.Config{Journal: j, Sources: []watch.Source{{Name: "isp1", Reader: enginetest.NewPanel(sites...), Registrations: r.All}}})
	enginetest.Read(t, e)
	return bot{e, r, registrations.New(r, e.Watch, slog.New(slog.DiscardHandler))}
}

// Ten thousand domains are known within a day, each registry at its limit, and
// asked about again as their ends come nearer: none twice within its period, also
// when the bot is started again in the middle, and none above a limit.
func TestEveryDomainInADay(t *testing.T) {
	const names = 10_000
	zones := []string{"ru", "ru", "ru", "ru", "su", "xn--p1ai", "com", "net", "org", "info", "io", "app", "by", "ua", "kz", "eu", "de", "ru", "ru", "ru"}
	began := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // when a bubble begins
	ends := map[string]time.Time{}
	var sites []checks.Site
	for i := range names {
		domain := fmt.Sprintf("d%d.%s", i, zones[i%len(zones)])
		ends[domain] = began.AddDate(0, 0, 40+i%300)
		if i%25 == 0 { // some end within a month
			ends[domain] = began.AddDate(0, 0, 1+i/25%29)
		}
		if undated(domain) {
			ends[domain] = time.Time{}
		}
		sites = append(sites, checks.Site{Server: "isp1", ID: int64(2*i + 1), Name: domain, Owner: fmt.Sprint("client", i%500)},
			checks.Site{Server: "isp1", ID: int64(2*i + 2), Name: "blog." + domain, Aliases: []string{"www.blog." + domain}})
	}
	w := newWorld(t, func(domain string) time.Time { return ends[domain] })
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.Journal(t)
		first := w.start(t, j, sites)
		enginetest.Run(t, 7*time.Hour, first.looker.Run)
		if asked, _ := w.seen(); len(asked) < 3000 || len(asked) == names {
			t.Fatalf("%d domains are known at the restart", len(asked))
		}
		second := w.start(t, j, sites)
		if before, after := len(first.registry.All()), len(second.registry.All()); before != after {
			t.Errorf("%d domains were known before the restart, %d after it", before, after)
		}
		enginetest.Run(t, 17*time.Hour, second.looker.Run)
		if asked, _ := w.seen(); len(asked) != names {
			t.Errorf("%d of %d domains were asked about within a day", len(asked), names)
		}
		for domain, end := range ends {
			k := second.registry.Known(domain)
			if !k.Ends().Truncate(24*time.Hour).Equal(end.Truncate(24*time.Hour)) || k.Failure != "" || k.Looked.IsZero() {
				t.Fatalf("%s: %+v, want the end %s", domain, k, end)
			}
		}
		s := second.Watch.States()[0]
		counts := reports.Coverage([]reports.Server{s})
		if want := names / len(zones) * 3; counts[checks.RegistrationUndated] != want || counts[checks.RegistrationDated] != names-want {
			t.Errorf("%v", counts)
		}
		if soon := s.Endings(checks.EndingWithin); len(soon) != 2*count(ends, began.AddDate(0, 0, 31)) {
			t.Errorf("%d sites end soon", len(soon))
		}
		enginetest.Run(t, 7*24*time.Hour, second.looker.Run)
	})
	asked, over := w.seen()
	for _, one := range over {
		t.Error(one)
	}
	for domain, times := range asked {
		for i, at := range times[1:] {
			if since, period := at.Sub(times[i]), period(ends[domain], times[i]); since < period {
				t.Fatalf("%s, which ends %s, was asked about %s and %s: within %s", domain, ends[domain].Format(time.DateTime), times[i].Format(time.DateTime), at.Format(time.DateTime), period)
			}
		}
		if far := ends[domain].Sub(began) > 50*24*time.Hour; far && len(times) != 2 {
			t.Fatalf("%s was asked about %d times in eight days", domain, len(times))
		}
		if near := !ends[domain].IsZero() && ends[domain].Sub(began) < 30*24*time.Hour; near && len(times) < 7 {
			t.Fatalf("%s, which ends %s, was asked about %d times in eight days", domain, ends[domain].Format(time.DateTime), len(times))
		}
	}
}

// period is how long a domain must not be asked about again, by what the registry
// said at a moment.
func period(end, at time.Time) time.Duration {
	const day = 24 * time.Hour
	left := end.Sub(at)
	switch {
	case end.IsZero():
		return 30 * day
	case left > 0 && left < day:
		return left
	case left > 37*day:
		return 7 * day
	}
	return day
}

// A registry that refuses is left alone, and a domain that it did not answer about
// counts as one that is not known; others are asked meanwhile.
func TestARegistryThatRefuses(t *testing.T) {
	end := time.Date(2000, 2, 20, 0, 0, 0, 0, time.UTC)
	w := newWorld(t, func(string) time.Time { return end })
	refusing := &desk{name: "refusing", n: 0, per: time.Hour}
	w.serve(t, refusing, func(string, time.Time) string { return "" }, "by")
	synctest.Test(t, func(t *testing.T) {
		b := w.start(t, enginetest.Journal(t), []checks.Site{{Server: "isp1", Name: "shop.by"}, {Server: "isp1", Name: "other.by"}, {Server: "isp1", Name: "shop.ru"}, {Server: "isp1", Name: "printer.lan"}, {Server: "isp1", Name: "me.github.io"}})
		enginetest.Run(t, 5*time.Hour, b.looker.Run)
		counts := reports.Coverage(b.Watch.States())
		if counts[checks.RegistrationDated] != 1 || counts[checks.RegistrationNone] != 1 || counts[checks.RegistrationFailing]+counts[checks.RegistrationWaiting] != 2 {
			t.Errorf("%v", counts)
		}
		if n := w.count(refusing); n < 4 || n > 6 {
			t.Errorf("a registry that bans for an hour was asked %d times in five hours", n)
		}
		if n := reports.Undated(counts); n != 3 {
			t.Errorf("%d domains without a date, want 3", n)
		}
	})
}

// dial connects to a WHOIS server, unless a firewall drops that.
func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if w.block.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

// Where a firewall drops what goes out to port 43, only a few domains are asked
// about without an answer before the zone rests; all of them count as ones that could not be
// asked about, not as ones whose turn has not come. It is over by itself.
func TestAWayToRegistriesThatIsBlocked(t *testing.T) {
	const names = 400
	w := newWorld(t, func(string) time.Time { return time.Date(2001, 2, 20, 0, 0, 0, 0, time.UTC) })
	var sites []checks.Site
	for i := range names {
		sites = append(sites, checks.Site{Server: "isp1", ID: int64(i + 1), Name: fmt.Sprintf("d%d.ru", i)})
	}
	sites = append(sites, checks.Site{Server: "isp1", ID: names + 1, Name: "other.com"})
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.Journal(t)
		b := w.start(t, j, sites)
		if counts := reports.Coverage(b.Watch.States()); counts[checks.RegistrationWaiting] != names+1 || len(reports.CouldNotAsk(b.Watch.States())) > 0 {
			t.Errorf("at first: %v", counts)
		}
		w.block.Store(true)
		blocked := func(when string, b bot) {
			t.Helper()
			enginetest.Read(t, b.Engine)
			states := b.Watch.States()
			counts := reports.Coverage(states)
			if counts[checks.RegistrationFailing] != names || counts[checks.RegistrationDated] != 1 || counts[checks.RegistrationWaiting] != 0 {
				t.Errorf("%s: %v", when, counts)
			}
			want := []reports.Unasked{{Registry: w.whois["ru"], Failure: checks.RegistryUnreachable, Domains: names}}
			if got := reports.CouldNotAsk(states); !slices.Equal(got, want) {
				t.Errorf("%s: %+v, want %+v", when, got, want)
			}
		}
		enginetest.Run(t, 3*time.Minute, b.looker.Run)
		blocked("after three minutes", b)
		enginetest.Run(t, 5*time.Hour, b.looker.Run)
		blocked("after hours", b)
		again := w.start(t, j, sites)
		blocked("after a restart", again)
		w.block.Store(false)
		enginetest.Run(t, 16*time.Minute, again.looker.Run)
		enginetest.Read(t, again.Engine)
		if counts := reports.Coverage(again.Watch.States()); counts[checks.RegistrationDated] < names/2 || counts[checks.RegistrationFailing] > 40 {
			t.Errorf("a quarter of an hour after the end: %v", counts)
		}
		enginetest.Run(t, 6*time.Hour, again.looker.Run)
		enginetest.Read(t, again.Engine)
		if counts := reports.Coverage(again.Watch.States()); counts[checks.RegistrationDated] != names+1 {
			t.Errorf("hours after the end: %v", counts)
		}
	})
}

// What a person's question brought is not asked for again.
func TestAPersonsQuestionCounts(t *testing.T) {
	w := newWorld(t, func(string) time.Time { return time.Date(2001, 2, 20, 0, 0, 0, 0, time.UTC) })
	synctest.Test(t, func(t *testing.T) {
		b := w.start(t, enginetest.Journal(t), []checks.Site{{Server: "isp1", Name: "shop.ru"}})
		if _, err := b.registry.Ask(context.WithoutCancel(t.Context()), "www.shop.ru"); err != nil {
			t.Fatal(err)
		}
		enginetest.Run(t, 24*time.Hour, b.looker.Run)
		if asked, _ := w.seen(); len(asked["shop.ru"]) != 1 {
			t.Errorf("asked %d times", len(asked["shop.ru"]))
		}
	})
}

// count is how many of the ends are known and not after a moment.
func count(ends map[string]time.Time, until time.Time) int {
	n := 0
	for _, end := range ends {
		if !end.IsZero() && !end.After(until) {
			n++
		}
	}
	return n
}
