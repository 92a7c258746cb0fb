package mail

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	stdmail "net/mail"
	"os"
	"strings"
	"testing"

	"domovoy/bot"
	"domovoy/bot/lab"
	"domovoy/checks/lab/internet"
	"domovoy/reports"
)

// newExim starts Debian's mail server with a certificate.
func newExim(t *testing.T, certificate *tls.Certificate) *lab.Exim {
	t.Helper()
	server, err := lab.NewExim("domovoy", password, certificate)
	if errors.Is(err, lab.ErrNoExim) && os.Getenv("CI") == "" {
		t.Skipf("SKIPPED: %v", err)
	}
	if err != nil {
		t.Fatal(err) // CI has it
	}
	t.Cleanup(server.Close)
	return server
}

// received returns the mail that was delivered.
func received(t *testing.T, server *lab.Exim) []*stdmail.Message {
	t.Helper()
	texts, err := server.Mail()
	if err != nil {
		t.Fatal(err)
	}
	var all []*stdmail.Message
	for _, text := range texts {
		m, err := stdmail.ReadMessage(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// issued is a certificate of the CA for some names.
func issued(t *testing.T, ca *internet.CA, names ...string) *tls.Certificate {
	t.Helper()
	c, err := ca.Issue(internet.Leaf{Names: names})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// parts returns the text and the attachment of an e-mail.
func parts(t *testing.T, m *stdmail.Message) (text, file string) {
	t.Helper()
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	reader := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return text, file
		}
		if err != nil {
			t.Fatal(err)
		}
		if part.FileName() != "" {
			name, err := new(mime.WordDecoder).DecodeHeader(part.FileName())
			if err != nil {
				t.Fatal(err)
			}
			file = name
			continue
		}
		data, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		text = string(data)
	}
}

// TestExim sends through a real mail server, over STARTTLS and after a login.
func TestExim(t *testing.T) {
	ca := newCA(t)
	server := newExim(t, issued(t, ca, "localhost"))
	m := newMail(t, server.Address(), ca.Roots())
	for range 2 { // the second is a repetition
		ref, err := m.Send(t.Context(), duty(), "", alert())
		if err != nil {
			t.Fatalf("%v\n%s", err, server.Log())
		}
		if want := "<domovoy-17-1795943400000@hoster.example>"; ref != want {
			t.Errorf("the reference is %q, want %q", ref, want)
		}
	}
	mail := received(t, server)
	if len(mail) != 2 {
		t.Fatalf("%d e-mails, want 2\n%s", len(mail), server.Log())
	}
	for _, one := range mail {
		subject, err := new(mime.WordDecoder).DecodeHeader(one.Header.Get("Subject"))
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"Message-ID": "<domovoy-17-1795943400000@hoster.example>", "From": `"Domovoy" <domovoy@hoster.example>`, "To": "<duty@example.com>",
			"Auto-Submitted": "auto-generated", "In-Reply-To": "<domovoy-problem-7-1795939800@hoster.example>", "Content-Language": "ru",
		} {
			if got := one.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if want := "🔴 " + alert().Title; subject != want {
			t.Errorf("the subject is %q, want %q", subject, want)
		}
		if at, err := one.Header.Date(); err != nil || at.IsZero() {
			t.Errorf("the date: %v, %v", at, err)
		}
		text, file := parts(t, one)
		if file != "сайты.csv" {
			t.Errorf("the file is %q", file)
		}
		for _, want := range []string{alert().Title, "Час назад было 14.", "• порт 80 не открывается — 40", "> Invalid response from http://shop.ru/", "\n> ."} {
			if !strings.Contains(strings.ReplaceAll(text, "\r\n", "\n"), want) {
				t.Errorf("the text lacks %q:\n%s", want, text)
			}
		}
		if !strings.Contains(one.Header.Get("Received"), "with esmtpsa") {
			t.Errorf("it came without TLS or without a login: %s", one.Header.Get("Received"))
		}
	}
}

// TestTheEndIsAReply: of what became of a message only the end of its problem is
// told, in a reply.
func TestTheEndIsAReply(t *testing.T) {
	ca := newCA(t)
	server := newExim(t, issued(t, ca, "localhost"))
	m := newMail(t, server.Address(), ca.Roots())
	over := alert()
	over.Tone, over.Title, over.Delivery = reports.ToneOver, "all is well", "18-1795943460000"
	facts := *over.Facts
	facts.Event, over.Facts = reports.Resolved, &facts
	for _, message := range []reports.Message{alert(), over} {
		if err := m.Edit(t.Context(), duty(), "<domovoy-17-1795943400000@hoster.example>", message); err != nil {
			t.Fatal(err)
		}
	}
	mail := received(t, server)
	if len(mail) != 1 || mail[0].Header.Get("In-Reply-To") != "<domovoy-17-1795943400000@hoster.example>" ||
		mail[0].Header.Get("References") != "<domovoy-problem-7-1795939800@hoster.example> <domovoy-17-1795943400000@hoster.example>" ||
		mail[0].Header.Get("Message-ID") != "<domovoy-18-1795943460000@hoster.example>" {
		t.Errorf("got %v, want one reply\n%s", mail, server.Log())
	}
}

// TestEximRefuses shows what each refusal of a real mail server means to the outbox.
func TestEximRefuses(t *testing.T) {
	ca := newCA(t)
	server := newExim(t, issued(t, ca, "localhost"))
	wrong := newMail(t, server.Address(), ca.Roots())
	wrong.config.Password = "another"
	spam := alert()
	spam.Title = "viagra"
	for _, tt := range []struct {
		name    string
		mail    *Mail
		to      string
		message reports.Message
		want    string
	}{
		{"a mailbox that does not exist", nil, "nobody@example.com", alert(), "permanent 550"},
		{"a greylisted one", nil, "later@example.com", alert(), "unclear"},
		{"a text that is taken for spam", nil, "duty@example.com", spam, "refused 550"},
		{"a wrong password", wrong, "duty@example.com", alert(), "token 535"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := tt.mail
			if m == nil {
				m = newMail(t, server.Address(), ca.Roots())
			}
			if got, want := meaning(m.Probe(t.Context())), map[bool]string{false: "<nil>", true: tt.want}[m == wrong]; got != want {
				t.Errorf("asked whether it works, it says %q, want %q", got, want)
			}
			_, err := m.Send(t.Context(), bot.Address{Messenger: Messenger, Chat: tt.to}, "", tt.message)
			if got := meaning(err); got != tt.want {
				t.Errorf("it means %q, want %q: %v\n%s", got, tt.want, err, server.Log())
			}
		})
	}
	if mail := received(t, server); len(mail) != 0 {
		t.Errorf("%d e-mails were delivered", len(mail))
	}
}

// meaning names an error as the outbox understands it.
func meaning(err error) string {
	if p, ok := errors.AsType[*bot.Permanent](err); ok && p.Token {
		return "token " + p.Reason
	} else if ok {
		return "permanent " + p.Reason
	}
	if r, ok := errors.AsType[*bot.Refused](err); ok {
		return "refused " + r.Reason
	}
	if u, ok := errors.AsType[*bot.Unclear](err); ok && u.Arrived {
		return "unclear, may have arrived"
	} else if ok {
		return "unclear"
	}
	return fmt.Sprint(err)
}

// TestWrongCertificates: a server whose certificate is not valid gets neither the
// password nor the message; once the certificate is replaced, the retry succeeds.
func TestWrongCertificates(t *testing.T) {
	ca := newCA(t)
	for name, certificate := range map[string]*tls.Certificate{
		"another name":  issued(t, ca, "mail.example.com"),
		"an unknown CA": issued(t, newCA(t), "localhost"),
	} {
		t.Run(name, func(t *testing.T) {
			server := newExim(t, certificate)
			m := newMail(t, server.Address(), ca.Roots())
			_, err := m.Send(t.Context(), duty(), "", alert())
			if meaning(err) != "unclear" || !strings.Contains(err.Error(), "x509: ") {
				t.Errorf("got %q, want a retry that names the certificate", err)
			}
			if _, err := open(t, server.Address()).Send(t.Context(), duty(), "", alert()); meaning(err) != "unclear" || !strings.Contains(err.Error(), "x509: ") {
				t.Errorf("got %q without a login on loopback, want the same", err)
			}
			if mail := received(t, server); len(mail) != 0 {
				t.Fatalf("%d e-mails were delivered", len(mail))
			}
			if err := server.SetCertificate(issued(t, ca, "localhost")); err != nil {
				t.Fatal(err)
			}
			if _, err := m.Send(t.Context(), duty(), "", alert()); err != nil {
				t.Errorf("after the certificate was replaced: %v\n%s", err, server.Log())
			}
			if mail := received(t, server); len(mail) != 1 {
				t.Errorf("%d e-mails, want one", len(mail))
			}
		})
	}
}
