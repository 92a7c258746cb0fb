package main

import (
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/bot/fleet"
	"domovoy/bot/fleet/remote"
	"domovoy/bot/fleet/trust"
	"domovoy/checks"
	"domovoy/checks/lab"
	"domovoy/reports/journal"
)

// fleetKillsWanted names how often TestFleetKilledAndCut kills agents.
const fleetKillsWanted = "DOMOVOY_FLEET_KILLS"

// TestFleetKilledAndCut kills the real programs of a fleet with SIGKILL at any moment,
// agents, hub and bot, and cuts their links, while sites, certificates and attempts are
// added to the panels, changed and removed. At the end the bot knows what the panels
// have, each attempt was counted once, and there was no alert; a true one still comes.
// In full, as .ci/fleetkill runs it, agents are killed 100 times, the hub and the bot 20
// times each, and links are cut for minutes, too.
func TestFleetKilledAndCut(t *testing.T) {
	t.Parallel()
	kills := kills(t) * 2
	wanted, err := strconv.Atoi(os.Getenv(fleetKillsWanted))
	full := err == nil
	if full {
		kills = wanted
	}
	seed := uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("DOMOVOY_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("seed %d", seed)
	f := newKilledFleet(t, seed)
	began := time.Now()
	over := make(chan struct{})
	var writer, troubles sync.WaitGroup
	for i, p := range f.panels {
		writer.Go(func() { p.work(rand.New(rand.NewPCG(seed, uint64(i))), over) })
	}
	random := func(n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 100+n)) }
	for i, p := range f.agents {
		troubles.Go(func() { p.killedOften(random(uint64(i)), kills/len(f.agents), 3*time.Second, 200*time.Millisecond) })
	}
	troubles.Go(func() { f.hub.killedOften(random(10), max(2, kills/5), 8*time.Second, 2*time.Second) })
	troubles.Go(func() { f.bot.killedOften(random(11), max(2, kills/5), 8*time.Second, 500*time.Millisecond) })
	for i, l := range f.links {
		troubles.Go(func() { l.cutOften(random(20+uint64(i)), max(1, kills/10), full) })
	}
	troubles.Wait()
	t.Logf("%d agents killed, the hub %d times, the bot %d times, %d cuts of %s in all, in %s", f.agents[0].kills+f.agents[1].kills, f.hub.kills, f.bot.kills,
		f.cuts(), f.dark().Round(time.Second), time.Since(began).Round(time.Second))
	close(over)
	writer.Wait()
	f.settled()
	f.alarm()
}

// killedFleet is a hub, a bot and two agents, all real programs, with a link to the hub
// for each client that can be cut.
type killedFleet struct {
	*house
	panels []*livePanel
	agents []*mortal
	hub    *mortal
	bot    *mortal
	links  []*link
	folder string // of the hub
	hears  string // the hub's address
	state  string // of the bot
}

