package commands_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	mdns "github.com/miekg/dns"
	"github.com/xuri/excelize/v2"

	"domovoy/bot"
	"domovoy/bot/commands"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/probe"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/dns"
	"domovoy/checks/lab/boulder"
	"domovoy/checks/lab/internet"
	"domovoy/checks/registry"
	"domovoy/checks/suite"
	"domovoy/checks/web"
	"domovoy/reports"
)

// state is what is true of a name, whatever anybody finds out about it.
type state string

const (
	good      state = "good"
	elsewhere state = "points elsewhere"
	absent    state = "is not in its zone"
	free      state = "is in no zone"
	closed    state = "leads to a closed port"
	page404   state = "answers 404"
	unseen    state = "cannot be looked up by us"
)

// dead are the states in which no CA issues for a name.
func dead() []state { return []state{elsewhere, absent, free, closed, page404} }

// droppableSites is sites whose names are in known states, on real servers.
type droppableSites struct {
	*testing.T
	lab    *internet.Lab
	engine *engine.Engine
	sites  []checks.Site
	states map[string]state
	lost   map[string]bool // full names in DNS that our resolver does not answer
}

const (
	estateSites = 500
	estateOther = "127.80.0.99" // of somebody else
	estateShut  = "127.80.0.98" // one of ours where nothing listens
)

// newDroppable makes the sites: of every eight one has no problem, one a dead name
// of its own, one a name that nobody can look up, and the others up to three dead
// aliases.
func newDroppable(t *testing.T) *droppableSites {
	t.Helper()
	situations := internet.Situations()
	at := slices.IndexFunc(situations, func(s internet.Situation) bool { return s.Name == "all is well" })
	lab, err := situations[at].Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	e := &droppableSites{T: t, lab: lab, states: map[string]state{}, lost: map[string]bool{}}
	e.open()
	for n := range estateSites {
		e.add(n)
	}
	lab.DNS.Break(func(_ *internet.DNS, _ mdns.ResponseWriter, request *mdns.Msg) bool {
		return len(request.Question) > 0 && e.lost[strings.TrimSuffix(strings.ToLower(request.Question[0].Name), ".")]
	})
	e.begin()
	return e
}

// open starts the servers of others, and one of ours that knows no challenges.
func (e *droppableSites) open() {
	e.Helper()
	for addr, handler := range map[string]http.Handler{estateOther: internet.NotFound(), "127.80.0.97": internet.NotFound()} {
		if err := e.lab.Web.Open(netip.MustParseAddr(addr), internet.Host{Sites: map[string]http.Handler{"": handler}}); err != nil {
			e.Fatal(err)
		}
	}
}

// add adds a site with up to four aliases.
func (e *droppableSites) add(n int) {
	e.Helper()
	own := fmt.Sprintf("s%d.ru", n)
	site := checks.Site{Name: own, Owner: fmt.Sprintf("client%d", n%41), Secure: checks.On, Redirect: checks.On, Certificate: own + "_le1"}
	states := []state{good, good}
	switch kind := n % 8; kind {
	case 0:
	case 1:
		states[0] = dead()[n/8%len(dead())]
		states = append(states, dead()[n/8%3])
	case 2:
		states = append(states, dead()[n/8%len(dead())])
		if n%24 == 2 {
			states[1] = unseen
		}
	default:
		for i := range 1 + n%3 {
			states = append(states, dead()[(n/8+i)%len(dead())])
		}
	}
	zone := ""
	for i, is := range states {
		name := own
		switch {
		case i == 1:
			name = "www." + own
		case i > 1 && is == free:
			name = fmt.Sprintf("free%d-%d.ru", n, i)
		case i > 1:
			name = fmt.Sprintf("a%d.%s", i, own)
		}
		if name != own {
			site.Aliases = append(site.Aliases, name)
		}
		e.states[name] = is
		label := strings.TrimSuffix(strings.TrimSuffix(name, own), ".")
		if label == "" {
			label = "@"
		}
		switch is {
		case good:
			zone += label + " A 127.80.0.10\n"
		case unseen:
			zone += label + " A 127.80.0.10\n"
			e.lost[name] = true
		case elsewhere:
			zone += label + " A " + estateOther + "\n"
		case closed:
			zone += label + " A " + estateShut + "\n"
		case page404:
			zone += label + " A 127.80.0.97\n"
		}
	}
	e.sites = append(e.sites, site)
	e.lab.Registry.Register(internet.Registration{Domain: own, Delegated: true, Registrar: "REGRU-RU", PaidTill: time.Now().AddDate(0, 6, 0)})
	if e.states[own] != free {
		if err := e.lab.DNS.AddZone(internet.Zone{Origin: own, Text: zone}); err != nil {
			e.Fatal(err)
		}
	}
}

