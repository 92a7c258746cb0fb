package main

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks/lab"
	"domovoy/checks/lab/boulder"
	"domovoy/checks/lab/internet"
	"domovoy/cmd/internal/netns"
)

// hubPort is the hub's, in a network that nobody else has.
const hubPort = 4222

// apart is a bot whose agents are on hosts with networks of their own.
type apart struct{ *house }

func needPrograms(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts the real programs")
	}
}

// agent lets an agent in and starts it on a host, with more lines of configuration. It
// returns the process.
func (a *apart) agent(on *netns.Host, name, more string, flags ...string) *exec.Cmd {
	a.Helper()
	folder := filepath.Join(a.folder, name)
	a.must(os.MkdirAll(folder, 0o700))
	add := exec.CommandContext(a.soon(), realProgram, append([]string{"fleet", "add", name, "--config", a.config, "--out", filepath.Join(folder, "enrolment")}, flags...)...)
	if out, err := add.CombinedOutput(); err != nil {
		a.Fatalf("%v\n%s", err, out)
	}
	file := filepath.Join(folder, "domovoy.yaml")
	a.must(os.WriteFile(file, fmt.Appendf(nil, "timezone: UTC\nstate: %s/domovoy.db\nfleet: {key_file: enrolment}\n%s", folder, more), 0o600))
	program, err := exec.LookPath(realProgram)
	a.must(err)
	c := on.Command(program, "agent", "--config", file)
	told := &output{}
	c.Stdout, c.Stderr = told, told
	a.must(c.Start())
	a.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		err := c.Wait()
		if err != nil {
			a.Error("told to stop, an agent ends with", err)
		}
		if a.Failed() {
			a.Logf("the agent %s ended: %v\n%s", name, err, told)
		}
	})
	return c
}

// answer is what a command answers as JSON, by a process on the bot's host, without what
// differs between two runs; refused is whether its exit status says so.
func (h *house) answer(file string, words ...string) (out string, refused bool) {
	h.Helper()
	out, refused = h.raw(file, words...)
	switch {
	case refused:
	case words[0] == "list":
		out = byName(h.T, out, slices.Contains(words, "owners"))
	case words[0] == "ack":
		out = byServer(h.T, out)
	}
	return changing.ReplaceAllString(out, "…"), refused
}

// byName is a list sorted by what is in it. The oldest stand first, and sites of two
// panels that were read for the first time by two agents are not equally old. owners: it
// has a row for each owner, which else names the oldest of their sites.
func byName(t *testing.T, list string, owners bool) string {
	t.Helper()
	var data map[string]any
	must(t, json.Unmarshal([]byte(list), &data))
	if items, ok := data["items"].([]any); ok {
		for _, x := range items {
			if item, ok := x.(map[string]any); ok && owners {
				maps.DeleteFunc(item, func(name string, _ any) bool { return name != "owner" && name != "sites" })
			}
		}
		slices.SortFunc(items, func(a, b any) int {
			key := func(x any) string { // without the time
				item, _ := x.(map[string]any)
				return fmt.Sprint(item["domain"], " ", item["owner"], " ", item["server"])
			}
			return strings.Compare(key(a), key(b))
		})
	}
	out, err := json.Marshal(data)
	must(t, err)
	return string(out)
}

// byServer are the open problems sorted by server, without their numbers: which of two
// panels is read first, and so has the first problem, is a matter of chance.
func byServer(t *testing.T, open string) string {
	t.Helper()
	var data map[string]any
	must(t, json.Unmarshal([]byte(open), &data))
	problems, _ := data["problems"].([]any)
	if len(problems) == 0 {
		t.Errorf("no problem is open: %s", open) // nothing would be compared
	}
	for _, x := range problems {
		if problem, ok := x.(map[string]any); ok {
			delete(problem, "problem")
		}
	}
	slices.SortFunc(problems, func(a, b any) int {
		key := func(x any) string {
			problem, _ := x.(map[string]any)
			return fmt.Sprint(problem["server"], " ", problem["code"])
		}
		return strings.Compare(key(a), key(b))
	})
	out, err := json.Marshal(data)
	must(t, err)
	return string(out)
}

