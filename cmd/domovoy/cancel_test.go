package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	mathrand "math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	botlab "domovoy/bot/lab"
	"domovoy/checks/lab/boulder"
)

// authority is a CA that behaves like Boulder, on a port, with an account whose
// key the panel of a house has.
type authority struct {
	*boulder.CA
	*house
	account boulder.Account

	mu   sync.Mutex
	trap func(boulder.Moment) // guarded by mu; called with each moment
}

// newAuthority adds a CA to the configuration of a house.
func newAuthority(h *house) *authority {
	h.Helper()
	a := &authority{house: h}
	var err error
	a.CA, err = boulder.Start(boulder.Options{Latency: 10 * time.Millisecond, Watch: a.watch})
	h.must(err)
	h.Cleanup(a.Close)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	h.must(err)
	a.account = a.Register(key.Public())
	der, err := x509.MarshalECPrivateKey(key)
	h.must(err)
	a.write("account.key", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})))
	a.write("root.pem", string(a.RootPEM()))
	there, err := url.Parse(a.Directory())
	h.must(err)
	a.write("limits.yaml", fmt.Sprintf(`cas:
- name: The lab
  hosts: ["%s"]
  deactivation: failure
  limits:
  - {name: failed_authorizations, scope: name, spent: failure, size: 5, refill: 12m}
`, there.Host))
	text, err := os.ReadFile(h.config)
	h.must(err)
	nobody := []byte(`acme: {directory: "https://127.0.0.1:9/directory"}}]`)
	acme := fmt.Appendf(nil, `acme: {directory: %q, ca_file: %[2]s/root.pem, account_key_file: %[2]s/account.key, logs: [%[2]s/acme.log], cap: 1000}}]
lookups: {limits_file: %[2]s/limits.yaml}`, a.Directory(), h.folder)
	if !bytes.Contains(text, nobody) {
		h.Fatalf("the configuration has another CA:\n%s", text)
	}
	h.must(os.WriteFile(h.config, bytes.Replace(text, nobody, acme, 1), 0o600))
	return a
}

func (a *authority) write(name, text string) {
	a.Helper()
	a.must(os.WriteFile(filepath.Join(a.folder, name), []byte(text), 0o600))
}

// logged writes the log of the panel's ACME client.
func (a *authority) logged(urls []string) {
	var text strings.Builder
	for _, u := range urls {
		fmt.Fprintf(&text, "[Sat Nov 21 14:05:00 MSK 2026] _authz_url='%s'\n", u)
	}
	a.write("acme.log", text.String())
}

func (a *authority) watch(m boulder.Moment) {
	a.mu.Lock()
	trap := a.trap
	a.mu.Unlock()
	if trap != nil {
		trap(m)
	}
}

// after calls a function once, during the n-th such moment.
func (a *authority) after(n int, kind boulder.Kind, done bool, do func()) (did <-chan struct{}) {
	over := make(chan struct{})
	var once sync.Once
	var mu sync.Mutex
	a.mu.Lock()
	defer a.mu.Unlock()
	a.trap = func(m boulder.Moment) {
		if m.Request.Kind != kind || m.Done != done {
			return
		}
		mu.Lock()
		n--
		hit := n <= 0
		mu.Unlock()
		if hit {
			once.Do(func() { do(); close(over) })
		}
	}
	return over
}

// exact checks that each of these was canceled once, and nothing else.
func (a *authority) exact(urls []string) {
	a.Helper()
	if twice := a.DeactivatedTwice(); len(twice) > 0 {
		a.Errorf("deactivated more than once: %q", twice)
	}
	var did []string
	for _, d := range a.Deactivations() {
		did = append(did, d.URL)
	}
	slices.Sort(did)
	if want := slices.Sorted(slices.Values(urls)); !slices.Equal(slices.Compact(did), want) {
		a.Errorf("%d authorizations were cancelled, want %d", len(did), len(want))
	}
}

// moment returns the moment at which the program is killed.
func moment(rng *mathrand.Rand) (kind boulder.Kind, done bool) {
	kinds := []boulder.Kind{boulder.KindDeactivate, boulder.KindDeactivate, boulder.KindRead}
	return kinds[rng.IntN(len(kinds))], rng.IntN(2) == 0
}

