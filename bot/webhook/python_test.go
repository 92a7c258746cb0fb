package webhook

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domovoy/bot/lab"
	"domovoy/checks/lab/internet"
	"domovoy/reports"
)

// heard is what the receiver says of a request.
type heard struct {
	Fault   string
	Headers map[string]string
	Body    string
}

// receiver is a receiver in Python, which verifies the signature itself.
type receiver struct {
	t     *testing.T
	url   string
	clock time.Time // its own: that of the tests may be another
	lines *bufio.Scanner
}

// newReceiver starts it with a certificate for localhost and a secret.
func newReceiver(t *testing.T, ca *internet.CA, secret string) *receiver {
	t.Helper()
	program, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("python3 is not installed; CI has it")
		}
		t.Skip("SKIPPED: python3 is not installed")
	}
	certificate := filepath.Join(t.TempDir(), "certificate.pem")
	issued, err := ca.Issue(internet.Leaf{Names: []string{"localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := lab.PEM(issued)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(certificate, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-I", "testdata/receiver.py", certificate, secret)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	r := &receiver{t: t, lines: bufio.NewScanner(out)}
	var port int
	var seconds int64
	if _, err := fmt.Sscan(r.line(), &port, &seconds); err != nil {
		t.Fatal(err)
	}
	r.url, r.clock = fmt.Sprintf("https://localhost:%d/alerts?token=very-secret", port), time.Unix(seconds, 0)
	return r
}

// hook makes webhooks that tell the receiver, by its clock.
func (r *receiver) hook(h Hook) *Webhooks {
	r.t.Helper()
	h.URL = cmp.Or(h.URL, r.url)
	w := newHook(r.t, h)
	w.now = func() time.Time { return r.clock }
	return w
}

func (r *receiver) line() string {
	r.t.Helper()
	if !r.lines.Scan() {
		r.t.Fatal("the receiver ended", r.lines.Err())
	}
	return r.lines.Text()
}

// next is the next request that it heard.
func (r *receiver) next() (h heard) {
	r.t.Helper()
	if err := json.Unmarshal([]byte(r.line()), &h); err != nil {
		r.t.Fatal(err)
	}
	return h
}

// TestPython: a receiver in another language verifies the signature, and reads the
// body by its schema. While the secret changes, it may know either.
func TestPython(t *testing.T) {
	ca, err := internet.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		knows   string
		signing []string
		fault   string
		want    string
	}{
		{"one secret", newSecret, []string{newSecret}, "", "<nil>"},
		{"the receiver knows the old one", oldSecret, []string{newSecret, oldSecret}, "", "<nil>"},
		{"the receiver knows the new one", newSecret, []string{newSecret, oldSecret}, "", "<nil>"},
		{"it knows another one", "something else", []string{newSecret, oldSecret}, "wrong signature", "refused 401"},
		{"no signature", newSecret, nil, "no time", "refused 401"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newReceiver(t, ca, tt.knows)
			w := r.hook(Hook{Secrets: tt.signing, Roots: ca.Roots()})
			_, err := w.Send(t.Context(), duty(), "", alert())
			if got := meaning(err); got != tt.want {
				t.Errorf("it means %q, want %q: %v", got, tt.want, err)
			}
			h := r.next()
			if h.Fault != tt.fault {
				t.Errorf("the receiver says %q, want %q", h.Fault, tt.fault)
			}
			if h.Headers["Idempotency-Key"] != "17-1795943400000" || h.Headers["Content-Type"] != "application/json" {
				t.Errorf("headers %v", h.Headers)
			}
			checkBody(t, []byte(h.Body))
		})
	}
}

// TestRepetition: a repetition has the key of the first try and a signature of its
// own time.
func TestRepetition(t *testing.T) {
	ca, err := internet.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	r := newReceiver(t, ca, newSecret)
	w := r.hook(Hook{Secrets: []string{newSecret}, Roots: ca.Roots()})
	for range 2 {
		if _, err := w.Send(t.Context(), duty(), "", alert()); err != nil {
			t.Fatal(err)
		}
	}
	first, second := r.next(), r.next()
	if a, b := first.Headers["Idempotency-Key"], second.Headers["Idempotency-Key"]; a != b || a == "" {
		t.Errorf("the keys are %q and %q", a, b)
	}
	if first.Fault != "" || second.Fault != "" {
		t.Errorf("the receiver says %q and %q", first.Fault, second.Fault)
	}
}

// TestTheEndIsTold: of what became of a message only the end of its problem is told,
// whatever the message was sent for.
func TestTheEndIsTold(t *testing.T) {
	ca, err := internet.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	r := newReceiver(t, ca, newSecret)
	w := r.hook(Hook{Secrets: []string{newSecret}, Roots: ca.Roots()})
	ref, err := w.Send(t.Context(), duty(), "", alert())
	if err != nil {
		t.Fatal(err)
	}
	taken, over := alert(), resolved()
	taken.Title = "somebody takes care of it"
	over.Facts.Event, over.Delivery = reports.Worsened, "18-1795943460000"
	for _, m := range []reports.Message{taken, over} {
		if err := w.Edit(t.Context(), duty(), ref, m); err != nil {
			t.Fatal(err)
		}
	}
	if first := r.next(); !strings.Contains(first.Body, `"event":"opened"`) {
		t.Errorf("first it is told %s", first.Body)
	}
	end := r.next()
	if !strings.Contains(end.Body, `"event":"resolved","problem":7`) || end.Headers["Idempotency-Key"] != "18-1795943460000" || end.Fault != "" {
		t.Errorf("then it is told %+v, want the end", end)
	}
	checkBody(t, []byte(end.Body))
}

// TestWrongCertificate: a receiver whose certificate is not valid is told nothing.
func TestWrongCertificate(t *testing.T) {
	ca, err := internet.NewCA()
	other, failed := internet.NewCA()
	if err := errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	r := newReceiver(t, ca, newSecret)
	for name, h := range map[string]Hook{
		"an unknown CA": {Roots: other.Roots()},
		"another name":  {URL: strings.Replace(r.url, "localhost", "127.0.0.1", 1), Roots: ca.Roots()},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.hook(h).Send(t.Context(), duty(), "", alert())
			if meaning(err) != "unclear" || !strings.Contains(err.Error(), "x509: ") {
				t.Errorf("got %q, want a retry that names the certificate", err)
			}
		})
	}
}