func (h *house) raw(file string, words ...string) (out string, refused bool) {
	h.Helper()
	c := exec.CommandContext(h.Context(), realProgram, append([]string{"ask", "--config", file, "--format", "json"}, words...)...)
	told := &output{}
	c.Stderr = told
	text, err := c.Output()
	if len(text) == 0 {
		h.Errorf("%s: no answer: %v %s", words, err, told)
	}
	return string(text), err != nil
}

// twoPanels are two panels with their CA and a site that can be looked at, as the
// configuration of a host that has them.
type twoPanels struct {
	*testing.T
	ca      *boulder.CA
	lab     *internet.Lab
	outside string            // lines for a look from outside
	text    map[string]string // the panel as YAML, by name
	keys    map[string]string // of its account, by name
	pending map[string]string // the panel, by the authorization's URL
}

func newTwoPanels(h *house) *twoPanels {
	h.Helper()
	p := &twoPanels{T: h.T, pending: map[string]string{}, text: map[string]string{}, keys: map[string]string{}, lab: playing(h.T, "all is well")}
	var err error
	p.ca, err = boulder.Start(boulder.Options{})
	h.must(err)
	h.Cleanup(p.ca.Close)
	folder := h.TempDir()
	root, err := os.ReadFile(p.lab.Panel.ACME.CAFile)
	h.must(err)
	roots := filepath.Join(folder, "roots.pem")
	h.must(os.WriteFile(roots, append(root, p.ca.RootPEM()...), 0o600))
	limits := filepath.Join(folder, "limits.yaml")
	h.must(os.WriteFile(limits, fmt.Appendf(nil, "cas:\n- name: The lab\n  hosts: [%q]\n  deactivation: failure\n  limits:\n  - {name: failed_authorizations, scope: name, spent: failure, size: 5, refill: 12m}\n",
		strings.TrimSuffix(strings.TrimPrefix(p.ca.Directory(), "https://"), "/directory")), 0o600))
	for i, name := range []string{"isp1", "isp2"} {
		at := filepath.Join(folder, name)
		sample, err := lab.NewSample(at, time.Now().UTC(), uint64(3+i), lab.WithoutFiles())
		h.must(err)
		h.Cleanup(func() { _ = sample.Close() })
		more := ""
		if i == 0 {
			_, err := sample.Panel.AddSite(lab.Site{Name: p.lab.Domain, Owner: "client1", Aliases: p.lab.Panel.Aliases, Active: true})
			h.must(err)
			more = fmt.Sprintf("addresses: [%q], challenges: %q, ", p.lab.Panel.Addresses[0], p.lab.Panel.Challenges)
		}
		key, log := at+".key", at+".log"
		p.keys[name] = accountOf(h.T, p.ca, log, name+".shop.ru", name+".blog.ru", name+".wiki.ru")
		h.must(os.WriteFile(key, []byte(p.keys[name]), 0o600))
		text, err := os.ReadFile(log)
		h.must(err)
		for _, url := range regexp.MustCompile(`https://[^']*`).FindAllString(string(text), -1) {
			p.pending[url] = name
		}
		p.text[name] = fmt.Sprintf("  - {name: %s, database: %q, timezone: UTC, %sacme: {directory: %q, ca_file: %q, account_key_file: %q, logs: [%q], cap: 1000}}\n",
			name, sample.Panel.Path(), more, p.ca.Directory(), roots, key, log)
	}
	w := worldOf(p.lab)
	p.outside = fmt.Sprintf("resolvers: [%q]\nprobe: {http_port: %d, https_port: %d, timeout: %s}\nlookups: {limits_file: %q, whois: {ru: %q}, rdap: %q}\n",
		w.resolver, w.http, w.https, probeTimeout, limits, w.whois, w.rdap)
	return p
}

