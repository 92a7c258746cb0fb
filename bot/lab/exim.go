package lab

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
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
  user = ` + eximUser + `

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{%[2]s}}{eq{$auth3}{%[3]s}}}}
  server_set_id = $auth2
`

// eximUser is the user that Debian's server runs as.
const eximUser = "Debian-exim"

// Exim is Debian's mail server on loopback, with a process for each connection, as
// from inetd. It offers STARTTLS and then a login; the mailbox nobody does not exist,
// later is greylisted, and the subject viagra is spam.
type Exim struct {
	program, folder string
	listener        net.Listener
	served          chan struct{}
	open            sync.WaitGroup
	one             sync.Mutex // one connection at a time
}

// ErrNoExim is why the server cannot run here.
var ErrNoExim = errors.New("exim4 is not installed, or this is not root")

// NewExim starts the server for one user. Close ends it.
func NewExim(login, password string, certificate *tls.Certificate) (*Exim, error) {
	program, err := exec.LookPath("exim4")
	if err != nil {
		program = "/usr/sbin/exim4"
	}
	if _, err := os.Stat(program); err != nil || os.Getuid() != 0 { // it takes connections from inetd for root only
		return nil, ErrNoExim
	}
	folder, err := os.MkdirTemp("", "exim") // the server's own user must reach it
	if err != nil {
		return nil, fmt.Errorf("making the mail server's folder: %w", err)
	}
	e := &Exim{program: program, folder: folder, served: make(chan struct{}, 100)}
	// The configuration is read again without root's rights.
	err = errors.Join(os.WriteFile(e.path("exim.conf"), fmt.Appendf(nil, eximConfig, folder, login, password), 0o644),
		os.Chmod(e.path("exim.conf"), 0o644), e.SetCertificate(certificate), e.give(folder))
	if err == nil {
		e.listener, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("preparing the mail server: %w", err), os.RemoveAll(folder))
	}
	e.open.Go(e.accept)
	return e, nil
}

func (e *Exim) path(name string) string { return filepath.Join(e.folder, name) }

// give gives a file to the user that the server runs as.
func (e *Exim) give(path string) error {
	who, err := user.Lookup(eximUser)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(who.Uid)
	return errors.Join(err, os.Chown(path, uid, -1))
}

// SetCertificate replaces the certificate, from the next connection on.
func (e *Exim) SetCertificate(certificate *tls.Certificate) error {
	path := e.path("certificate.pem")
	text, err := PEM(certificate)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(path, text, 0o600), e.give(path))
}

// PEM writes a certificate, its chain and its key, as servers read them.
func PEM(certificate *tls.Certificate) ([]byte, error) {
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("writing a key: %w", err)
	}
	var out bytes.Buffer
	for _, one := range certificate.Certificate {
		err = errors.Join(err, pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: one}))
	}
	err = errors.Join(err, pem.Encode(&out, &pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	return out.Bytes(), err
}

// Address is where the server listens: localhost and a port.
func (e *Exim) Address() string {
	return fmt.Sprint("localhost:", e.listener.Addr().(*net.TCPAddr).Port)
}

// Served receives a value after each connection, when its mail is delivered.
func (e *Exim) Served() <-chan struct{} { return e.served }

func (e *Exim) accept() {
	for {
		conn, err := e.listener.Accept()
		if err != nil {
			return
		}
		e.open.Go(func() { e.serve(conn) })
	}
}

// serve gives a connection to a process of the server, and waits until it has
// delivered.
func (e *Exim) serve(conn net.Conn) {
	e.one.Lock()
	defer e.one.Unlock()
	socket, err := conn.(*net.TCPConn).File()
	_ = conn.Close() // the socket is a copy
	if err != nil {
		return
	}
	cmd := exec.Command(e.program, "-C", e.path("exim.conf"), "-bs", "-odi")
	cmd.Stdin, cmd.Stdout = socket, socket
	err = cmd.Start()
	_ = socket.Close()
	if err == nil {
		_ = cmd.Wait() // its status is that of the talk
	}
	select {
	case e.served <- struct{}{}:
	default: // nobody counts
	}
}

// Mail returns the mail that was delivered, headers included, in no order.
func (e *Exim) Mail() ([]string, error) {
	e.one.Lock() // until the delivery is done
	defer e.one.Unlock()
	names, err := filepath.Glob(e.path("mail/new/*"))
	if err != nil {
		return nil, err
	}
	var all []string
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, string(text))
	}
	return all, nil
}

// Log is what the server says about its connections.
func (e *Exim) Log() string {
	e.one.Lock()
	defer e.one.Unlock()
	all := ""
	for _, name := range []string{"mainlog", "rejectlog", "paniclog"} {
		text, _ := os.ReadFile(e.path(name)) // it may have nothing to say
		all += string(text)
	}
	return all
}

// Close ends the server and removes its folder.
func (e *Exim) Close() {
	_ = e.listener.Close()
	e.open.Wait()
	_ = os.RemoveAll(e.folder)
}