func newKilledFleet(t *testing.T, seed uint64) *killedFleet {
	t.Helper()
	h := newHouse(t, settings{resolveAfter: 1})
	f := &killedFleet{house: h, folder: filepath.Join(h.folder, "hub"), hears: unusedAddress(t), state: filepath.Join(h.folder, "bot", "domovoy.db")}
	built, err := exec.LookPath(realProgram)
	h.must(err)
	program := filepath.Join(h.folder, "domovoy-hub")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "domovoy/cmd/domovoy-hub").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	bot, err := fleet.BotKey(f.folder)
	h.must(err)
	ca, err := trust.CA(f.folder)
	h.must(err)
	enrolment := func(name string, key fleet.Key, panels ...string) string {
		l := newLink(t, f.hears)
		f.links = append(f.links, l)
		text, err := fleet.Enrolment{Hub: "tls://" + l.addr(), Name: name, Bot: len(panels) == 0, Panels: panels, Key: key, CA: ca}.Text("")
		h.must(err)
		file := filepath.Join(h.folder, name+".enrolment")
		h.must(os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	write := func(name, text string) string {
		h.must(os.MkdirAll(filepath.Join(h.folder, name), 0o700))
		file := filepath.Join(h.folder, name, "config.yaml")
		h.must(os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	f.hub = &mortal{T: t, name: "hub", line: []string{program, "--dir", f.folder, "--listen", f.hears}}
	for n, name := range []string{"isp2", "isp3"} {
		p := newLivePanel(t, filepath.Join(h.folder, name+".db"), name, 60+40*n)
		f.panels = append(f.panels, p)
		key, err := fleet.NewKey()
		h.must(err)
		h.must(fleet.ChangeMembers(f.folder, func(m *fleet.Members) error {
			return m.Add(fleet.Member{Name: name, Key: key.Public(), Panels: []string{name}, Since: time.Now()})
		}))
		config := write(name, fmt.Sprintf("state: %s\npanels: [{name: %s, database: %s, timezone: UTC, acme: {directory: \"https://127.0.0.1:9/directory\"}}]\nresolvers: []\nschedule: {panel: \"@every 1s\"}\nfleet: {key_file: %s}\n",
			filepath.Join(h.folder, name, "agent.db"), name, p.path, enrolment(name, key, name)))
		f.agents = append(f.agents, &mortal{T: t, name: name, line: []string{built, "agent", "--config", config}})
	}
	config := write("bot", fmt.Sprintf(`language: en
timezone: UTC
state: %s
panels: []
resolvers: []
telegram: {token_file: %s, api_url: %q}
chats: [{to: "telegram:%d", language: en}]
people: [{id: "telegram:%[4]d", role: admin}]
schedule: {panel: "@every 1s", daily: "@every 1000h"}
fleet: {key_file: %[5]s}
`, f.state, filepath.Join(h.folder, "telegram"), h.telegram.URL(), admin, enrolment("bot", bot)))
	f.bot = &mortal{T: t, name: "bot", line: []string{built, "run", "--config", config}}
	for _, m := range append(slices.Clone(f.agents), f.hub, f.bot) {
		m.start()
		t.Cleanup(m.kill)
	}
	f.baselined()
	return f
}

// query reads rows of a database that a program has, each as text with tabs between
// the columns.
func query(t *testing.T, path, statement string) []string {
	t.Helper()
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: "mode=ro&_pragma=busy_timeout(5000)"}).String())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), statement)
	if err != nil {
		return []string{err.Error()} // the program may not have made it yet
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for rows.Next() {
		cells, into := make([]sql.NullString, len(columns)), []any{}
		for i := range cells {
			into = append(into, &cells[i])
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		var row []string
		for _, c := range cells {
			row = append(row, c.String)
		}
		all = append(all, strings.Join(row, "\t"))
	}
	if err := rows.Err(); err != nil {
		return []string{err.Error()}
	}
	return all
}

// until polls until two lists are the same.
func (f *killedFleet) until(what string, most time.Duration, is, want func() []string) {
	f.Helper()
	deadline := time.Now().Add(most)
	for {
		diff := cmp.Diff(want(), is())
		if diff == "" {
			return
		}
		if time.Now().After(deadline) {
			f.Fatalf("%s (-want +is):\n%s", what, diff)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// Statements that read alike what a panel has, and what the bot knows of it.
const (
	panelAttempts = `SELECT id, certname, status, strftime('%s', date) FROM letsencrypt_log ORDER BY id`
	botAttempts   = `SELECT a.id & 0xfffffffffff, c.name, w.status, a.time / 1000 FROM attempt a JOIN certificate c ON c.id = a.certificate
		JOIN wording w ON w.id = a.wording JOIN server s ON s.id = a.server WHERE s.name = '%s' ORDER BY 1`
	panelSums = `SELECT certname, sum(status = 'failed' AND id > coalesce((SELECT max(id) FROM letsencrypt_log o WHERE o.certname = l.certname AND o.status = 'ok'), 0))
		FROM letsencrypt_log l GROUP BY certname ORDER BY certname`
	botBaselines = `SELECT server FROM watch WHERE server IN ('isp2', 'isp3') ORDER BY server`
	panelFailed  = `SELECT '%s', w.name FROM webdomain w WHERE (SELECT status FROM letsencrypt_log WHERE certname = w.name || '_le1' ORDER BY id DESC LIMIT 1) = 'failed'`
	botFailed    = `SELECT server, site FROM incident WHERE resolved = 0 AND key LIKE '%//ca.connection'`
	// A certificate that failed is an incident of its site, and so is one that was issued
	// after that; each once and without an alert.
	botFalse = `SELECT key, count(*), max(told), max(finding) FROM incident GROUP BY key HAVING count(*) > 1 OR max(told) > 0 OR key NOT LIKE '%//ca.connection' AND key NOT LIKE '%//ca.flaky'`
)

// baselined waits until the bot watches both panels.
func (f *killedFleet) baselined() {
	f.Helper()
	f.until("the bot watches the panels", time.Minute, func() []string { return query(f.T, f.state, botBaselines) }, func() []string { return []string{"isp2", "isp3"} })
}

// settled checks that the bot has what the panels have, and that it had nothing to say.
func (f *killedFleet) settled() {
	f.Helper()
	began := time.Now()
	for _, p := range f.panels {
		f.until("attempts of "+p.name, 4*time.Minute, func() []string { return query(f.T, f.state, fmt.Sprintf(botAttempts, p.name)) }, func() []string { return query(f.T, p.path, panelAttempts) })
		f.until("counts of attempts of "+p.name, 10*time.Second, func() []string { return f.sums(p.name) }, func() []string { return query(f.T, p.path, panelSums) })
	}
	far := f.reads()
	for _, p := range f.panels {
		f.until("facts of "+p.name, time.Minute, func() []string { return far(p.name) }, func() []string {
			return append(query(f.T, p.path, `SELECT 'site', id, name, active FROM webdomain ORDER BY id`), query(f.T, p.path, `SELECT 'cert', id, certname, processing FROM letsencrypt_ssl ORDER BY id`)...)
		})
	}
	f.until("what is open", time.Minute, func() []string {
		return slices.DeleteFunc(sorted(query(f.T, f.state, botFailed)), func(row string) bool { // of a site that is gone, as on the bot's own host
			server, site, _ := strings.Cut(row, "\t")
			i := slices.IndexFunc(f.panels, func(p *livePanel) bool { return p.name == server })
			return i >= 0 && strings.HasPrefix(site, "site") && !slices.Contains(f.panels[i].sites, site)
		})
	}, func() (all []string) {
		for _, p := range f.panels {
			all = append(all, query(f.T, p.path, fmt.Sprintf(panelFailed, p.name))...)
		}
		return sorted(all)
	})
	if found := query(f.T, f.state, botFalse); len(found) > 0 {
		f.Errorf("%d false incidents:\n%s", len(found), strings.Join(found, "\n"))
	}
	for _, p := range f.panels {
		f.Logf("%s: %d sites, %d attempts, all known, each once", p.name, len(query(f.T, p.path, "SELECT id FROM webdomain")), len(query(f.T, p.path, "SELECT id FROM letsencrypt_log")))
	}
	f.Logf("%s incidents, all true", strings.Join(query(f.T, f.state, "SELECT count(*) FROM incident"), ""))
	f.Logf("the bot knew everything after %s", time.Since(began).Round(time.Second))
}

// sums are how often each certificate failed since it was issued, as the bot counted.
func (f *killedFleet) sums(panel string) (rows []string) {
	f.Helper()
	j, err := journal.Open(f.Context(), f.state)
	f.must(err)
	defer j.Close()
	f.must(j.LastAttempts(f.Context(), panel, nil, func(l journal.LastAttempt) {
		rows = append(rows, fmt.Sprintf("%s\t%d", l.Attempt.Certificate, l.Failures))
	}))
	slices.Sort(rows)
	return rows
}

func sorted(rows []string) []string {
	slices.Sort(rows)
	return rows
}

// reads returns what the hub gives of a panel's sites and certificates to a bot.
func (f *killedFleet) reads() func(panel string) []string {
	f.Helper()
	key, err := fleet.BotKey(f.folder)
	f.must(err)
	ca, err := trust.CA(f.folder)
	f.must(err)
	conn, err := fleet.Dial(fleet.Config{URLs: []string{"tls://" + f.hears}, Name: "bot", Key: key, CA: ca, Log: slog.New(slog.DiscardHandler)})
	f.must(err)
	f.Cleanup(conn.Close)
	j, err := journal.Open(f.Context(), filepath.Join(f.folder, "..", "reader.db"))
	f.must(err)
	f.Cleanup(func() { _ = j.Close() })
	all, err := remote.Open(f.Context(), remote.Config{Conn: conn, Places: j, Log: slog.New(slog.DiscardHandler)})
	f.must(err)
	f.Cleanup(all.Close)
	onOff := map[bool]string{true: "on", false: "off"}
	return func(panel string) (rows []string) {
		s, _, err := all.Panel(panel).Poll(f.Context())
		if err != nil {
			return []string{err.Error()}
		}
		for _, x := range s.Sites {
			rows = append(rows, fmt.Sprintf("site\t%d\t%s\t%s", x.ID, x.Name, onOff[x.Active == checks.On]))
		}
		for _, x := range s.Certificates {
			rows = append(rows, fmt.Sprintf("cert\t%d\t%s\t%s", x.ID, x.Name, onOff[x.Processing == checks.On]))
		}
		return rows
	}
}

// alarm has something happen that is worth an alert.
func (f *killedFleet) alarm() {
	f.Helper()
	p := f.panels[0]
	for n := range 120 {
		p.add(fmt.Sprintf("late%d.example", n), true)
	}
	f.until("a true alert", time.Minute, func() []string {
		return query(f.T, f.state, `SELECT server, json_extract(finding, '$.Code') FROM incident WHERE told > 0`)
	}, func() []string { return []string{"isp2\t" + string(checks.PanelProcessing)} })
}

func (f *killedFleet) cuts() (n int) {
	for _, l := range f.links {
		n += l.cuts
	}
	return n
}

func (f *killedFleet) dark() (d time.Duration) {
	for _, l := range f.links {
		d += l.dark
	}
	return d
}

// mortal is a program that is killed and started again.
type mortal struct {
	*testing.T
	name  string
	line  []string
	kills int

	cmd *exec.Cmd
	out output
}

func (m *mortal) start() {
	m.Helper()
	m.cmd = exec.Command(m.line[0], m.line[1:]...)
	m.cmd.Env = []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "HOME=/nonexistent"}
	m.cmd.Stdout, m.cmd.Stderr = &m.out, &m.out
	if err := m.cmd.Start(); err != nil {
		m.Error(m.name, err) // not on the test's goroutine
	}
}

// kill ends the program without warning.
func (m *mortal) kill() {
	if m.cmd.Process == nil {
		return
	}
	_ = m.cmd.Process.Kill() // SIGKILL; it may have ended
	_ = m.cmd.Wait()
	if status := m.cmd.ProcessState.String(); status != "signal: killed" {
		m.Errorf("%s ended by itself: %s", m.name, status)
	}
	if m.Failed() {
		said := m.out.String()
		m.Logf("%s said:\n%s", m.name, said[max(0, len(said)-6000):])
	}
}

// killedOften kills the program some times, after a random time each, and starts it
// again after another.
func (m *mortal) killedOften(rng *rand.Rand, times int, alive, dead time.Duration) {
	for range times {
		time.Sleep(time.Duration(rng.Int64N(int64(alive))))
		m.kill()
		m.kills++
		time.Sleep(time.Duration(rng.Int64N(int64(dead))))
		m.start()
	}
}

// livePanel is a panel that changes all the time.
type livePanel struct {
	*testing.T
	name, path string
	panel      *lab.Panel
	sites      []string
	stay       int // so many of them, the first, are not removed
	failed     map[string]bool
	made       int
}

func newLivePanel(t *testing.T, path, name string, sites int) *livePanel {
	t.Helper()
	made, err := lab.NewPanel(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = made.Close() })
	p := &livePanel{T: t, name: name, path: path, panel: made, failed: map[string]bool{}, stay: sites}
	for range sites {
		p.another()
	}
	return p
}

func (p *livePanel) check(err error) {
	if err != nil {
		p.Error(err) // not on the test's goroutine
	}
}

func (p *livePanel) another() {
	p.made++
	name := fmt.Sprintf("site%d.%s.example", p.made, p.name)
	p.add(name, false)
	p.sites = append(p.sites, name)
}

// add adds a site with its certificate.
func (p *livePanel) add(name string, processing bool) {
	c := lab.Certificate{Name: name + "_le1", Domain: name, Owner: "client1", Started: time.Now().Add(-time.Minute), Processing: processing}
	_, err := p.panel.AddCertificate(c)
	p.check(err)
	_, err = p.panel.AddSite(lab.Site{Name: name, Owner: "client1", Aliases: []string{"www." + name}, Active: true, Secure: true, RedirectHTTP: true, Certificate: c.Name})
	p.check(err)
	_, err = p.panel.AddAttempt(lab.Attempt{Certificate: c.Name, Status: lab.StatusOK, At: time.Now()})
	p.check(err)
}

// work changes the panel until the end. A certificate fails once at most, which is
// nothing to tell.
func (p *livePanel) work(rng *rand.Rand, over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		case <-time.After(time.Duration(rng.Int64N(int64(150 * time.Millisecond)))):
		}
		i := rng.IntN(len(p.sites))
		name := p.sites[i]
		switch rng.IntN(10) {
		case 0:
			p.another()
		case 1:
			if i >= p.stay { // a panel that lost most of its sites meanwhile is doubted
				p.check(p.panel.RemoveSite(name))
				p.check(p.panel.RemoveCertificate(name + "_le1"))
				p.sites = slices.Delete(p.sites, i, i+1)
			}
		case 2:
			p.check(p.panel.SetProcessing(rng.IntN(2) == 0, time.Time{}, name+"_le1"))
			p.check(p.panel.SetProcessing(false, time.Time{}, name+"_le1"))
		case 3:
			if !p.failed[name] {
				p.failed[name] = true
				_, err := p.panel.AddAttempt(lab.Attempt{Certificate: name + "_le1", Status: lab.StatusFailed, At: time.Now(), Message: "Timeout during connect"})
				p.check(err)
			}
		default:
			_, err := p.panel.AddAttempt(lab.Attempt{Certificate: name + "_le1", Status: lab.StatusOK, At: time.Now()})
			p.check(err)
		}
	}
}