// panelsOf replaces the panels of a house. outside is the same configuration, but it
// looks at sites.
func (p *twoPanels) panelsOf(h *house, panels string) (outside string) {
	h.Helper()
	text, err := os.ReadFile(h.config)
	h.must(err)
	text = regexp.MustCompile(`(?m)^panels: .*\n`).ReplaceAll(text, []byte(panels))
	text = bytes.Replace(text, []byte("language: ru"), []byte("language: en"), 1)
	text = bytes.Replace(text, []byte(`panel: "@every 1s"`), []byte(`panel: "@every 20s"`), 1)
	h.must(os.WriteFile(h.config, text, 0o600))
	outside = filepath.Join(h.folder, "outside.yaml")
	h.must(os.WriteFile(outside, bytes.Replace(text, []byte("resolvers: []\n"), []byte(p.outside), 1), 0o600))
	return outside
}

// TestPanelsOnOtherHosts: two panels behind agents, each on a host that reaches only the
// hub and its CA, answer everything as the same two panels do on the bot's own host. What
// is signed for the CA is signed on the agent's host, and the key stays there.
func TestPanelsOnOtherHosts(t *testing.T) {
	t.Parallel()
	needPrograms(t)
	netns.Run(t, func(t *testing.T, n *netns.Net) {
		buildHub(t)
		near, far := newHouse(t, settings{resolveAfter: 1}), &apart{newHouse(t, settings{resolveAfter: 1})}
		panels := newTwoPanels(near)
		nearOutside := panels.panelsOf(near, "panels:\n"+panels.text["isp1"]+panels.text["isp2"])
		farOutside := panels.panelsOf(far.house, fmt.Sprintf("panels: []\nfleet: {listen: \"%s:%d\"}\n", n.Addr, hubPort))
		began := time.Now()
		far.start()
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("a bot without agents takes %s to begin: it waits for what it has to make itself", took)
		}
		hosts := map[string]*netns.Host{"isp1": n.Host(), "isp2": n.Host()}
		apartFrom(t, hosts["isp1"], hosts["isp2"])
		for name, on := range hosts {
			on.Only(hubPort, panels.caPort())
			agent := far.agent(on, name, "resolvers: []\npanels:\n"+panels.text[name])
			defer func() {
				if !on.Has(agent.Process.Pid) {
					t.Errorf("the agent of %s is not on its host", name)
				}
			}()
		}
		near.start()

		same := func(line string) (is, want string, refused bool) {
			a, b := near.config, far.config
			if slices.Contains(outside, line) {
				a, b = nearOutside, farOutside
			}
			var both sync.WaitGroup
			both.Go(func() { is, _ = far.answer(b, strings.Fields(line)...) })
			both.Go(func() { want, refused = near.answer(a, strings.Fields(line)...) })
			both.Wait()
			return is, want, refused
		}
		for _, line := range []string{"status", "why " + panels.lab.Domain} { // until each agent's first reading is whole
			for until := far.soon(); ; {
				is, want, _ := same(line)
				if is == want {
					break
				}
				if until.Err() != nil {
					t.Fatalf("the agents’ panels do not come: %s (-local +behind agents):\n%s", line, cmp.Diff(want, is))
				}
			}
		}
		for _, line := range append(inside, outside...) {
			is, want, refused := same(line)
			if refused != slices.Contains(notYet, line) { // else two failures would be alike, too
				t.Errorf("%s: refused %v: %s", line, refused, want)
			}
			if diff := cmp.Diff(want, is); diff != "" {
				t.Errorf("%s (-local +behind agents):\n%.3000s", line, diff)
			}
		}
		panels.cancelled(near, far.house, hosts)
		panels.keysStayed(far.folder)
	})
}

// What is asked of both bots: from what the panels say; with a look at sites; and that of
// it which is refused on a bot's first day.
var (
	inside = []string{"limits", "report weekly", "report daily", "plan reissue", "ack", "check nosuch.ru",
		"list trouble", "list trouble owners", "list failed", "list failed server=isp2", "list expired", "list processing", "list overdue", "list nocertificate", "list noredirect",
		"list paused", "list zombie", "list sites", "list unreadable", "list ending", "list new"}
	outside = []string{"check client.ru", "check www.client.ru", "list elsewhere", "list free", "list unknown", "list droppable"}
	notYet  = []string{"check nosuch.ru", "list new"}
)

