package mail

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	stdmail "net/mail"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"domovoy/bot"
	"domovoy/checks/lab/internet"
	"domovoy/reports"
)

// eximConfig is a mail server that takes mail from users who logged in over TLS, and
// delivers it into a folder.
const eximConfig = `
spool_directory = %[1]s/spool
log_file_path = %[1]s/%%slog
keep_environment =
primary_hostname = mail.example.com
tls_advertise_hosts = *
tls_certificate = %[1]s/certificate.pem
auth_advertise_hosts = ${if def:tls_in_cipher {*}{}}
acl_smtp_rcpt = rcpt
acl_smtp_data = data

begin acl
rcpt:
  require authenticated = *
  deny local_parts = nobody
       message = no such mailbox
  defer local_parts = later
       message = come again
  accept
data:
  deny condition = ${if match{$h_Subject:}{viagra}}
       message = this is spam
  accept

begin routers
all:
  driver = accept
  transport = folder

begin transports
folder:
  driver = appendfile
  directory = %[1]s/mail
  maildir_format
  user = Debian-exim

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{domovoy}}{eq{$auth3}{%[2]s}}}}
  server_set_id = $auth2
`

// exim is Debian's mail server, a process for each connection.
type exim struct {
	t       *testing.T
	folder  string
	program string
	address string
	mu      sync.Mutex // one connection at a time
}

// newExim starts the mail server with a certificate.
func newExim(t *testing.T, certificate *tls.Certificate) *exim {
	t.Helper()
	program, err := exec.LookPath("exim4")
	if err != nil {
		program = "/usr/sbin/exim4"
	}
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("exim4 is not installed; CI has it")
		}
		t.Skip("SKIPPED: exim4 is not installed")
	}
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: exim4 takes connections from inetd for root only")
	}
	// t.TempDir cannot be entered by the server's own user.
	folder, err := os.MkdirTemp("", "exim")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	e := &exim{t: t, folder: folder, program: program}
	e.write("exim.conf", fmt.Appendf(nil, eximConfig, folder, password))
	e.write("certificate.pem", pemOf(t, certificate))
	e.give(folder, filepath.Join(folder, "certificate.pem"))
	if err := os.Chmod(filepath.Join(folder, "exim.conf"), 0o644); err != nil { // it is read again, without root's rights
		t.Fatal(err)
	}
	e.address = listen(t, e.serve)
	return e
}

// give gives files to the user that the server runs as.
func (e *exim) give(paths ...string) {
	e.t.Helper()
	who, err := user.Lookup("Debian-exim")
	if err != nil {
		e.t.Fatal(err)
	}
	uid, _ := strconv.Atoi(who.Uid)
	for _, path := range paths {
		if err := os.Chown(path, uid, -1); err != nil {
			e.t.Fatal(err)
		}
	}
}

func (e *exim) write(name string, data []byte) {
	e.t.Helper()
	if err := os.WriteFile(filepath.Join(e.folder, name), data, 0o600); err != nil {
		e.t.Fatal(err)
	}
}

// serve gives a connection to a process of the server, as inetd does, and waits
// until it has delivered.
func (e *exim) serve(conn net.Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	socket, err := conn.(*net.TCPConn).File()
	if err != nil {
		e.t.Error(err)
		return
	}
	conn.Close()
	cmd := exec.Command(e.program, "-C", filepath.Join(e.folder, "exim.conf"), "-bs", "-odi")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = socket, socket, e.t.Output()
	if err := errors.Join(cmd.Start(), socket.Close()); err != nil {
		e.t.Error(err)
		return
	}
	_ = cmd.Wait() // its status is that of the talk
}

// received returns the mail that was delivered.
func (e *exim) received() []*stdmail.Message {
	e.t.Helper()
	e.mu.Lock() // until the delivery is done
	defer e.mu.Unlock()
	names, err := filepath.Glob(filepath.Join(e.folder, "mail", "new", "*"))
	if err != nil {
		e.t.Fatal(err)
	}
	var all []*stdmail.Message
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			e.t.Fatal(err)
		}
		m, err := stdmail.ReadMessage(bytes.NewReader(text))
		if err != nil {
			e.t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// log returns what the server says about its connections.
func (e *exim) log() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []byte
	for _, name := range []string{"mainlog", "rejectlog", "paniclog"} {
		text, _ := os.ReadFile(filepath.Join(e.folder, name))
		all = append(all, text...)
	}
	return string(all)
}

// pemOf writes a certificate, its chain and its key.
func pemOf(t *testing.T, c *tls.Certificate) []byte {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, one := range c.Certificate {
		_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: one})
	}
	_ = pem.Encode(&out, &pem.Block{Type: "PRIVATE KEY", Bytes: key})
	return out.Bytes()
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
	m := newMail(t, server.address, ca.Roots())
	for range 2 { // the second is a repetition
		ref, err := m.Send(t.Context(), duty(), "", alert())
		if err != nil {
			t.Fatalf("%v\n%s", err, server.log())
		}
		if want := "<domovoy-17-1795943400000@hoster.example>"; ref != want {
			t.Errorf("the reference is %q, want %q", ref, want)
		}
	}
	mail := server.received()
	if len(mail) != 2 {
		t.Fatalf("%d e-mails, want 2\n%s", len(mail), server.log())
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

// TestEximRefuses shows what each refusal of a real mail server means to the outbox.
func TestEximRefuses(t *testing.T) {
	ca := newCA(t)
	server := newExim(t, issued(t, ca, "localhost"))
	wrong := newMail(t, server.address, ca.Roots())
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
				m = newMail(t, server.address, ca.Roots())
			}
			_, err := m.Send(t.Context(), bot.Address{Messenger: Messenger, Chat: tt.to}, "", tt.message)
			if got := meaning(err); got != tt.want {
				t.Errorf("it means %q, want %q: %v\n%s", got, tt.want, err, server.log())
			}
		})
	}
	if mail := server.received(); len(mail) != 0 {
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
			m := newMail(t, server.address, ca.Roots())
			_, err := m.Send(t.Context(), duty(), "", alert())
			if meaning(err) != "unclear" || !strings.Contains(err.Error(), "x509: ") {
				t.Errorf("got %q, want a retry that names the certificate", err)
			}
			if _, err := open(t, server.address).Send(t.Context(), duty(), "", alert()); meaning(err) != "unclear" || !strings.Contains(err.Error(), "x509: ") {
				t.Errorf("got %q without a login on loopback, want the same", err)
			}
			if mail := server.received(); len(mail) != 0 {
				t.Fatalf("%d e-mails were delivered", len(mail))
			}
			server.write("certificate.pem", pemOf(t, issued(t, ca, "localhost")))
			if _, err := m.Send(t.Context(), duty(), "", alert()); err != nil {
				t.Errorf("after the certificate was replaced: %v\n%s", err, server.log())
			}
			if mail := server.received(); len(mail) != 1 {
				t.Errorf("%d e-mails, want one", len(mail))
			}
		})
	}
}
