package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"domovoy/bot/fleet"
	"domovoy/bot/fleet/hub"
	"domovoy/bot/fleet/trust"
	botlab "domovoy/bot/lab"
	"domovoy/i18n"
)

// two are two bots of a house with one hub on a third host, and one messenger.
type two struct {
	*house
	messenger
	hub     *hub.Hub
	folder3 string // of the hub
}

// messenger is the one in which two bots are asked, and answer.
type messenger struct {
	language string // of its chat
	other    string // the one that is not in the configuration
	person   string // who asks
	url      string // of the API, without a path
	question func(text string)
	texts    func() []string                                      // of all messages
	await    func(ctx context.Context, reached func() bool) error // until reached, looked at with each message
}

func inTelegram(h *house) messenger {
	return messenger{
		language: "ru", other: "slack", person: fmt.Sprintf("telegram:%d", admin), url: h.telegram.URL(),
		question: func(text string) { h.telegram.Say(h.home, 0, admin, "Ann", "/"+text) },
		texts: func() (all []string) {
			for _, m := range h.telegram.Messages(h.home) {
				all = append(all, m.Text)
			}
			return all
		},
		await: func(ctx context.Context, reached func() bool) error {
			_, err := h.telegram.WaitMessage(ctx, func(botlab.TelegramMessage) bool { return reached() })
			return err
		},
	}
}

func inSlack(h *house) messenger {
	return messenger{
		language: "en", other: "telegram", person: "slack:" + team + ":" + ann, url: strings.TrimSuffix(h.slack.APIURL(), "/api/"),
		question: func(text string) { h.slack.Mention(channel, ann, text, "") },
		texts: func() (all []string) {
			for _, m := range h.slack.Messages(channel) {
				all = append(all, slackText(m.Body))
			}
			return all
		},
		await: func(ctx context.Context, reached func() bool) error {
			_, err := h.slack.WaitMessage(ctx, func(botlab.SlackMessage) bool { return reached() })
			return err
		},
	}
}

// speaker is one of two bots, with the ways that it has to the hub and to its messenger.
type speaker struct {
	*house
	messenger
	way     *cuttable
	posts   *posts
	metrics string
}

// takeover is how long the other may take, with what a busy machine needs, and the race
// detector.
func takeover() time.Duration {
	if raceDetector {
		return fleet.LeaseTTL + 30*time.Second
	}
	return fleet.LeaseTTL + 8*time.Second
}

func newTwo(t *testing.T, in func(*house) messenger) *two {
	t.Helper()
	p := &two{house: newHouse(t, settings{resolveAfter: 1, private: true})}
	p.messenger = in(p.house)
	p.folder3 = filepath.Join(p.folder, "third")
	_, err := fleet.BotKey(p.folder3)
	p.must(err)
	p.hub, err = hub.Start(t.Context(), hub.Config{Folder: p.folder3, Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	p.must(err)
	t.Cleanup(p.hub.Stop)
	return p
}

// bot configures one of two.
func (p *two) bot(name string) *speaker {
	p.Helper()
	s := &speaker{house: &house{T: p.T, folder: filepath.Join(p.folder, name), bundle: p.bundle, telegram: p.telegram, slack: p.slack, sample: p.sample, home: p.home},
		messenger: p.messenger, way: newCuttable(p.T, p.hub.Addr().String()), posts: newPosts(p.T, p.url), metrics: unusedAddress(p.T)}
	key, err := fleet.NewKey()
	p.must(err)
	p.must(fleet.ChangeMembers(p.folder3, func(m *fleet.Members) error {
		return m.Enrol(fleet.Member{Name: name, Key: key.Public(), Since: time.Now()})
	}))
	ca, err := trust.CA(p.folder3)
	p.must(err)
	enrolment, err := fleet.Enrolment{Hub: "tls://" + s.way.address, Name: name, Bot: true, Key: key, CA: ca}.Text("")
	p.must(err)
	text, err := os.ReadFile(p.config)
	p.must(err)
	var lines []string
	for line := range strings.Lines(strings.NewReplacer(p.folder+"/state", s.folder+"/state", p.url, s.posts.url).Replace(string(text))) {
		if !strings.Contains(line, p.other) && line != "people:\n" && !strings.Contains(line, "role: admin") {
			lines = append(lines, line)
		}
	}
	lines = append(lines, fmt.Sprintf("people: [{id: %q, role: admin}]\nfleet: {key_file: bot.enrolment, pair: true}\nmetrics: {listen: %q}\n", p.person, s.metrics))
	p.must(os.Mkdir(s.folder, 0o700))
	s.config = filepath.Join(s.folder, "domovoy.yaml")
	for name, text := range map[string]string{"telegram": p.telegram.Token(), "slack.bot": p.slack.BotToken(), "slack.app": p.slack.AppToken(), "bot.enrolment": enrolment, "domovoy.yaml": strings.Join(lines, "")} {
		p.must(os.WriteFile(filepath.Join(s.folder, name), []byte(text), 0o600))
	}
	return s
}

// TestOfTwoBotsOneSpeaks kills the bot that speaks, stops it, and cuts its way to the
// hub: each time the other takes over in time and says from what it begins, and never
// do both speak.
func TestOfTwoBotsOneSpeaks(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]func(*house) messenger{"Telegram": inTelegram, "Slack": inSlack} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newTwo(t, in).oneSpeaks()
		})
	}
}

