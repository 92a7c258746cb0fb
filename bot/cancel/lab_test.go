package cancel_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/cancel"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/lab/boulder"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// paper is a messenger that records all messages.
type paper struct {
	mu    sync.Mutex
	order []string                     // references, as sent
	said  map[string][]reports.Message // by reference: the message as sent, then its edits
	at    map[string][]time.Time
	chat  map[string]string
}

func (p *paper) Listen(ctx context.Context, _ bot.Inbox) error { <-ctx.Done(); return nil }

func (p *paper) Send(_ context.Context, to bot.Address, _ string, m reports.Message) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ref := fmt.Sprint("m", len(p.order)+1)
	p.order = append(p.order, ref)
	p.said[ref], p.at[ref], p.chat[ref] = []reports.Message{m}, []time.Time{time.Now()}, to.String()
	return ref, nil
}

func (p *paper) Edit(_ context.Context, _ bot.Address, ref string, m reports.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said[ref], p.at[ref] = append(p.said[ref], m), append(p.at[ref], time.Now())
	return nil
}

// last returns the newest message of a chat, in its current form.
func (p *paper) last(chat string) (ref string, m reports.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, ref := range slices.Backward(p.order) {
		if p.chat[ref] == chat {
			return ref, p.said[ref][len(p.said[ref])-1]
		}
	}
	return "", reports.Message{}
}

// office is an engine with one panel, whose account is at a CA for tests. Its
// people: post:1 and post:2 are admins, post:3 is an operator, post:4 a viewer.
type office struct {
	*testing.T
	bot     *engine.Engine
	ca      *boulder.CA
	known   boulder.Account // at the CA
	account cancel.LocalAccount
	panel   *enginetest.Panel
	others  []cancel.LocalAccount // of further panels
	paper   *paper
	folder  string
	key     string // its file
	said    int
	stop    func()
}

// place creates an office without messages. language is that of all people.
func place(t *testing.T, ca *boulder.CA, language string) *office {
	t.Helper()
	o := &office{T: t, ca: ca, folder: t.TempDir(), paper: &paper{said: map[string][]reports.Message{}, at: map[string][]time.Time{}, chat: map[string]string{}}}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	o.must(err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	o.must(err)
	o.key = o.file("account.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	o.known = ca.Register(key.Public())
	o.bot = o.open(language)
	return o
}

// open creates an engine over the office's state file that has read its panel.
func (o *office) open(language string) *engine.Engine {
	o.Helper()
	j, err := journal.Open(o.Context(), filepath.Join(o.folder, "state.db"))
	o.must(err)
	o.Cleanup(func() { _ = j.Close() })
	o.panel = enginetest.NewPanel(
		checks.Site{Name: "shop.ru", Owner: "client17", Certificate: "shop.ru_le1", Aliases: []string{"www.shop.ru", "xn--e1afmkfd.xn--p1ai"}},
		checks.Site{Name: "blog.ru", Owner: "client2"})
	o.account = cancel.LocalAccount{Directory: o.ca.Directory(), HTTP: o.ca.Client(), UserAgent: "test", KeyFile: o.key, Logs: []string{filepath.Join(o.folder, "acme.log*")}}
	sources := []watch.Source{{Name: "isp1", Reader: o.panel, CA: o.at(o.account)}}
	for _, more := range o.others {
		sources = append(sources, watch.Source{Name: "isp2", Reader: enginetest.NewPanel(), CA: o.at(more)})
	}
	e := enginetest.New(o, engine.Config{Journal: j, Sources: sources, Audience: bot.Audience{Language: language,
		People: map[string]bot.Role{"post:1": bot.Admin, "post:2": bot.Admin, "post:3": bot.Operator, "post:4": bot.Viewer},
		Chats:  []bot.Chat{{To: bot.Address{Messenger: "post", Chat: "-1"}, Language: language, Role: bot.Viewer}}}})
	enginetest.Read(o, e)
	return e
}

// at returns the CA with an account.
func (o *office) at(account cancel.LocalAccount) *watch.CA {
	return &watch.CA{Directory: account.Directory, Cap: 5000, Rules: enginetest.LetsEncrypt(o), Account: account}
}

// with changes the office's account.
func (o *office) with(change func(*cancel.LocalAccount)) {
	change(&o.account)
	o.bot.Watch.Panels()[0].CA.Account = o.account
}

func (o *office) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

func (o *office) file(name, text string) string {
	o.Helper()
	path := filepath.Join(o.folder, name)
	o.must(os.WriteFile(path, []byte(text), 0o600))
	return path
}

// ordering makes the panel order a certificate.
func (o *office) ordering(c checks.Certificate) {
	o.panel.Change(func(s *checks.Snapshot) { s.Certificates = []checks.Certificate{c} })
}

// logged writes a log of the panel's ACME client with these authorizations.
func (o *office) logged(urls ...string) {
	o.Helper()
	var text strings.Builder
	for _, u := range urls {
		fmt.Fprintf(&text, "[Sat Nov 21 14:05:00 MSK 2026] _authz_url='%s'\n", u)
	}
	o.file("acme.log", text.String())
}

// works runs the office: messages are answered, and tasks are run.
func (o *office) works() {
	ctx, cancel := context.WithCancel(o.Context())
	var all sync.WaitGroup
	out := o.bot.Outbox(map[string]bot.Receiver{"post": o.paper})
	for _, run := range []func(context.Context) error{o.bot.Inbox.Run, o.bot.Tasks.Run, out.Run} {
		all.Go(func() { _ = run(ctx) })
	}
	o.stop = func() { cancel(); all.Wait() }
}

// say sends a person's text, runs the office for some time, and returns the
// chat's last message.
func (o *office) say(chat, person, text string, while time.Duration) reports.Message {
	o.Helper()
	return o.hear(bot.Update{Chat: chat, Person: person, Text: text}, while)
}

// press presses the first button of a message.
func (o *office) press(chat, person string, m reports.Message, while time.Duration) reports.Message {
	o.Helper()
	if len(m.Actions) == 0 {
		o.Fatalf("there is no button under %q", m.Title)
	}
	return o.hear(bot.Update{Chat: chat, Person: person, Button: m.Actions[0].ID}, while)
}

func (o *office) hear(u bot.Update, while time.Duration) reports.Message {
	o.Helper()
	o.said++
	u.Key, u.Name, u.At = fmt.Sprint(o.said), map[string]string{"post:1": "Ann", "post:2": "Bob", "post:3": "Olga", "post:4": "Viktor"}[u.Person], time.Now()
	o.must(o.bot.Inbox.Of("post").Receive(o.Context(), []bot.Update{u}, ""))
	time.Sleep(while)
	_, m := o.paper.last(u.Chat)
	return m
}

// audited returns the results of the last actions, oldest first.
func (o *office) audited() (entries []string) {
	o.Helper()
	acts, err := o.bot.Journal.AuditOf(o.Context(), "", 100)
	o.must(err)
	for _, a := range slices.Backward(acts) {
		entries = append(entries, fmt.Sprint(a.Person, " ", a.Command, " ", a.Result))
	}
	return entries
}

// pending returns the URLs of the account's pending authorizations.
func (o *office) pending() (urls []string) {
	for _, a := range o.ca.Authorizations(o.known.ID) {
		if a.Status == boulder.Pending {
			urls = append(urls, a.URL)
		}
	}
	slices.Sort(urls)
	return urls
}

func (o *office) chmod(path string, mode os.FileMode) {
	o.Helper()
	o.must(os.Chmod(path, mode))
}
