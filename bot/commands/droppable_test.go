package commands_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	mdns "github.com/miekg/dns"
	"github.com/xuri/excelize/v2"
	"golang.org/x/crypto/acme"
	"golang.org/x/sync/errgroup"

	"domovoy/bot"
	"domovoy/bot/commands"
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

// estate is sites whose names are in known states, on real servers.
type estate struct {
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

// newEstate makes the sites: of every eight one has no problem, one a dead name
// of its own, one a name that nobody can look up, and the others up to three dead
// aliases.
func newEstate(t *testing.T) *estate {
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
	e := &estate{T: t, lab: lab, states: map[string]state{}, lost: map[string]bool{}}
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
func (e *estate) open() {
	e.Helper()
	for addr, handler := range map[string]http.Handler{estateOther: internet.NotFound(), "127.80.0.97": internet.NotFound()} {
		if err := e.lab.Web.Open(netip.MustParseAddr(addr), internet.Host{Sites: map[string]http.Handler{"": handler}}); err != nil {
			e.Fatal(err)
		}
	}
}

// add adds a site with up to four aliases.
func (e *estate) add(n int) {
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
func (e *estate) begin() {
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
			Folder: e.lab.Panel.Challenges, Own: own, Resolve: names.Addresses})})}
	e.engine = enginetest.New(e, engine.Config{Policy: reports.Policy{ResolveAfter: 2}, Sources: []watch.Source{{Name: "isp1", Reader: enginetest.NewPanel(e.sites...), Prober: live, Workers: 16,
		CA: &watch.CA{Directory: "https://acme-v02.api.letsencrypt.org/directory", Rules: enginetest.LetsEncrypt(e)}}}})
	enginetest.Read(e, e.engine)
	if err := e.engine.Alerts.Sweep(e.Context(), probe.Sweep{Since: time.Now()}); err != nil {
		e.Fatal(err)
	}
}

// counted is which aliases of each site are to be removed, counted from what is
// true of the names alone, and of how many sites that is not known.
func (e *estate) counted() (drop map[string][]string, unsure int) {
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
	e := newEstate(t)
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
	c := newAuthorities(e)
	e.issues(c, pass)
	e.refuses(c)
}

// sheet checks how many rows the weekly report has about aliases.
func (e *estate) sheet(request bot.Request, rows int) {
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

// authority is Pebble, with a client that orders as a panel does.
type authority struct {
	client *acme.Client
	folder string // for the files with the tokens
}

// atOnce is how many orders are under way at the same time.
const atOnce = 64

// newAuthorities starts a CA for each of the concurrent orders: the locks of one
// Pebble's store can block one another when it has many at once.
func newAuthorities(e *estate) chan authority {
	e.Helper()
	all := make(chan authority, atOnce)
	for range atOnce {
		all <- newAuthority(e)
	}
	return all
}

func newAuthority(e *estate) authority {
	e.Helper()
	e.Setenv("PEBBLE_VA_NOSLEEP", "1")
	e.Setenv("PEBBLE_WFE_NONCEREJECT", "0")
	e.Setenv("PEBBLE_AUTHZREUSE", "0")
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	issuer := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "default"}})
	validator := va.New(quiet, e.lab.Web.HTTPPort(), e.lab.Web.HTTPSPort(), false, e.lab.DNS.Addr(), store)
	front := wfe.New(quiet, store, validator, issuer, []string{"pebble.example"}, false, false, 1, 1)
	server := httptest.NewTLSServer(front.Handler())
	e.Cleanup(server.Close)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		e.Fatal(err)
	}
	a := authority{&acme.Client{Key: key, HTTPClient: server.Client(), DirectoryURL: server.URL + wfe.DirectoryPath}, e.lab.Panel.Challenges}
	if _, err := a.client.Register(e.Context(), &acme.Account{}, acme.AcceptTOS); err != nil {
		e.Fatal(err)
	}
	return a
}

// order gets a certificate for names.
func (a authority) order(ctx context.Context, names []string) error {
	order, err := a.client.AuthorizeOrder(ctx, acme.DomainIDs(names...))
	if err != nil {
		return err
	}
	for _, u := range order.AuthzURLs {
		if err := a.prove(ctx, u); err != nil {
			return err
		}
	}
	url := order.URI
	if order, err = a.client.WaitOrder(ctx, url); err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: names}, key)
	if err != nil {
		return err
	}
	chain, _, err := a.client.CreateOrderCert(ctx, order.FinalizeURL, csr, false)
	if err != nil { // Pebble's answer names no order, in which the client would look for the certificate
		if order, err = a.client.WaitOrder(ctx, url); err == nil {
			chain, err = a.client.FetchCert(ctx, order.CertURL, false)
		}
	}
	if err == nil && len(chain) == 0 {
		err = errors.New("no certificate")
	}
	return err
}

// prove has the CA look at one name.
func (a authority) prove(ctx context.Context, url string) error {
	z, err := a.client.GetAuthorization(ctx, url)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(z.Challenges, func(c *acme.Challenge) bool { return c.Type == "http-01" })
	if at < 0 {
		return fmt.Errorf("no http-01 for %s", z.Identifier.Value)
	}
	words, err := a.client.HTTP01ChallengeResponse(z.Challenges[at].Token)
	if err == nil {
		err = os.WriteFile(filepath.Join(a.folder, z.Challenges[at].Token), []byte(words), 0o600)
	}
	if err == nil {
		_, err = a.client.Accept(ctx, z.Challenges[at])
	}
	if err == nil {
		_, err = a.client.WaitAuthorization(ctx, url)
	}
	return err
}

// issues orders a certificate for the names that each site is said to pass with.
func (e *estate) issues(all chan authority, pass map[string][]string) {
	e.Helper()
	group, ctx := errgroup.WithContext(e.Context())
	group.SetLimit(atOnce)
	for site, names := range pass {
		group.Go(func() error {
			a := <-all
			defer func() { all <- a }()
			if err := a.order(ctx, names); err != nil {
				return fmt.Errorf("%s passes with %v, and the CA says: %w", site, names, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		e.Error(err)
	}
}

// refuses orders, for some sites, one certificate with a dead alias each.
func (e *estate) refuses(all chan authority) {
	e.Helper()
	drop, _ := e.counted()
	tried := map[state]int{}
	group, ctx := errgroup.WithContext(e.Context())
	group.SetLimit(atOnce)
	for site, bad := range drop {
		is := e.states[bad[0]]
		if tried[is]++; tried[is] > 5 {
			continue
		}
		group.Go(func() error {
			a := <-all
			defer func() { all <- a }()
			err := a.order(ctx, []string{site, bad[0]})
			if _, refused := errors.AsType[*acme.AuthorizationError](err); !refused {
				return fmt.Errorf("%s, which %s: %w", bad[0], is, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil || len(tried) != len(dead()) {
		e.Errorf("of %v: %v", tried, err)
	}
}