func (p *two) oneSpeaks() {
	t := p.T
	a, b := p.bot("bot1"), p.bot("bot2")
	first := a.launch()
	baseline := p.counts(p.language, "baseline.title", 2000)
	p.hears(p.soon(), baseline)
	a.until("the first leaves a backup", func() bool { return strings.Count(first.told.String(), "a backup is left at the hub") == 2 })

	second := b.launch()
	b.waits(second)
	if health := b.probe("/healthz"); health != "200 ok" {
		t.Errorf("the second's health is %q", health)
	}
	if ready := b.probe("/readyz"); !strings.HasPrefix(ready, "503 waiting: the bot on ") || !strings.HasSuffix(ready, " speaks") {
		t.Errorf("the second is ready: %q", ready)
	}
	_, told, status := said("ask", "--config", b.config, "status")
	if status != exitOK || !strings.Contains(told, "speaks, since ") {
		t.Errorf("ask of the second: exit %d, %q", status, told)
	}
	if _, told, status := said("ask", "--config", a.config, "whoami"); status != exitOK || strings.Contains(told, "speaks") {
		t.Errorf("ask of the first: exit %d, %q", status, told)
	}

	first.kill()
	killed := time.Now()
	p.question("help between.example")
	p.takenOver("state.taken")
	if took := b.posts.first().Sub(killed); took > takeover() {
		t.Errorf("the second speaks %v after the first was killed", took)
	} else {
		t.Logf("the second speaks %v after the first was killed", took)
	}
	b.answers("after.kill")
	p.hears(p.soon(), p.unknown(p.language, "between.example"))
	if n := p.count(baseline); n != 1 {
		t.Errorf("the baseline was told %d times: the second does not know what the first told", n)
	}
	b.until("the second is ready", func() bool { return b.probe("/readyz") == "200 ok" })
	first = a.launch()
	a.waits(first)
	if !long(t) { // else the second is stopped, and cut off from the hub, too
		second.stop()
		first.stop()
		return
	}

	second.stop()
	p.takenOver("state.handed")
	a.answers("after.stop")

	second = b.launch()
	b.waits(second)
	asked := p.keepAsking()
	a.until("the first answers", func() bool { return p.count("busy") > 3 })
	a.posts.forget()
	b.posts.forget()
	a.way.cut()
	began := time.Now()
	p.takenOver("state.taken")
	t.Logf("the second speaks %v after the first was cut off", b.posts.first().Sub(began))
	a.way.mend()
	a.until("the first waits again", func() bool { return strings.Count(first.told.String(), "another bot speaks: this one waits") == 2 })
	questions := asked()
	b.answers("after.cut")
	if last, next := a.posts.last(), b.posts.first(); !last.Before(next) {
		t.Errorf("both speak: the first's last call came %v after the second's first", last.Sub(next))
	} else {
		t.Logf("nobody called for %v", next.Sub(last))
	}
	// Slack sends an event again a minute after a bot did not take it for the second time.
	late, stop := context.WithTimeout(p.Context(), 90*time.Second)
	defer stop()
	twice := 0
	for n := range questions {
		answer := p.unknown(p.language, fmt.Sprintf("busy%d.example", n))
		p.hears(late, answer)
		if p.count(answer) > 1 {
			twice++
		}
	}
	if twice > 1 { // that which was answered when the first became silent
		t.Errorf("%d of %d questions were answered twice", twice, questions)
	}
	t.Logf("%d of %d questions were answered twice", twice, questions)
	first.stop()
	second.stop()
}

// waits until a bot says that another speaks, and wants no call of it to Telegram.
func (s *speaker) waits(c *child) {
	s.Helper()
	s.until("it says that another speaks", func() bool { return strings.Contains(c.told.String(), "another bot speaks: this one waits") })
	s.posts.forget()
}