// TestKilledWhileCancelling kills the bot with SIGKILL repeatedly while it
// carries out a plan, mostly when the CA has processed a request but not
// answered it: each authorization is canceled once, and the message in the chat
// shows the result.
func TestKilledWhileCancelling(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 1})
	a := newAuthority(h)
	names := 25 // two authorizations each; fewer than five are canceled in a second
	if long(t) {
		names = 150
	}
	pending := a.Populate(a.account.ID, boulder.Names(names, "client.example"), 2, boulder.Pending)
	a.logged(pending)
	c := h.start()
	h.baseline()
	h.telegram.Say(admin, 0, admin, "Ann", "отмени authz все")
	m := h.inTelegram(admin, fmt.Sprintf("Незавершённых авторизаций: %d", len(pending)), "Для site0001.client.example это 2 из 5")
	if _, err := h.telegram.PressButton(admin, m.ID, botlab.User{ID: admin, FirstName: "Ann"}, fmt.Sprintf("Отменить %d", len(pending))); err != nil {
		t.Fatal(err)
	}
	rng := mathrand.New(mathrand.NewPCG(2026, 21))
	for range kills(t) {
		kind, done := moment(rng)
		select {
		case <-a.after(1+rng.IntN(6), kind, done, func() { _ = c.cmd.Process.Kill() }):
		case <-h.soon().Done():
			t.Fatalf("nothing happened: %d are cancelled, and the program said\n%s", len(a.Deactivations()), c.told)
		}
		_ = c.end()
		c = h.start()
	}
	h.eventually(func(m botlab.TelegramMessage) bool {
		return m.Chat == admin && has(m.Text, fmt.Sprintf("отменено авторизаций %d из %[1]d", len(pending)))
	})
	c.stop()
	a.exact(pending)
	charged := 0
	for _, n := range a.Charged(a.account.ID) {
		charged += n
	}
	if charged != len(pending) {
		t.Errorf("the CA charged %d, the plan said %d", charged, len(pending))
	}
}

// eventually waits for a message for three minutes.
func (h *house) eventually(wanted func(botlab.TelegramMessage) bool) {
	h.Helper()
	for range 6 {
		if _, err := h.telegram.WaitMessage(h.soon(), wanted); err == nil {
			return
		}
	}
	h.Fatal("the message has not come in three minutes")
}

// TestAskCancels cancels without a chat: it requests the plan as JSON, then
// runs its action's command, which is killed and repeated; a third time it is
// refused.
func TestAskCancels(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 1})
	a := newAuthority(h)
	pending := a.Populate(a.account.ID, boulder.Names(20, "client.example"), 1, boulder.Pending)
	valid := a.Populate(a.account.ID, []string{"site0001.client.example"}, 1, boulder.Valid)
	a.logged(slices.Concat(pending, valid))
	var plan struct {
		Plan struct {
			Authorizations []struct {
				URL, Domain, Status string
				Expires             time.Time
				Cost                int
			}
			Pending, Valid, Gone int
		}
		Actions []struct{ Label, Command string }
	}
	h.asked(&plan, 0, "cancel", "authz", "all")
	p := plan.Plan
	if len(p.Authorizations) != 20 || p.Pending != 20 || p.Valid != 1 || p.Gone != 0 || p.Authorizations[0].Cost != 1 || len(plan.Actions) != 1 {
		t.Fatalf("the plan is %+v", plan)
	}
	command := strings.Fields(plan.Actions[0].Command)
	first := h.asking(command...)
	started := make(chan struct{})
	over := a.after(5, boulder.KindDeactivate, true, func() { <-started; _ = first.Process.Kill() })
	h.must(first.Start())
	close(started)
	<-over
	_ = first.Wait() // the error is the signal

	var result struct {
		Result struct {
			Deactivated, Skipped, Failed int
			Items                        []struct{ URL, Domain, Result string }
		}
	}
	h.asked(&result, 0, command...)
	if r := result.Result; r.Deactivated != 20 || r.Skipped+r.Failed != 0 || len(r.Items) != 20 {
		t.Errorf("the result is %+v", r)
	}
	a.exact(pending)
	var refused struct{ Error struct{ Code, Text string } }
	h.asked(&refused, 1, command...)
	if refused.Error.Code != "used" || refused.Error.Text == "" {
		t.Errorf("again: %+v", refused)
	}
	var audit struct {
		Audit []struct{ Command, Result string }
		Whole bool
	}
	h.asked(&audit, 0, "audit")
	if !audit.Whole || len(audit.Audit) != 3 || audit.Audit[0].Result != "used" || !strings.HasPrefix(audit.Audit[1].Result, "done deactivated=20") {
		t.Errorf("the audit is %+v", audit)
	}
}

// asking is the command of the program that runs one command.
func (h *house) asking(words ...string) *exec.Cmd {
	cmd := exec.CommandContext(h.Context(), realProgram, append([]string{"ask", "--config", h.config, "--format", "json"}, words...)...)
	cmd.Stderr = &output{}
	return cmd
}

// asked runs one command, and decodes the answer.
func (h *house) asked(into any, status int, words ...string) {
	h.Helper()
	cmd := h.asking(words...)
	out, _ := cmd.Output()
	if got := cmd.ProcessState.ExitCode(); got != status {
		h.Fatalf("%q: exit status %d, want %d\n%s\n%s", words, got, status, out, cmd.Stderr)
	}
	if err := json.Unmarshal(out, into); err != nil {
		h.Fatalf("%q: %v\n%s", words, err, out)
	}
	follows(h.T, strings.Join(words, " "), out)
}