// begin reads the panel and looks at all sites.
func (e *droppableSites) begin() {
	e.Helper()
	resolver, err := dns.Open(dns.Options{Servers: []netip.AddrPort{netip.MustParseAddrPort(e.lab.Resolver)}, Timeout: 300 * time.Millisecond})
	if err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() { _ = resolver.Close() })
	own := []netip.Addr{netip.MustParseAddr("127.80.0.10"), netip.MustParseAddr("127.80.0.97"), netip.MustParseAddr(estateShut)}
	names := dns.NewInspector(resolver, dns.InspectorOptions{Port: uint16(e.lab.DNS.Port()), Reserved: true, Pause: 20 * time.Millisecond})
	live := &suite.Live{Checks: suite.Checks(suite.Reading{}, suite.Outside{Addresses: own, Names: names,
		Registry: registry.New(registry.Options{Whois: map[string]string{"ru": e.lab.Registry.WHOIS()}, RDAP: e.lab.Registry.RDAP(), Timeout: 2 * time.Second, Rate: 600_000}),
		Way: web.New(web.Options{Ports: web.Ports{HTTP: uint16(e.lab.Web.HTTPPort()), HTTPS: uint16(e.lab.Web.HTTPSPort())}, Timeout: 2 * time.Second, Attempts: 1,
			Challenges: web.Folder(e.lab.Panel.Challenges), Own: own, Resolve: names.Addresses})})}
	e.engine = enginetest.New(e, engine.Config{Policy: reports.Policy{ResolveAfter: 2}, Sources: []watch.Source{{Name: "isp1", Reader: enginetest.NewPanel(e.sites...), Prober: live, Workers: 16,
		CA: &watch.CA{Directory: "https://acme-v02.api.letsencrypt.org/directory", Rules: enginetest.LetsEncrypt(e)}}}})
	enginetest.Read(e, e.engine)
	if err := e.engine.Alerts.Sweep(e.Context(), probe.Sweep{Since: time.Now()}); err != nil {
		e.Fatal(err)
	}
}

// counted is which aliases of each site are to be removed, counted from what is
// true of the names alone, and of how many sites that is not known.
func (e *droppableSites) counted() (drop map[string][]string, unsure int) {
	drop = map[string][]string{}
	for _, s := range e.sites {
		var bad []string
		blind := e.states[s.Name] == unseen
		for _, a := range s.Aliases {
			switch e.states[a] {
			case good:
			case unseen:
				blind = true
			default:
				bad = append(bad, a)
			}
		}
		own := e.states[s.Name]
		switch {
		case own != good && own != unseen, len(bad) == 0:
		case blind:
			unsure++
		default:
			drop[s.Name] = bad
		}
	}
	return drop, unsure
}

// The list of droppable sites, its files and the weekly report's sheet equal an
// independent count over five hundred sites, and a CA issues for what was
// predicted to pass, and for nothing that was predicted to fail.
func TestDroppableIsWhatACAWouldDo(t *testing.T) {
	if testing.Short() {
		t.Skip("SHORT: five hundred sites on real servers")
	}
	e := newDroppable(t)
	request := enginetest.Request(t, bot.Admin)
	answer, err := e.engine.Commands.Do(t.Context(), "list droppable", request)
	if err != nil {
		t.Fatal(err)
	}
	list := answer.Data.(commands.ListData)
	want, unsure := e.counted()
	got, pass := map[string][]string{}, map[string][]string{}
	for _, item := range list.Items {
		for _, d := range item.Drop {
			got[item.Domain] = append(got[item.Domain], d.Domain)
		}
		pass[item.Domain] = item.Pass
	}
	if diff := cmp.Diff(want, got); diff != "" || list.Total != len(want) || list.Unsure != unsure || unsure == 0 || len(want) < 200 {
		t.Errorf("%d of %d sites, and %d of %d that are not known (-want +got):\n%s", list.Total, len(want), list.Unsure, unsure, diff)
	}
	if len(list.Price) != 1 || list.Price[0].Orders != len(want) || list.Price[0].Renewals != 0 || list.Price[0].Hours == nil {
		t.Errorf("the price is %+v", list.Price)
	}
	e.sheet(request, len(want)+unsure)
	e.checked(request, want, pass)
	c := newAuthority(e)
	e.issues(c, pass)
	e.refuses(c)
}

