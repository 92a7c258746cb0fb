package engine_test

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/jobs"
	"domovoy/bot/lab"
	"domovoy/bot/mail"
	"domovoy/bot/slack"
	"domovoy/bot/telegram"
	"domovoy/bot/watch"
	"domovoy/bot/webhook"
	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// phone is a receiver of webhooks that rings a phone. It refuses what is not signed.
type phone struct {
	*httptest.Server
	secret string

	mu    sync.Mutex
	lost  bool                // what it takes is not answered
	down  bool                // it takes nothing
	calls []map[string]string // what it took: event, problem, severity and key
	wrong int                 // without a valid signature
}

func newPhone(t *testing.T) *phone {
	t.Helper()
	p := &phone{secret: "a secret of thirty-two characters"}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	return p
}

func (p *phone) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	at, signature, _ := strings.Cut(r.Header.Get("Domovoy-Signature"), ",")
	mac := hmac.New(sha256.New, []byte(p.secret))
	fmt.Fprintf(mac, "%s.%s", strings.TrimPrefix(at, "t="), body)
	if signature != "v1="+hex.EncodeToString(mac.Sum(nil)) {
		p.wrong++
		w.WriteHeader(http.StatusForbidden)
		return
	}
	var said struct {
		Event, Severity string
		Problem         int
	}
	if err := json.Unmarshal(body, &said); err != nil {
		p.wrong++
		return
	}
	p.calls = append(p.calls, map[string]string{"event": said.Event, "problem": fmt.Sprint(said.Problem), "severity": said.Severity, "key": r.Header.Get("Idempotency-Key")})
	if p.lost {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}
}

// set changes how it behaves.
func (p *phone) set(change func(p *phone)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

// rung is how often it rang, repetitions included.
func (p *phone) rung() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.calls)
}

// events lists what it was told of the problem; repetitions are one.
func (p *phone) events() (events []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := map[string]bool{}
	for _, c := range p.calls {
		if !known[c["key"]] {
			events = append(events, c["event"]+" "+c["problem"])
		}
		known[c["key"]] = true
	}
	return events
}

// post is a mail server on loopback.
type post struct {
	net.Listener

	mu   sync.Mutex
	down bool
	got  int // mails
}

func newPost(t *testing.T) *post {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &post{Listener: l}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { defer conn.Close(); p.serve(conn) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return p
}

func (p *post) serve(conn net.Conn) {
	p.mu.Lock()
	down := p.down
	p.mu.Unlock()
	if down {
		fmt.Fprint(conn, "421 come again\r\n")
		return
	}
	fmt.Fprint(conn, "220 ready\r\n")
	in := bufio.NewReader(conn)
	data := false
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		word, _, _ := strings.Cut(line, " ")
		switch {
		case data && line != ".":
			continue
		case data:
			data = false
			p.mu.Lock()
			p.got++
			p.mu.Unlock()
			fmt.Fprint(conn, "250 ok\r\n")
		case word == "EHLO":
			fmt.Fprint(conn, "250-localhost\r\n250 8BITMIME\r\n")
		case word == "DATA":
			data = true
			fmt.Fprint(conn, "354 go on\r\n")
		case word == "QUIT":
			fmt.Fprint(conn, "221 bye\r\n")
			return
		default:
			fmt.Fprint(conn, "250 ok\r\n")
		}
	}
}

func (p *post) mails() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got
}

