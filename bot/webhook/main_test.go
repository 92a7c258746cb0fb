package webhook

import (
	"crypto/x509"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"domovoy/bot"
	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Secrets of the tests.
const (
	oldSecret = "the secret of 2025"
	newSecret = "the secret of 2026"
)

func bundle(tb testing.TB) *i18n.Bundle {
	tb.Helper()
	b, err := i18n.Load()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// duty is the hook of the tests.
func duty() bot.Address { return bot.Address{Messenger: Messenger, Chat: "duty"} }

// builtin is a form by its name.
func builtin(t *testing.T, name string) *Form {
	t.Helper()
	f, err := Builtin(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// newHook makes webhooks with one hook, whose form is Domovoy's own.
func newHook(t *testing.T, h Hook) *Webhooks {
	t.Helper()
	h.Name = "duty"
	if h.Form == nil {
		h.Form = builtin(t, "domovoy")
	}
	w, err := New([]Hook{h}, bundle(t))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// alert is a message about a problem, in Russian.
func alert() reports.Message {
	opened := time.Date(2026, 11, 28, 11, 0, 0, 0, time.FixedZone("MSK", 3*60*60))
	return reports.Message{
		Language: "ru", Tone: reports.ToneBad, Title: "isp1: не удалось выпустить 61 сертификат (порог 50)",
		Sections: []reports.Section{{Text: "Час назад было 14."}, {Heading: "Причины", Items: []reports.Item{{Text: "порт 80 не открывается", Note: "40"}}}},
		Facts: &reports.Facts{
			Event: reports.Opened, Problem: 7, Server: "isp1", Code: checks.PanelFailed, Severity: checks.Critical, Opened: opened,
			Count: &reports.Count{Value: 61, Threshold: 50}, Next: &reports.NextStep{Who: checks.Us, Text: "пройтись по списку"},
		},
		Delivery: "17-1795943400000",
	}
}

// resolved is the end of the same problem.
func resolved() reports.Message {
	m := alert()
	f := *m.Facts
	f.Event, f.Resolved, f.Severity, f.Next = reports.Resolved, f.Opened.Add(time.Hour), checks.Warning, nil // it was better before it was over
	m.Tone, m.Title, m.Facts = reports.ToneOver, "isp1: с выпуском снова всё в порядке", &f
	return m
}

// meaning names an error as the outbox understands it.
func meaning(err error) string {
	if p, ok := errors.AsType[*bot.Permanent](err); ok {
		return "permanent " + p.Reason
	}
	if r, ok := errors.AsType[*bot.Refused](err); ok {
		return "refused " + r.Reason
	}
	if r, ok := errors.AsType[*bot.RetryAfter](err); ok {
		return fmt.Sprint("wait ", r.After)
	}
	if u, ok := errors.AsType[*bot.Unclear](err); ok && u.Arrived {
		return "unclear, may have arrived"
	} else if ok {
		return "unclear"
	}
	return fmt.Sprint(err)
}

// only is a pool with the given certificates and no others.
func only(certificates ...*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, c := range certificates {
		pool.AddCert(c)
	}
	return pool
}
