package remote_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"domovoy/bot/fleet"
	"domovoy/bot/fleet/agent"
	"domovoy/bot/fleet/remote"
	"domovoy/checks"
	"domovoy/checks/acme"
	"domovoy/checks/cert"
	"domovoy/checks/suite"
	"domovoy/checks/web"
)

// never is the schedule of an agent that reads its panel once.
type never struct{}

func (never) Next(after time.Time) time.Time { return after.AddDate(1, 0, 0) }

// hosted is a site on a host with a key but no certificate, a web server's settings that
// name a file that is gone, an access log that shows a blocked validator, and a CA
// that cannot be reached; and the checks of that host.
func hosted(t *testing.T) (*checks.Target, suite.Outside) {
	t.Helper()
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	now := time.Now().Truncate(time.Second)
	line := func(from string) string {
		return fmt.Sprintf("%s - - [%s] \"GET /.well-known/acme-challenge/tok_EN-1234567890123456789 HTTP/1.1\" 200 87 \"-\" \"-\"\n", from, now.Add(-time.Minute).Format("02/Jan/2006:15:04:05 -0700"))
	}
	write("client1/shop.ru_le1.key", "")
	write("nginx/shop.ru.conf", "server {\n server_name shop.ru;\n ssl_certificate "+folder+"/gone.crt;\n}\n")
	log := write("logs/shop.ru.access.log", line("198.51.100.80")+line("23.178.112.1"))
	if err := os.Chtimes(log, now, now); err != nil { // files have the clock of the kernel
		t.Fatal(err)
	}
	egress, err := acme.NewEgress(acme.EgressOptions{Directory: "https://127.0.0.1:1/directory"})
	if err != nil {
		t.Fatal(err)
	}
	x := checks.Subject{Site: &checks.Site{Server: "isp1", ID: 1, Name: "shop.ru", Owner: "client1", Certificate: "shop.ru_le1", Aliases: []string{"www.shop.ru"}, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.10")}, Active: checks.On},
		History: &checks.History{Failures: 1, Last: checks.LastTry{Certificate: "shop.ru_le1", Outcome: checks.OutcomeFailed, Time: now,
			Text: "During secondary validation: 198.51.100.7: Fetching http://shop.ru/.well-known/acme-challenge/tok_EN-1234567890123456789: Timeout during connect (likely firewall problem)"}}}
	return &checks.Target{Server: "isp1", Now: now, Asked: true, Subject: x}, suite.Outside{Keys: folder, Vhosts: cert.NewVhosts([]string{folder + "/nginx/*.conf"}, nil), Egress: egress,
		AccessLogs: web.NewAccessLogs(web.LogOptions{Paths: []string{log[:strings.Index(log, "shop.ru")] + "*.access.log"}})}
}

// run runs an agent until stop is called.
func (h *hub) run(panels ...agent.Panel) (stop func()) {
	h.Helper()
	a, store := h.agent(h.TempDir(), panels...)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := a.Run(ctx, never{}); err != nil {
			h.Error(err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); running.Wait(); store.Close() })
	h.Cleanup(stop)
	return stop
}

// host is what the bot knows of the panel's host once its agent has said it.
func (h *hub) host() remote.Host {
	h.Helper()
	far := h.fleet(&places{}).Panel("isp1")
	host := remote.Host{Panel: far}
	eventually(h.TB, "the agent says what it is", func() bool {
		var said bool
		host.About, said = far.About()
		return said
	})
	return host
}

// What needs a panel's host gives the same through its agent. Of its addresses the bot
// knows more.
func TestLooksOfTheHost(t *testing.T) {
	h := newHub(t)
	target, here := hosted(t)
	own := []netip.Addr{netip.MustParseAddr("198.51.100.80")}
	logs := here.AccessLogs
	h.run(agent.Panel{Name: "isp1", Reader: filled(), Checks: suite.OfHost(here)})
	host := h.host()
	if want := []string{web.LogCheck, acme.EgressCheck, cert.KeysCheck, cert.VhostsCheck}; !slices.Equal(host.About.Host, want) || host.About.Skill != fleet.Skill {
		t.Fatalf("the agent says %q, skill %d", host.About.Host, host.About.Skill)
	}
	host.Own = func() []netip.Addr { return own }
	for _, local := range suite.OfHost(here) {
		want, err := local.Run(t.Context(), target)
		if local.Name == web.LogCheck { // the bot of the panel's own host has the addresses in its configuration
			want, err = logs.Sources(t.Context(), "shop.ru", web.Order{Time: target.History.Last.Time, Text: target.History.Last.Text, Own: append(own, target.Site.Addresses...)})
		}
		if err != nil || len(want) == 0 {
			t.Fatalf("%s at the host itself: %v, %v", local.Name, want, err)
		}
		is, err := host.Check(local).Run(t.Context(), target)
		if err != nil || !reflect.DeepEqual(is, want) {
			t.Errorf("%s through the agent: %v\n%+v\nand not\n%+v", local.Name, err, is, want)
		}
	}
	if got := target.Site.Addresses; len(got) != 1 {
		t.Errorf("the site was changed: %v", got)
	}
}