// checked asks about some sites one by one: check says the same of each as the
// list, in its data and in words.
func (e *droppableSites) checked(request bot.Request, want, pass map[string][]string) {
	e.Helper()
	for _, site := range e.sites[:16] {
		answer, err := e.engine.Commands.Do(e.Context(), "check "+site.Name, request)
		if err != nil {
			e.Fatal(err)
		}
		data := answer.Data.(commands.CheckData)
		var drop []string
		for _, d := range data.Drop {
			drop = append(drop, d.Domain)
		}
		if want[site.Name] == nil && data.Pass == nil { // with Drop of which it is not known whether the rest passes
			continue
		}
		if diff := cmp.Diff(want[site.Name], drop) + cmp.Diff(pass[site.Name], data.Pass); diff != "" {
			e.Errorf("check %s (-list +check):\n%s", site.Name, diff)
		}
		said := false
		for _, s := range answer.Message.Sections {
			said = said || strings.HasPrefix(s.Text, "Remove "+drop[0]+" (") && strings.Contains(s.Text, "and the certificate passes for "+site.Name)
		}
		if !said {
			e.Errorf("check %s does not say it: %+v", site.Name, answer.Message.Sections)
		}
	}
}

// sheet checks how many rows the weekly report has about aliases.
func (e *droppableSites) sheet(request bot.Request, rows int) {
	e.Helper()
	answer, err := e.engine.Commands.Do(e.Context(), "report weekly "+reports.WeekOf(request.Now, time.UTC).Name(), request)
	if err != nil {
		e.Fatal(err)
	}
	for _, f := range answer.Message.Files {
		if !strings.HasSuffix(f.Name, ".xlsx") {
			continue
		}
		book, err := excelize.OpenReader(bytes.NewReader(f.Data))
		if err != nil {
			e.Fatal(err)
		}
		defer book.Close()
		written, err := book.GetRows("Aliases to remove")
		if err != nil || len(written) != rows+1 {
			e.Errorf("the sheet has %d rows, want %d; %v", len(written)-1, rows, err)
		}
		return
	}
	e.Error("the report has no workbook")
}

// authority is the laboratory's CA, which is told what its validator sees: the
// address that the DNS has, and what a request there is answered.
type authority struct {
	*droppableSites
	ca      *boulder.CA
	account int64
	now     time.Time
	web     *http.Client
	token   string
}

func newAuthority(e *droppableSites) *authority {
	e.Helper()
	a := &authority{droppableSites: e, now: time.Now(), token: "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAxDfowyjxAjEuX0"}
	a.ca = boulder.New(boulder.Options{Clock: func() time.Time { return a.now }})
	a.account = a.ca.Register(nil).ID
	if err := os.WriteFile(filepath.Join(e.lab.Panel.Challenges, a.token), []byte("the answer"), 0o600); err != nil {
		e.Fatal(err)
	}
	a.web = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: a.dial}}
	return a
}

// dial connects to the first address of a name.
func (a *authority) dial(ctx context.Context, network, hostport string) (net.Conn, error) {
	name, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, err
	}
	client, question := mdns.Client{Net: "tcp"}, new(mdns.Msg)
	question.SetQuestion(mdns.Fqdn(name), mdns.TypeA)
	answer, _, err := client.ExchangeContext(ctx, question, a.lab.DNS.Addr())
	if err != nil {
		return nil, err
	}
	for _, rr := range answer.Answer {
		if record, ok := rr.(*mdns.A); ok {
			return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(record.A.String(), fmt.Sprint(a.lab.Web.HTTPPort())))
		}
	}
	return nil, fmt.Errorf("%s has no address", name)
}

// sees reports whether the CA's validator gets the file of a name.
func (a *authority) sees(name string) bool {
	request, err := http.NewRequestWithContext(a.Context(), http.MethodGet, "http://"+name+internet.ChallengePath+a.token, nil)
	if err != nil {
		return false
	}
	answer, err := a.web.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return err == nil && answer.StatusCode == http.StatusOK && string(text) == "the answer"
}

// order gets a certificate for names; nil: it was issued.
func (a *authority) order(names ...string) *boulder.Problem {
	a.now = a.now.Add(time.Minute) // slower than the limit on new orders
	order, p := a.ca.Order(a.account, names...)
	if p != nil {
		return p
	}
	for _, url := range order.Authorizations {
		z, _ := a.ca.Authorization(url)
		a.ca.Validate(url, a.sees(z.Name))
	}
	return a.ca.Issue(order.URL)
}

// issues orders a certificate for the names that each site is said to pass with.
func (e *droppableSites) issues(a *authority, pass map[string][]string) {
	e.Helper()
	for site, names := range pass {
		if p := a.order(names...); p != nil {
			e.Errorf("%s passes with %v, and the CA says: %+v", site, names, p)
		}
	}
}

// refuses orders, for each site, one certificate with a dead alias.
func (e *droppableSites) refuses(a *authority) {
	e.Helper()
	drop, _ := e.counted()
	for site, bad := range drop {
		if p := a.order(site, bad[0]); p == nil {
			e.Errorf("the CA issues for %s, which %s", bad[0], e.states[bad[0]])
		}
	}
}