// link is a way to the hub that can be cut: then no byte arrives in either direction and
// no connection ends, as when a router drops packets.
type link struct {
	*testing.T
	to       string
	listener net.Listener
	cuts     int
	dark     time.Duration // in all

	mu    sync.Mutex
	light chan struct{} // closed when the cut ends; nil: there is none
	lost  bool          // what was sent during the last cut never arrives: its connections end
}

func newLink(t *testing.T, to string) *link {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x := &link{T: t, to: to, listener: l}
	t.Cleanup(func() { _ = l.Close() })
	go x.serve()
	return x
}

func (l *link) addr() string { return l.listener.Addr().String() }

func (l *link) serve() {
	for {
		from, err := l.listener.Accept()
		if err != nil {
			return
		}
		go l.join(from)
	}
}

// passes waits for the end of a cut; false: what was sent is lost.
func (l *link) passes() bool {
	l.mu.Lock()
	light := l.light
	l.mu.Unlock()
	if light == nil {
		return true
	}
	<-light
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.lost
}

func (l *link) join(from net.Conn) {
	defer from.Close()
	if !l.passes() {
		return
	}
	to, err := net.DialTimeout("tcp", l.to, 5*time.Second)
	if err != nil {
		return
	}
	defer to.Close()
	var both sync.WaitGroup
	pump := func(into, out net.Conn) {
		defer into.Close()
		defer out.Close()
		part := make([]byte, 32<<10)
		for {
			n, err := out.Read(part)
			if !l.passes() { // the end of a connection is lost, too
				return
			}
			if _, failed := into.Write(part[:n]); err != nil || failed != nil {
				return
			}
		}
	}
	both.Go(func() { pump(to, from) })
	both.Go(func() { pump(from, to) })
	both.Wait()
}

// cutOften cuts the link some times. In full, two cuts are longer than it takes to find
// a connection dead, which is a minute.
func (l *link) cutOften(rng *rand.Rand, times int, full bool) {
	for n := range times {
		time.Sleep(time.Duration(rng.Int64N(int64(5 * time.Second))))
		long := time.Duration(rng.Int64N(int64(4 * time.Second)))
		if full && n%5 == 2 {
			long = 100*time.Second + time.Duration(rng.Int64N(int64(time.Minute)))
		}
		l.mu.Lock()
		light := make(chan struct{})
		l.light, l.lost = light, rng.IntN(2) == 0
		l.mu.Unlock()
		time.Sleep(long)
		l.mu.Lock()
		l.light = nil
		l.mu.Unlock()
		close(light)
		l.cuts, l.dark = l.cuts+1, l.dark+long
	}
}
