// Package mail sends messages by e-mail. It only sends: nobody can answer.
//
// # TLS
//
// On port 465 TLS begins at once (RFC 8314, section 3.3), on any other port by
// STARTTLS (RFC 3207), and the server's certificate must be valid for its name. A
// server that does not offer STARTTLS is used only on loopback, and only without
// credentials; it does not get a password in the clear.
//
// # Guarantees
//
// Send succeeds when the server has accepted the message. Each try of a delivery
// has the same Message-ID, so that a mailbox can recognize a repetition; messages
// about one problem form a thread.
//
// # The library
//
// go-mail has no contexts after the dial: the connection is closed when the context
// ends. Its SendError does not unwrap, so that its codes are used and its text.
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"domovoy/bot"
	"domovoy/i18n"
	"domovoy/reports"
)

// Messenger is the name that addresses of mailboxes begin with.
const Messenger = bot.Email

// Config configures New. Server and From are required; everything else may be zero.
type Config struct {
	Server   string // host:port
	From     string // an address without a name
	User     string // at the server; empty: no authentication
	Password string
	Roots    *x509.CertPool // nil: the system's
}

// Mail is a bot.Receiver, and a bot.Editor that sends how what was told ended. It is
// safe for concurrent use.
type Mail struct {
	host     string
	port     int
	implicit bool // TLS from the start
	config   Config
	bundle   *i18n.Bundle
}

var _ interface {
	bot.Receiver
	bot.Editor
} = (*Mail)(nil)

// New returns a Mail. It does not use the network. It returns an error for a server
// or a sender that cannot be valid.
func New(config Config, bundle *i18n.Bundle) (*Mail, error) {
	host, port, err := net.SplitHostPort(config.Server)
	if err != nil {
		return nil, fmt.Errorf("preparing e-mail: %w", err)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return nil, fmt.Errorf("preparing e-mail: %q is not a port", port)
	}
	if !strings.Contains(config.From, "@") {
		return nil, fmt.Errorf("preparing e-mail: %q is not a sender", config.From)
	}
	return &Mail{host: host, port: int(number), implicit: number == implicitPort, config: config, bundle: bundle}, nil
}

const (
	implicitPort = 465 // of TLS from the start (RFC 8314, section 7.3)
	dialTimeout  = 10 * time.Second
	talkTimeout  = time.Minute // of the whole talk with the server
	quitTimeout  = time.Second // for the answer to QUIT
)

// Send delivers a message to a mailbox. The reference is the Message-ID.
func (m *Mail) Send(ctx context.Context, to bot.Address, inReplyTo string, message reports.Message) (ref string, err error) {
	ctx, cancel := context.WithTimeout(ctx, talkTimeout)
	defer cancel()
	letter, err := m.compose(to.Chat, inReplyTo, message)
	if err != nil {
		return "", err
	}
	client, err := m.client(ctx)
	if err != nil {
		return "", err
	}
	if err := client.DialWithContext(ctx); err != nil {
		return "", m.explain("connecting to the mail server", err)
	}
	defer leave(client, cancel)
	if err := client.Send(letter); err != nil {
		return "", m.explain("sending the e-mail", err)
	}
	return letter.GetMessageID(), nil
}

// Edit sends an e-mail in reply to one about a problem, if the problem is over. Other
// changes of what was sent are not told.
func (m *Mail) Edit(ctx context.Context, to bot.Address, ref string, message reports.Message) error {
	if !message.Facts.Over() {
		return nil
	}
	_, err := m.Send(ctx, to, ref, message)
	return err
}

// Probe logs in and leaves, without sending anything.
func (m *Mail) Probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, talkTimeout)
	defer cancel()
	client, err := m.client(ctx)
	if err != nil {
		return err
	}
	if err := client.DialWithContext(ctx); err != nil {
		return m.explain("connecting to the mail server", err)
	}
	leave(client, cancel) // it let us in
	return nil
}

// leave says QUIT, and does not wait long for an answer: the message is accepted or
// not, whatever it is. cancel closes the connection.
func leave(client *gomail.Client, cancel context.CancelFunc) {
	impatient := time.AfterFunc(quitTimeout, cancel)
	defer impatient.Stop()
	_ = client.Close()
}

// client makes a client for one message: alerts are rare, and a connection kept
// open would often be dead.
func (m *Mail) client(ctx context.Context) (*gomail.Client, error) {
	security := &tls.Config{ServerName: m.host, RootCAs: m.config.Roots, MinVersion: tls.VersionTLS12}
	policy := gomail.TLSMandatory
	if m.config.User == "" && isLoopback(m.host) {
		policy = gomail.TLSOpportunistic
	}
	options := []gomail.Option{
		gomail.WithPort(m.port), gomail.WithTimeout(talkTimeout), gomail.WithTLSConfig(security), gomail.WithTLSPolicy(policy),
		gomail.WithoutNoop(), gomail.WithoutRset(),
		gomail.WithoutSMTPUTF8(), // our addresses need it not, and a server further on may refuse it (RFC 6531, section 3.2)
	}
	if m.implicit {
		options = append(options, gomail.WithSSL())
	}
	options = append(options, gomail.WithDialContextFunc(m.dialer(ctx, security)))
	if m.config.User != "" {
		options = append(options, gomail.WithUsername(m.config.User), gomail.WithPassword(m.config.Password), gomail.WithOpportunisticSMTPAuth(
			gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin, gomail.SMTPAuthCramMD5))
	}
	client, err := gomail.NewClient(m.host, options...)
	if err != nil {
		return nil, fmt.Errorf("preparing the e-mail: %w", err)
	}
	return client, nil
}

// dialer returns a function that connects, and that closes the connection when the
// context of the whole sending ends; the context that it is given is that of the
// dial alone.
func (m *Mail) dialer(ctx context.Context, security *tls.Config) gomail.DialContextFunc {
	return func(dialing context.Context, network, _ string) (net.Conn, error) {
		conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(dialing, network, m.config.Server)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { _ = conn.Close() })
		if !m.implicit {
			return conn, nil
		}
		secure := tls.Client(conn, security)
		if err := secure.HandshakeContext(dialing); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return secure, nil
	}
}

// isLoopback reports whether a server is on this host for certain.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