// An agent makes no check that its configuration does not have.
func TestNoOtherLooks(t *testing.T) {
	h := newHub(t)
	target, here := hosted(t)
	here.Keys = ""
	h.run(agent.Panel{Name: "isp1", Reader: filled(), Checks: suite.OfHost(here)})
	host := h.host()
	keys := cert.Keys("anything")
	if host.Check(keys).Run != nil {
		t.Error("the bot asks for what the agent does not have")
	}
	host.About.Host = append(host.About.Host, cert.KeysCheck)
	found, err := host.Check(keys).Run(t.Context(), target)
	if found != nil || err == nil || !strings.Contains(err.Error(), "does not have") {
		t.Errorf("it is asked all the same: %v, %v", found, err)
	}
}

// An agent that cannot be asked is one that could not look; it is not asked again and
// again.
func TestHostAway(t *testing.T) {
	h := newHub(t)
	target, here := hosted(t)
	stop := h.run(agent.Panel{Name: "isp1", Reader: filled(), Checks: suite.OfHost(here)})
	host := h.host()
	stop()
	conn := h.dial()
	eventually(t, "the hub knows that the agent is gone", func() bool {
		_, err := conn.Request(fleet.TaskSubject("isp1"), nil, time.Second)
		return errors.Is(err, nats.ErrNoResponders)
	})
	vhosts := host.Check(here.Vhosts.Check())
	away := func(when string, found []checks.Finding, err error) {
		t.Helper()
		if gone, ok := errors.AsType[checks.Away](err); !ok || found != nil || gone.Why() != remote.NoAnswer {
			t.Errorf("%s: %v, %v", when, found, err)
		}
	}
	found, err := vhosts.Run(t.Context(), target)
	away("the agent is away", found, err)
	silent, err := conn.Subscribe(fleet.TaskSubject("isp1"), func(*nats.Msg) {})
	h.must(err)
	host.Patience = 50 * time.Millisecond
	eventually(t, "the agent is late", func() bool {
		found, err = host.Check(here.Vhosts.Check()).Run(t.Context(), target)
		away("the agent is late", found, err)
		return errors.Is(err, context.DeadlineExceeded)
	})
	vhosts = host.Check(here.Vhosts.Check())
	for range 3 {
		found, err = vhosts.Run(t.Context(), target)
		away("the agent was late", found, err)
		if errors.Is(err, context.DeadlineExceeded) {
			t.Error("it is waited for again")
		}
	}
	h.must(silent.Drain())
}

// Of an agent that is older it is not known what it could look at; that it cannot look
// is said once.
func TestOlderHost(t *testing.T) {
	h := newHub(t)
	_, here := hosted(t)
	host := remote.Host{Panel: h.fleet(&places{}).Panel("isp1"), About: fleet.About{Protocol: 1, Directory: "https://ca.example/directory"}}
	var said []string
	for _, c := range suite.OfHost(here) {
		if c = host.Check(c); c.Run == nil {
			continue
		}
		_, err := c.Run(t.Context(), &checks.Target{Server: "isp1"})
		gone, _ := errors.AsType[checks.Away](err)
		said = append(said, fmt.Sprint(c.Name, " ", gone.Why()))
	}
	if !slices.Equal(said, []string{"egress oldagent"}) {
		t.Errorf("said %q", said)
	}
}