// apartFrom checks that neither host reaches the other, although both are there.
func apartFrom(t *testing.T, a, b *netns.Host) {
	t.Helper()
	for _, pair := range [][2]*netns.Host{{a, b}, {b, a}} {
		var l net.Listener
		must(t, pair[1].Within(func() (err error) {
			l, err = new(net.ListenConfig).Listen(t.Context(), "tcp4", pair[1].Addr.String()+":0")
			return err
		}))
		reach := func() error {
			conn, err := (&net.Dialer{Timeout: 300 * time.Millisecond}).DialContext(t.Context(), "tcp4", l.Addr().String())
			if err == nil {
				_ = conn.Close()
			}
			return err
		}
		must(t, reach()) // from the bot's host: it listens
		if pair[0].Within(reach) == nil {
			t.Errorf("%s reaches %s", pair[0].Addr, pair[1].Addr)
		}
		must(t, l.Close())
	}
}

func (p *twoPanels) caPort() int {
	there, err := url.Parse(p.ca.Directory())
	must(p.T, err)
	port, err := strconv.Atoi(there.Port())
	must(p.T, err)
	return port
}

// cancelled cancels all that is pending in both houses, one after the other: the plans
// and the results are the same, but the requests come from other hosts.
func (p *twoPanels) cancelled(near, far *house, hosts map[string]*netns.Host) {
	p.Helper()
	var plans, results []string
	for _, h := range []*house{near, far} {
		for url := range p.pending {
			p.ca.Set(url, boulder.Pending)
		}
		before, done := len(p.ca.Requests(boulder.KindRead, boulder.KindDeactivate)), len(p.ca.Deactivations())
		said, _ := h.raw(h.config, "cancel", "authz", "all")
		var plan struct{ Actions []struct{ Command string } }
		must(p.T, json.Unmarshal([]byte(said), &plan))
		if len(plan.Actions) == 0 {
			p.Fatalf("no plan: %s", said)
		}
		result, _ := h.raw(h.config, strings.Fields(plan.Actions[0].Command)...)
		plans, results = append(plans, changing.ReplaceAllString(said, "…")), append(results, changing.ReplaceAllString(result, "…"))
		if n := len(p.ca.Deactivations()) - done; n != len(p.pending) || !strings.Contains(result, fmt.Sprintf(`"deactivated":%d`, n)) {
			p.Errorf("%d of %d were cancelled: %s", n, len(p.pending), result)
		}
		for _, r := range p.ca.Requests(boulder.KindRead, boulder.KindDeactivate)[before:] {
			want := "127.0.0.1"
			if h == far {
				want = hosts[p.pending[r.URL]].Addr.String()
			}
			if from, _, _ := net.SplitHostPort(r.From); from != want {
				p.Errorf("a request about an authorization of %s comes from %s, not from %s", p.pending[r.URL], from, want)
			}
		}
	}
	for _, c := range [][]string{plans, results} {
		if diff := cmp.Diff(c[0], c[1]); diff != "" {
			p.Errorf("cancelling (-local +behind agents):\n%s", diff)
		}
	}
}

// keysStayed looks for the keys of the accounts in all files of a bot, its hub and its
// agents.
func (p *twoPanels) keysStayed(folder string) {
	p.Helper()
	sought := map[string][][]byte{"a name of the panel": {[]byte(p.lab.Domain)}}
	for name, text := range p.keys {
		block, _ := pem.Decode([]byte(text))
		key, err := x509.ParseECPrivateKey(block.Bytes)
		must(p.T, err)
		raw, err := key.Bytes()
		must(p.T, err)
		lines := strings.Split(text, "\n")
		sought["the key of "+name] = [][]byte{raw, []byte(lines[1]), []byte(base64.RawURLEncoding.EncodeToString(raw)), []byte(hex.EncodeToString(raw))}
	}
	found := map[string]string{}
	must(p.T, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) { // the programs still run
			return nil
		}
		for what, forms := range sought {
			if slices.ContainsFunc(forms, func(form []byte) bool { return bytes.Contains(text, form) }) {
				found[what] += " " + path
			}
		}
		return err
	}))
	if !strings.Contains(found["a name of the panel"], "/hub/") {
		p.Errorf("the hub's files do not have what they must: %s", found)
	}
	delete(found, "a name of the panel")
	for what, where := range found {
		p.Errorf("%s is in%s", what, where)
	}
}