func (p *post) set(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// Chats of the joint test.
const (
	group   = int64(-1001234567890) // receives alerts
	ann     = int64(42)             // a step, and an administrator
	channel = "C0000000001"         // receives alerts
	second  = "C0000000002"         // a step
)

// duty is the whole bot with its receivers.
type duty struct {
	*testing.T
	network  *lab.Network
	telegram *lab.Telegram
	slack    *lab.Slack
	phone    *phone
	post     *post
	panel    *enginetest.Panel
	engine   *engine.Engine
}

// newDuty starts the bot in a bubble. Servers on the kernel's network are outside it:
// waiting for them stops the bubble's clock.
func newDuty(t *testing.T, p *phone, mails *post, bundle *i18n.Bundle) *duty {
	t.Helper()
	d := &duty{T: t, phone: p, post: mails, panel: enginetest.NewPanel(checks.Site{Name: "a.ru", Owner: "client1"})}
	d.network = lab.NewNetwork()
	var err error
	d.telegram, err = lab.NewTelegram(lab.TelegramOptions{Network: d.network, Strict: true})
	d.must(err)
	d.slack, err = lab.NewSlack(lab.SlackOptions{Network: d.network, Strict: true})
	d.must(err)
	d.telegram.AddChat(lab.Chat{ID: group, Title: "ops"})
	d.telegram.AddChat(lab.Chat{ID: ann, Title: "Ann"})
	for _, id := range []string{channel, second} {
		d.slack.AddChannel(lab.Channel{ID: id, Name: strings.ToLower(id)})
	}
	d.engine = enginetest.New(t, engine.Config{Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Policy: reports.Policy{ResolveAfter: 2, Remind: 4 * time.Hour, Thresholds: map[checks.Code]reports.Threshold{checks.PanelFailed: {Critical: 3}},
			Escalation: []reports.Step{{After: 10 * time.Minute, To: "slack:" + second}, {After: 20 * time.Minute, To: fmt.Sprint("telegram:", ann)},
				{After: 30 * time.Minute, To: "webhook:duty"}, {After: 40 * time.Minute, To: "email:duty@example.com"}, {After: 2 * time.Hour, To: "webhook:boss"}}},
		Sources: []watch.Source{{Name: "isp1", Reader: d.panel}}, Rules: watch.Rules{Within: time.Hour, Times: 2},
		Audience: bot.Audience{Bundle: bundle, Chats: []bot.Chat{
			{To: bot.Address{Messenger: "telegram", Chat: fmt.Sprint(group)}, Receives: []string{bot.Alerts}, Role: bot.Viewer},
			{To: bot.Address{Messenger: "slack", Chat: channel}, Receives: []string{bot.Alerts}}},
			People: map[string]bot.Role{fmt.Sprint("telegram:", ann): bot.Admin}}})
	return d
}

func (d *duty) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// every is a schedule of readings, each after that time.
type every time.Duration

func (e every) Next(after time.Time) time.Time {
	return after.Truncate(time.Duration(e)).Add(time.Duration(e))
}

// run has the bot run until stop.
func (d *duty) run() (stop func()) {
	d.Helper()
	bundle := d.engine.People.Bundle
	tg, err := telegram.New(telegram.Config{Token: d.telegram.Token, APIURL: d.telegram.URL(), Log: slog.New(slog.DiscardHandler), Dial: d.network.Dial}, bundle)
	d.must(err)
	sl, err := slack.New(slack.Config{BotToken: d.slack.BotToken(), AppToken: d.slack.AppToken(), APIURL: d.slack.APIURL(), Dial: d.network.Dial}, bundle)
	d.must(err)
	post, err := mail.New(mail.Config{Server: d.post.Addr().String(), From: "domovoy@example.com"}, bundle)
	d.must(err)
	form, err := webhook.Builtin("domovoy")
	d.must(err)
	hooks, err := webhook.New([]webhook.Hook{{Name: "duty", URL: d.phone.URL, Secrets: []string{d.phone.secret}, Form: form}, {Name: "boss", URL: d.phone.URL, Secrets: []string{d.phone.secret}, Form: form}}, bundle)
	d.must(err)
	ctx, cancel := context.WithCancel(d.Context())
	var running sync.WaitGroup
	running.Go(func() {
		_ = d.engine.Run(ctx, map[string]bot.Messenger{"telegram": tg, "slack": sl}, map[string]bot.Receiver{"email": post, "webhook": hooks},
			[]jobs.Job{{Name: "panel", When: every(time.Minute), Run: func(ctx context.Context, _ time.Time) error { return d.engine.Alerts.Observe(ctx, time.Now()) }}})
	})
	return func() { cancel(); running.Wait(); d.telegram.Close(); d.slack.Close() }
}

// fail has so many certificates fail from now on.
func (d *duty) fail(n int) {
	d.panel.Change(func(s *checks.Snapshot) {
		s.Certificates = nil
		for i := range 50 {
			c := checks.Certificate{ID: int64(i + 1), Name: fmt.Sprint("c", i), Failed: checks.Off}
			if i < n {
				c.Failed = checks.On
			}
			s.Certificates = append(s.Certificates, c)
		}
	})
}

// heard is what each place was told of the alert, in few words, without answers.
func (d *duty) heard() map[string]string {
	heard := map[string][]string{}
	add := func(place, text string) {
		for _, sign := range []struct{ text, word string }{{"back below the threshold", "over"}, {"5 certificates could not be issued", "alert"}} {
			if strings.Contains(text, sign.text) {
				if strings.Contains(text, "Taken by Ann") && sign.word == "alert" {
					sign.word = "alert(taken)"
				}
				heard[place] = append(heard[place], sign.word)
				return
			}
		}
	}
	for place, chat := range map[string]int64{"group": group, "ann": ann} {
		for _, m := range d.telegram.Messages(chat) {
			add(place, m.Text)
		}
	}
	for place, id := range map[string]string{"channel": channel, "second": second} {
		for _, m := range d.slack.Messages(id) {
			add(place, m.Body.Text+"\n"+m.Body.Read())
		}
	}
	out := map[string]string{"phone": strings.Join(d.phone.events(), ", "), "mail": fmt.Sprint(d.post.mails())}
	for place, words := range heard {
		out[place] = strings.Join(words, " ")
	}
	return out
}

func (d *duty) want(when string, want map[string]string) {
	d.Helper()
	got := d.heard()
	for _, place := range []string{"group", "channel", "second", "ann", "phone", "mail"} {
		wanted := want[place]
		if place == "mail" && wanted == "" {
			wanted = "0"
		}
		if got[place] != wanted {
			d.Errorf("%s: %s was told %q, want %q", when, place, got[place], wanted)
		}
	}
}

// take is the button of the alert in the group.
func (d *duty) take() {
	d.Helper()
	all := d.telegram.Messages(group)
	n := slices.IndexFunc(all, func(m lab.TelegramMessage) bool {
		return strings.Contains(m.Text, "5 certificates could not be issued")
	})
	if n < 0 {
		d.Fatalf("there is no alert: %v", all)
	}
	_, err := d.telegram.PressButton(group, all[n].ID, lab.User{ID: ann, FirstName: "Ann"}, "Take")
	d.must(err)
	time.Sleep(10 * time.Second)
}

// TestNobodyTakesIt plays a critical alert from its beginning to its end, with the real
// messengers and servers, in virtual time: nobody takes it, so that another chat, a
// person, a phone and a mailbox are told; then it is taken, then over. All who were
// told hear the end.
func TestNobodyTakesIt(t *testing.T) {
	for name, play := range map[string]func(d *duty){
		"all are told": func(d *duty) {
			time.Sleep(50 * time.Minute)
			d.want("after all steps but one", map[string]string{"group": "alert", "channel": "alert", "second": "alert", "ann": "alert", "phone": "escalated 1", "mail": "1"})
			d.take()
			d.want("taken", map[string]string{"group": "alert(taken)", "channel": "alert(taken)", "second": "alert(taken)", "ann": "alert(taken)", "phone": "escalated 1", "mail": "1"})
			time.Sleep(80 * time.Minute) // the boss is not called
			d.fail(0)
			time.Sleep(5 * time.Minute)
			d.want("over", map[string]string{"group": "over over", "channel": "over over", "second": "over over", "ann": "over over", "phone": "escalated 1, resolved 1", "mail": "2"})
		},
		"taken early": func(d *duty) {
			time.Sleep(15 * time.Minute)
			d.take()
			time.Sleep(time.Hour) // the phone is not called
			d.want("taken", map[string]string{"group": "alert(taken)", "channel": "alert(taken)", "second": "alert(taken)"})
			d.fail(0)
			time.Sleep(5 * time.Minute)
			d.want("over", map[string]string{"group": "over over", "channel": "over over", "second": "over over"})
		},
		"taken while a call waits to be sent": func(d *duty) {
			d.phone.set(func(p *phone) { p.down = true })
			d.post.set(true)
			time.Sleep(50 * time.Minute)
			d.take()
			d.phone.set(func(p *phone) { p.down = false })
			d.post.set(false)
			time.Sleep(time.Hour)
			// The group heard that nobody could be told by e-mail.
			d.want("taken", map[string]string{"group": "alert alert(taken)", "channel": "alert(taken)", "second": "alert(taken)", "ann": "alert(taken)"})
			d.fail(0)
			time.Sleep(5 * time.Minute)
			// The answer 503 may be a proxy's: perhaps the phone rang.
			d.want("over", map[string]string{"group": "over over over", "channel": "over over", "second": "over over", "ann": "over over", "phone": "resolved 1"})
		},
		"taken while the answer of a call is lost": func(d *duty) {
			d.phone.set(func(p *phone) { p.lost = true })
			time.Sleep(35 * time.Minute)
			d.take()
			rung := d.phone.rung()
			d.phone.set(func(p *phone) { p.lost = false })
			time.Sleep(time.Hour)
			if n := d.phone.rung(); n != rung || rung == 0 {
				d.Errorf("the phone rang %d times before it was taken, and %d times after", rung, n-rung)
			}
			d.fail(0)
			time.Sleep(5 * time.Minute)
			d.want("over", map[string]string{"group": "over over", "channel": "over over", "second": "over over", "ann": "over over", "phone": "escalated 1, resolved 1"})
		},
		"over before the phone": func(d *duty) {
			time.Sleep(25 * time.Minute)
			d.fail(0)
			time.Sleep(30 * time.Minute)
			d.want("over", map[string]string{"group": "over over", "channel": "over over", "second": "over over", "ann": "over over"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			phone, mails, bundle := newPhone(t), newPost(t), enginetest.Bundle(t)
			synctest.Test(t, func(t *testing.T) {
				d := newDuty(t, phone, mails, bundle)
				d.fail(0)
				stop := d.run()
				defer stop()
				time.Sleep(2 * time.Minute) // the first summary
				d.fail(5)
				time.Sleep(90 * time.Second)
				d.want("opened", map[string]string{"group": "alert", "channel": "alert"})
				play(d)
				if phone.wrong > 0 {
					t.Errorf("%d calls were not signed", phone.wrong)
				}
			})
		})
	}
}