// What is no finding of its check, or more than any check has, is refused.
func TestGarbledLooks(t *testing.T) {
	h := newHub(t)
	target, here := hosted(t)
	var refused []string
	far := h.open(remote.Config{Places: &places{}, Log: slog.New(slog.DiscardHandler), Refused: func(_, why string) { refused = append(refused, why) }}).Panel("isp1")
	host := remote.Host{Panel: far, About: fleet.About{Skill: 1, Host: []string{cert.VhostsCheck}}}
	gone := checks.Finding{Code: checks.CertMissing, Severity: checks.Critical}
	for name, reply := range map[string]any{
		"another check's":  fleet.Reply{Findings: fleet.FindingsOf([]checks.Finding{{Code: checks.WebBlocked}})},
		"too many":         fleet.Reply{Findings: fleet.FindingsOf(slices.Repeat([]checks.Finding{gone}, 21))},
		"not a reply":      "?",
		"larger than that": fleet.Reply{Account: strings.Repeat("a", 9<<20)},
	} {
		data, err := fleet.Encode(reply)
		h.must(err)
		s, err := h.dial().Subscribe(fleet.TaskSubject("isp1"), func(m *nats.Msg) { _ = m.Respond(data) })
		h.must(err)
		was := len(refused)
		var found []checks.Finding
		eventually(t, name, func() bool { // until the hub knows who listens
			found, err = host.Check(here.Vhosts.Check()).Run(t.Context(), target)
			_, away := errors.AsType[checks.Away](err)
			return !away
		})
		if found != nil || err == nil || len(refused) != was+1 {
			t.Errorf("%s: %v, %v, refused %q", name, found, err, refused)
		}
		h.must(s.Unsubscribe())
	}
}

// Challenge files are placed and removed in the agent's folder, and nothing else is.
func TestChallengesOfTheHost(t *testing.T) {
	h := newHub(t)
	folder := t.TempDir()
	h.run(agent.Panel{Name: "isp1", Reader: filled(), Challenges: web.Folder(folder)})
	host := h.host()
	h.must(host.Place(t.Context(), "domovoy-ABC", "domovoy-ABC.x"))
	if text, err := os.ReadFile(filepath.Join(folder, "domovoy-ABC")); err != nil || string(text) != "domovoy-ABC.x" {
		t.Errorf("placed: %q, %v", text, err)
	}
	if err := host.Place(t.Context(), "domovoy-ABC", "other"); err == nil {
		t.Error("a file was replaced")
	}
	h.must(os.WriteFile(filepath.Join(folder, "of_the_panel"), nil, 0o600))
	for _, name := range []string{"of_the_panel", "../domovoy-ABC", "domovoy-", "domovoy-a/b", ""} {
		if host.Place(t.Context(), name, "x") == nil || host.Remove(t.Context(), name) == nil {
			t.Errorf("%q was placed or removed", name)
		}
	}
	h.must(host.Remove(t.Context(), "domovoy-ABC"))
	h.must(host.Remove(t.Context(), "domovoy-ABC"))
	if left, err := os.ReadDir(folder); err != nil || len(left) != 1 || left[0].Name() != "of_the_panel" {
		t.Errorf("left: %v, %v", left, err)
	}
}

// The way to a challenge file is seen with a file in the agent's folder. Without the
// agent a page that is not found is not called fine: with a file it may be a fault.
func TestTheWayToTheFolder(t *testing.T) {
	h := newHub(t)
	folder := t.TempDir()
	var served atomic.Value
	served.Store(folder)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, os.DirFS(served.Load().(string)), path.Base(r.URL.Path))
	}))
	t.Cleanup(site.Close)
	stop := h.run(agent.Panel{Name: "isp1", Reader: filled(), Challenges: web.Folder(folder)})
	there := netip.MustParseAddrPort(site.Listener.Addr().String())
	prober := web.New(web.Options{Ports: web.Ports{HTTP: there.Port(), HTTPS: there.Port()}, Timeout: 2 * time.Second, Own: []netip.Addr{there.Addr()}, Challenges: h.host()})
	look := func() ([]checks.Finding, error) {
		return prober.Follow(t.Context(), checks.NameInfo{Name: "shop.ru", V4: []netip.Addr{there.Addr()}, Points: checks.PointsOurs}, web.Ask{})
	}
	if found, err := look(); len(found) > 0 || err != nil {
		t.Errorf("with the file: %v, %v", found, err)
	}
	served.Store(t.TempDir())
	if found, err := look(); err != nil || len(found) != 1 || found[0].Code != checks.WebNotFound {
		t.Errorf("another folder is served: %v, %v", found, err)
	}
	stop()
	found, err := look()
	if gone, ok := errors.AsType[checks.Away](err); !ok || gone.Why() != remote.NoAnswer || len(found) > 0 {
		t.Errorf("the agent is away: %v, %v", found, err)
	}
	site.Close()
	if found, err := look(); err != nil || len(found) != 1 || found[0].Code != checks.WebRefused {
		t.Errorf("the agent is away, and the site: %v, %v", found, err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