// takenOver waits until a bot says that it took over.
func (p *two) takenOver(key string) {
	p.Helper()
	host, err := os.Hostname()
	p.must(err)
	text, _, _ := strings.Cut(p.bundle.Locale(p.language, time.UTC).Say("state.about."+strings.TrimPrefix(key, "state."), i18n.Args{"Memory": "\x00", "Host": host}), "\x00")
	ctx, cancel := context.WithTimeout(p.Context(), takeover()+10*time.Second)
	defer cancel()
	before := p.count(text)
	if p.await(ctx, func() bool { return p.count(text) > before }) != nil {
		p.Fatalf("nobody says %q", text)
	}
}

// count is how many messages have a text.
func (m messenger) count(text string) (n int) {
	for _, said := range m.texts() {
		if strings.Contains(said, text) {
			n++
		}
	}
	return n
}

// hears waits for a message that has a text.
func (p *two) hears(ctx context.Context, text string) {
	p.Helper()
	if p.await(ctx, func() bool { return p.count(text) > 0 }) != nil {
		p.Fatalf("nobody says %q", text)
	}
}

// answers wants an answer of this bot.
func (s *speaker) answers(word string) {
	s.Helper()
	before, text := s.posts.count(), s.unknown(s.language, word+".example")
	s.question("help " + word + ".example")
	if s.await(s.soon(), func() bool { return s.count(text) > 0 }) != nil {
		s.Fatalf("nobody says %q", text)
	}
	if s.posts.count() == before {
		s.Errorf("another bot answered %s", word)
	}
}

// keepAsking asks something every 1.5 s, which a chat can be answered at, until asked is called, which returns
// how many questions that were.
func (p *two) keepAsking() (asked func() int) {
	ctx, stop := context.WithCancel(p.Context())
	n := 0
	var asking sync.WaitGroup
	asking.Go(func() {
		tick := time.NewTicker(1500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				p.question(fmt.Sprintf("help busy%d.example", n))
				n++
			}
		}
	})
	p.Cleanup(stop)
	return func() int {
		stop()
		asking.Wait()
		return n
	}
}

// probe asks for the health of a bot.
func (s *speaker) probe(path string) string {
	s.Helper()
	q, err := http.NewRequestWithContext(s.soon(), http.MethodGet, "http://"+s.metrics+path, nil)
	s.must(err)
	answer, err := http.DefaultClient.Do(q)
	s.must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	s.must(err)
	return fmt.Sprint(answer.StatusCode, " ", strings.TrimSpace(string(text)))
}

// posts is one bot's way to a messenger, which notes when the bot called. It does not note
// the long calls by which a bot waits for updates, and those for a socket of them.
type posts struct {
	url string
	mu  sync.Mutex
	at  []time.Time
}

func newPosts(t *testing.T, to string) *posts {
	t.Helper()
	target, err := url.Parse(to)
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p := &posts{url: "http://" + l.Addr().String()}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/getUpdates") && !strings.HasSuffix(r.URL.Path, "/apps.connections.open") {
			p.mu.Lock()
			p.at = append(p.at, time.Now())
			p.mu.Unlock()
		}
		proxy.ServeHTTP(w, r)
	}), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }() // until it is closed
	t.Cleanup(func() { _ = server.Close() })
	return p
}

func (p *posts) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.at)
}

func (p *posts) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = nil
}

func (p *posts) first() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.at) == 0 {
		return time.Time{}
	}
	return p.at[0]
}

func (p *posts) last() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.at) == 0 {
		return time.Time{}
	}
	return p.at[len(p.at)-1]
}

// cuttable is a way to a hub that can be cut without either end noticing: what is sent
// meanwhile waits, and arrives when it is mended.
type cuttable struct {
	address string
	mu      sync.Mutex
	open    chan struct{} // closed: what comes is passed on
}

func newCuttable(t *testing.T, to string) *cuttable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	w := &cuttable{address: l.Addr().String(), open: make(chan struct{})}
	close(w.open)
	var all sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(func() { stop(); _ = l.Close(); all.Wait() })
	all.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			context.AfterFunc(ctx, func() { _ = near.Close(); _ = far.Close() })
			all.Go(func() { w.pass(ctx, near, far) })
			all.Go(func() { w.pass(ctx, far, near) })
		}
	})
	return w
}

func (w *cuttable) pass(ctx context.Context, from, to net.Conn) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		w.mu.Lock()
		open := w.open
		w.mu.Unlock()
		select {
		case <-open:
		case <-ctx.Done():
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (w *cuttable) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = make(chan struct{})
}

func (w *cuttable) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.open)
}
